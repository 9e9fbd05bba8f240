"""A broker that takes no messages for a while: connection.blocked and unblocked."""

from __future__ import annotations

import pytest

from amqpconn.core.assembler import Content
from amqpconn.core.endpoint import BLOCKED_LINGER_S, EndpointState
from amqpconn.core.events import Blocked, Down, HangUp
from amqpconn_spec.v0_9_1 import basic, connection
from tests.core.server import EPOCH, Client, opened


def blocked(reason: str = "low on memory") -> Client:
    client = opened()
    client.feed(connection.Blocked(reason))
    return client


@pytest.mark.parametrize("reason", ["low on memory", "disk", ""])
def test_blocked_and_unblocked_are_told(reason: str) -> None:
    client = blocked(reason)
    assert client.event(Blocked).reason == reason
    assert client.core.manager.blocked_reason == reason
    client.feed(connection.Unblocked())
    assert client.event(Blocked).reason is None
    assert client.core.manager.blocked_reason is None
    assert client.core.manager.is_open
    assert client.sent() == []


def test_a_second_reason_replaces_the_first() -> None:
    client = blocked("low on memory")
    client.feed(connection.Blocked("low on memory & disk"))
    assert [event.reason for event in client.events() if isinstance(event, Blocked)] == [
        "low on memory",
        "low on memory & disk",
    ]
    assert client.core.manager.blocked_reason == "low on memory & disk"


def test_messages_are_written_all_the_same() -> None:
    # It is the broker that does not read them; holding them back is the business of users.
    client = blocked()
    client.core.send(basic.Publish(), client.open_channel(), Content(b"x"))
    assert len(client.sent()) == 3


def test_close_does_not_wait_for_a_server_that_does_not_read() -> None:
    client = blocked()
    client.core.close(client.now, timeout=60.0)
    _, hang_up = client.events()
    assert isinstance(hang_up, HangUp)
    assert not hang_up.quick
    assert client.methods() == [connection.Close(200, "bye")]  # it may read again one day
    assert client.down() is None
    assert client.event(Down).error is None
    assert client.core.state is EndpointState.DISCONNECTED


@pytest.mark.parametrize(
    ("timeout", "patience"), [(0.1, 0.1), (60.0, BLOCKED_LINGER_S), (None, BLOCKED_LINGER_S)]
)
def test_its_last_bytes_get_a_bounded_time(timeout: float | None, patience: float) -> None:
    client = blocked()
    client.wait(10.0)
    client.core.close(client.now, timeout)
    client.events()
    assert client.core.next_deadline() == EPOCH + 10.0 + patience
    client.wait(patience)
    assert client.event(HangUp).quick
    assert client.sent() == []


def test_close_after_unblocked_waits_again() -> None:
    client = blocked()
    client.feed(connection.Unblocked())
    client.events()
    client.core.close(client.now)
    assert client.events() == []
    client.feed(connection.CloseOk())
    assert client.event(HangUp).quick is False


def test_heartbeats_go_on() -> None:
    client = blocked()
    client.wait(30.0)
    assert len(client.sent()) == 1
