"""No way to the peer, and the end of the byte stream in each phase."""

from __future__ import annotations

from amqpconn.errors._stream import STREAM, PeerHungUp, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class NameNotResolved(TransportError):
    """The host name has no address."""

    phases: tuple[str, ...] = ("resolve",)
    remedy = "check the host name and this machine's resolver"


class ConnectRefused(TransportError):
    """The host is there and nothing listens on that port."""

    phases: tuple[str, ...] = ("connect",)
    remedy = "check that the broker runs and that the port is right (5672 in clear, 5671 with TLS)"


class HostUnreachable(TransportError):
    """No way to the host, or none that answers."""

    phases: tuple[str, ...] = STREAM  # a route may get lost later, too
    remedy = "check the address, the route and firewalls"


class HungUpInConnect(PeerHungUp):
    """The stream ended before anything was sent over it."""

    phases: tuple[str, ...] = ("connect",)
    cause = "perhaps a load balancer has no broker behind it, or a firewall resets connections"


class HungUpInTLS(PeerHungUp):
    """The stream ended in the middle of the TLS handshake."""

    phases: tuple[str, ...] = ("tls",)
    cause = "perhaps the port does not speak TLS, or a load balancer has no broker behind it"


class HungUpInHeader(PeerHungUp):
    """The stream ended in answer to our protocol header."""

    phases: tuple[str, ...] = ("header",)
    cause = (
        "perhaps the port wants TLS, a load balancer has no broker behind it,"
        " or the broker is just starting"
    )


class HungUpInStart(PeerHungUp):
    """The stream ended after the login (start-ok), from a server that could have said why."""

    phases: tuple[str, ...] = ("start",)
    cause = "perhaps the broker gave up on the login; its log says why"


class HungUpInSecure(PeerHungUp):
    """The stream ended after the answer to a challenge, from a server that could have said why."""

    phases: tuple[str, ...] = ("secure",)
    cause = "perhaps the broker gave up on the login; its log says why"


class HungUpInOpen(PeerHungUp):
    """The stream ended after tune-ok and open."""

    phases: tuple[str, ...] = ("open",)
    cause = (
        "perhaps the broker did not take the limits (channel_max, frame_max) or the virtual host;"
        " its log says why"
    )


class HungUpInUse(PeerHungUp):
    """The stream ended under an open connection."""

    phases: tuple[str, ...] = ("opened",)
    cause = (
        "perhaps the broker was killed or restarted, or something in between drops streams that"
        " are idle for long"
    )


#: The class for a stream that ends in a phase.
HUNG_UP_IN: Final[dict[str, type[PeerHungUp]]] = {
    kind.phases[0]: kind
    for kind in (
        HungUpInConnect,
        HungUpInTLS,
        HungUpInHeader,
        HungUpInStart,
        HungUpInSecure,
        HungUpInOpen,
        HungUpInUse,
    )
}
