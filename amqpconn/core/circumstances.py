"""What is known when something goes wrong, and the errors that are made of it."""

from __future__ import annotations

from amqpconn import errors
from amqpconn.errors import PHASES, AMQPError, CallTimeout, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from amqpconn.config import Settings
    from amqpconn.core.connection import ConnectionManager
    from amqpconn.core.events import Call
    from amqpconn.core.framing import FrameReader
    from amqpconn.core.heartbeat import Heartbeat
    from amqpconn.core.transcript import Transcript
    from amqpconn.core.watch import Watch
    from amqpconn.errors import OpenTimeout

    E = TypeVar("E", bound=AMQPError)


class Circumstances:
    """The part of a `Lifecycle` that makes errors, and notes on each where and when it was."""

    __slots__ = ()

    settings: Settings
    peer: str
    phase: str
    last_in: float | None
    last_out: float | None
    heartbeat: Heartbeat | None
    manager: ConnectionManager
    _reader: FrameReader
    _watch: Watch | None
    _now: float
    _entered: tuple[Any, ...]  # each phase, and when it began

    def elapsed(self, now: float) -> dict[str, float]:
        """Seconds in each phase so far, in the order in which they came."""
        phases, begun = self._entered[::2], self._entered[1::2]
        spent: dict[str, float] = {}
        for phase, since, until in zip(phases, begun, (*begun[1:], now), strict=False):
            spent[phase] = spent.get(phase, 0.0) + until - since
        return spent

    @property
    def channel_max(self) -> int:
        """The highest channel id that was agreed on, 0 before."""
        agreement = self.manager.agreement
        return 0 if agreement is None or agreement.tuning is None else agreement.tuning.channel_max

    @property
    def transcript(self) -> Transcript | None:
        """The last frames; None without a flight recorder."""
        return None if self._watch is None else self._watch.transcript()

    def timed_out(self, what: str, now: float) -> CallTimeout:
        """The error for something else than an answer that was waited for in vain."""
        return self._located(CallTimeout(what), now)

    def stamped(self, error: E) -> E:
        """Note on an error where it happened, and that it was just now."""
        return self._located(error, self._now)

    def _located(self, error: E, now: float) -> E:
        """Stamp an error with its circumstances. Nothing else does."""
        error.phase = self.phase or PHASES[0]
        error.elapsed = self.elapsed(now)
        error.peer = self.peer
        error.last_in_age_s = _age_s(self.last_in, now)
        error.last_out_age_s = _age_s(self.last_out, now)
        error.transcript = self.transcript
        return error

    def _unanswered(self, call: Call, now: float) -> CallTimeout:
        name = call.method.NAME
        error = CallTimeout(f"no answer to {name} on channel {call.channel.id} in time")
        error.failing_method = name
        return self._located(error, now)

    def _too_late(self, late_s: float) -> OpenTimeout:
        from amqpconn.core import reasons  # late: only what went wrong needs it

        return reasons.too_late(
            self.settings.timeout_s or 0.0, self.phase, self.manager.expected(), late_s
        )

    def _end_of_stream(self, cause: BaseException | None) -> ConnectionFailed:
        """The error for the end of the stream, from all that is known about it."""
        if isinstance(cause, ConnectionFailed) and not isinstance(cause, errors.PeerHungUp):
            return cause  # it says more than that the stream is gone
        from amqpconn.core import reasons

        how = cause.__cause__ or cause if isinstance(cause, errors.PeerHungUp) else cause
        stall = None if self.heartbeat is None else self.heartbeat.stall(self._now)
        error = self._reader.eof() or stall
        if error is None:
            return reasons.hung_up(
                self.phase,
                self.manager.agreement,
                self._reader.unfinished,
                how,
                is_our_turn=self.manager.question is not None,
            )
        error.__cause__ = how
        return error


def _age_s(then: float | None, now: float) -> float | None:
    return None if then is None else max(now - then, 0.0)
