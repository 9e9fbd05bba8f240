"""Channels: ids and their reuse, calls matched with replies in order, content, close from either
side (2.2.5).

A peer answers the calls of one channel in the order in which they came, so a reply belongs to the
first call that waits. A caller who has given up leaves its call in the queue, where it takes the
late answer and so keeps the others in step.
"""

from __future__ import annotations

from collections import deque

from amqpconn import errors
from amqpconn.core.assembler import Assembler
from amqpconn.core.events import Arrived, Call, ChannelDown, ChannelState
from amqpconn.errors import NoFreeChannel, NotOpen
from amqpconn_spec._base import ContentHeader, Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from amqpconn.core.assembler import Content
    from amqpconn.core.circumstances import Circumstances
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.events import Event
    from amqpconn.core.framing import Payload
    from amqpconn.core.output import Output
    from amqpconn.errors import AMQPError
    from amqpconn_spec.v0_9_1 import channel as channel_class


# All that may come before open-ok, and all that still counts after our close (2.2.5).
_WHILE_OPENING: Final = frozenset({"channel.open-ok", "channel.close"})
_WHILE_CLOSING: Final = frozenset({"channel.close", "channel.close-ok"})


class ChannelCore:
    """One channel. `error` is why it was closed; `owner` is the driver's own."""

    __slots__ = ("assembler", "error", "id", "owner", "pending", "state")

    def __init__(self, channel_id: int, state: ChannelState = ChannelState.OPENING) -> None:
        self.id = channel_id
        self.state = state
        self.error: AMQPError | None = None
        self.pending: deque[Call] = deque()
        self.assembler = Assembler()
        self.owner: object = None


class Channels:
    """All channels of one endpoint, channel 0 among them.

    Args:
        emit: takes events for the driver.
        output: takes what is to be written.
        circumstances: know how many there may be, and note on an error where and when it was.
    """

    __slots__ = (
        "_by_id",
        "_circumstances",
        "_control",
        "_dialect",
        "_emit",
        "_free",
        "_highest",
        "_output",
    )

    def __init__(
        self,
        dialect: Dialect,
        emit: Callable[[Event], None],
        output: Output,
        circumstances: Circumstances,
    ) -> None:
        self._dialect = dialect
        self._emit = emit
        self._output = output
        self._circumstances = circumstances
        self._control: ChannelCore | None = None
        self._by_id: dict[int, ChannelCore] = {}
        self._free: list[int] = []
        self._highest = 0

    @property
    def control(self) -> ChannelCore:
        """Channel 0; it is made when it is asked for, as few connections call anything on it."""
        if self._control is None:
            self._control = ChannelCore(0, ChannelState.OPEN)
        return self._control

    def open(self, deadline: float | None) -> Call:
        """Take a free id and ask for the channel. Raises NoFreeChannel."""
        channel = ChannelCore(self._take_id())
        self._by_id[channel.id] = channel
        call = Call(self._dialect.ChannelOpen(), channel, deadline)
        channel.pending.append(call)
        self._send(call.method, channel.id)
        return call

    def close(self, channel: ChannelCore, code: int, text: str, deadline: float | None) -> Call:
        """Ask for the end of a channel; from here on everything but its close-ok is dropped.

        Raises EncodeError for a code that is none, and nothing has happened then.
        """
        call = Call(self._dialect.ChannelClose(reply_code=code, reply_text=text), channel, deadline)
        self._send(call.method, channel.id)
        channel.state = ChannelState.CLOSING
        self._fail_calls(channel, NotOpen(f"channel {channel.id} was closed by its user"))
        channel.pending.append(call)
        return call

    def close_unwanted(self, channel: ChannelCore) -> None:
        """Close a channel whose opener has gone away."""
        self.close(channel, self._dialect.reply_success, "nobody waits for this channel", None)

    def get(self, channel_id: int) -> ChannelCore | None:
        """The channel that has this id now."""
        return self.control if channel_id == 0 else self._by_id.get(channel_id)

    def all_down(self, error: AMQPError | None) -> None:
        """The connection is gone: calls fail with a copy of `error`, channels are closed."""
        if self._control is not None:
            self._fail_calls(self._control, error or _closed_by_user())
        for channel in list(self._by_id.values()):
            self._down(channel, error)

    # --- what arrives on channels above 0 ---

    def take(self, channel_id: int, what: Method | ContentHeader | Payload) -> None:
        """A frame. Raises WrongChannel, UnexpectedMethod, UnexpectedContent."""
        channel = self._by_id.get(channel_id)
        if channel is None:
            raise errors.WrongChannel(
                f"{_named(what)} came on channel {channel_id}, which is not open"
            )
        if isinstance(what, Method):
            self._method(channel, what)
            return
        put = channel.assembler
        whole = put.header(what) if isinstance(what, ContentHeader) else put.body(what)
        if whole is not None:
            self.deliver(channel, *whole)

    def _method(self, channel: ChannelCore, method: Method) -> None:
        channel.assembler.check_idle(method.NAME)
        if not method.SENT_BY_SERVER or method.NAME.startswith("connection."):
            raise errors.UnexpectedMethod(
                f"{method.NAME} came on channel {channel.id}; it does not belong there"
            )
        if channel.state is ChannelState.OPENING and method.NAME not in _WHILE_OPENING:
            self._expect(channel, ChannelState.OPEN, method)
        if method.HAS_CONTENT:
            channel.assembler.begin(method)
        elif channel.state is ChannelState.CLOSING and method.NAME not in _WHILE_CLOSING:
            return
        elif method.NAME in _HANDLERS:
            _HANDLERS[method.NAME](self, channel, method)
        else:
            self.deliver(channel, method, None)

    def deliver(self, channel: ChannelCore, method: Method, content: Content | None) -> None:
        """To the call that waits for it, or to the user.

        Raises UnexpectedMethod for a reply that nobody asked for.
        """
        if channel.state is ChannelState.CLOSING:
            return
        if channel.pending and type(method) in channel.pending[0].method.REPLIES:
            self._finish(channel.pending.popleft(), method, content)
        elif method.IS_REPLY:
            raise errors.UnexpectedMethod(
                f"{method.NAME} came on channel {channel.id}; no call waits for it"
            )
        else:
            self._emit(Arrived(channel, method, content))

    def _on_open_ok(self, channel: ChannelCore, method: Method) -> None:
        call = channel.pending[0] if channel.pending else None
        self._expect(channel, ChannelState.OPENING, method)
        channel.state = ChannelState.OPEN
        self.deliver(channel, method, None)
        if call is not None and call.error is not None:
            self.close_unwanted(channel)

    def _on_close(self, channel: ChannelCore, close: channel_class.Close) -> None:
        from amqpconn.errors import channel_closed

        about = self._dialect.method_name(close.class_id, close.method_id)
        # Behind what waits: after close-ok the id is free, and nothing more may come for it.
        self._send(self._dialect.ChannelCloseOk(), channel.id)
        if channel.state is not ChannelState.CLOSING:
            error = channel_closed(channel.id, close.reply_code, close.reply_text, about)
            self._down(channel, self._circumstances.stamped(error))

    def _on_close_ok(self, channel: ChannelCore, method: Method) -> None:
        self._expect(channel, ChannelState.CLOSING, method)
        call = channel.pending.popleft()
        self._down(channel, None)
        self._finish(call, method, None)

    def _on_flow(self, channel: ChannelCore, flow: channel_class.Flow) -> None:
        answer = self._dialect.FlowOk(active=flow.active)
        self._output.write_first(answer.encode_frame(channel.id))
        self._emit(Arrived(channel, flow, None))

    def _send(self, method: Method, channel_id: int) -> None:
        self._output.write(method.encode_frame(channel_id))

    def _expect(self, channel: ChannelCore, state: ChannelState, method: Method) -> None:
        if channel.state is not state:
            raise errors.WrongChannel(
                f"{method.NAME} came on channel {channel.id}, which is {channel.state.value}"
            )

    def _down(self, channel: ChannelCore, error: AMQPError | None) -> None:
        channel.state, channel.error = ChannelState.CLOSED, error
        del self._by_id[channel.id]
        self._free.append(channel.id)
        self._fail_calls(channel, error or _closed_by_user())
        self._emit(ChannelDown(channel, error))

    def _fail_calls(self, channel: ChannelCore, reason: AMQPError) -> None:
        while channel.pending:
            self.fail(channel.pending.popleft(), reason.clone())

    def abandon(self, call: Call) -> None:
        """Nobody waits for this call any more; its answer is dropped when it comes."""
        if not call.done:
            call.error, call.done = NotOpen("the caller has gone away"), True

    def fail(self, call: Call, error: AMQPError) -> None:
        """End a call without a reply."""
        if not call.done:
            call.error, call.done = error, True
            self._emit(call)

    def _finish(self, call: Call, method: Method, content: Content | None) -> None:
        if not call.done:
            call.reply, call.content, call.done = method, content, True
            self._emit(call)

    def _take_id(self) -> int:
        if self._free:
            return self._free.pop()
        most = self._circumstances.channel_max
        if self._highest >= most:
            raise NoFreeChannel(f"all {most} channels of this connection are open")
        self._highest += 1
        return self._highest


_HANDLERS: Final[dict[str, Callable[[Channels, ChannelCore, Any], None]]] = {
    "channel.open-ok": Channels._on_open_ok,
    "channel.close": Channels._on_close,
    "channel.close-ok": Channels._on_close_ok,
    "channel.flow": Channels._on_flow,
}


def _named(what: Method | ContentHeader | Payload) -> str:
    if isinstance(what, Method):
        return what.NAME
    return "a content header" if isinstance(what, ContentHeader) else "a body frame"


def _closed_by_user() -> NotOpen:
    return NotOpen("the connection was closed by its user")
