"""From what is known when a peer says nothing, or nothing more, or says it in its own words: the
error with its likely cause and remedy.
"""

from __future__ import annotations

from amqpconn.errors import (
    HUNG_UP_IN,
    AuthenticationRefused,
    ConnectionClosed,
    ConnectionLimitReached,
    FrameError,
    OpenTimeout,
    PeerHungUp,
    SecretRefused,
    VirtualHostDown,
    VirtualHostRefused,
)
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from amqpconn.core.handshake import Agreement
    from amqpconn.errors import ConnectionFailed

# Guesses and advice, by the phase in which the deadline passed.
_TOO_LATE: Final = {
    "resolve": ("perhaps a name server does not answer", "check this machine's resolver"),
    "connect": (
        "perhaps a firewall drops packets, or the host is down",
        "check the address, the route and firewalls that drop packets",
    ),
    "tls": ("perhaps the port does not speak TLS", "check that the port speaks TLS"),
    "header": (
        "perhaps no AMQP broker listens there: one of another kind, or for TLS, may wait for more",
        "check that an AMQP broker listens there; one that wants TLS may stay silent",
    ),
    "start": (
        "perhaps the broker waits for its authentication backend",
        "look at the broker's authentication backend and at its log",
    ),
    "secure": (
        "perhaps the broker waits for its authentication backend",
        "look at the broker's authentication backend and at its log",
    ),
    "open": (
        "perhaps the broker is overloaded, or the virtual host is just starting",
        "look at the broker's load and at its log",
    ),
}
_LOGIN: Final = ("start", "secure")
# May come at any time, and nobody waits for it.
_NOT_WANTED: Final = ("connection.close", "protocol-header")
# Later than this after a deadline, it was us who did not run.
_STALL_S: Final = 1.0
_UPDATING: Final = "connection.update-secret"
_ABOUT_TUNING: Final = ("connection.tune", "connection.tune-ok")


def too_late(timeout_s: float, phase: str, expected: list[str], late_s: float = 0.0) -> OpenTimeout:
    """The deadline for opening passed `late_s` ago; `expected` are the methods that could have
    come.
    """
    wanted = " or ".join(name for name in expected if name not in _NOT_WANTED)
    if not wanted and phase in _LOGIN:  # nothing but a close can come: it is our turn
        return OpenTimeout(
            f"the connection was not open after {timeout_s:g} s;"
            " it was waiting for the credentials",
            cause="the function that gives them takes its time, or hangs",
            remedy="look at what that function waits for, or allow more time",
        )
    waited = f"waiting for {wanted}" if wanted else f"in phase {phase or 'off'}"
    text = f"the connection was not open after {timeout_s:g} s; it was {waited}"
    if late_s > _STALL_S:
        return OpenTimeout(
            text,
            cause=f"this process was stalled for at least {late_s:.1f} s of its time",
            remedy="do not block the event loop; look for a suspended or overloaded process",
        )
    cause, remedy = _TOO_LATE.get(phase, (None, None))
    return OpenTimeout(text, cause=cause, remedy=remedy)


def hung_up(
    phase: str,
    agreement: Agreement | None,
    unfinished: int,
    how: BaseException | None = None,
    is_our_turn: bool = False,
) -> ConnectionFailed:
    """The stream ended without a close, `unfinished` bytes into a frame; `how` is what the system
    says of it, None when it just ended. It may have been our turn to show credentials.

    A server that cannot say 'refused' does so by hanging up (RabbitMQ's authentication failure
    page), so one without that capability that hangs up after the login most likely refused it.
    """
    error = _hung_up(_gone(unfinished, how), phase, agreement, is_our_turn)
    error.__cause__ = how
    if isinstance(error, PeerHungUp) and isinstance(how, OSError):
        error.errno = how.errno
    return error


def in_phase(error: ConnectionFailed, phase: str) -> ConnectionFailed:
    """The same error, with the class for the phase when it says only that the peer hung up."""
    kind = HUNG_UP_IN.get(phase)
    if type(error) is not PeerHungUp or kind is None:
        return error
    exact = kind(error.what, cause=error.cause or None)
    exact.__cause__, exact.errno = error.__cause__, error.errno
    return exact


def refusal(
    codes: Mapping[str, int], phase: str, code: int, text: str, about: str
) -> type[ConnectionFailed]:
    """The class for a connection.close in this phase: by reply code (`codes` has their names), by
    the method that it is about, and where one code means several things by RabbitMQ's words.

    Tune-ok goes out with open, so a refusal in answer to it comes no earlier.
    """
    if phase in _LOGIN and code == codes.get("access-refused"):
        return AuthenticationRefused
    if phase == "open" and about not in _ABOUT_TUNING:
        if code == codes.get("not-allowed"):
            is_limit = "connection limit" in text.lower()
            return ConnectionLimitReached if is_limit else VirtualHostRefused
        if code == codes.get("internal-error") and "is down" in text:
            return VirtualHostDown
    if phase == "opened" and about == _UPDATING and code == codes.get("not-allowed"):
        return SecretRefused
    return ConnectionClosed


def explained(error: ConnectionFailed, phase: str, agreement: Agreement | None) -> ConnectionFailed:
    """The error for a close, with what its code most likely means when it answers a login."""
    size = agreement.login_size if agreement is not None and phase in _LOGIN else 0
    is_about_frame = isinstance(error, FrameError) and size > FRAME_MIN_SIZE
    return _too_large(error, size) if is_about_frame else error


def _gone(unfinished: int, how: BaseException | None) -> str:
    where = f", {unfinished} bytes into a frame" if unfinished else ""
    said = getattr(how, "strerror", None) or (str(how) if how is not None else "")
    why = f" ({said})" if said else ""
    return f"the peer ended the byte stream without closing the connection{where}{why}"


def _hung_up(
    gone: str, phase: str, agreement: Agreement | None, is_our_turn: bool
) -> ConnectionFailed:
    kind = HUNG_UP_IN.get(phase, PeerHungUp)
    if phase not in _LOGIN or agreement is None:
        return kind(gone)
    if is_our_turn:
        return kind(
            gone,
            cause="perhaps the credentials took too long: a broker waits only so long for a login,"
            " RabbitMQ ten seconds",
            remedy="have the function that gives the credentials answer sooner",
        )
    if agreement.login_size > FRAME_MIN_SIZE:
        return _too_large(kind(gone), agreement.login_size)
    if not _says_refused(agreement):
        return AuthenticationRefused(
            f"the server hung up after the login with mechanism {agreement.mechanism}",
            cause="perhaps the login was refused: this server cannot say so otherwise",
        )
    return kind(gone)


def _too_large(error: ConnectionFailed, login_size: int) -> ConnectionFailed:
    error.cause = (
        f"perhaps the login was too large: start-ok had {login_size} bytes, and a server need not"
        f" take more than {FRAME_MIN_SIZE} before tuning"
    )
    error.remedy = "send a shorter token or smaller client properties"
    return error


def _says_refused(agreement: Agreement) -> bool:
    capabilities = agreement.server_properties.get("capabilities")
    return (
        isinstance(capabilities, dict) and capabilities.get("authentication_failure_close") is True
    )
