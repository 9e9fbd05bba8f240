"""What a session sends, in order: bytes, and steps that are taken between them.

All timing and cutting of what a peer says is here. A step is a function; what it puts into the
outbox goes before everything that still waits.
"""

from __future__ import annotations

from collections import deque
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Step = Callable[[], object]

_FOREVER = float("inf")
# A pause of nothing still makes each piece a write of its own.
_SHORTEST_PAUSE_S = 1e-6


class _Rest(bytes):
    """What remains of something of which a part has gone."""

    __slots__ = ()


class Outbox:
    """A queue that `take` goes through as far as it may.

    Args:
        marks: steps to be taken when exactly so many bytes have been given; in order.

    Attributes:
        bytes_sent: how many bytes have been given.
        ending: '' or how the stream is to end after these bytes: 'cut' (FIN) or 'reset' (RST).
        is_muted: whether it swallows everything.
        is_fresh: whether something was put into it since the last `take`.
    """

    def __init__(self, marks: Iterable[tuple[int, Step]] = ()) -> None:
        self.bytes_sent = 0
        self.ending = ""
        self.is_muted = self.is_fresh = False
        self._marks = deque(marks)
        self._queue: deque[bytes | Step] = deque()
        self._inserted: deque[bytes | Step] | None = None  # while a step is taken
        self._ahead = b""
        self._ready: list[bytes] = []
        self._begun = 0  # how many pieces in the queue are rests
        self._resume_at = 0.0
        self._overwriting = b""
        self._drip: tuple[int, float] | None = None

    def put(self, *items: bytes | Step) -> None:
        """Add bytes, whole frames usually, and steps."""
        if not (self.is_muted or self.ending):
            self.is_fresh = True
            (self._queue if self._inserted is None else self._inserted).extend(items)

    def interject(self, *steps: Step) -> None:
        """Take steps before everything that waits, and in spite of a pause."""
        until = self._resume_at
        self.resume()
        self._queue.extendleft((partial(self.pause, until), *reversed(steps)))

    def put_ahead(self, frame: bytes) -> None:
        """A frame that pauses do not stop, unless they are in the middle of another frame."""
        if not self.is_muted:
            self._ahead = frame

    def take(self, now: float) -> bytes:
        """What is to be written now."""
        self.is_fresh = False
        self.advance(now)
        data = b"".join(self._ready)
        self._ready.clear()
        return data

    def advance(self, now: float) -> None:
        """Go through the queue as far as it may be gone through now."""
        if self._inserted is None:  # otherwise it is a step that asks, and goes on by itself
            while not (self.ending or self.is_muted) and self._go_on(now):
                pass

    def next_deadline(self) -> float | None:
        """When to `take` again; None when no time is waited for."""
        waits = bool(self._queue) and self._resume_at < _FOREVER and not self.is_muted
        return self._resume_at if waits else None

    # --- what steps do ---

    def mute(self) -> None:
        """Say nothing more; what waits is forgotten."""
        self.is_muted = True
        self._queue.clear()

    def end(self, how: str) -> None:
        """Let the stream end: 'cut' or 'reset'."""
        self.ending = self.ending or how

    def pause(self, until: float = _FOREVER) -> None:
        """Hold back what follows, until a time or until `resume`."""
        self._resume_at = until

    def resume(self) -> None:
        """Go on now."""
        self._resume_at = 0.0

    def overwrite(self, data: bytes) -> None:
        """Send these bytes in the place of as many that follow."""
        self._overwriting = data

    def drip(self, size: int, pause_s: float) -> None:
        """From here on give at most `size` bytes at a time, and pause in between."""
        self._drip = (size, max(pause_s, _SHORTEST_PAUSE_S))

    # --- how it goes on ---

    def _go_on(self, now: float) -> bool:
        """A mark, a step or some bytes; False when there is nothing for now."""
        if self._marks and self._marks[0][0] <= self.bytes_sent:
            self._take_step(self._marks.popleft()[1])
        elif self._ahead and not self._begun:
            frame, self._ahead = self._ahead, b""
            self._give(frame, now)
        elif now < self._resume_at or not self._queue or (self._drip and self._ready):
            return False
        elif isinstance(item := self._queue.popleft(), bytes):
            self._give(item, now)
        else:
            self._take_step(item)
        return True

    def _take_step(self, step: Step) -> None:
        self._inserted = deque()
        try:
            step()
        finally:
            inserted, self._inserted = self._inserted, None
        if not self.is_muted:
            self._queue.extendleft(reversed(inserted))

    def _give(self, item: bytes, now: float) -> None:
        """The bytes up to the next mark or the next pause."""
        size = len(item)
        if self._marks:
            size = min(size, self._marks[0][0] - self.bytes_sent)
        if self._drip:
            size = min(size, self._drip[0])
            self._resume_at = now + self._drip[1]
        given, rest = item[:size], item[size:]
        if rest:
            self._queue.appendleft(_Rest(rest))
        self._begun += bool(rest) - isinstance(item, _Rest)
        changed, self._overwriting = self._overwriting[:size], self._overwriting[size:]
        self._ready.append(changed + given[len(changed) :])
        self.bytes_sent += size
