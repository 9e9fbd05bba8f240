"""From what little is known when a peer says nothing, or nothing more: the error with its likely
cause and remedy.
"""

from __future__ import annotations

from amqpconn.errors import AuthenticationRefused, OpenTimeout, PeerHungUp
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.core.handshake import Agreement
    from amqpconn.errors import ConnectionFailed

# Guesses, by the phase in which the stream ended.
_HUNG_UP: Final = {
    "header": (
        "perhaps the port wants TLS, a load balancer has no broker behind it,"
        " or the broker is just starting"
    ),
    "start": "perhaps the broker gave up on the login; its log says why",
    "secure": "perhaps the broker gave up on the login; its log says why",
    "open": (
        "perhaps the broker did not take the limits (channel_max, frame_max) or the virtual host;"
        " its log says why"
    ),
}
_TOO_LATE: Final = {
    "resolve": "check this machine's resolver",
    "connect": "check the address, the route and firewalls that drop packets",
    "tls": "check that the port speaks TLS",
    "header": "check that an AMQP broker listens there; one that wants TLS may stay silent",
    "start": "look at the broker's authentication backend and at its log",
    "secure": "look at the broker's authentication backend and at its log",
    "open": "look at the broker's load and at its log",
}
_LOGIN: Final = ("start", "secure")
# May come at any time, and nobody waits for it.
_NOT_WANTED: Final = ("connection.close", "protocol-header")


def too_late(timeout_s: float, phase: str, expected: list[str]) -> OpenTimeout:
    """The deadline for opening passed; `expected` are the methods that could have come."""
    wanted = " or ".join(name for name in expected if name not in _NOT_WANTED)
    if not wanted and phase in _LOGIN:  # nothing but a close can come: it is our turn
        return OpenTimeout(
            f"the connection was not open after {timeout_s:g} s;"
            " it was waiting for the credentials",
            cause="the function that gives them takes its time, or hangs",
            remedy="look at what that function waits for, or allow more time",
        )
    waited = f"waiting for {wanted}" if wanted else f"in phase {phase or 'off'}"
    return OpenTimeout(
        f"the connection was not open after {timeout_s:g} s; it was {waited}",
        remedy=_TOO_LATE.get(phase, ""),
    )


def hung_up(
    phase: str, agreement: Agreement | None, unfinished: int, is_our_turn: bool
) -> ConnectionFailed:
    """The stream ended without a close, `unfinished` bytes into a frame; perhaps while it was our
    turn to show credentials.

    A server that cannot say 'refused' does so by hanging up (RabbitMQ's authentication failure
    page), so one without that capability that hangs up after the login most likely refused it.
    """
    where = f", {unfinished} bytes into a frame" if unfinished else ""
    gone = f"the peer ended the byte stream without closing the connection{where}"
    if is_our_turn:
        return PeerHungUp(
            gone,
            cause="perhaps the credentials took too long: a broker waits only so long for a login,"
            " RabbitMQ ten seconds",
            remedy="have the function that gives the credentials answer sooner",
        )
    if phase not in _LOGIN or agreement is None:
        return PeerHungUp(gone, cause=_HUNG_UP.get(phase, ""))
    if agreement.login_size > FRAME_MIN_SIZE:
        return PeerHungUp(
            gone,
            cause=f"perhaps the login was too large: start-ok had {agreement.login_size} bytes, and"
            f" a server need not take more than {FRAME_MIN_SIZE} before tuning",
            remedy="send a shorter token or smaller client properties",
        )
    if not _says_refused(agreement):
        return AuthenticationRefused(
            f"the server hung up after the login with mechanism {agreement.mechanism}",
            cause="perhaps the login was refused: this server cannot say so otherwise",
        )
    return PeerHungUp(gone, cause=_HUNG_UP[phase])


def _says_refused(agreement: Agreement) -> bool:
    capabilities = agreement.server_properties.get("capabilities")
    return (
        isinstance(capabilities, dict) and capabilities.get("authentication_failure_close") is True
    )
