"""One timer for all connections of an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from amqpconn._alarms import Alarms

if TYPE_CHECKING:
    import asyncio
    from typing import Protocol

    class Timed(Protocol):
        """What has deadlines: a link."""

        def tick(self, now: float) -> None:
            """Do what is due."""


_NEVER = float("inf")
# A timer that nobody needs any more is left to ring when it is so near: whoever opens and closes
# connections one after the other would have two set and cancelled for each.
STAYS_S = 5.0


class Clock:
    """Wakes links at their deadlines. Get the one of an event loop from `clock_of`."""

    __slots__ = ("__weakref__", "_alarms", "_loop", "_rings_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._alarms = Alarms()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = _NEVER

    def wake(self, link: Timed, deadline: float) -> None:
        """Call `link.tick` at `deadline` at the latest.

        Deadlines that move away are found out when it ticks.
        """
        if self._alarms.set(link, deadline) and deadline < self._rings_at:
            self._ring_at(deadline)

    def forget(self, link: Timed) -> None:
        """Do not wake this one any more."""
        self._alarms.remove(link)
        if self._rings_at > self._loop.time() + STAYS_S and self._alarms.earliest() is None:
            self._ring_at(_NEVER)

    def stop(self) -> None:
        """In the child of a fork: wake none of the parent's."""
        self._alarms = Alarms()
        self._ring_at(_NEVER)

    def _ring_at(self, time: float) -> None:
        """Have the event loop call then, instead of when it was to. It may be too early."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if time == _NEVER else self._loop.call_at(time, self._ring)
        self._rings_at = time

    def _ring(self) -> None:
        self._timer, self._rings_at = None, _NEVER
        now = self._loop.time()
        ringing = self._alarms.ringing(now)
        try:
            while ringing:
                self._tick(ringing.pop(), now)
        finally:  # whatever ends the event loop here is not the end of the others
            for link in ringing:
                self._alarms.set(link, now)
            earliest = self._alarms.earliest()
            if earliest is not None and earliest < self._rings_at:
                self._ring_at(earliest)

    def _tick(self, link: Timed, now: float) -> None:
        try:
            link.tick(now)
        except Exception as error:  # noqa: BLE001 - reported; others must not miss their time
            self._loop.call_exception_handler({"message": f"{link!r} failed", "exception": error})


# By the number of the event loop, which a clock keeps alive: so no other loop can have it.
_clocks: WeakValueDictionary[int, Clock] = WeakValueDictionary()


def clock_of(loop: asyncio.AbstractEventLoop) -> Clock:
    """The clock of this event loop, for as long as somebody has it."""
    clock = _clocks.get(id(loop))
    if clock is None:
        clock = _clocks[id(loop)] = Clock(loop)
    return clock
