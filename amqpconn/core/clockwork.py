"""Everything that waits for a time, and what has been: named deadlines, the deadlines of calls, how
long each phase took, and when bytes last came and went.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from amqpconn.core.events import Call

# Calls that are done may wait for their deadline as long as they are no more than this, or as many
# as those that are not.
_FEW: Final = 64


class Deadlines:
    """Named deadlines of one endpoint (`opening`, `closing`, `lingering`), and one for each call
    that has one.
    """

    __slots__ = ("_calls", "_many", "_named")

    def __init__(self) -> None:
        self._named: dict[str, float] = {}
        self._calls: list[Call] = []
        self._many = _FEW

    def set(self, name: str, deadline: float | None) -> None:
        """Set a deadline, or with None remove it."""
        if deadline is None:
            self._named.pop(name, None)
        else:
            self._named[name] = deadline

    def at(self, name: str) -> float | None:
        """When a deadline is; None when it is not set."""
        return self._named.get(name)

    def watch(self, call: Call) -> None:
        """Remember the deadline of a call, and forget those that are done, with their answers."""
        self._drop_done()
        if len(self._calls) >= self._many:
            self._calls = [waiting for waiting in self._calls if not waiting.done]
            heapify(self._calls)
            self._many = max(2 * len(self._calls), _FEW)
        if call.deadline is not None:
            heappush(self._calls, call)

    def earliest(self) -> float | None:
        """The next deadline of all."""
        earliest = min(self._named.values()) if self._named else None
        if not self._calls:
            return earliest
        self._drop_done()
        first = self._calls[0].deadline if self._calls else None
        if first is None or (earliest is not None and earliest < first):
            return earliest
        return first

    def passed(self, now: float) -> list[tuple[str, float]]:
        """Names of the deadlines that have passed, and for how many seconds; they are removed."""
        found = [(name, now - at) for name, at in self._named.items() if at <= now]
        for name, _ in found:
            del self._named[name]
        return found

    def passed_calls(self, now: float) -> Iterator[Call]:
        """Calls whose time is over."""
        while self._calls and (self._calls[0].deadline or 0.0) <= now:
            call = heappop(self._calls)
            if not call.done:
                yield call

    def clear(self) -> None:
        """Nothing is waited for any more."""
        self._named.clear()
        self._calls.clear()

    def _drop_done(self) -> None:
        while self._calls and self._calls[0].done:
            heappop(self._calls)


class Traffic:
    """When the last bytes came in, and when the last went out, on the stream of this moment."""

    __slots__ = ("last_in", "last_out")

    def __init__(self) -> None:
        self.last_in: float | None = None
        self.last_out: float | None = None

    def ages(self, now: float) -> tuple[float | None, float | None]:
        """Seconds since then, in and out; None when there were none."""
        return _since(self.last_in, now), _since(self.last_out, now)


class Phases:
    """Which phase an attempt is in, and how long each one took. `tell` is called with a new one."""

    __slots__ = ("_since", "_spent", "_tell", "current")

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.current = ""
        self._tell = tell
        self._since = 0.0
        self._spent: dict[str, float] = {}

    def enter(self, phase: str, now: float) -> None:
        """The phase from now on."""
        if phase == self.current:
            return
        if self.current:
            self._spent[self.current] = self._spent.get(self.current, 0.0) + now - self._since
        self.current, self._since = phase, now
        if self._tell is not None:
            self._tell(phase)

    def elapsed(self, now: float) -> dict[str, float]:
        """Seconds in each phase so far, in the order in which they came."""
        spent = dict(self._spent)
        if self.current:
            spent[self.current] = spent.get(self.current, 0.0) + now - self._since
        return spent


def _since(then: float | None, now: float) -> float | None:
    return None if then is None else max(now - then, 0.0)
