"""What the core tells its driver.

The driver takes them in order, after every call that may have caused some.
"""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.errors import AMQPError, ConnectionFailed
    from amqpconn_spec._base import Method


class ChannelState(Enum):
    """The life of a channel; the value is for people."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Event:
    """Base of all events."""

    __slots__ = ()


class Call(Event):
    """A method that waits for its reply, and the event that it is over.

    Attributes:
        method, channel: what was sent, and where.
        reply: the method that answered, None until then and after an error.
        content: what came with the reply (basic.get-ok has content), or None.
        error: why there will be no reply, or None.
        deadline: when the caller gives up, on the core's clock; None never.
        began: when it was made; None for a call of nobody's.
        done: whether `reply` or `error` is set.
        waiter: the driver's own: whatever wakes its caller.
    """

    __slots__ = (
        "began",
        "channel",
        "content",
        "deadline",
        "done",
        "error",
        "method",
        "reply",
        "waiter",
    )

    def __init__(self, method: Method, channel: ChannelCore, deadline: float | None) -> None:
        self.method = method
        self.channel = channel
        self.deadline = deadline
        self.began: float | None = None
        self.reply: Method | None = None
        self.content: Content | None = None
        self.error: AMQPError | None = None
        self.done = False
        self.waiter: object = None

    def __lt__(self, other: Call) -> bool:
        """By deadline, for the heap of deadlines."""
        return (self.deadline or 0.0) < (other.deadline or 0.0)


class Opened(Event):
    """The handshake is done."""

    __slots__ = ()


class Arrived(Event):
    """A method that is not a reply: a delivery, a returned message, a cancel, a confirm.

    Attributes: channel, method, content (None for a method without content).
    """

    __slots__ = ("channel", "content", "method")

    def __init__(self, channel: ChannelCore, method: Method, content: Content | None) -> None:
        self.channel = channel
        self.method = method
        self.content = content


class ChannelDown(Event):
    """A channel is closed; `error` is None when it was closed in order."""

    __slots__ = ("channel", "error")

    def __init__(self, channel: ChannelCore, error: AMQPError | None) -> None:
        self.channel = channel
        self.error = error


class Blocked(Event):
    """The broker takes no more messages (connection.blocked); `reason` is its text. None: it takes
    them again.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str | None) -> None:
        self.reason = reason


class HangUp(Event):
    """The driver is to close the stream: after writing what is left, or at once when `quick`."""

    __slots__ = ("quick",)

    def __init__(self, quick: bool) -> None:
        self.quick = quick


AFTER_THE_REST: Final = HangUp(quick=False)
AT_ONCE: Final = HangUp(quick=True)


class SecretWanted(Event):
    """The driver is to call `ask`, to await what it gives if that can be awaited, and to hand it in
    with `take_secret`, or what was raised with `no_secret`. Both are harmless when it is too late.

    Attributes:
        method: the name of what it goes into, such as 'connection.start-ok'.
        mechanism: the name of the mechanism.
        ask: the user's function.
        may_block: whether that may take its time, so that it is to be called on a thread.
    """

    __slots__ = ("ask", "may_block", "mechanism", "method")

    def __init__(
        self, method: str, mechanism: str, ask: Callable[[], object], may_block: bool
    ) -> None:
        self.method = method
        self.mechanism = mechanism
        self.ask = ask
        self.may_block = may_block


class SecretFailed(Event):
    """The credentials of an open connection could not be renewed; `error` says why. When the server
    refused them it is the error of the connection too.
    """

    __slots__ = ("error",)

    def __init__(self, error: ConnectionFailed) -> None:
        self.error = error


class Redial(Event):
    """The driver is to drop this stream without a word and to get another one.

    Attributes: host, port: where; host None is the same place again, port None the usual port.
    """

    __slots__ = ("host", "port")

    def __init__(self, host: str | None, port: int | None) -> None:
        self.host = host
        self.port = port


class Down(Event):
    """The byte stream is gone and everybody has been told; nothing follows. `error` is None after
    an orderly close.
    """

    __slots__ = ("error",)

    def __init__(self, error: ConnectionFailed | None) -> None:
        self.error = error


def told_nobody(event: Event) -> None:
    """In place of whoever is told, once that is done: nothing follows `Down`."""


class ObserverFailed(Event):
    """An observer raised: what was called, and the exception. The driver reports it."""

    __slots__ = ("error", "hook")

    def __init__(self, hook: Callable[..., object], error: Exception) -> None:
        self.hook = hook
        self.error = error


class StateChanged(Event):
    """The endpoint's state: `old` and `new` are members of amqpconn.core.endpoint.EndpointState."""

    __slots__ = ("new", "old")

    def __init__(self, old: object, new: object) -> None:
        self.old = old
        self.new = new
