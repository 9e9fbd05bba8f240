"""Cancel a coroutine of the asyncio driver at each of its awaits in turn."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator
from itertools import count
from typing import Any, Literal

from tests.conftest import open_files
from tests.drivers.held import held_by_the_loop

# The task is cancelled while it waits, or when what it waits for is there and it has not gone on.
When = Literal["waiting", "ready"]
TURNS = 500


class Cut:
    """Awaits what it is given, and cancels its own task at the `at`-th await.

    Attributes:
        done: whether it never came to that await.
    """

    def __init__(self, at: int, when: When) -> None:
        self.done = False
        self._at = at
        self._when = when
        self._count = 0

    async def __call__(self, awaitable: Awaitable[object]) -> None:
        """Raises nothing for its own cancellation."""
        task = asyncio.get_running_loop().create_task(self._run(awaitable))
        try:
            await task
        except asyncio.CancelledError:
            assert task.cancelled()
        else:
            self.done = True

    async def _run(self, awaitable: Awaitable[object]) -> None:
        await _Steps(awaitable, self._suspended)

    def _suspended(self, awaited: object) -> None:
        self._count += 1
        if self._count != self._at:
            return
        task = asyncio.current_task()
        assert task is not None
        if self._when == "ready" and isinstance(awaited, asyncio.Future):
            awaited.add_done_callback(lambda _: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)


class _Steps:
    """Awaits something, and tells of each time that it suspends its task, and for what."""

    def __init__(self, awaitable: Awaitable[object], suspended: Callable[[object], None]) -> None:
        self._awaitable = awaitable
        self._suspended = suspended

    def __await__(self) -> Generator[Any, Any, object]:
        inner = self._awaitable.__await__()
        step: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731 - it is replaced below
        while True:
            try:
                awaited = step()
            except StopIteration as end:
                return end.value
            self._suspended(awaited)
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 - handed on
                thrown = error
                step = lambda: inner.throw(thrown)  # noqa: E731, B023 - used before it changes
            else:
                step = lambda: inner.send(None)  # noqa: E731


def at_every_await(scenario: Callable[[Cut], Coroutine[Any, Any, None]], least: int) -> None:
    """Run `scenario` again and again, each time cut one await later, until it is not cut any more.

    After each the event loop must be as it was: no task, no timer, no socket, no descriptor. There
    must be at least `least` awaits: a test that finds fewer has lost what it was about.
    """
    whens: tuple[When, ...] = ("waiting", "ready")
    for when in whens:
        for at in count(1):
            cut = Cut(at, when)
            asyncio.run(_checked(scenario, cut), debug=True)
            if cut.done:
                assert at > least, f"only {at - 1} awaits"
                break
    gc.collect()  # what was left to the collector is a warning, and so an error


async def _checked(scenario: Callable[[Cut], Coroutine[Any, Any, None]], cut: Cut) -> None:
    before = open_files()
    await scenario(cut)
    await comes_to_nothing(held_by_the_loop, pause=0)
    # The peer's side of the sockets is closed by its thread.
    await comes_to_nothing(lambda: open_files().items() - before.items(), pause=0.002)


async def comes_to_nothing(left: Callable[[], Collection[object]], pause: float) -> None:
    """Wait until there is nothing left. Raises AssertionError."""
    for _ in range(TURNS):
        if not left():
            return
        await asyncio.sleep(pause)
    raise AssertionError(f"left behind: {left()}")
