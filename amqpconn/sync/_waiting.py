"""Waiting for one stream, on the thread that has it for itself: the one that opens or closes."""

from __future__ import annotations

import select
import selectors
import socket
from math import ceil
from selectors import EVENT_READ, EVENT_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.sync._dial import Stream

# A stream that is no socket cannot be shut down to wake whoever waits for it; so it is looked at.
LOOK_AGAIN_S: Final = 0.1
# What a poll can wait for is limited: it counts milliseconds in an int.
_LONGEST_S: Final = 3600.0


class Waiting:
    """Waits for one stream, again and again."""

    __slots__ = ("_mask", "_number", "_poll", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._number = self._mask = -1  # what `_poll` has been told

    def ready(self, mask: int, timeout_s: float | None) -> int:
        """Wait until one of `mask` (of selectors) is ready, and no longer than the timeout.

        Which of them is ready; 0 for none, which may be before the time is over.
        """
        timeout = _LONGEST_S if timeout_s is None or timeout_s > _LONGEST_S else timeout_s
        if type(self._stream) is not socket.socket:
            if mask & EVENT_READ and has_more(self._stream):
                return EVENT_READ
            if not isinstance(self._stream, socket.socket):
                timeout = min(timeout, LOOK_AGAIN_S)
        try:
            return _wait(self, mask, timeout)
        except ValueError:  # its user has closed it: that is to be read too
            return EVENT_READ

    def _polled(self, mask: int, timeout: float) -> int:
        number = self._stream.fileno()  # asked each time, because its user may have closed it
        if number != self._number or mask != self._mask:
            self._poll, self._number, self._mask = select.poll(), number, mask
            self._poll.register(number, _POLLED[mask])
        ready = 0
        for _, found in self._poll.poll(ceil(timeout * 1000)):
            # What is neither is an end, and to be read.
            ready = (EVENT_WRITE if found & _OUT else 0) | (EVENT_READ if found & ~_OUT else 0)
        return ready

    def _selected(self, mask: int, timeout: float) -> int:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream, mask)
            return sum(ready for _, ready in selector.select(timeout))


if hasattr(select, "poll"):  # which needs a tenth of a selector's time
    _wait = Waiting._polled
    _OUT: Final = select.POLLOUT
    _POLLED: Final = {
        EVENT_READ: select.POLLIN,
        EVENT_WRITE: _OUT,
        EVENT_READ | EVENT_WRITE: select.POLLIN | _OUT,
    }
else:
    _wait = Waiting._selected


def has_more(stream: Stream) -> bool:
    """Whether TLS, or what behaves like it, holds bytes that no selector tells of."""
    pending = getattr(stream, "pending", None)
    return pending is not None and bool(pending())
