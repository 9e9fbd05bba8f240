"""From the bytes of frames to their records: what of them may be kept, and what not."""

from __future__ import annotations

from struct import Struct

from amqpconn.core import records
from amqpconn.core.records import FrameRecord, decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from amqpconn.core.dialect import Dialect

_read_frame_header = Struct(">BHI").unpack_from
_FRAME_OVERHEAD: Final = 8
_FRAME_HEADER: Final = 7
# With the number of the method; with class, size and property flags of a content header.
_METHOD_HEAD: Final = 11
_CONTENT_HEAD: Final = 21
# A method of more bytes is kept by name and size only, so that the number of frames bounds the
# memory: arguments may fill a whole frame.
LARGEST_METHOD: Final = 4096
# What is kept of bytes that cannot be read.
MOST_RAW: Final = 48


class RecordMaker:
    """Makes the records of one version of the protocol."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._protocol = dialect.protocol
        self._method_frame = dialect.frame_method
        self._secret = frozenset(
            index.to_bytes(4, "big") for index, method in dialect.methods.items() if method.SECRETS
        )
        # The other frames: their kind, and how much of them is no user's data.
        self._others = {
            dialect.frame_header: (records.CONTENT_HEADER, _CONTENT_HEAD),
            dialect.frame_body: (records.BODY, _FRAME_HEADER),
            dialect.frame_heartbeat: (records.HEARTBEAT, _FRAME_HEADER),
        }

    def frame(self, data: bytes, at: int, end: int, time: float, is_sent: bool) -> FrameRecord:
        """The record of the whole, readable frame in `data[at:end]`."""
        if data[at] != self._method_frame:
            kind, size = self._others[data[at]]
            return FrameRecord(time, is_sent, kind, end - at, data[at : at + size], self._protocol)
        if data[at + _FRAME_HEADER : at + _METHOD_HEAD] in self._secret:
            return self._blanked(data[at:end], time, is_sent)
        kept = data[at:end] if end - at <= LARGEST_METHOD else data[at : at + _METHOD_HEAD]
        return FrameRecord(time, is_sent, records.METHOD, end - at, kept, self._protocol)

    def sent(self, data: bytes, time: float) -> Iterator[FrameRecord]:
        """The records of whole frames of ours, one after the other."""
        at = 0
        while at < len(data):
            if data.startswith(b"AMQP", at):
                end = at + len(self._dialect.protocol_header)
                yield self._protocol_header(data[at:end], time, True)
            else:
                end = at + _read_frame_header(data, at)[2] + _FRAME_OVERHEAD
                yield self.frame(data, at, end, time, True)
            at = end

    def unreadable(self, data: bytes, size: int, time: float) -> FrameRecord:
        """The record of bytes that are no frame: `data` of `size` in all; a protocol header is one,
        of another version.
        """
        if data.startswith(b"AMQP") and len(data) >= len(self._dialect.protocol_header):
            header = data[: len(self._dialect.protocol_header)]
            return self._protocol_header(header, time, False)
        return self._raw(records.UNREADABLE, data, size, time)

    def incomplete(self, data: bytes, size: int, time: float) -> FrameRecord:
        """The record of the beginning of a frame: `data` of `size` in all."""
        return self._raw(records.INCOMPLETE, data, size, time)

    def _protocol_header(self, data: bytes, time: float, is_sent: bool) -> FrameRecord:
        return FrameRecord(time, is_sent, records.PROTOCOL_HEADER, len(data), data, self._protocol)

    def _raw(self, kind: str, data: bytes, size: int, time: float) -> FrameRecord:
        return FrameRecord(time, False, kind, size, data[: self._harmless(data)], self._protocol)

    def _harmless(self, data: bytes) -> int:
        """How many of these bytes may be kept: of a method with secrets its number, of content its
        frame header. What does not begin as a frame is cut only.
        """
        if data[_FRAME_HEADER:_METHOD_HEAD] in self._secret:
            return _METHOD_HEAD
        return self._others.get(data[0], ("", MOST_RAW))[1]

    def _blanked(self, data: bytes, time: float, is_sent: bool) -> FrameRecord:
        """Of a method with secrets the rest of its arguments is kept, and none of its bytes."""
        method = decoded(self._dialect, data)
        for name in method.SECRETS if method is not None else ():
            setattr(method, name, None)
        return FrameRecord(
            time, is_sent, records.METHOD, len(data), data[:_METHOD_HEAD], self._protocol, method
        )
