"""The one place for logs, metrics and traces: what a connection tells while it works.

    class Messages(Observer):
        sent = 0

        def frame_sent(self, frame: FrameRecord) -> None:
            self.sent += frame.name == "basic.publish"

    amqpconn.sync.connect(url, observers=[Messages()])

Observers are called by the connection in the middle of its work. They must not block and must not
use the connection; docs/observing.md says on which thread they run.
"""

from __future__ import annotations

from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from amqpconn.core.handshake import Agreement
    from amqpconn.core.lifecycle import EndpointState
    from amqpconn.core.records import FrameRecord
    from amqpconn.errors import AMQPError, ConnectionFailed

_IS_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect


class Observer:
    """Does nothing: subclass it and override what you need; what you do not override costs nothing.

    Nothing that is told here has credentials or the bodies of messages in it. An exception is
    reported as those of callbacks are, and neither the connection nor other observers notice.
    """

    def state_changed(self, old: EndpointState, new: EndpointState) -> None:
        """The endpoint's state is another one."""

    def phase_entered(self, phase: str) -> None:
        """An attempt to open has come to resolve, connect, tls, header, start, secure, open or
        opened; a connection that ends comes to closing.
        """

    def negotiated(self, agreement: Agreement) -> None:
        """Both sides have shown who they are, and the limits are agreed: `agreement.tuning`, whose
        `report` says why. The virtual host is not open yet.
        """

    def frame_received(self, frame: FrameRecord) -> None:
        """A frame came, or (the last time) bytes that are none: `frame.kind` is 'unreadable'."""

    def frame_sent(self, frame: FrameRecord) -> None:
        """A frame was handed to the byte stream. One that was taken back before is not told."""

    def bytes_received(self, size: int) -> None:
        """A block of bytes came; its frames follow."""

    def bytes_sent(self, size: int) -> None:
        """A block of bytes was handed to the byte stream; its frames follow."""

    def blocked(self, reason: str) -> None:
        """The broker takes no messages (connection.blocked); `reason` is its text."""

    def unblocked(self) -> None:
        """The broker takes messages again."""

    def secret_failed(self, error: ConnectionFailed) -> None:
        """The credentials of an open connection could not be renewed; it goes on while the old ones
        hold.
        """

    def call_finished(
        self, method: str, channel: int, seconds: float, error: AMQPError | None
    ) -> None:
        """A call is over: `method` (its name, such as 'queue.declare') was answered after `seconds`
        or failed. Calls whose caller has gone away are not told.
        """

    def channel_closed(self, channel: int, error: AMQPError | None) -> None:
        """A channel is gone: by the server or with its connection (`error`), or in order (None)."""

    def closed(self, error: ConnectionFailed | None) -> None:
        """The last call: the byte stream is gone. `error` is None after an orderly close."""


def checked(observers: Sequence[Observer]) -> tuple[Observer, ...]:
    """All of them, if they can be called. Raises InvalidParameter."""
    if not isinstance(observers, list | tuple):
        raise InvalidParameter(f"observers is of type {type(observers).__name__}; it is a list")
    for observer in observers:
        if not isinstance(observer, Observer):
            raise InvalidParameter(
                f"{observer!r} in observers is no Observer: subclass it, and give an instance"
            )
        for name in HOOKS:
            _check_plain(observer, name)
    return tuple(observers)


def _check_plain(observer: Observer, name: str) -> None:
    code = getattr(getattr(observer, name), "__code__", None)
    if code is not None and code.co_flags & _IS_COROUTINE:
        raise InvalidParameter(
            f"{type(observer).__name__}.{name} is a coroutine function; observers are not awaited",
            remedy="make it a plain function that starts a task or puts into a queue",
        )


#: The names of what can be overridden.
HOOKS = tuple(name for name in vars(Observer) if not name.startswith("_"))
