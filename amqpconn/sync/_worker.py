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

    __slots__ = ("_queue", "_stopped")

    def __init__(self) -> None:
        self._queue: SimpleQueue[Work] | None = None
        self._stopped = False

    def run(self, function: Callable[..., object], *args: object) -> None:
        """Call `function(*args)` after those before it."""
        if self._queue is None:
            self._queue = self._start()
        self._queue.put((function, args))
        if self._stopped:
            self.stop()

    def stop(self) -> None:
        """End after what is queued; what comes later gets a thread of its own."""
        self._stopped = True
        if self._queue is not None:
            self._queue.put(None)
            self._queue = None

    def _start(self) -> SimpleQueue[Work]:
        from queue import SimpleQueue

        queue: SimpleQueue[Work] = SimpleQueue()
        threading.Thread(
            target=_work, args=(queue,), name="amqpconn-callbacks", daemon=True
        ).start()
        return queue


def _work(queue: SimpleQueue[Work]) -> None:
    while (work := queue.get()) is not None:
        function, args = work
        try:
            function(*args)
        except Exception:  # noqa: BLE001 - reported, not swallowed
            report_exception()


def report_exception() -> None:
    """Tell of the exception that is being handled, as if it had ended its thread."""
    kind, value, trace = sys.exc_info()
    if kind is not None:
        threading.excepthook(
            threading.ExceptHookArgs((kind, value, trace, threading.current_thread()))
        )
