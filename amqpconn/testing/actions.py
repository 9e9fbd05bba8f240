"""Actions: what a peer is to do when a rule comes true, or at any time with `Peer.do`.

Each is called with a `Moment`; any function that takes one is an action too. Actions are done in
order, and in their place in the stream: what comes after a `Wait` waits, a `Cut` is made when
everything before it has been written. Here are those that say something; those about how and when
it is sent are in `faults`.
"""

from __future__ import annotations

from amqpconn_spec.v0_9_1.constants import FRAME_END, FRAME_METHOD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method

    # Bytes go out as they are, in the middle of a frame too.
    Said = bytes | Method[Any] | tuple[Method[Any], Content]


class Moment:
    """When an action is done.

    Attributes:
        session: with which client.
        channel: of the method that it is about; 0 without one.
        method: the one that came or is about to be sent; None for rules about bytes.
        usual: does what the peer does without the rule; nothing for rules other than `On`.
    """

    __slots__ = ("channel", "method", "session", "usual")

    def __init__(
        self,
        session: Session,
        channel: int = 0,
        method: Method[Any] | None = None,
        usual: Callable[[], None] = lambda: None,
    ) -> None:
        self.session = session
        self.channel = channel
        self.method = method
        self.usual = usual


class Usual:
    """Do what the peer does without the rule."""

    def __call__(self, moment: Moment) -> None:
        """Take the step that the rule `On` took over."""
        moment.usual()


class Ignore:
    """Do nothing: the only action of a rule `On` that leaves something without an answer."""

    def __call__(self, moment: Moment) -> None:
        """Nothing."""


class Send:
    """Send methods, methods with content, and bytes, whatever the state of the connection.

    Args:
        what: bytes go out as they are; see `frame` for frames that are wrong.
        channel: None for that of the method which the rule is about (0 without one).
    """

    def __init__(self, *what: Said, channel: int | None = None) -> None:
        self.what = what
        self.channel = channel

    def __call__(self, moment: Moment) -> None:
        """Put it into the stream here."""
        channel = moment.channel if self.channel is None else self.channel
        for each in self.what:
            if isinstance(each, bytes):
                moment.session.outbox.put(each)
            elif isinstance(each, tuple):
                moment.session.send_anyway(each[0], channel, each[1])
            else:
                moment.session.send_anyway(each, channel)


class Challenge:
    """Send connection.secure with these bytes."""

    def __init__(self, challenge: bytes) -> None:
        self.challenge = challenge

    def __call__(self, moment: Moment) -> None:
        """Ask the client back."""
        moment.session.say("connection.secure", challenge=self.challenge)


class Refuse:
    """Close the channel of the method that came, or for one on channel 0 the connection."""

    def __init__(self, reply_code: int, reply_text: str = "by the test") -> None:
        self.reply_code = reply_code
        self.reply_text = reply_text

    def __call__(self, moment: Moment) -> None:
        """Send channel.close or connection.close, naming the method."""
        moment.session.refuse(moment.channel, self.reply_code, self.reply_text, moment.method)


class Close(Refuse):
    """Close the connection."""

    def __call__(self, moment: Moment) -> None:
        """Send connection.close, naming the method."""
        moment.session.refuse(0, self.reply_code, self.reply_text, moment.method)


class Block:
    """Send connection.blocked."""

    def __init__(self, reason: str = "low on memory") -> None:
        self.reason = reason

    def __call__(self, moment: Moment) -> None:
        """Send it, if the connection is open and its version has it."""
        moment.session.tell("connection.blocked", reason=self.reason)


class Unblock:
    """Send connection.unblocked."""

    def __call__(self, moment: Moment) -> None:
        """Send it, if the connection is open and its version has it."""
        moment.session.tell("connection.unblocked")


def frame(
    payload: bytes | Method[Any],
    channel: int = 0,
    *,
    kind: int = FRAME_METHOD,
    size: int | None = None,
    end: int = FRAME_END,
) -> bytes:
    """The bytes of a frame, right unless asked otherwise (specification, 4.2.3).

    Args:
        payload: of the frame; a method stands for its own.
        kind: 1 method, 2 content header, 3 body, 8 heartbeat, others are unknown.
        size: what the frame says of its size; None for the truth.
        end: its last octet.
    """
    data = payload if isinstance(payload, bytes) else payload.encode()
    said = len(data) if size is None else size
    header = kind.to_bytes(1, "big") + channel.to_bytes(2, "big") + said.to_bytes(4, "big")
    return header + data + end.to_bytes(1, "big")
