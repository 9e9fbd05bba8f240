"""Attempts to open and close, one after the other or many at once, with each driver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import amqpconn.asyncio
import amqpconn.sync
from tests.drivers.cancelling import comes_to_nothing
from tests.drivers.held import held_by_the_loop

CLOSE_TIMEOUT_S = 0.3


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        opened: whether there was a connection.
        error: what opening raised, or closing, which is to raise nothing.
        opening_s, closing_s: how long each of them took, in seconds.
    """

    opened: bool
    error: BaseException | None
    opening_s: float
    closing_s: float = 0.0


class Stopwatch:
    """Measures a `with` block, and keeps what it raises.

    Attributes:
        error: what was raised, without its traceback, which would keep everything.
        seconds: how long it took.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        self.seconds = time.monotonic() - self._began
        self.error = None if error is None else error.with_traceback(None)
        return True


def sync_attempt(url: str, timeout: float) -> Outcome:
    """Open and close."""
    connection: amqpconn.sync.Connection | None = None
    with Stopwatch() as opening:
        connection = amqpconn.sync.connect(url, timeout=timeout)
    with Stopwatch() as closing:
        if connection is not None:
            connection.close(timeout=CLOSE_TIMEOUT_S)
    return _outcome(opening, closing)


async def asyncio_attempt(url: str, timeout: float) -> Outcome:
    """Open and close."""
    connection: amqpconn.asyncio.Connection | None = None
    with Stopwatch() as opening:
        connection = await amqpconn.asyncio.connect(url, timeout=timeout)
    with Stopwatch() as closing:
        if connection is not None:
            await connection.close(timeout=CLOSE_TIMEOUT_S)
    return _outcome(opening, closing)


def _outcome(opening: Stopwatch, closing: Stopwatch) -> Outcome:
    opened, error = opening.error is None, opening.error or closing.error
    return Outcome(opened, error, opening.seconds, closing.seconds)


def sync_attempts(count: int, url: str, timeout: float, at_once: int) -> list[Outcome]:
    """So many, on so many threads at a time."""
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda _: sync_attempt(url, timeout), range(count)))


def asyncio_attempts(count: int, url: str, timeout: float, at_once: int) -> list[Outcome]:
    async def one(turns: asyncio.Semaphore) -> Outcome:
        async with turns:
            return await asyncio_attempt(url, timeout)

    async def every() -> list[Outcome]:
        turns = asyncio.Semaphore(at_once)
        outcomes = await asyncio.gather(*(one(turns) for _ in range(count)))
        await comes_to_nothing(held_by_the_loop, pause=0)
        return outcomes

    return asyncio.run(every())


ATTEMPTS: dict[str, Callable[[int, str, float, int], list[Outcome]]] = {
    "asyncio": asyncio_attempts,
    "sync": sync_attempts,
}
