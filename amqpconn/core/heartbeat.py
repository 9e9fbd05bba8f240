"""Heartbeats: when to send one, and when silence means that the peer is gone (specification 4.2.7).

Any traffic counts in both directions. One goes out after half an interval without a write; the peer
is given up after two intervals without a byte. A process that was itself stopped cannot tell: when
the clock shows that we looked far too late, the peer gets another half interval, so that what waits
in the socket can be read first.
"""

from __future__ import annotations

from amqpconn.errors import HeartbeatsMissed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

INTERVALS_OF_SILENCE: Final = 2
_PART: Final = 0.5


class Heartbeat:
    """The two clocks of one connection. `interval_s` 0: no heartbeats."""

    __slots__ = ("_grace_until", "interval_s", "last_in", "last_out", "stalled_s")

    def __init__(self) -> None:
        self.interval_s = 0
        self.last_in = self.last_out = 0.0
        self.stalled_s = 0.0
        self._grace_until = 0.0

    def start(self, interval_s: int, now: float) -> None:
        """Both clocks begin with tune-ok."""
        self.interval_s = interval_s
        self.last_in = self.last_out = now

    def stop(self) -> None:
        """Nothing is sent or expected any more."""
        self.interval_s = 0

    def received(self, now: float) -> None:
        """Bytes came, so a stall of ours before them has done no harm."""
        self.last_in, self._grace_until = now, 0.0

    def next_deadline(self) -> float | None:
        """When to look again; None without heartbeats."""
        if not self.interval_s:
            return None
        return min(self._send_at(), self._give_up_at())

    def due(self, now: float) -> bool:
        """Whether to send one now."""
        return bool(self.interval_s) and now >= self._send_at()

    def check(self, now: float) -> HeartbeatsMissed | None:
        """The error when the peer is to be given up."""
        if not self.interval_s or now < self._give_up_at():
            return None
        late = now - self._give_up_at()
        if late > self.interval_s * _PART and not self._grace_until:
            self.stalled_s = late
            self._grace_until = now + self.interval_s * _PART
            return None
        return self._missed(now)

    def _send_at(self) -> float:
        return self.last_out + self.interval_s * _PART

    def _give_up_at(self) -> float:
        return max(self.last_in + self.interval_s * INTERVALS_OF_SILENCE, self._grace_until)

    def _missed(self, now: float) -> HeartbeatsMissed:
        silence = (
            f"nothing came from the peer for {now - self.last_in:.1f} s;"
            f" the agreed heartbeat is {self.interval_s} s"
        )
        if self._grace_until:
            return HeartbeatsMissed(
                silence,
                cause=f"this process did not run for about {self.stalled_s:.1f} s",
                remedy="do not block the event loop; look for a suspended or overloaded process",
            )
        return HeartbeatsMissed(silence)
