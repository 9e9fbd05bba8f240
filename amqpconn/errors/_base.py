"""The base of all errors: a message in three parts, and the circumstances."""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final, Self

    from amqpconn.core.transcript import Transcript

#: Where an attempt or a connection can be when something goes wrong, in order.
PHASES: Final[tuple[str, ...]] = (
    "resolve",
    "connect",
    "tls",
    "header",
    "start",
    "secure",
    "tune",
    "open",
    "opened",
    "closing",
)
# A cause that is not known for certain begins so.
GUESS: Final = "perhaps "
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


class AMQPError(Exception):
    """Base of all. The text has up to three parts: what happened, the likely cause, what to do.

    Attributes:
        what: what happened, one sentence; a text of the peer's stands in it as a whole.
        cause: the cause, empty when `what` says it all. When it is a guess it begins with
            'perhaps', and `is_guess` is true.
        remedy: what to do about it.
        retryable: whether the same attempt may succeed later without anybody changing anything.
        phases: of the class: the phases in which it can come; none for what is the caller's doing.

    And the circumstances, which an error has that ended an attempt, a connection, a channel or a
    call:
        phase: where it happened, one of `PHASES`; empty when no connection was concerned.
        elapsed: seconds spent in each phase so far, in order.
        peer: the address, as `host:port` or a path; behind a host name the address it led to.
        last_in_age_s, last_out_age_s: seconds since the last bytes came in, and since the last went
            out; None when there were none.
        reply_code, reply_text, failing_method: what the peer's close said, word for word (None and
            empty when there was none). A call without answer has its own method for the last one.
        transcript: the last frames before it, to be printed; None without a flight recorder.
    """

    cause: str = ""
    remedy: str = ""
    retryable: bool = False
    phases: tuple[str, ...] = ()
    phase: str = ""
    elapsed: Mapping[str, float] = _NOTHING
    peer: str = ""
    last_in_age_s: float | None = None
    last_out_age_s: float | None = None
    reply_code: int | None = None
    reply_text: str = ""
    failing_method: str = ""
    transcript: Transcript | None = None
    # Of a class made of a scope and a reply code: both of them.
    _parts: tuple[type[AMQPError], int] | None = None

    def __init__(self, what: str, *, cause: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        if cause is not None:
            self.cause = cause
        if remedy is not None:
            self.remedy = remedy

    @property
    def is_guess(self) -> bool:
        """Whether `cause` is likely and not certain."""
        return self.cause.startswith(GUESS)

    def __str__(self) -> str:
        parts = [self.what]
        if self.cause:
            parts.append(f"{'Likely cause' if self.is_guess else 'Cause'}: {self.cause}")
        if self.remedy:
            parts.append(f"What to do: {self.remedy}")
        text = ". ".join(part.rstrip(".") for part in parts)
        return f"{text} [{self._circumstances()}]" if self.phase else text

    def clone(self) -> Self:
        """A copy for one more caller, so that nobody's traceback grows with another's."""
        make, arguments, state = self.__reduce__()
        copy = make(*arguments)
        copy.__setstate__(state)
        copy.__cause__ = self.__cause__
        return copy

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...], dict[str, Any]]:
        """How to make it again, for `clone`, copy and pickle (errors cross process borders)."""
        state = dict(self.__dict__)
        if isinstance(self, OSError):
            state["errno"] = self.errno
        from amqpconn.errors._closing import again  # which needs this module first

        return again, (type(self) if self._parts is None else self._parts, self.what), state

    def _circumstances(self) -> str:
        place = f"{self.peer}, " if self.peer else ""
        spent = ", ".join(f"{phase} {seconds:.3f} s" for phase, seconds in self.elapsed.items())
        return f"{place}in phase {self.phase}; {spent}{self._ages()}"

    def _ages(self) -> str:
        if self.last_in_age_s is None and self.last_out_age_s is None:
            return ""
        came, went = _ago(self.last_in_age_s), _ago(self.last_out_age_s)
        return f"; last bytes in: {came}, out: {went}"


class ConnectionFailed(AMQPError):
    """There is no connection, or no longer. `Error` of the reference interface.

    Its circumstances are those of `AMQPError`: phase, elapsed, peer, ages of the last bytes, and
    what the peer's close said.
    """

    phases: tuple[str, ...] = PHASES

    @property
    def attempts(self) -> tuple[ConnectionFailed, ...]:
        """One error for each address of the host that was tried, with that address as its `peer`;
        this one alone where there was one address. With several they are in an ExceptionGroup,
        which is the `__cause__` of this error.
        """
        tried = self.__cause__
        if not isinstance(tried, ExceptionGroup):
            return (self,)
        return tuple(one for one in tried.exceptions if isinstance(one, ConnectionFailed))


def _ago(age_s: float | None) -> str:
    return "none" if age_s is None else f"{age_s:.3f} s ago"
