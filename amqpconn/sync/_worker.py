"""Runs the callbacks of one sync connection in order, on a thread that exists only when there are
any.
"""

from __future__ import annotations

import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    Work = tuple[Callable[..., object], tuple[object, ...]] | None


class Worker:
    """A queue and its thread.

    Callbacks may block and may use the connection: nothing else waits for them.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Work] | None = None

    def run(self, function: Callable[..., object], *args: object) -> None:
        """Call `function(*args)` after those before it."""
        if self._queue is None:
            from queue import SimpleQueue

            self._queue = SimpleQueue()
            threading.Thread(
                target=self._work, args=(self._queue,), name="amqpconn-callbacks", daemon=True
            ).start()
        self._queue.put((function, args))

    def stop(self) -> None:
        """End after what is queued."""
        if self._queue is not None:
            self._queue.put(None)
            self._queue = None

    @staticmethod
    def _work(queue: SimpleQueue[Work]) -> None:
        while (work := queue.get()) is not None:
            function, args = work
            try:
                function(*args)
            except Exception:  # noqa: BLE001 - reported, not swallowed
                kind, value, trace = sys.exc_info()
                threading.excepthook(
                    threading.ExceptHookArgs((kind, value, trace, threading.current_thread()))
                )
