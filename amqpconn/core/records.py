"""What is kept of a frame: when, which way, how large, and of a method all that is no secret.

Of content there are sizes and the names of its properties, no values. Bytes are kept as they are
and read when somebody asks, so that keeping a frame costs little more than a slice.
"""

from __future__ import annotations

from struct import Struct

from amqpconn.core.dialect import dialect_for
from amqpconn_spec._wire import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.core.dialect import Dialect
    from amqpconn_spec._base import Method

_FRAME_HEADER: Final = 7
_read_frame_header = Struct(">BHI").unpack_from
_read_index = Struct(">7xI").unpack_from
_read_content = Struct(">7xH2xQH").unpack_from
# How much is shown of one argument.
_LONGEST_VALUE: Final = 300

METHOD: Final = "method"
CONTENT_HEADER: Final = "content header"
BODY: Final = "body"
HEARTBEAT: Final = "heartbeat"
PROTOCOL_HEADER: Final = "protocol header"
UNREADABLE: Final = "unreadable"
INCOMPLETE: Final = "incomplete"


class FrameRecord:
    """One frame. As text it is a line: direction, channel, what it is, and its size.

    Attributes:
        time: seconds on the connection's clock: time.monotonic, or that of the event loop.
        is_sent: True for a frame of ours, False for one of the peer's.
        kind: method, content header, body, heartbeat, protocol header; or unreadable, for the bytes
            at which reading ended, and incomplete, for a frame whose rest has not come.
        size: bytes of the whole frame, with its header and end; of what is unreadable or
            incomplete, all that has come from there on.
    """

    __slots__ = ("_head", "_method", "_protocol", "is_sent", "kind", "size", "time")

    def __init__(
        self,
        time: float,
        is_sent: bool,
        kind: str,
        size: int,
        head: bytes,
        protocol: str,
        method: Method | None = None,
    ) -> None:
        self.time = time
        self.is_sent = is_sent
        self.kind = kind
        self.size = size
        self._head = head
        self._protocol = protocol
        self._method = method

    @property
    def channel(self) -> int | None:
        """The channel; None for what has none."""
        if self.kind in (PROTOCOL_HEADER, UNREADABLE) or len(self._head) < _FRAME_HEADER:
            return None
        return int(_read_frame_header(self._head)[1])

    @property
    def name(self) -> str:
        """The method's name, such as 'basic.deliver'; of other frames their kind."""
        if self.kind != METHOD:
            return self.kind
        index = _read_index(self._head)[0]
        return self._dialect.method_name(index >> 16, index & 0xFFFF)

    @property
    def method(self) -> Method | None:
        """The method with None for each secret; None for what is no method, and for one that was
        too large to be kept.
        """
        if self.kind != METHOD or self._method is not None or len(self._head) != self.size:
            return self._method
        return decoded(self._dialect, self._head)

    @property
    def body_size(self) -> int:
        """Bytes of the message: of a content header the whole body, of a body frame its part."""
        if self.kind == CONTENT_HEADER:
            return int(_read_content(self._head)[1])
        return int(_read_frame_header(self._head)[2]) if self.kind == BODY else 0

    @property
    def properties(self) -> tuple[str, ...]:
        """Of a content header, the names of the properties that the message has."""
        if self.kind != CONTENT_HEADER:
            return ()
        class_id, _, flags = _read_content(self._head)
        fields = self._dialect.properties_class(class_id).FIELDS
        return tuple(name for at, (name, _) in enumerate(fields) if flags & (0x8000 >> at))

    @property
    def _dialect(self) -> Dialect:
        return dialect_for(self._protocol)

    def __str__(self) -> str:
        channel = "" if self.channel is None else self.channel
        arrow = "->" if self.is_sent else "<-"
        return f"{arrow} {channel:>5} {_SHOWN[self.kind](self)} [{self.size} bytes]"

    def __repr__(self) -> str:
        return f"<FrameRecord {self}>"

    def _as_method(self) -> str:
        method = self.method
        if method is None:
            return f"{self.name}(arguments not kept)"
        shown = (f"{name}={_value(method, name)}" for name, _ in method.FIELDS)
        return f"{self.name}({', '.join(shown)})"

    def _as_content_header(self) -> str:
        names = ", ".join(self.properties) or "no properties"
        return f"content header: a body of {self.body_size} bytes, {names}"

    def _as_body(self) -> str:
        return f"body: {self.body_size} bytes"

    def _as_protocol_header(self) -> str:
        return "protocol header AMQP " + " ".join(str(octet) for octet in self._head[4:])

    def _as_bytes(self) -> str:
        text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in self._head)
        more = " ..." if self.size > len(self._head) else ""
        return f"{self.kind}: {self._head.hex(' ')}{more} |{text}|"


_SHOWN = {
    METHOD: FrameRecord._as_method,
    CONTENT_HEADER: FrameRecord._as_content_header,
    BODY: FrameRecord._as_body,
    HEARTBEAT: lambda _: HEARTBEAT,
    PROTOCOL_HEADER: FrameRecord._as_protocol_header,
    UNREADABLE: FrameRecord._as_bytes,
    INCOMPLETE: FrameRecord._as_bytes,
}


def decoded(dialect: Dialect, frame: bytes) -> Method | None:
    """The method in a method frame; None when its arguments cannot be read."""
    try:
        method: Method = dialect.decode_method(frame, _FRAME_HEADER, len(frame) - 1)
    except DecodeError:
        return None
    return method


def _value(method: Method, name: str) -> str:
    """An argument as in the method's own repr, cut, and nothing at all of a secret."""
    if name in method.SECRETS:
        return "<secret>"
    shown = repr(getattr(method, name))
    if len(shown) <= _LONGEST_VALUE:
        return shown
    return f"{shown[:_LONGEST_VALUE]}... ({len(shown)} characters)"
