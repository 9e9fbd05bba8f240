"""Stop what drives a connection, as a blocked event loop or a stopped process does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import amqpconn.sync
from tests.drivers.adapter import Driver
from tests.drivers.helpers import PATIENCE


@contextmanager
def stalled(driver: Driver, connections: Sequence[amqpconn.sync.Connection]) -> Iterator[None]:
    """For the length of a `with` block nothing is read, written or noticed.

    The blocking driver's thread waits for the lock of a connection, the others' loop for an event.
    """
    if driver.name == "sync":
        with ExitStack() as stack:
            for connection in connections:
                stack.enter_context(connection.endpoint._link.lock)
            yield
        return
    stopped, over = threading.Event(), threading.Event()

    def block() -> None:
        stopped.set()
        over.wait(PATIENCE)

    connections[0].loop.call_soon_threadsafe(block)  # type: ignore[attr-defined]
    stopped.wait()
    try:
        yield
    finally:
        over.set()
