"""A broker that takes no messages for a while, and new credentials for an open connection."""

from __future__ import annotations

import time

import pytest

import amqpconn.sync
from amqpconn.errors import CallTimeout, ConnectionClosed, NotAllowed, NotOpen
from amqpconn.testing import Block, Peer, Refused, Unblock
from amqpconn_spec.v0_9_1 import connection as connection_class
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, eventually

Connection = amqpconn.sync.Connection


def test_wait_unblocked_returns_at_once_when_nothing_is_blocked(connection: Connection) -> None:
    connection.wait_unblocked(timeout=0.01)


def test_wait_unblocked_waits(peer: Peer, connection: Connection) -> None:
    peer.block()
    eventually(lambda: connection.is_blocked)
    waiting = Background(connection.wait_unblocked)
    time.sleep(0.02)
    assert waiting.is_running
    peer.unblock()
    waiting.result()
    assert not connection.is_blocked


def test_wait_unblocked_goes_on_when_it_is_blocked_again_at_once(
    peer: Peer, connection: Connection
) -> None:
    told: list[str | None] = []
    connection.endpoint.on_blocked(told.append)
    peer.block("1")
    eventually(lambda: told == ["1"])
    waiting = Background(connection.wait_unblocked)
    time.sleep(0.02)
    peer.do(Unblock(), Block("2"))  # both come in the same piece
    eventually(lambda: told == ["1", None, "2"])
    time.sleep(0.02)
    assert waiting.is_running
    peer.unblock()
    waiting.result()


def test_wait_unblocked_times_out_and_says_why(peer: Peer, connection: Connection) -> None:
    peer.block("low on disk")
    eventually(lambda: connection.is_blocked)
    with pytest.raises(CallTimeout, match="low on disk"):
        connection.wait_unblocked(timeout=0.03)


def test_wait_unblocked_ends_with_the_connection(peer: Peer, connection: Connection) -> None:
    peer.block()
    eventually(lambda: connection.is_blocked)
    waiting = Background(connection.wait_unblocked)
    time.sleep(0.02)
    peer.drop_connections()
    assert isinstance(waiting.error(), NotOpen)


def test_wait_unblocked_needs_an_open_connection(driver: Driver) -> None:
    with pytest.raises(NotOpen):
        driver.Connection(driver.Endpoint()).wait_unblocked(timeout=1)


def test_close_does_not_wait_for_a_blocked_broker(peer: Peer, connection: Connection) -> None:
    peer.block()
    eventually(lambda: connection.is_blocked)
    peer.pause_reading()
    before = time.monotonic()
    connection.close(timeout=20)
    assert time.monotonic() - before < 10
    assert connection.endpoint.error is None
    peer.resume_reading()


@pytest.mark.parametrize("secret", ["new", b"new"])
def test_new_secret_reaches_the_server(
    peer: Peer, connection: Connection, secret: str | bytes
) -> None:
    connection.update_secret(secret, "it expires")
    received = peer.received("connection.update-secret")[0].method
    assert received == connection_class.UpdateSecret(b"new", "it expires")
    assert connection.is_open


def test_new_secret_that_is_refused_costs_the_connection(
    peer: Peer, connection: Connection
) -> None:
    def refuse(_: object) -> None:
        raise Refused(530, "no")

    peer.answer("connection.update-secret", refuse)
    with pytest.raises(NotAllowed) as raised:
        connection.update_secret("new")
    assert isinstance(raised.value, ConnectionClosed)
    assert raised.value.failing_method == "connection.update-secret"
    with pytest.raises(NotAllowed):
        connection.wait_closed(timeout=10)


def test_new_secret_needs_an_answer_in_time(peer: Peer, connection: Connection) -> None:
    peer.answer("connection.update-secret", lambda _: None)
    with pytest.raises(CallTimeout):
        connection.update_secret("new", timeout=0.03)
    peer.send(connection_class.UpdateSecretOk())
    del peer.behaviour.answers["connection.update-secret"]
    connection.update_secret("newer")


def test_new_secret_needs_an_open_connection(driver: Driver) -> None:
    with pytest.raises(NotOpen):
        driver.Connection(driver.Endpoint()).update_secret("new")
