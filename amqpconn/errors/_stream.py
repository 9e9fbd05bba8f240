"""There is no connection, or no longer: the byte stream, and time."""

from __future__ import annotations

from amqpconn.errors._base import PHASES, AMQPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# All before open-ok.
OPENING: Final[tuple[str, ...]] = PHASES[:8]
# Those in which there is a byte stream.
_STREAM: Final[tuple[str, ...]] = PHASES[1:9]


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


class TransportError(ConnectionFailed, OSError):
    """The byte stream could not be set up, or broke, for a reason that has no class of its own.

    `__cause__` is the system's error where there was one, and `errno` its number.
    """

    retryable = True
    phases: tuple[str, ...] = PHASES[:9]
    remedy = "look at the system's error, which is the cause of this one"


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

    phases: tuple[str, ...] = _STREAM  # a route may get lost later, too
    remedy = "check the address, the route and firewalls"


class PeerHungUp(TransportError):
    """The peer ended the byte stream without a connection.close.

    Its subclasses say in which phase.
    """

    phases: tuple[str, ...] = _STREAM
    remedy = "read the broker's log at this time; look for a proxy or load balancer in between"


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


# --- time, and our own doing ---


class OpenTimeout(ConnectionFailed, TimeoutError):
    """The deadline for opening passed; `phase` tells what was waited for."""

    retryable = True
    phases: tuple[str, ...] = OPENING
    remedy = "look at `phase`; give a larger timeout where the broker is known to be slow"


class OpenAborted(ConnectionFailed):
    """Somebody closed the connection, or the caller was interrupted, before it was open."""

    phases: tuple[str, ...] = OPENING
    remedy = "make a new attempt when a connection is wanted after all"


class HeartbeatsMissed(ConnectionFailed, TimeoutError):
    """Nothing came from the peer for two and a half heartbeat intervals."""

    retryable = True
    phases: tuple[str, ...] = ("open", "opened")
    cause = "perhaps the broker is stopped or overloaded, or the network between drops packets"
    remedy = "look at the network and at the broker's load"


class ProcessStalled(ConnectionFailed, TimeoutError):
    """This process did not run for so long that the connection was lost by it: no heartbeat went
    out, and none was read.

    `stalled_s`: for how long, in seconds.
    """

    retryable = True
    phases: tuple[str, ...] = ("open", "opened")
    remedy = (
        "do not block the event loop; look for a suspended or overloaded process, or ask for a"
        " longer heartbeat"
    )

    stalled_s: float = 0.0
