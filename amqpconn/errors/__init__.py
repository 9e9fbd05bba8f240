"""Every error of the library, by who must act on it.

    AMQPError
    ├── LocalError                     the caller's doing; nothing went out
    │   ├── NotOpen                    the connection or channel is not open (yet, or any more)
    │   ├── AlreadyOpen                an endpoint or connection object opens once
    │   ├── InvalidParameter           an argument that cannot work (ValueError too)
    │   │   └── InvalidURL             the same, in a URL
    │   ├── NoFreeChannel              channel_max channels are open already
    │   ├── WrongProcess               the child of a fork used a connection of its parent
    │   └── WrongEventLoop             used outside the event loop that opened it
    ├── CallTimeout                    no reply within the caller's time (TimeoutError too)
    ├── ClosedByPeer                   one subclass per reply code: NotFound, AccessRefused, ...
    ├── ChannelClosed                  the peer closed this channel; the connection goes on
    └── ConnectionFailed               there is no connection, or no longer
        ├── TransportError             the byte stream failed (OSError too)
        │   ├── NameNotResolved, ConnectRefused, HostUnreachable
        │   ├── PeerHungUp             by phase: HungUpInConnect, HungUpInTLS, HungUpInHeader, ...
        │   └── TLSFailed              TLSNotSpoken, TLSRefused
        │       └── CertificateRefused CertificateNotTrusted, CertificateForOtherHost, ...
        ├── OpenTimeout                the deadline for opening passed (TimeoutError too)
        ├── OpenAborted                closed by its own user before it was open
        ├── HeartbeatsMissed           the peer went silent (TimeoutError too)
        ├── ProcessStalled             this process did not run for too long (TimeoutError too)
        ├── HandshakeFailed
        │   ├── WrongPeer              PeerSpeaksTLS, PeerSpeaksHTTP, PeerSpeaksSSH, ...
        │   ├── VersionRefused, RedirectRefused, NoCommonMechanism, LoginTooLarge
        │   ├── CredentialsFailed      the user's function for them raised, or gave nothing usable
        │   ├── AuthenticationRefused, VirtualHostRefused
        │   └── ConnectionLimitReached, VirtualHostDown
        ├── ProtocolViolation          the peer broke the protocol
        │   ├── MalformedFrame
        │   │   └── FrameTooLarge      FrameTooLargeBeforeTune, FrameTooLargeAfterTune
        │   └── UnexpectedMethod       UnexpectedContent, WrongChannel
        └── ConnectionClosed           the peer said connection.close, with a reply code
            └── SecretRefused          in answer to new credentials (update-secret)

What a peer closes is caught by scope (`ChannelClosed`, `ConnectionClosed`) or by reply code
(`NotFound`, ...): the errors raised are both. The numbers and the soft/hard distinction come from
the specification's constants, through the generated table. All of them have the attributes of
`AMQPError`.
"""

from __future__ import annotations

from amqpconn.errors._base import PHASES as PHASES
from amqpconn.errors._base import AMQPError as AMQPError
from amqpconn.errors._base import ConnectionFailed as ConnectionFailed
from amqpconn.errors._local import AlreadyOpen as AlreadyOpen
from amqpconn.errors._local import CallTimeout as CallTimeout
from amqpconn.errors._local import InvalidParameter as InvalidParameter
from amqpconn.errors._local import InvalidURL as InvalidURL
from amqpconn.errors._local import LocalError as LocalError
from amqpconn.errors._local import NoFreeChannel as NoFreeChannel
from amqpconn.errors._local import NotOpen as NotOpen
from amqpconn.errors._local import WrongEventLoop as WrongEventLoop
from amqpconn.errors._local import WrongProcess as WrongProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.errors._rare import *  # noqa: F403


def __getattr__(name: str) -> object:
    """An error of `_rare`, all of which are loaded when the first is asked for."""
    if not name.startswith("_"):
        _load_rare()
    if name in globals():
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    _load_rare()
    return sorted(globals())


def _load_rare() -> None:
    from amqpconn.errors import _rare

    found = {name: value for name, value in vars(_rare).items() if not name.startswith("_")}
    globals().update(found)
    _publish(found)


def _publish(names: dict[str, object]) -> None:
    """Tracebacks and pickles name the public place."""
    for value in names.values():
        if isinstance(value, type) and issubclass(value, AMQPError):
            value.__module__ = __name__


_publish(dict(globals()))
