"""Everything that waits for a time: named deadlines, and the deadlines of calls."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from amqpconn.core.events import Call

# Calls that are done may wait for their deadline as long as they are no more than this, or as many
# as those that are not.
_FEW: Final = 64


class Deadlines:
    """Named deadlines of one endpoint (`opening`, `closing`, `lingering`), and one for each call
    that has one.

    Attributes:
        first: the earliest of the named ones; None without any.
        calls: those with a deadline. Without any, `first` is the earliest of all.
    """

    __slots__ = ("_many", "_named", "calls", "first")

    def __init__(self) -> None:
        self.first: float | None = None
        self.calls: list[Call] = []
        self._named: dict[str, float] = {}
        self._many = _FEW

    def set(self, name: str, deadline: float | None) -> None:
        """Set a deadline, or with None remove it."""
        named = self._named
        if deadline is None:
            named.pop(name, None)
            self.first = min(named.values()) if named else None
        else:
            named[name] = deadline
            self.first = deadline if len(named) == 1 else min(named.values())

    def at(self, name: str) -> float | None:
        """When a deadline is; None when it is not set."""
        return self._named.get(name)

    def watch(self, call: Call) -> None:
        """Remember the deadline of a call, and forget those that are done, with their answers."""
        self._drop_done()
        if len(self.calls) >= self._many:
            self.calls = [waiting for waiting in self.calls if not waiting.done]
            heapify(self.calls)
            self._many = max(2 * len(self.calls), _FEW)
        if call.deadline is not None:
            heappush(self.calls, call)

    def earliest(self) -> float | None:
        """The next deadline of all."""
        earliest = self.first
        self._drop_done()
        first = self.calls[0].deadline if self.calls else None
        if first is None or (earliest is not None and earliest < first):
            return earliest
        return first

    def passed(self, now: float) -> list[tuple[str, float]]:
        """Names of the deadlines that have passed, and for how many seconds; they are removed."""
        found = [(name, now - at) for name, at in self._named.items() if at <= now]
        for name, _ in found:
            self.set(name, None)
        return found

    def passed_calls(self, now: float) -> Iterator[Call]:
        """Calls whose time is over."""
        while self.calls and (self.calls[0].deadline or 0.0) <= now:
            call = heappop(self.calls)
            if not call.done:
                yield call

    def clear(self) -> None:
        """Nothing is waited for any more."""
        self.first = None
        self._named.clear()
        self.calls.clear()

    def _drop_done(self) -> None:
        while self.calls and self.calls[0].done:
            heappop(self.calls)
