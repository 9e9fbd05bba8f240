"""Heartbeats of one second, in both drivers at once, because it takes seconds to see them."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from amqpconn.errors import HeartbeatsMissed
from amqpconn.testing import Peer
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import PATIENCE


def compute(seconds: float) -> None:
    """Keep this thread busy, as callers do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def test_they_go_on_while_the_caller_computes_and_sleeps(
    both_drivers: list[Driver], certificates: Certificates
) -> None:
    """The peer gives a client up that is silent for two seconds."""
    context = certificates.client_context()
    with ExitStack() as stack:
        clear = stack.enter_context(Peer(heartbeat=1))
        secure = stack.enter_context(Peer(heartbeat=1, ssl=certificates.server.server_context()))
        connections = [
            stack.enter_context(driver.connect(peer.url(), ssl=context if peer is secure else None))
            for driver in both_drivers
            for peer in (clear, secure)
        ]
        assert {connection.tuning.heartbeat for connection in connections} == {1}
        compute(1.2)
        time.sleep(1.2)
        assert all(connection.is_open for connection in connections)
        for session in clear.sessions + secure.sessions:
            assert session.heartbeats >= 3


def test_peer_that_says_nothing_is_given_up(both_drivers: list[Driver]) -> None:
    with Peer(heartbeat=1) as peer:
        connections = [driver.connect(peer.url()) for driver in both_drivers]
        before = time.monotonic()
        peer.freeze()
        for connection in connections:
            with pytest.raises(HeartbeatsMissed, match="nothing came from the peer") as raised:
                connection.wait_closed(timeout=PATIENCE)
            assert raised.value.retryable
            assert raised.value.phase == "opened"
        assert 1.5 <= time.monotonic() - before < 5
        peer.thaw()


def test_peer_that_does_not_read_is_not_given_up_while_it_sends(
    both_drivers: list[Driver],
) -> None:
    with Peer(heartbeat=1) as peer:
        connections = [driver.connect(peer.url()) for driver in both_drivers]
        peer.pause_reading()
        time.sleep(2.5)
        assert all(connection.is_open for connection in connections)
        peer.resume_reading()
        for connection in connections:
            connection.close()
            assert connection.endpoint.error is None


def test_heartbeats_may_be_off(driver: Driver) -> None:
    with Peer(heartbeat=1) as peer, driver.connect(peer.url(), heartbeat=0) as connection:
        assert connection.tuning.heartbeat == 0
        assert connection.endpoint._core.next_deadline() is None
        assert not peer.sessions[0].heartbeats
