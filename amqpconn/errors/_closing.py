"""Closed by the peer, by scope, and the errors that are both a scope and a reply code."""

from __future__ import annotations

from amqpconn.errors._base import AMQPError, ConnectionFailed
from amqpconn.errors._codes import (
    BY_REPLY_CODE,
    AccessRefused,
    ClosedByPeer,
    InternalError,
    NotAllowed,
)
from amqpconn.errors._handshake import HandshakeFailed
from amqpconn_spec.v0_9_1.constants import REPLY_SUCCESS
from amqpconn_spec.v0_9_1.errors import REPLY_CODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    E = TypeVar("E", bound=AMQPError)


class ConnectionClosed(ConnectionFailed):
    """The peer closed the connection with connection.close."""

    retryable = True
    phases: tuple[str, ...] = ClosedByPeer.phases
    remedy = "read the broker's text in the message, and its log at this time"


class ChannelClosed(AMQPError):
    """The peer closed one channel with channel.close; other channels and the connection go on.

    Attributes: reply_code, reply_text, failing_method (a name such as `queue.declare`, or empty),
    channel (the id).
    """

    phases: tuple[str, ...] = ("opened",)
    remedy = "read the broker's text in the message, and open another channel"
    reply_code: int = 0
    channel: int = 0


# --- refused in use, and while opening ---


class SecretRefused(NotAllowed, ConnectionClosed):
    """The server refused new credentials (connection.update-secret), and closed the connection
    (530).
    """

    phases: tuple[str, ...] = ("opened",)
    remedy = "check that the new token is valid and for the same user; the broker's log says why"


class AuthenticationRefused(AccessRefused, HandshakeFailed):
    """The server refused the login: with 403, or by hanging up without a word (then the cause is a
    guess).
    """

    phases: tuple[str, ...] = ("start", "secure")
    remedy = (
        "check user name and password, and whether this user may log in from here (the broker lets"
        " guest in from localhost only)"
    )


class VirtualHostRefused(NotAllowed, HandshakeFailed):
    """The server refused the virtual host (530): it does not exist, or this user may not use it."""

    phases: tuple[str, ...] = ("open",)
    remedy = "check the virtual host, and the user's permissions on it"


class ConnectionLimitReached(NotAllowed, HandshakeFailed):
    """As many connections are open as the user, the virtual host or the node may have (530).

    RabbitMQ 3.10 may count one that was closed as soon as it was open for ever: it notes openings
    and closings in processes of their own, which may overtake each other.
    """

    retryable = True
    phases: tuple[str, ...] = ("open",)
    remedy = (
        "close connections that are not used any more, or raise the limit that the broker names"
        " (RabbitMQ: set_user_limits, set_vhost_limits, connection_max); where fewer are open than"
        " that, a restart makes RabbitMQ count anew"
    )


class VirtualHostDown(InternalError, HandshakeFailed):
    """The virtual host is there, but not running on this node (541)."""

    retryable = True
    phases: tuple[str, ...] = ("open",)
    cause = "perhaps the node is still starting, or the virtual host's message store has crashed"
    remedy = "read the broker's log; an operator can restart it (RabbitMQ: restart_vhost)"


# --- both a scope and a reply code ---

_COMBINED: dict[tuple[type[AMQPError], int], type[Any]] = {}


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


def again(kind: type[E] | tuple[type[E], int], what: str) -> E:
    """An error of a class, or of the combination of a scope and a reply code."""
    return (_combined(*kind) if isinstance(kind, tuple) else kind)(what)


def _combined(scope: type[E], code: int) -> type[E]:
    """The class that is both `scope` and the class of the reply code, made once."""
    reply = BY_REPLY_CODE.get(code)
    if reply is None or issubclass(scope, ClosedByPeer):
        return scope
    if (scope, code) not in _COMBINED:
        own = {
            "__doc__": reply.__doc__,
            "__module__": reply.__module__,
            "_parts": (scope, code),
            "phases": scope.phases,
        }
        _COMBINED[scope, code] = type(reply.__name__, (reply, scope), own)
    return _COMBINED[scope, code]


def _said(code: int, text: str, failing_method: str) -> str:
    if code in REPLY_CODES:
        name = REPLY_CODES[code].name
    else:
        name = "reply-success" if code == REPLY_SUCCESS else "unknown reply code"
    where = f", about {failing_method}" if failing_method else ""
    return f"{code} ({name}) {text!r}{where}"
