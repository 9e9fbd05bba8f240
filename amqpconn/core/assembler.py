"""Content: a method, its header and as many body frames as the size needs, taken apart and put
together (2.3.5.2).
"""

from __future__ import annotations

from struct import Struct

from amqpconn import errors
from amqpconn.core.framing import FRAME_OVERHEAD
from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.core.dialect import Dialect
    from amqpconn.core.framing import Payload
    from amqpconn_spec._base import Method, Properties
    from amqpconn_spec.v0_9_1.frames import ContentHeader

PARTS_OF_A_BODY_FRAME: Final = 3
_pack_frame_header = Struct(">BHI").pack


class Content:
    """What travels with a method that carries content.

    Attributes:
        body: the payload, bytes of any length up to 2**64 - 1.
        properties: the class's properties (for class basic
            `amqpconn_spec.v0_9_1.basic.Properties`); None sends none.
    """

    __slots__ = ("body", "properties")
    __match_args__ = ("body", "properties")

    def __init__(self, body: bytes = b"", properties: Properties | None = None) -> None:
        self.body = body
        self.properties = properties

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Content):
            return NotImplemented
        return self.body == other.body and self.properties == other.properties

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Content(<{len(self.body)} bytes>, {self.properties!r})"


class Assembler:
    """One channel's incoming content: `begin` with the method, then `header` and `body` until both
    come back together.
    """

    __slots__ = ("_method", "_missing", "_parts", "_properties")

    def __init__(self) -> None:
        self._method: Method | None = None
        self._properties: Properties | None = None
        self._missing: int | None = None
        self._parts: list[bytes | memoryview] = []

    def check_idle(self, name: str) -> None:
        """Raises UnexpectedContent when content is under way, which `name` would interrupt."""
        if self._method is not None:
            raise errors.UnexpectedContent(
                f"{name} came in the middle of the content of {self._method.NAME}"
            )

    def begin(self, method: Method) -> None:
        """A method that announces content."""
        self._method, self._missing = method, None

    def header(self, header: ContentHeader) -> tuple[Method, Content] | None:
        """The content header; the whole at once when the body is empty.

        Raises UnexpectedContent.
        """
        if self._method is None or self._missing is not None:
            raise errors.UnexpectedContent("a content header came that no method announced")
        if header.class_id != self._method.CLASS_ID:
            raise errors.UnexpectedContent(
                f"the content header after {self._method.NAME} is of class {header.class_id}"
            )
        self._missing, self._properties = header.body_size, header.properties
        return None if header.body_size else self._whole(self._method)

    def body(self, part: Payload) -> tuple[Method, Content] | None:
        """A body frame; the whole when it was the last one. Raises UnexpectedContent."""
        if self._method is None or self._missing is None:
            raise errors.UnexpectedContent("a body frame came that no content header announced")
        if isinstance(part, bytes):
            self._missing -= len(part)
            self._parts.append(part)
        else:
            self._missing -= sum(map(len, part))
            self._parts += part
        if self._missing < 0:
            raise errors.UnexpectedContent(
                f"the body is {-self._missing} bytes longer than its content header says"
            )
        return None if self._missing else self._whole(self._method)

    def _whole(self, method: Method) -> tuple[Method, Content]:
        body = b"".join(self._parts)  # the only copy, or the part itself when it is one of bytes
        self._method = self._missing = None
        self._parts.clear()
        return method, Content(body, self._properties)


def content_parts(
    dialect: Dialect, channel: int, class_id: int, content: Content, frame_max: int
) -> list[bytes | memoryview]:
    """The frames of `content`: the header frame, then `PARTS_OF_A_BODY_FRAME` parts for each body
    frame, what goes before the payload, the payload and the end octet.

    Nothing of the body is copied: the payloads are `content.body` itself, or views of it. Body
    frames are no larger than `frame_max`; a header is as large as its properties. Raises
    InvalidParameter for a body that is not bytes or properties of another class, EncodeError for
    properties that do not fit.
    """
    body, properties = _body(content), _properties(dialect, class_id, content)
    size, room = len(body), frame_max - FRAME_OVERHEAD
    parts: list[bytes | memoryview] = [
        dialect.HeaderFrame(channel, class_id, size, properties).encode()
    ]
    whole = body if size <= room else memoryview(body)
    for at in range(0, size, room):
        payload = whole[at : at + room]
        head = _pack_frame_header(dialect.frame_body, channel, len(payload))
        parts += (head, payload, dialect.end_octet)
    return parts


def _body(content: Content) -> bytes:
    """What is to be sent: a copy of what may change before it is."""
    body = content.body
    if isinstance(body, bytes):
        return body
    if not isinstance(body, bytearray | memoryview):
        raise InvalidParameter(f"a body is bytes, not {type(body).__name__}")
    return bytes(body)


def _properties(dialect: Dialect, class_id: int, content: Content) -> Properties:
    if content.properties is None:
        return dialect.no_properties(class_id)
    kind = dialect.properties_class(class_id)
    if not isinstance(content.properties, kind):
        raise InvalidParameter(
            f"properties are {kind.__module__}.{kind.__name__},"
            f" not {type(content.properties).__name__}"
        )
    return content.properties
