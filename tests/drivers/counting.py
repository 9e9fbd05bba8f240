"""What a process holds: descriptors, threads, objects, memory. To be taken before and after."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from amqpconn.core import handshake, negotiation
from amqpconn.core.dialect import dialect_for
from amqpconn.sync import _reactor
from amqpconn.testing import Peer
from tests.conftest import holdings
from tests.drivers.helpers import PATIENCE


@dataclass(frozen=True)
class Census:
    """One count.

    Attributes:
        held: descriptors and threads.
        alarms: entries of the blocking driver's thread, if there is one.
        objects: by type, those that the collector knows.
        blocks: pieces of memory that Python has given out, bytes and numbers among them.
    """

    held: frozenset[str]
    alarms: int
    objects: Counter[str]
    blocks: int

    @classmethod
    def taken(cls) -> Census:
        """Count now."""
        _forget_servers()
        gc.collect()
        alarms = sum(len(reactor._alarms._heap) for reactor in _reactor._current)
        objects = Counter(type(each).__qualname__ for each in gc.get_objects())
        return cls(frozenset(holdings()), alarms, objects, sys.getallocatedblocks())

    def grown_since(self, before: Census) -> str:
        """What is more than before, but for a little that Python keeps for itself; or nothing."""
        grown = self.objects - before.objects
        found = sorted(self.held - before.held)
        if self.alarms > before.alarms + SLACK:
            found.append(f"{self.alarms - before.alarms} alarms")
        if grown.total() > SLACK:
            found.append(f"objects: {grown.most_common(8)}")
        if self.blocks > before.blocks + 4 * SLACK:
            found.append(f"{self.blocks - before.blocks} blocks of memory")
        return ", ".join(found)


def _forget_servers() -> None:
    """What connections share has limits, and tests of its own; failures fill it by chance."""
    dialect_for("0-9-1").beginnings.clear()
    handshake._words.cache_clear()
    negotiation.negotiate.cache_clear()


# What caches and what is made once: far less than one object for each of a thousand attempts.
SLACK = 150


def check_nothing_grows(
    work: Callable[[int], object], count: int, peer: Peer, patience_s: float = PATIENCE
) -> None:
    """Do `work(n)` for a few, then for `count`: the process holds no more than before."""
    work(count // 4)
    before = _settled(peer, lambda _: True, 0.0)
    work(count)
    after = _settled(peer, lambda census: not census.grown_since(before), patience_s)
    assert not after.grown_since(before), after.grown_since(before)


def _settled(peer: Peer, enough: Callable[[Census], bool], patience_s: float) -> Census:
    """Count when the peer has forgotten its clients; again until it is enough, or time is over."""
    end = time.monotonic() + patience_s
    while True:
        peer.wait_until(lambda: not peer._server.clients)
        peer._server.wake()  # its thread remembers whom it served last
        peer.sessions.clear()
        census = Census.taken()
        if enough(census) or time.monotonic() > end:
            return census
        time.sleep(0.05)
