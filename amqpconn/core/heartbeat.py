"""Heartbeats: when to send one, and when silence means that the peer is gone (specification 4.2.7).

Any traffic counts in both directions. One goes out after half an interval without a write; the peer
is given up after two and a half intervals without a byte: "two intervals or longer", says the
specification. An idle RabbitMQ speaks once in an interval, so one late heartbeat is forgiven, and
whoever dies is noticed before three intervals are over.

Both are looked after in ticks, which all connections have in common: half a second, or less where
the interval is below eight. So a driver that has thousands of them wakes up twice a second for all
that are due, and not for each by itself.

A process that was itself stopped cannot tell. It shows in the clock: a heartbeat should have gone
out long ago, and nobody came to send it. Then the peer gets another half interval, so that what
waits in the socket can be read first; and what is found there, or not found, is told as the stall
that it is: the peer may well have given us up in the meantime.
"""

from __future__ import annotations

from amqpconn import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.errors import HeartbeatsMissed, ProcessStalled

INTERVALS_OF_SILENCE: Final = 2.5
_PART: Final = 0.5
# A heartbeat of ours that is later than this many intervals shows a stall: with the half interval
# before it was due a peer has heard nothing for one and a half, and some give up then.
_LATE: Final = 1.0
# A power of two, so that multiples of it are exact. It is halved until it is this part at most.
_LONGEST_TICK_S: Final = 0.5
_TICK: Final = 1 / 16


class Heartbeat:
    """The two clocks of a connection that has agreed on heartbeats. Both begin with tune-ok.

    Args:
        interval_s: the agreed heartbeat, above 0.
    """

    __slots__ = (
        "_give_up_at",
        "_is_grace",
        "_send_at",
        "_tick_s",
        "_woke_at",
        "interval_s",
        "last_in",
        "stalled_s",
    )

    def __init__(self, interval_s: int, now: float) -> None:
        self.interval_s = interval_s
        self.last_in = now
        self.stalled_s = self._woke_at = 0.0
        self._send_at = now + interval_s * _PART
        self._give_up_at = now + interval_s * INTERVALS_OF_SILENCE
        self._is_grace = False  # what is left until the peer is given up
        self._tick_s = _LONGEST_TICK_S
        while self._tick_s > interval_s * _TICK:
            self._tick_s /= 2

    def received(self, now: float) -> None:
        """Bytes came, so a stall of ours before them has done no harm yet."""
        if now - self._send_at > self.interval_s * _LATE:
            self._awake(now)
        self.last_in, self._is_grace = now, False
        self._give_up_at = now + self.interval_s * INTERVALS_OF_SILENCE

    def sent(self, now: float) -> None:
        """Bytes go out."""
        if now - self._send_at > self.interval_s * _LATE:
            self._awake(now)
        self._send_at = now + self.interval_s * _PART

    def next_deadline(self) -> float:
        """The tick in which to look again."""
        earliest = min(self._give_up_at, self._send_at)
        return -(-earliest // self._tick_s) * self._tick_s

    def due(self, now: float) -> bool:
        """Whether to send one now."""
        return now >= self._send_at

    def check(self, now: float) -> HeartbeatsMissed | ProcessStalled | None:
        """The error when the peer is to be given up."""
        self._awake(now)
        if now < self._give_up_at:
            return None
        late = now - self._give_up_at
        if late > self.interval_s * _PART and not self._slept(now):
            self.stalled_s, self._woke_at = late, now
        if self._slept(now) and not self._is_grace:
            self._is_grace, self._give_up_at = True, now + self.interval_s * _PART
            return None
        return self._missed(now)

    def stall(self, now: float) -> ProcessStalled | None:
        """The error for a stream that the peer has ended, when a stall of ours came before it."""
        self._awake(now)
        if not self._slept(now):
            return None
        return self._stalled(
            "the peer ended the byte stream",
            cause="perhaps the peer gave us up, as no heartbeat of ours came in that time",
        )

    def _awake(self, now: float) -> None:
        """We run; were we to run long ago?"""
        late = now - self._send_at
        if late > self.interval_s * _LATE:
            self.stalled_s, self._woke_at = late, now

    def _slept(self, now: float) -> bool:
        """Whether we have just woken up: less than an interval ago."""
        return self.stalled_s > 0 and now <= self._woke_at + self.interval_s

    def _missed(self, now: float) -> HeartbeatsMissed | ProcessStalled:
        silence = f"nothing came from the peer for {now - self.last_in:.1f} s"
        if self._is_grace:
            return self._stalled(
                silence,
                cause="perhaps the whole machine stood still: the peer sent nothing either that"
                " waited to be read",
            )
        return errors.HeartbeatsMissed(f"{silence}; the agreed heartbeat is {self.interval_s} s")

    def _stalled(self, found: str, cause: str) -> ProcessStalled:
        error = errors.ProcessStalled(
            f"this process was stalled for {self.stalled_s:.1f} s, and then {found};"
            f" the agreed heartbeat is {self.interval_s} s",
            cause=cause,
        )
        error.stalled_s = self.stalled_s
        return error
