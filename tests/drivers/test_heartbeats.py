"""Heartbeats of one second. It takes seconds to see them, so all is watched at the same time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain

import pytest

import amqpconn.sync
from amqpconn.core.endpoint import EndpointCore
from amqpconn.errors import ConnectionFailed, HeartbeatsMissed
from amqpconn.testing import Peer
from tests.broker.certificates import Certificates
from tests.drivers.adapter import DRIVERS, Driver
from tests.drivers.helpers import PATIENCE, eventually

Connection = amqpconn.sync.Connection


@dataclass
class Watched:
    """A connection of one driver to one peer, and what became of it while its user was busy."""

    driver: str
    connection: Connection
    was_open: bool = False
    ours: int = 0
    error: ConnectionFailed | None = None


@dataclass
class Scene:
    """Peers that behave, that do not read, and that stand still."""

    clear: list[Watched]
    secure: list[Watched]
    deaf: list[Watched]
    frozen: list[Watched]


def compute(seconds: float) -> None:
    """Keep this thread busy, as callers do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


@pytest.fixture(scope="module")
def scene(certificates: Certificates) -> Iterator[Scene]:
    """Two and a half seconds in the life of eight connections, whose user computes, then sleeps."""
    with ExitStack() as stack:
        drivers = [stack.enter_context(DRIVERS[name]()) for name in sorted(DRIVERS)]
        context = certificates.server.server_context()
        peers = [
            stack.enter_context(Peer(heartbeat=1, ssl=ssl)) for ssl in (None, context, None, None)
        ]
        watched = [
            [
                (
                    Watched(
                        driver.name, driver.connect(peer.url(), ssl=certificates.client_context())
                    )
                    if peer is peers[1]
                    else Watched(driver.name, driver.connect(peer.url()))
                )
                for driver in drivers
            ]
            for peer in peers
        ]
        peers[2].pause_reading()
        peers[3].freeze()
        compute(1.3)
        time.sleep(1.3)
        with suppress(ConnectionFailed):
            watched[3][0].connection.wait_closed(PATIENCE)
        with suppress(ConnectionFailed):
            watched[3][1].connection.wait_closed(PATIENCE)
        for peer, connections in zip(peers, watched, strict=True):
            for session, each in zip(peer.sessions, connections, strict=True):
                each.was_open = each.connection.is_open
                each.ours = session.heartbeats
                each.error = each.connection.endpoint.error
        peers[2].resume_reading()
        peers[3].thaw()
        for each in chain.from_iterable(watched):
            each.connection.close()
        yield Scene(*watched)


def test_they_go_on_while_the_caller_computes_and_sleeps(scene: Scene) -> None:
    """The peer gives a client up that is silent for two seconds."""
    for each in scene.clear + scene.secure:
        assert each.was_open, each
        assert each.ours >= 3, each
        assert each.connection.tuning.heartbeat == 1


def test_peer_that_says_nothing_is_given_up(scene: Scene) -> None:
    for each in scene.frozen:
        assert not each.was_open
        assert isinstance(each.error, HeartbeatsMissed), each
        assert "nothing came from the peer" in str(each.error)
        assert each.error.retryable
        assert each.error.phase == "opened"
        assert 1.9 < each.error.elapsed["opened"] < PATIENCE


def test_peer_that_does_not_read_is_not_given_up_while_it_sends(scene: Scene) -> None:
    for each in scene.deaf:
        assert each.was_open, each
        assert each.connection.endpoint.error is None


def test_heartbeats_may_be_off(driver: Driver) -> None:
    with Peer(heartbeat=1) as peer, driver.connect(peer.url(), heartbeat=0) as connection:
        assert connection.tuning.heartbeat == 0
        assert connection.endpoint._core.next_deadline() is None
        assert not peer.sessions[0].heartbeats


def test_a_round_of_heartbeats_costs_what_is_due(
    driver: Driver, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many connections are open: the cores of the others are left alone."""
    looked_at, handle_timer = Counter[EndpointCore](), EndpointCore.handle_timer

    def counted(core: EndpointCore, now: float) -> None:
        looked_at[core] += 1
        handle_timer(core, now)

    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(driver.connect(peer.url(), heartbeat=60))
        due = [stack.enter_context(driver.connect(peer.url(), heartbeat=1)) for _ in range(3)]
        cores = {connection.endpoint._core for connection in due}
        monkeypatch.setattr(EndpointCore, "handle_timer", counted)
        eventually(lambda: all(looked_at[core] >= 2 for core in cores))
        assert set(looked_at) == cores
        assert max(looked_at.values()) <= 6
