"""A byte stream that a function of the user's makes, in its own time.

Nothing can break off a function that connects. So it runs on a thread of its own, and whoever waits
for it can leave: at the deadline, interrupted, or because another thread closes the connection.
"""

from __future__ import annotations

import threading
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Closable(Protocol):
        """Any stream."""

        def close(self) -> None:
            """Close it."""


class Offer:
    """What the function makes or raises.

    Attributes:
        error: what it raised; None while it has not.
    """

    def __init__(self, make: Callable[[], Closable], tell: Callable[[], object]) -> None:
        """`tell` is called, on that thread, when it is done."""
        self.error: BaseException | None = None
        self._make = make
        self._tell = tell
        self._stream: Closable | None = None
        self._is_taken = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start the thread. Raises RuntimeError when there can be none."""
        threading.Thread(target=self._run, name="amqpconn-connector", daemon=True).start()

    def take(self) -> Closable | None:
        """The stream, if it is there; should it come later it is closed. Once."""
        with self._lock:
            self._is_taken = True
            return self._stream

    def _run(self) -> None:
        try:
            stream = self._make()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error
        else:
            self._arrived(stream)
        self._tell()

    def _arrived(self, stream: Closable) -> None:
        with self._lock:
            if not self._is_taken:
                self._stream = stream
                return
        with suppress(Exception):  # it is the user's, and nobody wants it any more
            stream.close()
