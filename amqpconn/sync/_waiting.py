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
        self._number, self._mask = -1, 0  # which `_poll` goes by

    def ready(self, mask: int, timeout_s: float | None) -> int:
        """Wait until one of `mask` (of selectors) is ready, and no longer than the timeout, if that
        is not over already.

        Which of them is ready; 0 for none, which may be before the time is over.
        """
        stream = self._stream
        timeout = _LONGEST_S if timeout_s is None or timeout_s > _LONGEST_S else timeout_s
        if type(stream) is not socket.socket:
            if mask & EVENT_READ and has_more(stream):
                return EVENT_READ
            if not isinstance(stream, socket.socket):
                timeout = min(timeout, LOOK_AGAIN_S)
        try:
            if not _CAN_POLL:
                return _selected(stream, mask, timeout)
            number = stream.fileno()  # asked each time, because its user may have closed it
            if number != self._number or mask != self._mask:
                self._tell(number, mask)
            found = self._poll.poll(ceil(timeout * 1000) if timeout > 0.0 else 0)
        except ValueError:  # its user has closed it: that is to be read too
            return EVENT_READ
        if not found:
            return 0
        ready = found[0][1]
        if ready & _OUT:  # what is neither is an end, and to be read
            return EVENT_WRITE if ready == _OUT else EVENT_READ | EVENT_WRITE
        return EVENT_READ

    def _tell(self, number: int, mask: int) -> None:
        self._poll = select.poll()
        self._poll.register(number, _POLLED[mask])
        self._number, self._mask = number, mask


def _selected(stream: Stream, mask: int, timeout: float) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, mask)
        return sum(ready for _, ready in selector.select(timeout))


_CAN_POLL: Final = hasattr(select, "poll")  # which needs a tenth of a selector's time
if _CAN_POLL:
    _OUT: Final = select.POLLOUT
    _POLLED: Final = {
        EVENT_READ: select.POLLIN,
        EVENT_WRITE: _OUT,
        EVENT_READ | EVENT_WRITE: select.POLLIN | _OUT,
    }


def has_more(stream: Stream) -> bool:
    """Whether TLS, or what behaves like it, holds bytes that no selector tells of."""
    pending = getattr(stream, "pending", None)
    return pending is not None and bool(pending())
