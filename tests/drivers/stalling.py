"""Stop what drives a connection, as a blocked event loop or a stopped process does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import amqpconn.sync
from tests.drivers.adapter import Driver
from tests.drivers.helpers import PATIENCE


@contextmanager
def stalled(driver: Driver, connection: amqpconn.sync.Connection) -> Iterator[None]:
    """For the length of a `with` block nothing is read, written or noticed.

    The blocking driver's thread serves all connections, and waits for the lock of this one.
    """
    if driver.name == "sync":
        with connection.endpoint._link.lock:
            yield
        return
    stopped, over = threading.Event(), threading.Event()

    def block() -> None:
        stopped.set()
        over.wait(PATIENCE)

    connection.loop.call_soon_threadsafe(block)  # type: ignore[attr-defined]
    stopped.wait()
    try:
        yield
    finally:
        over.set()
