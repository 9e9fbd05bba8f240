"""The next deadline of each connection that the thread serves."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.sync._reactor import Serviced

# What a selector can wait for is limited: it counts milliseconds in an int.
LONGEST_SLEEP_S: Final = 3600.0
_FEW: Final = 64


class Alarms:
    """One alarm for each connection, and a heap of their numbers.

    One that was replaced keeps its place in the heap, as a number that belongs to nobody, until
    there are more of those than of others.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._owners: dict[int, Serviced] = {}
        self._alarms: dict[Serviced, tuple[float, int]] = {}
        self._last = 0

    def set(self, owner: Serviced, deadline: float | None) -> None:
        """Ring at `deadline` at the latest.

        Deadlines that move away are found out when they come; only an earlier one is worth a new
        entry.
        """
        if deadline is None or deadline >= self._alarms.get(owner, (float("inf"), 0))[0]:
            return
        self.remove(owner)
        self._last += 1
        self._alarms[owner] = deadline, self._last  # first, because `remove` goes by it
        self._owners[self._last] = owner
        heappush(self._heap, (deadline, self._last))
        if len(self._heap) > 2 * len(self._alarms) + _FEW:
            self._heap = list(self._alarms.values())
            heapify(self._heap)

    def remove(self, owner: Serviced) -> None:
        """Do not ring for this one. Harmless without an alarm, and after an interrupted `set`."""
        if owner in self._alarms:
            self._owners.pop(self._alarms.pop(owner)[1], None)

    def sleep_s(self, now: float) -> float | None:
        """Seconds until something may ring; None when nothing will."""
        return min(max(self._heap[0][0] - now, 0.0), LONGEST_SLEEP_S) if self._heap else None

    def ringing(self, now: float) -> list[Serviced]:
        """Those whose time has come; their alarms are gone."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            owner = self._owners.get(heappop(self._heap)[1])
            if owner is not None:
                self.remove(owner)
                found.append(owner)
        return found
