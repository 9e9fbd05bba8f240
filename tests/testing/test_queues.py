"""The queues of a peer: the default exchange, consumers, confirms, returns."""

from __future__ import annotations

import pytest

import amqpconn.sync
from amqpconn import Content
from amqpconn.errors import NotFound
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, confirm, queue, tx

Channel = amqpconn.sync.Channel
Connection = amqpconn.sync.Connection


def publish(channel: Channel, name: str, *bodies: bytes) -> None:
    for body in bodies:
        channel.send(basic.Publish(routing_key=name), Content(body))


def bodies(channel: Channel, number: int) -> list[bytes]:
    received = [channel.receive(timeout=10) for _ in range(number)]
    return [content.body for _, content in received if content]


def test_names_are_made_up_when_none_is_given(channel: Channel) -> None:
    first, second = (channel.call(queue.Declare()).queue for _ in range(2))
    assert first.startswith("amq.gen-")
    assert first != second


def test_messages_are_kept_and_counted(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    publish(channel, "q", b"1", b"2", b"3")
    assert channel.call(queue.Declare(queue="q", passive=True)) == queue.DeclareOk("q", 3, 0)
    reply, _ = channel.fetch(basic.Get(queue="q"))
    assert reply == basic.GetOk(1, False, "", "q", 2)
    assert channel.call(queue.Purge(queue="q")) == queue.PurgeOk(2)
    assert channel.fetch(basic.Get(queue="q")) == (basic.GetEmpty(), None)


@pytest.mark.parametrize(
    "method",
    [
        queue.Declare(queue="missing", passive=True),
        queue.Purge(queue="missing"),
        basic.Consume(queue="missing"),
    ],
)
def test_queues_that_are_missing_are_refused(
    channel: Channel, method: queue.Declare | queue.Purge | basic.Consume
) -> None:
    with pytest.raises(NotFound, match="missing"):
        channel.call(method)


def test_deleting_is_harmless_a_second_time(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    publish(channel, "q", b"1")
    assert channel.call(queue.Delete(queue="q")) == queue.DeleteOk(1)
    assert channel.call(queue.Delete(queue="q")) == queue.DeleteOk(0)


def test_consumers_take_turns_in_all_connections(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    with amqpconn.sync.connect(peer.url()) as elsewhere:
        consumers = [channel, connection.endpoint.open_channel(), elsewhere.endpoint.open_channel()]
        channel.call(queue.Declare(queue="q"))
        for consumer in consumers:
            consumer.call(basic.Consume(queue="q"))
        assert channel.call(queue.Declare(queue="q")).consumer_count == 3
        publish(channel, "q", *(b"%d" % number for number in range(6)))
        assert [bodies(consumer, 2) for consumer in consumers] == [
            [b"0", b"3"],
            [b"1", b"4"],
            [b"2", b"5"],
        ]


def test_consumer_gets_what_waits(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    publish(channel, "q", b"1", b"2")
    assert channel.call(basic.Consume(queue="q")) == basic.ConsumeOk("ctag-1")
    assert bodies(channel, 2) == [b"1", b"2"]


@pytest.mark.parametrize("end", ["cancel", "channel", "connection"])
def test_consumers_go(peer: Peer, channel: Channel, end: str) -> None:
    with amqpconn.sync.connect(peer.url()) as other:
        consumer = other.endpoint.open_channel()
        consumer.call(queue.Declare(queue="q"))
        consumer.call(basic.Consume(queue="q", consumer_tag="me"))
        if end == "cancel":
            assert consumer.call(basic.Cancel(consumer_tag="me")) == basic.CancelOk("me")
        elif end == "channel":
            consumer.close()
        else:
            other.close()
        assert channel.call(queue.Declare(queue="q")).consumer_count == 0
        publish(channel, "q", b"kept")
        assert channel.call(queue.Declare(queue="q")).message_count == 1


def test_cancelling_one_consumer_leaves_others(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(queue.Declare(queue="p"))
    for tag, name in (("a", "q"), ("b", "q"), ("a", "p")):
        channel.call(basic.Consume(queue=name, consumer_tag=tag))
    channel.call(basic.Cancel(consumer_tag="unknown"))
    channel.call(basic.Cancel(consumer_tag="a"))
    assert channel.call(queue.Declare(queue="q")).consumer_count == 1
    assert channel.call(queue.Declare(queue="p")).consumer_count == 0


def test_publishes_are_confirmed_when_that_is_asked_for(channel: Channel) -> None:
    publish(channel, "none", b"before")
    channel.call(confirm.Select())
    publish(channel, "none", b"1", b"2")
    assert [channel.receive(timeout=10)[0] for _ in range(2)] == [basic.Ack(1), basic.Ack(2)]


def test_confirms_end_with_the_channel(connection: Connection, channel: Channel) -> None:
    channel.call(confirm.Select())
    channel.close()
    again = connection.endpoint.open_channel()
    assert again.id == channel.id
    publish(again, "none", b"1")
    assert again.call(tx.Select()) == tx.SelectOk()
    with pytest.raises(TimeoutError):
        again.receive(timeout=0.02)


def test_mandatory_messages_come_back_from_nowhere(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    for exchange, key in (("", "q"), ("", "nowhere"), ("e", "q")):
        channel.send(basic.Publish(exchange, key, mandatory=True), Content(b"x"))
    returned = [channel.receive(timeout=10)[0] for _ in range(2)]
    assert returned == [
        basic.Return(312, "NO_ROUTE", "", "nowhere"),
        basic.Return(312, "NO_ROUTE", "e", "q"),
    ]
    assert channel.call(queue.Declare(queue="q")).message_count == 1
