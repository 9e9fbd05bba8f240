"""Channels: ids, limits, and the end from either side."""

from __future__ import annotations

import pytest

import amqpconn.sync
from amqpconn.errors import CallTimeout, ChannelClosed, NoFreeChannel, NotFound, NotOpen
from amqpconn.testing import Peer, Refused
from amqpconn_spec.v0_9_1 import basic, queue, tx
from amqpconn_spec.v0_9_1 import channel as channel_class
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, message

Connection = amqpconn.sync.Connection
Channel = amqpconn.sync.Channel


def test_ids_count_from_one_and_are_used_again(connection: Connection) -> None:
    endpoint = connection.endpoint
    first, second = endpoint.open_channel(), endpoint.open_channel()
    assert (first.id, second.id) == (1, 2)
    first.close()
    third = endpoint.open_channel()
    assert third.id == 1
    assert third.is_open
    assert not first.is_open
    with pytest.raises(NotOpen):
        first.call(tx.Select())
    assert third.call(tx.Select()) == tx.SelectOk()


def test_no_more_channels_than_agreed(driver: Driver) -> None:
    with Peer(channel_max=3) as peer, driver.connect(peer.url()) as connection:
        channels = [connection.endpoint.open_channel() for _ in range(3)]
        with pytest.raises(NoFreeChannel, match="3"):
            connection.endpoint.open_channel()
        channels[1].close()
        assert connection.endpoint.open_channel().id == 2
        assert len(peer.received("channel.open")) == 4


def test_with_block_closes_its_channel(peer: Peer, connection: Connection) -> None:
    with connection.endpoint.open_channel() as channel:
        assert channel.is_open
    assert not channel.is_open
    assert channel.error is None
    assert len(peer.received("channel.close")) == 1


def test_close_is_harmless_a_second_time(peer: Peer, channel: Channel) -> None:
    channel.close()
    channel.close()
    assert len(peer.received("channel.close")) == 1


def test_close_of_two_threads_is_one(peer: Peer, channel: Channel) -> None:
    peer.answer("channel.close", lambda _: None)
    closers = [Background(channel.close) for _ in range(3)]
    peer.wait_for("channel.close")
    peer.send(channel_class.CloseOk(), channel.id)
    for closer in closers:
        closer.result()
    assert len(peer.received("channel.close")) == 1


def test_close_says_code_and_reason(peer: Peer, channel: Channel) -> None:
    channel.close(reply_code=320, reply_text="enough")
    close = peer.received("channel.close")[0].method
    assert isinstance(close, channel_class.Close)
    assert (close.reply_code, close.reply_text) == (320, "enough")


def test_close_that_is_not_answered_times_out(peer: Peer, channel: Channel) -> None:
    peer.answer("channel.close", lambda _: None)
    with pytest.raises(CallTimeout, match=r"channel\.close"):
        channel.close(timeout=0.05)
    assert not channel.is_open
    channel.close()


def test_close_fails_the_calls_that_wait(peer: Peer, channel: Channel) -> None:
    peer.answer("queue.declare", lambda _: None)
    waiting = Background(lambda: channel.call(queue.Declare()))
    peer.wait_for("queue.declare")
    channel.close()
    assert isinstance(waiting.error(), NotOpen)


def test_refusal_closes_its_channel_only(connection: Connection, channel: Channel) -> None:
    other = connection.endpoint.open_channel()
    with pytest.raises(NotFound) as raised:
        channel.call(queue.Declare(queue="missing", passive=True))
    error = raised.value
    assert isinstance(error, ChannelClosed)
    assert (error.reply_code, error.failing_method, error.channel) == (404, "queue.declare", 1)
    assert "missing" in error.reply_text
    assert not channel.is_open
    assert isinstance(channel.error, NotFound)
    with pytest.raises(NotOpen) as later:
        channel.call(tx.Select())
    assert isinstance(later.value.__cause__, NotFound)
    assert other.call(tx.Select()) == tx.SelectOk()
    assert connection.is_open
    channel.close()


def test_server_that_closes_a_channel_is_noticed_by_those_who_wait(
    peer: Peer, channel: Channel
) -> None:
    waiting = Background(channel.receive)
    peer.send(channel_class.Close(406, "unknown delivery tag 7", 60, 80), channel.id)
    error = waiting.error()
    assert isinstance(error, ChannelClosed)
    assert (error.reply_code, error.failing_method) == (406, "basic.ack")
    peer.wait_for("channel.close-ok")


def test_channel_can_be_opened_again_after_the_server_closed_it(
    connection: Connection, channel: Channel
) -> None:
    with pytest.raises(NotFound):
        channel.call(queue.Purge(queue="missing"))
    again = connection.endpoint.open_channel()
    assert again.id == channel.id
    again.call(queue.Declare(queue="q"))
    again.send(basic.Publish(routing_key="q"), message(b"x"))
    assert again.fetch(basic.Get(queue="q"))[1] == message(b"x")


def test_opening_that_is_refused_raises(peer: Peer, connection: Connection) -> None:
    def refuse(_: object) -> None:
        raise Refused(504, "no")

    peer.answer("channel.open", refuse)
    with pytest.raises(ChannelClosed):
        connection.endpoint.open_channel()
    assert connection.is_open


def test_opening_that_is_not_answered_times_out_and_the_late_channel_is_closed(
    peer: Peer, connection: Connection
) -> None:
    peer.answer("channel.open", lambda _: None)
    with pytest.raises(CallTimeout, match=r"channel\.open"):
        connection.endpoint.open_channel(timeout=0.05)
    peer.send(channel_class.OpenOk(), 1)
    assert peer.wait_for("channel.close")[0].channel == 1
    del peer.behaviour.answers["channel.open"]
    assert connection.endpoint.open_channel().call(tx.Select()) == tx.SelectOk()


def test_flow_is_answered_and_shown(peer: Peer, channel: Channel) -> None:
    peer.send(channel_class.Flow(False), channel.id)
    assert channel.receive(timeout=10) == (channel_class.Flow(False), None)
    assert peer.wait_for("channel.flow-ok")[0].method == channel_class.FlowOk(False)


def test_channels_end_with_their_connection(connection: Connection, channel: Channel) -> None:
    connection.close()
    assert not channel.is_open
    assert channel.error is None
    for use in (
        lambda: channel.call(tx.Select()),
        lambda: channel.send(basic.Ack(1)),
        channel.receive,
        connection.endpoint.open_channel,
    ):
        with pytest.raises(NotOpen):
            use()
    channel.close()
