"""Bytes to frames: an incremental splitter with a size limit (specification 2.3.5 and 4.2.3).

Bytes may arrive in pieces of any size. Pieces are kept in a list until a whole frame is there and
then joined once, so the time per byte does not depend on the size of the pieces. Large payloads of
body frames are not even joined: of those there are views, and whoever puts the body together makes
the only copy.
"""

from __future__ import annotations

import struct
from itertools import chain

from amqpconn import errors
from amqpconn._late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from amqpconn.core.dialect import Dialect
    from amqpconn.errors import HandshakeFailed
    from amqpconn_spec import _wire as wire
    from amqpconn_spec._base import Method
    from amqpconn_spec.v0_9_1.frames import ContentHeader

    Payload = bytes | list[bytes | memoryview]  # of a body frame; of a large one, its pieces
    # (channel, what): a method, a content header, a body frame, or None for a heartbeat.
    Frame = tuple[int, Method | ContentHeader | Payload | None]
else:
    wire = Late("amqpconn_spec._wire")

FRAME_OVERHEAD: Final = 8
_HEADER_SIZE: Final = 7
_PROTOCOL_HEADER_SIZE: Final = 8
# A server that begins with something else every time costs no more memory than this many frames.
MOST_BEGINNINGS: Final = 64
# Views of pieces that are smaller than this cost more than a copy, in time and in memory.
_WORTH_A_VIEW: Final = 512
_read_header = struct.Struct(">BHI").unpack_from
_read_start = struct.Struct(">BHII").unpack_from  # and the number of a method


class FrameReader:
    """Splits what the peer sends.

    `frame_max` bounds a whole frame, overhead included, and may be changed at any time.

    Frames that are whole, allowed and well formed go the short way in `_frames`, but for large
    bodies. All others go the long way, by `_long_way`, which looks at everything again and says
    what it is.
    """

    __slots__ = (
        "_dialect",
        "_has_begun",
        "_is_tuned",
        "_length",
        "_needed",
        "_pieces",
        "frame_max",
    )
    _SHORT_WAY = True

    def __init__(self, dialect: Dialect, frame_max: int) -> None:
        self.frame_max = frame_max
        self._has_begun = False
        self._is_tuned = False
        self._dialect = dialect
        self._pieces: list[bytes | memoryview] = []
        self._length = 0
        self._needed = 1

    def tuned(self, frame_max: int) -> None:
        """From here on the limit is the one that was agreed on."""
        self.frame_max, self._is_tuned = frame_max, True

    def receive(self, data: bytes) -> Iterable[Frame]:
        """The frames that `data` completes, one by one.

        Servers begin with the same start every time, so one that comes alone is read once and kept
        for all connections; nobody changes it.

        Raises MalformedFrame, FrameTooLarge, or (for first bytes that are no frame)
        HandshakeFailed; then the rest is worthless.
        """
        if not isinstance(data, bytes):  # it may change when we are done with it
            data = bytes(data)
        if not self._length:
            if self._has_begun:
                return self._frames(data, 0)
            kept = self._dialect.beginnings.get(data) if self._SHORT_WAY else None
            self._has_begun = kept is not None
            return self._beginning(data) if kept is None else (kept,)
        there = self._length + len(data)
        if there < self._needed:
            self._pieces.append(data)
            self._length = there
            return iter(())
        if there >= _WORTH_A_VIEW and self._SHORT_WAY and self._has_begun:
            return self._continued(data)
        whole = b"".join((*self._pieces, data))
        self._keep(b"", 0)
        return self._frames(whole, 0)

    def _beginning(self, data: bytes) -> Iterator[Frame]:
        """The first frames."""
        read = []
        for frame in self._frames(data, 0):
            yield frame
            read.append(frame)
        if len(read) == 1 and not self._length and self._SHORT_WAY:
            self._keep_beginning(data, read[0])

    def _keep_beginning(self, data: bytes, frame: Frame) -> None:
        """Start, and nothing else: what clients begin with has their credentials in it."""
        if isinstance(frame[1], self._dialect.Start):
            known = self._dialect.beginnings
            if len(known) >= MOST_BEGINNINGS:
                known.clear()
            known[data] = frame

    def is_heartbeat(self, data: bytes) -> bool:
        """Whether this is one heartbeat and nothing else, as it comes from an idle peer."""
        return data == self._dialect.heartbeat and not self._length and self._has_begun

    def _continued(self, data: bytes) -> Iterator[Frame]:
        """The frames from the one on that has begun, without a copy of those behind it."""
        at = max(_HEADER_SIZE - self._length, 0)
        if at:
            header = b"".join((*self._pieces, data[:at]))
            self._keep(header, 0)
            self._whole_frame(header, 0)  # which knows now what is needed
        end = at + self._needed - self._length
        self._pieces.append(memoryview(data)[at:end])
        if end > len(data):
            self._length += len(data) - at
            return iter(())
        pieces = self._pieces
        self._keep(b"", 0)
        return chain((self._joined(pieces),), self._frames(data, end))

    def _joined(self, pieces: list[bytes | memoryview]) -> Frame:
        """The frame that these are, joined unless it is a large body."""
        kind, channel, size = _read_header(pieces[0])
        if kind != self._dialect.frame_body or pieces[-1][-1] != self._dialect.frame_end:
            return next(self._frames(b"".join(pieces), 0))
        pieces[0] = memoryview(pieces[0])[_HEADER_SIZE:]
        pieces[-1] = pieces[-1][:-1]
        return channel, _payload(pieces, size)

    def _frames(self, buffer: bytes, at: int) -> Iterator[Frame]:
        """The frames from `at` on, as far as they are whole; the rest is kept."""
        end, length = 0, len(buffer)
        decoders, decode_header, method, body, header, heartbeat = self._dialect.reading
        frame_end = self._dialect.frame_end if self._SHORT_WAY else None  # which no octet is
        while at < length:
            frame: Frame | None = None
            try:
                kind, channel, size, index = _read_start(buffer, at)
                start = at + _HEADER_SIZE
                end = start + size
                if buffer[end] != frame_end or size > self.frame_max - FRAME_OVERHEAD:
                    pass
                elif kind == method:
                    frame = channel, decoders[index](buffer, start + 4, end)
                elif kind == body and size < _WORTH_A_VIEW:
                    frame = channel, buffer[start:end]
                elif kind == header:
                    frame = channel, decode_header(buffer, start, end)
                elif kind == heartbeat and not channel and not size:
                    frame = 0, None
            except (struct.error, IndexError, KeyError, wire.DecodeError):
                pass
            if frame is None:
                found = self._long_way(buffer, at)
                if found is None:
                    self._keep(buffer, at)
                    return
                frame, end = found
            self._has_begun = True
            yield frame
            at = end + 1

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

    def _keep(self, buffer: bytes, at: int) -> None:
        """Keep what there is of a frame: the last bytes, from `at` on, of what has come."""
        self._length = len(buffer) - at
        if not self._length:
            self._pieces = []
        elif self._length < _WORTH_A_VIEW:
            self._pieces = [buffer[at:]]
        else:
            self._pieces = [memoryview(buffer)[at:]]

    def _whole_frame(self, buffer: bytes, at: int) -> int | None:
        """The index of the end octet of the frame at `at`, or None (and how much is needed) when it
        is not all there.
        """
        there = len(buffer) - at
        if buffer[at] not in self._dialect.frame_types:
            self._needed = self._no_frame(buffer, at)
            return None
        if there < _HEADER_SIZE:
            self._needed = _HEADER_SIZE
            return None
        kind, _, size = _read_header(buffer, at)
        if size + FRAME_OVERHEAD > self.frame_max:
            early, late = errors.FrameTooLargeBeforeTune, errors.FrameTooLargeAfterTune
            raise (late if self._is_tuned else early)(
                f"a frame of {size + FRAME_OVERHEAD} bytes came; the limit is {self.frame_max}"
            )
        if there < size + FRAME_OVERHEAD:
            self._needed = size + FRAME_OVERHEAD
            return None
        end = at + _HEADER_SIZE + int(size)
        if buffer[end] != self._dialect.frame_end:
            raise errors.MalformedFrame(
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
                return channel, _payload([memoryview(buffer)[start:end]], size)
            if kind == self._dialect.frame_header:
                return channel, self._dialect.decode_header(buffer, start, end)
        except wire.DecodeError as error:
            if end + 1 < len(buffer):  # again by itself: what is behind it has no part in the error
                return self._decode(buffer[at : end + 1], 0, end - at)
            raise errors.MalformedFrame(
                f"a frame on channel {channel} cannot be read: {error}"
            ) from error
        if channel or size:
            raise errors.MalformedFrame(
                f"a heartbeat frame came on channel {channel} with {size} bytes; both must be 0"
            )
        return 0, None

    def _no_frame(self, buffer: bytes, at: int) -> int:
        """How many bytes to wait for, or the error, for what does not begin as a frame does."""
        from amqpconn.core import sniff  # late: hardly anybody ever needs it

        first = buffer[at : at + _PROTOCOL_HEADER_SIZE]
        if self._has_begun:
            raise errors.MalformedFrame(f"octet {buffer[at]} is no frame type")
        if b"AMQP".startswith(first[:4]) and len(first) < _PROTOCOL_HEADER_SIZE:
            return _PROTOCOL_HEADER_SIZE if len(first) >= 4 else len(first) + 1
        if first.startswith(b"AMQP"):
            raise sniff.counter_offer(first, self._dialect)
        if len(first) < _HEADER_SIZE:
            return _HEADER_SIZE
        raise sniff.recognise(buffer[at : at + 64])


def _payload(pieces: list[bytes | memoryview], size: int) -> Payload:
    """The payload of a body frame, in one when that costs less than its pieces."""
    return pieces if size >= len(pieces) * _WORTH_A_VIEW else b"".join(pieces)
