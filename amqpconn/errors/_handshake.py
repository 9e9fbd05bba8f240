"""The two sides could not agree, or the peer broke the protocol."""

from __future__ import annotations

from amqpconn.errors._base import ConnectionFailed
from amqpconn.errors._stream import OPENING

# --- the handshake ---


class HandshakeFailed(ConnectionFailed):
    """The two sides could not agree, for a reason that has no class of its own."""

    phases: tuple[str, ...] = OPENING[3:]
    remedy = "change what the message names, here or at the server"


class VersionRefused(HandshakeFailed):
    """The server named another protocol version in its answer to the protocol header (4.2.2)."""

    phases: tuple[str, ...] = ("header", "start")
    remedy = "use a protocol version that the server speaks, or protocol='auto'"

    #: The server's header, 8 bytes, when it sent one; 'auto' looks whether we have that version.
    header: bytes = b""


class RedirectRefused(HandshakeFailed):
    """The server sends us to another host (connection.redirect, 0-8 and 0-9), once too often."""

    phases: tuple[str, ...] = ("connect", "open")
    remedy = "connect to that host, or let more redirects be followed with max_redirects"


class NoCommonMechanism(HandshakeFailed):
    """None of the authentication mechanisms asked for is offered."""

    phases: tuple[str, ...] = ("start",)
    remedy = "give an authentication method that the server offers, or enable one there"


class CredentialsFailed(HandshakeFailed):
    """The credentials could not be had: the function that gives them raised, or gave something
    else, or none in time for a renewal.

    `__cause__` is what it raised; where that is an `OSError`, as when the server of tokens cannot
    be reached, it is retryable.
    """

    phases: tuple[str, ...] = ("start", "secure", "opened")
    remedy = "look at the function that gives the credentials, and at what it depends on"


class LoginTooLarge(HandshakeFailed):
    """Our login (start-ok or secure-ok) is larger than a frame that the server takes before tuning;
    it was not sent. The message has the sizes, and names what is large.

    A RabbitMQ that gets such a frame waits three seconds and hangs up without a word. Its limit is
    8192 bytes, and 4096 before version 4.1. The specification's (frame-min-size, 4.2.3) is 4096,
    but a server that does not say that it is such a RabbitMQ is sent up to 8192 all the same:
    many take it, and where one hangs up, `HungUpInStart` names the size as the likely cause.
    """

    phases: tuple[str, ...] = ("start", "secure")
    remedy = (
        "use a shorter token or fewer client properties; where the server's operator has raised its"
        " limit (RabbitMQ's initial_frame_max), give the same number as initial_frame_max"
    )


# --- wrong bytes ---


class ProtocolViolation(ConnectionFailed):
    """The peer broke the protocol. `close_code` is the reply code that it is told."""

    close_code = "syntax-error"
    phases: tuple[str, ...] = (*OPENING[3:], "opened")
    remedy = "report it to the maker of the broker, with the bytes"


class MalformedFrame(ProtocolViolation):
    """Bytes that are no frame, or a frame whose contents cannot be read."""

    close_code = "frame-error"


class FrameTooLarge(MalformedFrame):
    """A frame above the limit in force. Its subclasses say which limit."""


class FrameTooLargeBeforeTune(FrameTooLarge):
    """A frame above frame_min_size (4096 bytes) came before tune, when nothing larger may."""

    phases: tuple[str, ...] = ("header", "start", "secure")
    cause = "perhaps no AMQP broker answers there, and its first bytes only look like a frame"
    remedy = "check the host and the port; report it to the maker of the broker if it is one"


class FrameTooLargeAfterTune(FrameTooLarge):
    """A frame above the frame_max that both sides agreed on."""

    phases: tuple[str, ...] = ("open", "opened")


class UnexpectedMethod(ProtocolViolation):
    """A method that is not allowed in this state; the message names those that are."""

    close_code = "command-invalid"


class UnexpectedContent(UnexpectedMethod):
    """A frame in the middle of content that does not belong there, or content that nobody
    announced.
    """

    close_code = "unexpected-frame"
    phases: tuple[str, ...] = ("opened",)


class WrongChannel(UnexpectedMethod):
    """A frame on a channel that is not open, or content on channel 0."""

    close_code = "channel-error"
