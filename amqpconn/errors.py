"""Every error of the library, by who must act on it.

    AMQPError
    ├── LocalError                     the caller's doing; nothing went out
    │   ├── NotOpen                    the connection or channel is not open (yet, or any more)
    │   ├── AlreadyOpen                an endpoint or connection object opens once
    │   ├── InvalidParameter           an argument that cannot work (ValueError too)
    │   │   └── InvalidURL             the same, in a URL
    │   └── NoFreeChannel              channel_max channels are open already
    ├── CallTimeout                    no reply within the caller's time (TimeoutError too)
    ├── ClosedByPeer                   one subclass per reply code: NotFound, AccessRefused, ...
    ├── ChannelClosed                  the peer closed this channel; the connection goes on
    └── ConnectionFailed               there is no connection, or no longer
        ├── TransportError             the byte stream failed (OSError too)
        │   ├── NameNotResolved, ConnectRefused, HostUnreachable, PeerHungUp
        │   └── TLSFailed
        ├── OpenTimeout                the deadline for opening passed (TimeoutError too)
        ├── OpenAborted                closed by its own user before it was open
        ├── HeartbeatsMissed           the peer went silent (TimeoutError too)
        ├── HandshakeFailed
        │   ├── WrongPeer              PeerSpeaksTLS, PeerSpeaksHTTP, PeerSpeaksAMQP10, ...
        │   ├── VersionRefused, RedirectRefused, NoCommonMechanism
        │   └── AuthenticationRefused, VirtualHostRefused
        ├── ProtocolViolation          MalformedFrame, FrameTooLarge, UnexpectedMethod
        └── ConnectionClosed           the peer said connection.close, with a reply code

What a peer closes is caught by scope (`ChannelClosed`, `ConnectionClosed`) or by reply code
(`NotFound`, ...): the errors raised are both. The numbers and the soft/hard distinction come from
the specification's constants, through the generated table.
"""

from __future__ import annotations

from amqpconn_spec.v0_9_1.constants import REPLY_SUCCESS
from amqpconn_spec.v0_9_1.errors import REPLY_CODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self, TypeVar

    from amqpconn.core.transcript import Transcript

    E = TypeVar("E", bound="AMQPError")

_CODE_BY_NAME = {reply.name: reply for reply in REPLY_CODES.values()}


class AMQPError(Exception):
    """Base of all. The text has up to three parts: what happened, the likely cause, what to do.

    Attributes:
        what: what happened, one sentence.
        cause: the likely cause, empty when `what` says it all. It is a guess where it begins with
            'perhaps'.
        remedy: what to do about it.
        retryable: whether the same attempt may succeed later without anybody changing anything.
        transcript: the last frames before a ConnectionFailed, ChannelClosed or CallTimeout, to be
            printed, when the endpoint has a flight recorder (docs/observing.md); otherwise None.
    """

    cause: str = ""
    remedy: str = ""
    retryable: bool = False
    transcript: Transcript | None = None
    # Of a class made by `_combined`: the scope and the reply code that it was made of.
    _parts: tuple[type[AMQPError], int] | None = None

    def __init__(self, what: str, *, cause: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        if cause is not None:
            self.cause = cause
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        if self.cause:
            parts.append(f"Likely cause: {self.cause}")
        if self.remedy:
            parts.append(f"What to do: {self.remedy}")
        return ". ".join(part.rstrip(".") for part in parts)

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
        return _again, (type(self) if self._parts is None else self._parts, self.what), state


class LocalError(AMQPError):
    """The caller asked for something that cannot be done; the peer has not seen it."""


class NotOpen(LocalError):
    """The connection or channel is not open: not yet, or not any more.

    When it was open and has failed, `__cause__` is the error it failed with.
    """

    remedy = "open it first; after a failure, make a new endpoint and connection"


class AlreadyOpen(LocalError):
    """An endpoint and its connection open once; a new attempt takes new objects."""

    remedy = "make a new Endpoint and Connection for a new attempt"


class InvalidParameter(LocalError, ValueError):
    """An argument that can never work, named in the message."""


class InvalidURL(InvalidParameter):
    """A connection URL that cannot be used; the message names the part, never a password."""


class NoFreeChannel(LocalError):
    """As many channels are open as the negotiated channel_max allows."""

    remedy = "close channels that are not used any more, or ask for a larger channel_max"


class CallTimeout(AMQPError, TimeoutError):
    """The peer did not answer in the time that the caller gave; the connection is still there."""

    retryable = True
    remedy = "wait longer, or look at the broker's load; an answer that comes late is dropped"


class ConnectionFailed(AMQPError):
    """There is no connection, or no longer. `Error` of the reference interface.

    Attributes:
        phase: where it happened: resolve, connect, tls, header, start, secure, tune, open, opened,
            closing.
        elapsed: seconds spent in each phase so far, in order.
        peer: the address, as `host:port` or a path.
        reply_code, reply_text, failing_method: what the peer's close said (None and empty when
            there was none).
    """

    def __init__(self, what: str, *, cause: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, cause=cause, remedy=remedy)
        self.phase = ""
        self.elapsed: Mapping[str, float] = {}
        self.peer = ""
        self.reply_code: int | None = None
        self.reply_text = ""
        self.failing_method = ""

    def __str__(self) -> str:
        if not self.phase:
            return super().__str__()
        peer = f"{self.peer}, " if self.peer else ""
        spent = ", ".join(f"{phase} {seconds:.3f} s" for phase, seconds in self.elapsed.items())
        return f"{super().__str__()} [{peer}in phase {self.phase}; {spent}]"


# --- the byte stream ---


class TransportError(ConnectionFailed, OSError):
    """The byte stream could not be set up, or broke.

    `__cause__` is the system's error where there was one.
    """

    retryable = True


class NameNotResolved(TransportError):
    """The host name has no address."""

    remedy = "check the host name and this machine's resolver"


class ConnectRefused(TransportError):
    """The host is there and nothing listens on that port."""

    remedy = "check that the broker runs and that the port is right (5672 in clear, 5671 with TLS)"


class HostUnreachable(TransportError):
    """No way to the host, or none that answers."""

    remedy = "check the address, the route and firewalls"


class PeerHungUp(TransportError):
    """The peer ended the byte stream without a connection.close."""

    remedy = "read the broker's log at this time; look for a proxy or load balancer in between"


class TLSFailed(TransportError):
    """The TLS handshake failed: no TLS there, or a certificate that does not hold."""

    retryable = False
    remedy = "check the port (5671 is usual for TLS), the certificate authority and the host name"


class OpenTimeout(ConnectionFailed, TimeoutError):
    """The deadline for opening passed; `phase` tells what was waited for."""

    retryable = True


class OpenAborted(ConnectionFailed):
    """Somebody closed the connection, or the caller was interrupted, before it was open."""


class HeartbeatsMissed(ConnectionFailed, TimeoutError):
    """Nothing came from the peer for two heartbeat intervals."""

    retryable = True
    remedy = "look at the network and at the broker's load"


# --- the handshake ---


class HandshakeFailed(ConnectionFailed):
    """The two sides could not agree."""


class WrongPeer(HandshakeFailed):
    """What answers there does not speak AMQP 0-9-1."""


class PeerSpeaksTLS(WrongPeer):
    """The port wants TLS and was spoken to in clear."""

    remedy = "use amqps:// (or ssl=) for this port, or the port for clear text, usually 5672"


class PeerSpeaksHTTP(WrongPeer):
    """A web server answers there."""

    remedy = "use the AMQP port (5672 or 5671), not the management port (15672)"


class PeerSpeaksAMQP10(WrongPeer):
    """The server answers with the header of AMQP 1.0."""

    cause = "perhaps it speaks AMQP 1.0 only, or something in between changed the first bytes"
    remedy = "enable AMQP 0-9-1 on the server, or use a client for AMQP 1.0"


class PeerSpeaksOther(WrongPeer):
    """Something else than AMQP answers there."""

    remedy = "check the host and the port"


class VersionRefused(HandshakeFailed):
    """The server named another protocol version in its answer to the protocol header (4.2.2)."""

    remedy = "use a protocol version that the server speaks, or protocol='auto'"

    #: The server's header, 8 bytes, when it sent one; 'auto' looks whether we have that version.
    header: bytes = b""


class RedirectRefused(HandshakeFailed):
    """The server sends us to another host (connection.redirect, 0-8 and 0-9), once too often."""

    remedy = "connect to that host, or let more redirects be followed with max_redirects"


class NoCommonMechanism(HandshakeFailed):
    """None of the authentication mechanisms asked for is offered."""

    remedy = "give an authentication method that the server offers, or enable one there"


# --- wrong bytes ---


class ProtocolViolation(ConnectionFailed):
    """The peer broke the protocol. `close_code` is the reply code that it is told."""

    close_code = "syntax-error"
    remedy = "report it to the maker of the broker, with the bytes"


class MalformedFrame(ProtocolViolation):
    """Bytes that are no frame, or a frame whose contents cannot be read."""

    close_code = "frame-error"


class FrameTooLarge(MalformedFrame):
    """A frame above the limit in force: frame_min_size before tune, the agreed frame_max after."""


class UnexpectedMethod(ProtocolViolation):
    """A method that is not allowed in this state; the message names those that are."""

    close_code = "command-invalid"


# --- closed by the peer: by scope ---


class ConnectionClosed(ConnectionFailed):
    """The peer closed the connection with connection.close."""

    retryable = True


class ChannelClosed(AMQPError):
    """The peer closed one channel with channel.close; other channels and the connection go on.

    Attributes: reply_code, reply_text, failing_method (a name such as `queue.declare`, or empty),
    channel (the id).
    """

    reply_code: int = 0
    reply_text: str = ""
    failing_method: str = ""
    channel: int = 0


# --- closed by the peer: by reply code ---


class ClosedByPeer(AMQPError):
    """What every error with a reply code is; subclasses have the code (constants of the XML).

    Attributes:
        REPLY_CODE: of the class; HARD: whether the specification lets it close a whole connection
            rather than a channel.
        reply_code, reply_text, failing_method: what the peer said, as on the errors by scope.
    """

    REPLY_CODE: int = 0
    HARD: bool = True
    reply_code: int | None = None
    reply_text: str = ""
    failing_method: str = ""
    # The reply code decides, whatever the scope says: 530 is no passing weakness.
    retryable: bool = False

    def __init_subclass__(cls, reply: str = "", **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if reply:
            cls.REPLY_CODE, cls.HARD = _CODE_BY_NAME[reply].code, _CODE_BY_NAME[reply].hard
            BY_REPLY_CODE[cls.REPLY_CODE] = cls


BY_REPLY_CODE: dict[int, type[ClosedByPeer]] = {}


class ContentTooLarge(ClosedByPeer, reply="content-too-large"):
    """311: the content is larger than the server takes at this time."""

    remedy = "send smaller messages, or raise the broker's max_message_size"


class NoRoute(ClosedByPeer, reply="no-route"):
    """312: a mandatory message had no queue to go to."""

    remedy = "bind a queue for this routing key"


class NoConsumers(ClosedByPeer, reply="no-consumers"):
    """313: an immediate message had no consumer ready for it."""


class ConnectionForced(ClosedByPeer, reply="connection-forced"):
    """320: an operator closed it, the broker is going down, or a credential has expired."""

    retryable = True
    remedy = "connect again, later or to another node; with expiring credentials, renew them first"


class InvalidPath(ClosedByPeer, reply="invalid-path"):
    """402: a virtual host that the client named is unknown."""

    remedy = "check the virtual host"


class AccessRefused(ClosedByPeer, reply="access-refused"):
    """403: this user may not do that, or is not who it says."""

    remedy = "check user name, password and permissions"


class NotFound(ClosedByPeer, reply="not-found"):
    """404: there is no such queue, exchange or virtual host."""

    remedy = "declare it first, or check its name and the virtual host"


class ResourceLocked(ClosedByPeer, reply="resource-locked"):
    """405: another connection has it for itself."""

    remedy = "use another queue, or wait until its owner is gone"


class PreconditionFailed(ClosedByPeer, reply="precondition-failed"):
    """406: it exists with other properties, or a delivery tag is unknown."""

    remedy = (
        "use the arguments it was declared with; acknowledge each delivery once, on its own channel"
    )


class FrameError(ClosedByPeer, reply="frame-error"):
    """501: the peer could not read a frame of ours."""


class AMQPSyntaxError(ClosedByPeer, reply="syntax-error"):
    """502: a field in a frame of ours had a value that the peer does not take."""


class CommandInvalid(ClosedByPeer, reply="command-invalid"):
    """503: the methods came in an order that the protocol does not allow."""


class ChannelError(ClosedByPeer, reply="channel-error"):
    """504: a channel was used that is not open."""


class UnexpectedFrame(ClosedByPeer, reply="unexpected-frame"):
    """505: a frame came that was not due, mostly in the middle of content."""


class ResourceError(ClosedByPeer, reply="resource-error"):
    """506: the server has not enough resources."""

    retryable = True


class NotAllowed(ClosedByPeer, reply="not-allowed"):
    """530: the broker's settings or limits do not allow this."""


class NotImplementedByPeer(ClosedByPeer, reply="not-implemented"):
    """540: the server does not know this method or feature."""

    remedy = "use a broker or a version that implements it"


class InternalError(ClosedByPeer, reply="internal-error"):
    """541: something broke inside the server."""

    retryable = True
    remedy = "read the broker's log at this time"


class AuthenticationRefused(AccessRefused, HandshakeFailed):
    """The server refused the login: with 403, or by hanging up without a word (then the cause is a
    guess).
    """

    remedy = (
        "check user name and password, and whether this user may log in from here (the broker lets"
        " guest in from localhost only)"
    )


class VirtualHostRefused(NotAllowed, HandshakeFailed):
    """The server refused the virtual host: it does not exist, or this user may not use it, or a
    limit is reached.
    """

    remedy = "check the virtual host, the user's permissions on it, and the connection limits"


_COMBINED: dict[tuple[type[AMQPError], int], type[Any]] = {}


def _combined(scope: type[E], code: int) -> type[E]:
    """The class that is both `scope` and the class of the reply code, made once."""
    reply = BY_REPLY_CODE.get(code)
    if reply is None or issubclass(scope, ClosedByPeer):
        return scope
    if (scope, code) not in _COMBINED:
        own = {"__doc__": reply.__doc__, "__module__": __name__, "_parts": (scope, code)}
        _COMBINED[scope, code] = type(reply.__name__, (reply, scope), own)
    return _COMBINED[scope, code]


def _again(kind: type[E] | tuple[type[E], int], what: str) -> E:
    """An error of a class, or of the combination of a scope and a reply code."""
    return (_combined(*kind) if isinstance(kind, tuple) else kind)(what)


def connection_closed(
    code: int, text: str, failing_method: str = "", scope: type[ConnectionFailed] = ConnectionClosed
) -> ConnectionFailed:
    """The error for a connection.close from the peer; `scope` narrows it during the handshake."""
    said = _said(code, text, failing_method)
    error = _combined(scope, code)(f"the server closed the connection: {said}")
    error.reply_code, error.reply_text, error.failing_method = code, text, failing_method
    return error


def channel_closed(channel: int, code: int, text: str, failing_method: str = "") -> ChannelClosed:
    """The error for a channel.close from the peer."""
    said = _said(code, text, failing_method)
    error = _combined(ChannelClosed, code)(f"the server closed channel {channel}: {said}")
    error.reply_code, error.reply_text, error.failing_method = code, text, failing_method
    error.channel = channel
    return error


def _said(code: int, text: str, failing_method: str) -> str:
    if code in REPLY_CODES:
        name = REPLY_CODES[code].name
    else:
        name = "reply-success" if code == REPLY_SUCCESS else "unknown reply code"
    where = f", about {failing_method}" if failing_method else ""
    return f"{code} ({name}) {text!r}{where}"
