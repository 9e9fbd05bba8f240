"""A peer that does not read slows its users down, and memory stays bounded."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

import amqpconn.sync
from amqpconn.errors import CallTimeout, NotOpen
from amqpconn.sync import _link as sync_link
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, tx
from tests.drivers.helpers import PATIENCE, Background, eventually, message

Connection = amqpconn.sync.Connection
Channel = amqpconn.sync.Channel

SIZE = 100_000
HIGH_WATER = 65536
PUBLISH = basic.Publish(routing_key="none")


@pytest.fixture
def deaf(peer: Peer) -> Iterator[Peer]:
    """A peer that reads nothing in the test, and everything when it is over."""
    yield peer
    peer.resume_reading()


def kept(connection: Connection) -> int:
    """Bytes that the driver has taken and the system has not."""
    return kept_by(connection.endpoint._link)


def kept_by(link: Any) -> int:
    unsent = len(link._unsent)
    if not isinstance(link, sync_link.Link) and link._transport:
        unsent += link._transport.get_write_buffer_size()
    return int(link._core.output.size + unsent)


def fill(channel: Channel) -> int:
    """Send until nothing goes any more; the number of messages that went."""
    for sent in count():
        try:
            channel.send(PUBLISH, message(b"%d" % sent + bytes(SIZE)), timeout=0.1)
        except CallTimeout:
            return sent
    raise AssertionError


def test_senders_wait_and_memory_is_bounded(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    sent = fill(channel)
    assert kept(connection) <= HIGH_WATER + SIZE + 100
    before = time.monotonic()
    with pytest.raises(CallTimeout, match="nothing was sent"):
        channel.send(PUBLISH, message(b"x"), timeout=0.05)
    with pytest.raises(CallTimeout):
        channel.call(tx.Select(), timeout=0.05)
    assert 0.1 <= time.monotonic() - before < 5
    assert kept(connection) <= HIGH_WATER + SIZE + 100
    deaf.resume_reading()
    channel.send(PUBLISH, message(b"end"))
    bodies = [it.content.body for it in deaf.wait_for("basic.publish", sent + 1) if it.content]
    numbers = [body.rstrip(b"\0") for body in bodies]
    assert numbers == [*(b"%d" % number for number in range(sent)), b"end"]


def test_several_senders_do_not_add_up(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    sent = fill(channel)
    senders = [
        Background(lambda: channel.send(PUBLISH, message(bytes(SIZE)), timeout=None))
        for _ in range(8)
    ]
    time.sleep(0.05)
    assert all(sender.is_running for sender in senders)
    assert kept(connection) <= HIGH_WATER + SIZE + 100
    deaf.resume_reading()
    for sender in senders:
        sender.result()
    deaf.wait_for("basic.publish", sent + 8)


def test_those_who_wait_to_send_are_told_when_the_connection_ends(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    fill(channel)
    senders: list[Background[object]] = [
        Background(lambda: channel.send(PUBLISH, message(b"x"))),
        Background(lambda: channel.call(tx.Select())),
    ]
    time.sleep(0.02)
    connection.endpoint.abort()
    for sender in senders:
        assert isinstance(sender.error(), NotOpen)


def test_time_spent_waiting_counts(deaf: Peer, connection: Connection, channel: Channel) -> None:
    deaf.answer("tx.select", lambda _: None)
    deaf.pause_reading()
    fill(channel)
    before = time.monotonic()
    calling = Background(lambda: channel.call(tx.Select(), timeout=PATIENCE))
    time.sleep(0.4)
    deaf.resume_reading()
    deaf.wait_for("tx.select")
    deadline = connection.endpoint._core.next_deadline()
    assert deadline is not None
    assert deadline < before + PATIENCE + 0.3
    deaf.send(tx.SelectOk(), channel.id)
    calling.result()


def test_close_ends_in_its_time(deaf: Peer, connection: Connection, channel: Channel) -> None:
    deaf.pause_reading()
    fill(channel)
    before = time.monotonic()
    connection.close(timeout=0.1)
    assert 0.1 <= time.monotonic() - before < 5
    assert connection.endpoint.state.value == "disconnected"


def test_server_is_answered_although_the_stream_is_full(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    fill(channel)
    deaf.close_connections()
    eventually(lambda: connection.endpoint.state.value == "disconnecting")
    deaf.resume_reading()
    with pytest.raises(Exception, match="by the test"):
        connection.wait_closed(timeout=10)
    assert deaf.received("connection.close-ok")


SENDERS = 30
LARGE = 1_000_000


def test_memory_is_that_of_one_message_however_many_send(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    """All begin at once, with a body that is large and shared: only copies of it count."""
    body = bytes(LARGE)
    deaf.pause_reading()
    fill(channel)
    tracemalloc.start()
    try:
        senders = [
            Background(lambda: channel.send(PUBLISH, message(body), timeout=PATIENCE))
            for _ in range(SENDERS)
        ]
        time.sleep(0.2)
        assert all(sender.is_running for sender in senders)
        assert tracemalloc.get_traced_memory()[1] < len(body)
    finally:
        tracemalloc.stop()
    connection.endpoint.abort()
    for sender in senders:
        assert isinstance(sender.error(), NotOpen)


HUGE = 8_000_000


def test_a_message_is_copied_once_on_its_way_to_a_stream_that_does_not_take_it(
    deaf: Peer, channel: Channel
) -> None:
    content = message(bytes(HUGE))
    deaf.pause_reading()
    tracemalloc.start()
    try:
        channel.send(PUBLISH, content)
        assert HUGE / 2 < tracemalloc.get_traced_memory()[1] < HUGE + LARGE
    finally:
        tracemalloc.stop()
    deaf.resume_reading()
    (sent,) = deaf.wait_for("basic.publish")
    assert sent.content == content


@pytest.mark.parametrize("end", ["close", "the peer's close"])
def test_what_a_stream_has_not_taken_goes_before_the_end(
    deaf: Peer, connection: Connection, channel: Channel, end: str
) -> None:
    deaf.pause_reading()
    channel.send(PUBLISH, message(bytes(HUGE)))
    if end == "close":
        closing = Background(connection.close)
    else:
        deaf.close_connections()
        closing = Background(lambda: connection.wait_closed(timeout=PATIENCE))
        eventually(lambda: connection.endpoint.state.value == "disconnecting")
    deaf.resume_reading()
    closing.error()
    (sent,) = deaf.wait_for("basic.publish")
    assert sent.content is not None
    assert len(sent.content.body) == HUGE


def test_each_of_those_who_wait_waits_again_when_another_was_first(
    deaf: Peer,
    connection: Connection,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stream has room again and again; every time as many are woken, and one may go."""
    link = connection.endpoint._link
    largest, flush = [0], type(link)._flush

    def measured(flushed: Any, *now: float) -> None:
        flush(flushed, *now)
        largest[0] = max(largest[0], kept_by(flushed))

    monkeypatch.setattr(type(link), "_flush", measured)
    deaf.pause_reading()
    sent = fill(channel)
    senders = [
        Background(lambda: channel.send(PUBLISH, message(bytes(LARGE)), timeout=None))
        for _ in range(SENDERS)
    ]
    while any(sender.is_running for sender in senders):
        deaf.resume_reading()
        time.sleep(0.002)
        deaf.pause_reading()
        time.sleep(0.002)
    for sender in senders:
        sender.result()
    assert 0 < largest[0] <= HIGH_WATER + LARGE + 1000
    deaf.resume_reading()
    deaf.wait_for("basic.publish", sent + SENDERS)


def test_calls_and_new_channels_wait_as_messages_do(
    deaf: Peer, connection: Connection, channel: Channel
) -> None:
    """Or those who try again and again would fill the memory."""
    deaf.pause_reading()
    fill(channel)
    before = kept(connection)
    for _ in range(10):
        for use in (
            lambda: connection.endpoint.open_channel(timeout=0.01),
            lambda: connection.update_secret("x" * 1000, timeout=0.01),
            lambda: channel.call(tx.Select(), timeout=0.01),
        ):
            with pytest.raises(CallTimeout, match="nothing was sent"):
                use()
    assert kept(connection) <= before
    connection.endpoint.abort()
