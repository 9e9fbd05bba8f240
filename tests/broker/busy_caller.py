"""A program whose caller is busy for ten seconds while connections must keep their heartbeats.

    python -m tests.broker.busy_caller URL

The caller of the blocking driver computes in Python for five seconds and sleeps for five. The one
of the asyncio driver leaves computing to a thread of an executor. It ends with status 0 if both
connections work after that.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import amqpconn.asyncio
import amqpconn.sync
from amqpconn_spec.v0_9_1 import queue

BUSY_S = 8.0


def compute(seconds: float) -> int:
    """Keep the interpreter busy with Python code."""
    deadline, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        rounds += 1
    return rounds


def check(connection: amqpconn.sync.Connection) -> None:
    """Use the connection. Raises what it failed with, if it has."""
    with connection.endpoint.open_channel() as channel:
        channel.call(queue.Declare(exclusive=True))


def blocking(url: str) -> None:
    """Compute and sleep between opening and use."""
    with amqpconn.sync.connect(url) as connection:
        compute(BUSY_S / 2)
        time.sleep(BUSY_S / 2)
        check(connection)


async def in_an_executor(url: str) -> None:
    """Compute in a thread of the executor between opening and use."""
    async with amqpconn.asyncio.connect(url) as connection:
        await asyncio.get_running_loop().run_in_executor(None, compute, BUSY_S)
        async with connection.endpoint.open_channel() as channel:
            await channel.call(queue.Declare(exclusive=True))


def main(url: str) -> None:
    """Run both at the same time."""
    other = threading.Thread(target=asyncio.run, args=(in_an_executor(url),))
    failed: list[object] = []
    threading.excepthook = failed.append
    other.start()
    blocking(url)
    other.join()
    sys.exit(f"{failed}" if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1])
