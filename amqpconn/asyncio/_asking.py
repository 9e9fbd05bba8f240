"""Asking users' functions for secrets: coroutine functions in tasks, others that may block on
threads.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from amqpconn._aside import call_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import SecretWanted


# The event loop itself keeps weak references only. A task that is over, or is being cancelled, is
# not to be found from its connection any more, because its frames may have an answer.
_running: set[asyncio.Task[None]] = set()


class Asking:
    """What one link asks: one thing at a time, in a task that is cancelled when the stream is given
    up.
    """

    def __init__(self, core: EndpointCore, pump: Callable[[], None]) -> None:
        self._core = core
        self._pump = pump
        self._task: asyncio.Task[None] | None = None

    def begin(self, wanted: SecretWanted) -> None:
        """Ask, and tell the core what comes of it."""
        task = asyncio.get_running_loop().create_task(self._ask(wanted))
        self._task = task
        _running.add(task)
        task.add_done_callback(_running.discard)

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _ask(self, wanted: SecretWanted) -> None:
        loop = asyncio.get_running_loop()
        try:
            given, error = await _outcome(wanted)
        except (Exception, asyncio.CancelledError) as raised:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._task = None
            self._core.no_secret(wanted, raised, loop.time())
        else:
            self._task = None
            if error is None:
                self._core.take_secret(wanted, given, loop.time())
            else:
                self._core.no_secret(wanted, error, loop.time())
        self._pump()


async def _outcome(wanted: SecretWanted) -> tuple[object, BaseException | None]:
    """What the function gives, or what it raises on its thread. Raises what it raises here."""
    given: Any = None
    error: BaseException | None = None
    if wanted.may_block:
        given, error = await _aside(wanted.ask)
    else:
        given = wanted.ask()
    return (await given if hasattr(given, "__await__") else given), error


async def _aside(function: Callable[[], object]) -> tuple[object, BaseException | None]:
    """Call it on a thread of its own, which goes on when this is cancelled."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()

    def settle(given: object, error: BaseException | None) -> None:
        if not told.done():  # otherwise nobody waits any more
            told.set_result((given, error))

    def tell(given: object, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            loop.call_soon_threadsafe(settle, given, error)

    call_aside(function, tell)
    return await told
