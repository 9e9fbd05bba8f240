"""The next deadline of each connection that a thread or an event loop looks after."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, TypeAlias

    Owner: TypeAlias = Any  # what the driver has for a connection

# What a selector can wait for is limited: it counts milliseconds in an int.
LONGEST_SLEEP_S: Final = 3600.0
_FEW: Final = 64
_NEVER: Final = float("inf")


class Alarms:
    """One alarm for each owner. The heap has the times, each of them once and with all its owners
    beside it: heartbeats have their ticks in common, so there are few times for many connections.

    A time that has lost its owners keeps its place in the heap until it has come, or until there
    are more of those than of others.
    """

    __slots__ = ("_heap", "_owners", "_times")

    def __init__(self) -> None:
        self._heap: list[float] = []
        self._owners: dict[float, set[Owner]] = {}
        self._times: dict[Owner, float] = {}

    def set(self, owner: Owner, deadline: float | None) -> bool:
        """Ring at `deadline` at the latest. Says whether anything has changed.

        Deadlines that move away are found out when they come; only an earlier one is worth a
        change.
        """
        if deadline is None or deadline >= self._times.get(owner, _NEVER):
            return False
        if owner in self._times:
            self.remove(owner)
        self._times[owner] = deadline  # first, because `remove` goes by it
        if deadline in self._owners:
            self._owners[deadline].add(owner)
        else:
            if len(self._heap) > 2 * len(self._owners) + _FEW:
                self._heap = list(self._owners)
                heapify(self._heap)
            heappush(self._heap, deadline)
            self._owners[deadline] = {owner}
        return True

    def remove(self, owner: Owner) -> None:
        """Do not ring for this one. Harmless without an alarm, and after an interrupted `set`."""
        deadline = self._times.pop(owner, _NEVER)
        owners = self._owners.get(deadline)
        if owners is not None:
            owners.discard(owner)
            if not owners:
                del self._owners[deadline]

    def earliest(self) -> float | None:
        """The time at which something will ring; None when nothing will."""
        while self._heap and self._heap[0] not in self._owners:
            heappop(self._heap)
        return self._heap[0] if self._heap else None

    def sleep_s(self, now: float) -> float | None:
        """Seconds until something rings; None when nothing will."""
        earliest = self.earliest()
        return None if earliest is None else min(max(earliest - now, 0.0), LONGEST_SLEEP_S)

    def ringing(self, now: float) -> list[Owner]:
        """Those whose time has come; their alarms are gone."""
        found: list[Owner] = []
        while self._heap and self._heap[0] <= now:
            found += self._owners.pop(heappop(self._heap), ())
        for owner in found:
            self._times.pop(owner, None)
        return found
