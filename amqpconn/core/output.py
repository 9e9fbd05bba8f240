"""What waits to be written: answers to the server first, then everything else in order.

The driver takes all of it at once when its stream has room, so frames of one message always stay
together, and an answer overtakes what other callers have queued while the peer is slow.
"""

from __future__ import annotations


class Output:
    """Two queues of bytes; `size` is the number of bytes in both."""

    __slots__ = ("_first", "_rest", "size")

    def __init__(self) -> None:
        self._first: list[bytes] = []
        self._rest: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> None:
        """Behind everything else."""
        self._rest.append(data)
        self.size += len(data)

    def write_first(self, data: bytes) -> None:
        """Behind other answers, in front of the rest."""
        self._first.append(data)
        self.size += len(data)

    def take(self) -> bytes:
        """All of it; the queues are empty then."""
        if not self.size:
            return b""
        queued = self._first + self._rest
        self.clear()
        return queued[0] if len(queued) == 1 else b"".join(queued)

    def clear(self) -> None:
        """Forget what waits."""
        self._first, self._rest, self.size = [], [], 0
