"""Bytes to frames: an incremental splitter with a size limit (specification 2.3.5 and 4.2.3).

Bytes may arrive in pieces of any size. Pieces are kept in a list until a whole frame is there and
then joined once, so the time per byte does not depend on the size of the pieces.
"""

from __future__ import annotations

import struct

from amqpconn.errors import FrameTooLargeAfterTune, FrameTooLargeBeforeTune, MalformedFrame
from amqpconn_spec._wire import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from amqpconn.core.dialect import Dialect
    from amqpconn.errors import FrameTooLarge, HandshakeFailed
    from amqpconn_spec._base import Method
    from amqpconn_spec.v0_9_1.frames import ContentHeader

    # (channel, what): a method, a content header, the bytes of a body frame, or None for a
    # heartbeat.
    Frame = tuple[int, Method | ContentHeader | bytes | None]

FRAME_OVERHEAD: Final = 8
_HEADER_SIZE: Final = 7
_PROTOCOL_HEADER_SIZE: Final = 8
_read_header = struct.Struct(">BHI").unpack_from
_read_start = struct.Struct(">BHII").unpack_from  # and the number of a method


class FrameReader:
    """Splits what the peer sends.

    `frame_max` bounds a whole frame, overhead included, and may be changed at any time.

    Frames that are whole, allowed and well formed go the short way in `receive`. All others go the
    long way, by `_long_way`, which looks at everything again and says what it is.
    """

    __slots__ = (
        "_dialect",
        "_has_begun",
        "_length",
        "_needed",
        "_pieces",
        "_too_large",
        "frame_max",
    )
    _SHORT_WAY = True

    def __init__(self, dialect: Dialect, frame_max: int) -> None:
        self.frame_max = frame_max
        self._has_begun = False
        self._too_large: type[FrameTooLarge] = FrameTooLargeBeforeTune
        self._dialect = dialect
        self._pieces: list[bytes] = []
        self._length = 0
        self._needed = 1

    def tuned(self, frame_max: int) -> None:
        """From here on the limit is the one that was agreed on."""
        self.frame_max, self._too_large = frame_max, FrameTooLargeAfterTune

    def receive(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes, one by one.

        Raises MalformedFrame, FrameTooLarge, or (for first bytes that are no frame)
        HandshakeFailed; then the rest is worthless.
        """
        buffer, at, end = self._with(data), 0, 0
        decoders, decode_header = self._dialect.decoders, self._dialect.decode_header
        method, body, header, heartbeat = self._dialect.frame_types
        short_way, frame_end = self._SHORT_WAY, self._dialect.frame_end
        while buffer:
            frame: Frame | None = None
            try:
                kind, channel, size, index = _read_start(buffer, at)
                end = at + _HEADER_SIZE + size
                if (
                    not short_way
                    or buffer[end] != frame_end
                    or size > self.frame_max - FRAME_OVERHEAD
                ):
                    pass
                elif kind == method:
                    frame = channel, decoders[index](buffer, at + 11, end)
                elif kind == body:
                    frame = channel, buffer[at + _HEADER_SIZE : end]
                elif kind == header:
                    frame = channel, decode_header(buffer, at + _HEADER_SIZE, end)
                elif kind == heartbeat and not channel and not size:
                    frame = 0, None
            except (struct.error, IndexError, KeyError, DecodeError):
                pass
            if frame is None:
                found = self._long_way(buffer, at)
                if found is None:
                    self._keep(buffer[at:])
                    return
                frame, end = found
            self._has_begun = True
            yield frame
            at = end + 1

    def _with(self, data: bytes) -> bytes:
        """All that has come, if it can be enough for a frame; else nothing."""
        self._pieces.append(data)
        self._length += len(data)
        return b"".join(self._pieces) if self._length >= self._needed else b""

    def _long_way(self, buffer: bytes, at: int) -> tuple[Frame, int] | None:
        """The frame at `at` and the index of its end octet, or None when it is not all there."""
        end = self._whole_frame(buffer, at)
        return None if end is None else (self._decode(buffer, at, end), end)

    @property
    def unfinished(self) -> int:
        """How many bytes of a frame have come whose rest has not."""
        return self._length

    def eof(self) -> HandshakeFailed | None:
        """Who it is that ends the stream here, when its first bytes are no frame."""
        rest = b"".join(self._pieces)
        if not rest or self._has_begun or rest[0] in self._dialect.frame_types:
            return None
        from amqpconn.core import sniff

        return sniff.recognise(rest)

    def _keep(self, rest: bytes) -> None:
        self._pieces = [rest] if rest else []
        self._length = len(rest)

    def _whole_frame(self, buffer: bytes, at: int) -> int | None:
        """The index of the end octet of the frame at `at`, or None (and how much is needed) when it
        is not all there.
        """
        there = len(buffer) - at
        if not there:
            self._needed = 1  # one octet tells whether a frame begins
            return None
        if buffer[at] not in self._dialect.frame_types:
            self._needed = self._no_frame(buffer, at)
            return None
        if there < _HEADER_SIZE:
            self._needed = _HEADER_SIZE
            return None
        kind, _, size = _read_header(buffer, at)
        if size + FRAME_OVERHEAD > self.frame_max:
            raise self._too_large(
                f"a frame of {size + FRAME_OVERHEAD} bytes came; the limit is {self.frame_max}"
            )
        if there < size + FRAME_OVERHEAD:
            self._needed = size + FRAME_OVERHEAD
            return None
        end = at + _HEADER_SIZE + int(size)
        if buffer[end] != self._dialect.frame_end:
            raise MalformedFrame(
                f"a frame (type {kind}, {size} bytes) ends with octet {buffer[end]},"
                f" not {self._dialect.frame_end}"
            )
        return end

    def _decode(self, buffer: bytes, at: int, end: int) -> Frame:
        kind, channel, size = _read_header(buffer, at)
        start = at + _HEADER_SIZE
        try:
            if kind == self._dialect.frame_method:
                return channel, self._dialect.decode_method(buffer, start, end)
            if kind == self._dialect.frame_body:
                return channel, buffer[start:end]
            if kind == self._dialect.frame_header:
                return channel, self._dialect.decode_header(buffer, start, end)
        except DecodeError as error:
            if end + 1 < len(buffer):  # again by itself: what is behind it has no part in the error
                return self._decode(buffer[at : end + 1], 0, end - at)
            raise MalformedFrame(f"a frame on channel {channel} cannot be read: {error}") from error
        if channel or size:
            raise MalformedFrame(
                f"a heartbeat frame came on channel {channel} with {size} bytes; both must be 0"
            )
        return 0, None

    def _no_frame(self, buffer: bytes, at: int) -> int:
        """How many bytes to wait for, or the error, for what does not begin as a frame does."""
        from amqpconn.core import sniff  # late: hardly anybody ever needs it

        first = buffer[at : at + _PROTOCOL_HEADER_SIZE]
        if self._has_begun:
            raise MalformedFrame(f"octet {buffer[at]} is no frame type")
        if b"AMQP".startswith(first[:4]) and len(first) < _PROTOCOL_HEADER_SIZE:
            return _PROTOCOL_HEADER_SIZE if len(first) >= 4 else len(first) + 1
        if first.startswith(b"AMQP"):
            raise sniff.counter_offer(first, self._dialect)
        if len(first) < _HEADER_SIZE:
            return _HEADER_SIZE
        raise sniff.recognise(buffer[at : at + 64])
