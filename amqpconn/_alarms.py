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

    A time that has lost its owners keeps its place until it comes first, or until there are more of
    those than of others; mostly it gets owners again, as the next connection has the same ticks.
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
        if deadline is None:
            return False
        before = self._times.get(owner)
        if before is not None:
            if deadline >= before:
                return False
            self.remove(owner)
        self._times[owner] = deadline  # first, because `remove` goes by it
        owners = self._owners.get(deadline)
        if owners is None:
            self._add(deadline, owner)
        else:
            owners.add(owner)
        return True

    def _add(self, deadline: float, owner: Owner) -> None:
        if len(self._heap) > 2 * len(self._times) + _FEW:
            self._owners = {time: owners for time, owners in self._owners.items() if owners}
            self._heap = list(self._owners)
            heapify(self._heap)
        heappush(self._heap, deadline)
        self._owners[deadline] = {owner}

    def remove(self, owner: Owner) -> None:
        """Do not ring for this one. Harmless without an alarm, and after an interrupted `set`."""
        deadline = self._times.pop(owner, None)
        if deadline in self._owners:
            self._owners[deadline].discard(owner)

    def earliest(self) -> float | None:
        """The time at which something will ring; None when nothing will."""
        while self._heap and not self._owners.get(self._heap[0]):
            self._owners.pop(heappop(self._heap), None)
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
