"""A peer that does not read slows its users down, and memory stays bounded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import pytest

import amqpconn.sync
from amqpconn.errors import CallTimeout, NotOpen
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, tx
from tests.drivers.adapter import Driver
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


def kept(driver: Driver, connection: Connection) -> int:
    """Bytes that the driver has taken and the system has not."""
    link = connection.endpoint._link
    if driver.name == "sync":
        unsent = len(link._unsent)
    else:
        transport = link._transport  # type: ignore[attr-defined]
        unsent = transport.get_write_buffer_size() if transport else 0
    return connection.endpoint._core.output.size + unsent


def fill(channel: Channel) -> int:
    """Send until nothing goes any more; the number of messages that went."""
    for sent in count():
        try:
            channel.send(PUBLISH, message(b"%d" % sent + bytes(SIZE)), timeout=0.1)
        except CallTimeout:
            return sent
    raise AssertionError


def test_senders_wait_and_memory_is_bounded(
    driver: Driver, deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    sent = fill(channel)
    assert kept(driver, connection) <= HIGH_WATER + SIZE + 100
    before = time.monotonic()
    with pytest.raises(CallTimeout, match="nothing was sent"):
        channel.send(PUBLISH, message(b"x"), timeout=0.05)
    with pytest.raises(CallTimeout):
        channel.call(tx.Select(), timeout=0.05)
    assert 0.1 <= time.monotonic() - before < 5
    assert kept(driver, connection) <= HIGH_WATER + SIZE + 100
    deaf.resume_reading()
    channel.send(PUBLISH, message(b"end"))
    bodies = [it.content.body for it in deaf.wait_for("basic.publish", sent + 1) if it.content]
    numbers = [body.rstrip(b"\0") for body in bodies]
    assert numbers == [*(b"%d" % number for number in range(sent)), b"end"]


def test_several_senders_do_not_add_up(
    driver: Driver, deaf: Peer, connection: Connection, channel: Channel
) -> None:
    deaf.pause_reading()
    sent = fill(channel)
    senders = [
        Background(lambda: channel.send(PUBLISH, message(bytes(SIZE)), timeout=None))
        for _ in range(8)
    ]
    time.sleep(0.05)
    assert all(sender.is_running for sender in senders)
    assert kept(driver, connection) <= HIGH_WATER + SIZE + 100
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
