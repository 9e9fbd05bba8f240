"""Methods and their answers: call, fetch, send, receive."""

from __future__ import annotations

import time
from functools import partial

import pytest

import amqpconn.sync
from amqpconn.errors import CallTimeout, InvalidParameter, NotFound, NotOpen
from amqpconn.testing import Peer, Refused
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, confirm, queue, tx
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, eventually, message

Connection = amqpconn.sync.Connection
Channel = amqpconn.sync.Channel

FRAME_MAX = 4096
ROOM = FRAME_MAX - 8


def test_call_gives_the_reply(channel: Channel) -> None:
    assert channel.call(queue.Declare(queue="q")) == queue.DeclareOk("q", 0, 0)
    assert channel.call(queue.Purge(queue="q")) == queue.PurgeOk(0)


def test_endpoint_takes_channels_and_their_ids(connection: Connection, channel: Channel) -> None:
    endpoint = connection.endpoint
    assert endpoint.call(queue.Declare(queue="q"), channel).queue == "q"
    assert endpoint.call(queue.Declare(queue="q"), channel.id).queue == "q"
    endpoint.send(basic.Publish(routing_key="q"), channel.id, message(b"1"))
    assert endpoint.fetch(basic.Get(queue="q"), channel)[1] == message(b"1")


@pytest.mark.parametrize("channel_id", [0, 5])
def test_channels_that_are_not_open_cannot_be_used(connection: Connection, channel_id: int) -> None:
    for use in (
        lambda: connection.endpoint.call(queue.Declare(), channel_id),
        lambda: connection.endpoint.send(basic.Ack(1), channel_id),
    ):
        with pytest.raises(NotOpen, match=f"channel {channel_id} is not open"):
            use()


def test_channel_of_another_connection_is_refused(
    driver: Driver, peer: Peer, connection: Connection, channel: Channel
) -> None:
    with driver.connect(peer.url()) as other:
        for _ in range(2):
            with pytest.raises(InvalidParameter, match="another connection"):
                other.endpoint.call(queue.Declare(), channel)
            other.endpoint.open_channel()
    assert connection.endpoint.call(queue.Declare(queue="q"), channel).queue == "q"


def test_fetch_gives_reply_and_content(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.send(basic.Publish(routing_key="q"), message(b"hello", content_type="text/plain"))
    reply, content = channel.fetch(basic.Get(queue="q", no_ack=True))
    assert isinstance(reply, basic.GetOk)
    assert (reply.delivery_tag, reply.routing_key, reply.message_count) == (1, "q", 0)
    assert content == message(b"hello", content_type="text/plain")
    assert channel.fetch(basic.Get(queue="q")) == (basic.GetEmpty(), None)


def test_answers_with_content_are_not_for_call(channel: Channel) -> None:
    with pytest.raises(InvalidParameter, match="use fetch"):
        channel.call(basic.Get(queue="q"))


def test_send_and_call_are_for_different_methods(channel: Channel) -> None:
    with pytest.raises(InvalidParameter, match="use call"):
        channel.send(queue.Declare())
    with pytest.raises(InvalidParameter, match="use send"):
        channel.call(basic.Ack(1))
    with pytest.raises(InvalidParameter, match="use send"):
        channel.call(queue.Declare(queue="q", no_wait=True))
    channel.send(queue.Declare(queue="q", no_wait=True))
    assert channel.call(queue.Declare(queue="q", passive=True)).queue == "q"


def test_value_that_does_not_fit_is_the_callers_error_only(channel: Channel) -> None:
    with pytest.raises(EncodeError, match="queue"):
        channel.call(queue.Declare(queue="x" * 256))
    assert channel.call(tx.Select()) == tx.SelectOk()


@pytest.mark.parametrize(
    "size",
    [0, 1, ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 300_000],
)
def test_content_of_any_size_comes_back(driver: Driver, size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    with Peer(frame_max=FRAME_MAX) as peer, driver.connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        channel.call(queue.Declare(queue="q"))
        channel.send(basic.Publish(routing_key="q"), message(body, headers={"size": size}))
        _, content = channel.fetch(basic.Get(queue="q"))
        assert content == message(body, headers={"size": size})


def test_content_larger_than_the_buffers_of_the_system_comes_back(channel: Channel) -> None:
    body = bytes(5_000_000)
    channel.call(queue.Declare(queue="q"))
    channel.send(basic.Publish(routing_key="q"), message(body))
    _, content = channel.fetch(basic.Get(queue="q"))
    assert content is not None
    assert content.body == body


def test_receive_gives_what_the_server_initiates_in_order(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(basic.Consume(queue="q", consumer_tag="me"))
    for number in range(3):
        channel.send(basic.Publish(routing_key="q"), message(b"%d" % number))
    received = [channel.receive(timeout=10) for _ in range(3)]
    assert [content.body for _, content in received if content] == [b"0", b"1", b"2"]
    methods = [method for method, _ in received]
    assert methods == [basic.Deliver("me", tag, False, "", "q") for tag in (1, 2, 3)]


def test_returns_and_confirms_arrive(channel: Channel) -> None:
    channel.call(confirm.Select())
    channel.send(basic.Publish(routing_key="nowhere", mandatory=True), message(b"x"))
    returned, content = channel.receive(timeout=10)
    assert returned == basic.Return(312, "NO_ROUTE", "", "nowhere")
    assert content == message(b"x")
    assert channel.receive(timeout=10) == (basic.Ack(1), None)


def test_receive_times_out(channel: Channel) -> None:
    before = time.monotonic()
    with pytest.raises(CallTimeout, match="nothing arrived on channel 1"):
        channel.receive(timeout=0.05)
    assert time.monotonic() - before >= 0.05
    for timeout in (0, -1):
        with pytest.raises(CallTimeout):
            channel.receive(timeout=timeout)


def test_receive_gives_what_has_arrived_before_it_says_that_the_channel_is_closed(
    peer: Peer, channel: Channel
) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(basic.Consume(queue="q"))
    channel.send(basic.Publish(routing_key="q"), message(b"last"))
    with pytest.raises(NotFound):
        channel.call(queue.Purge(queue="missing"))
    assert channel.receive()[1] == message(b"last")
    with pytest.raises(NotFound):
        channel.receive()
    assert isinstance(channel.error, NotFound)
    assert peer.received("queue.purge")


def test_receive_on_a_channel_that_its_user_closed_is_not_open(channel: Channel) -> None:
    waiting = Background(channel.receive)
    channel.close()
    assert isinstance(waiting.error(), NotOpen)
    with pytest.raises(NotOpen, match="channel 1"):
        channel.receive()


def test_call_times_out_and_its_late_answer_is_dropped(peer: Peer, channel: Channel) -> None:
    peer.answer("queue.declare", lambda _: None)
    before = time.monotonic()
    with pytest.raises(CallTimeout, match=r"queue\.declare on channel 1"):
        channel.call(queue.Declare(queue="slow"), timeout=0.1)
    assert 0.1 <= time.monotonic() - before < 5
    peer.send(queue.DeclareOk("slow"), channel.id)
    peer.answer("queue.declare", lambda declare: queue.DeclareOk(declare.queue))
    assert channel.call(queue.Declare(queue="next")).queue == "next"


def test_calls_after_a_late_one_get_their_own_answers(peer: Peer, channel: Channel) -> None:
    peer.answer("queue.declare", lambda _: None)
    with pytest.raises(CallTimeout):
        channel.call(queue.Declare(queue="slow"), timeout=0.05)
    waiting = Background(lambda: channel.call(queue.Declare(queue="fast")))
    peer.wait_for("queue.declare", 2)
    peer.send(queue.DeclareOk("slow"), channel.id)
    peer.send(queue.DeclareOk("fast"), channel.id)
    assert waiting.result().queue == "fast"


@pytest.mark.parametrize("timeout", [1e7, None])
def test_timeouts_may_be_longer_than_selectors_can_wait(channel: Channel, timeout: float) -> None:
    assert channel.call(tx.Select(), timeout=timeout) == tx.SelectOk()
    channel.send(basic.Ack(1), timeout=timeout)
    channel.close(timeout=timeout)


def test_calls_of_one_channel_wait_side_by_side_and_get_their_own_answers(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    def declared(number: int) -> str:
        return channel.call(queue.Declare(queue=f"q{number}")).queue

    pending = connection.endpoint._core.channels.get(channel.id).pending  # type: ignore[union-attr]
    peer.freeze()
    calls = [Background(partial(declared, number)) for number in range(20)]
    eventually(lambda: len(pending) == 20)
    peer.thaw()
    assert [call.result() for call in calls] == [f"q{number}" for number in range(20)]


def test_calls_of_many_channels_are_under_way_at_the_same_time(
    peer: Peer, connection: Connection
) -> None:
    def declared(channel: Channel) -> str:
        return channel.call(queue.Declare(queue=f"q{channel.id}")).queue

    channels = [connection.endpoint.open_channel() for _ in range(20)]
    peer.answer(queue.Declare, lambda _: None)
    calls = [Background(partial(declared, channel)) for channel in channels]
    peer.wait_for(queue.Declare, 20)
    for channel in reversed(channels):
        peer.send(queue.DeclareOk(f"q{channel.id}"), channel.id)
    assert [call.result() for call in calls] == [f"q{channel.id}" for channel in channels]


def test_one_channel_does_not_wait_for_another(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    peer.answer("queue.declare", lambda _: None)
    waiting = Background(lambda: channel.call(queue.Declare()))
    peer.wait_for("queue.declare")
    other = connection.endpoint.open_channel()
    assert other.call(tx.Select()) == tx.SelectOk()
    assert waiting.is_running
    peer.send(queue.DeclareOk("now"), channel.id)
    assert waiting.result().queue == "now"


def test_refusal_of_one_call_fails_all_calls_of_its_channel(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    def refuse(declare: queue.Declare) -> None:
        if declare.queue == "bad":
            raise Refused(404, "no such thing")

    peer.answer("queue.declare", refuse)
    other = connection.endpoint.open_channel()
    first = Background(lambda: channel.call(queue.Declare(queue="good")))
    peer.wait_for("queue.declare")
    second = Background(lambda: channel.call(queue.Declare(queue="bad")))
    errors = [call.error() for call in (first, second)]
    assert all(isinstance(error, NotFound) for error in errors)
    assert errors[0] is not errors[1]
    assert other.call(tx.Select()) == tx.SelectOk()


def test_server_cancel_arrives_on_the_channel(peer: Peer, channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(basic.Consume(queue="q", consumer_tag="me"))
    channel.call(queue.Delete(queue="q"))
    assert channel.receive(timeout=10) == (basic.Cancel("me", True), None)
    eventually(lambda: peer.received("queue.delete"))
