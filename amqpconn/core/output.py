"""What waits to be written: answers to the server first, then everything else in order.

The driver takes all of it at once when its stream has room, so frames of one message always stay
together, and an answer overtakes what other callers have queued while the peer is slow. Until it is
taken, and joined or gathered by the stream, a body is where its user has it.
"""

from __future__ import annotations


class Output:
    """Two queues of bytes, in parts; `size` is the number of bytes in both."""

    __slots__ = ("_first", "_rest", "size")

    def __init__(self) -> None:
        self._first: list[bytes | memoryview] = []
        self._rest: list[bytes | memoryview] = []
        self.size = 0

    def write(self, data: bytes) -> None:
        """Behind everything else."""
        self._rest.append(data)
        self.size += len(data)

    def write_parts(self, parts: list[bytes | memoryview]) -> None:
        """As `write`, what joined is one or more frames."""
        self._rest += parts
        self.size += sum(map(len, parts))

    def write_first(self, data: bytes) -> None:
        """Behind other answers, in front of the rest."""
        self._first.append(data)
        self.size += len(data)

    def take(self) -> list[bytes | memoryview]:
        """All of it; the queues are empty then."""
        taken, self._rest, self.size = self._rest, [], 0
        if self._first:
            taken, self._first = self._first + taken, []
        return taken

    def clear(self) -> None:
        """Forget what waits."""
        self._first, self._rest, self.size = [], [], 0
