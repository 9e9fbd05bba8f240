"""From what little is known when a peer says nothing, or nothing more: the error with its likely
cause and remedy.
"""

from __future__ import annotations

from amqpconn.errors import AuthenticationRefused, OpenTimeout, PeerHungUp

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
    "open": "perhaps the broker gave up on opening the virtual host; its log says why",
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


def too_late(timeout_s: float, phase: str, expected: list[str]) -> OpenTimeout:
    """The deadline for opening passed."""
    waited = (
        f"waiting for {' or '.join(expected)}"
        if phase not in ("resolve", "connect", "tls")
        else f"in phase {phase}"
    )
    return OpenTimeout(
        f"the connection was not open after {timeout_s:g} s; it was {waited}",
        remedy=_TOO_LATE.get(phase, ""),
    )


def hung_up(phase: str, agreement: Agreement | None) -> ConnectionFailed:
    """The stream ended without a close.

    A server that cannot say 'refused' does so by hanging up (RabbitMQ's authentication failure
    page), so one without that capability that hangs up after the login most likely refused it.
    """
    if phase in ("start", "secure") and agreement is not None and not _says_refused(agreement):
        return AuthenticationRefused(
            f"the server hung up after the login with mechanism {agreement.mechanism}",
            cause="perhaps the login was refused: this server cannot say so otherwise",
        )
    return PeerHungUp(
        "the peer ended the byte stream without closing the connection",
        cause=_HUNG_UP.get(phase, ""),
    )


def _says_refused(agreement: Agreement) -> bool:
    capabilities = agreement.server_properties.get("capabilities")
    return (
        isinstance(capabilities, dict) and capabilities.get("authentication_failure_close") is True
    )
