"""The parts of an endpoint that tell its observers, in the places of those that do not."""

from __future__ import annotations

from amqpconn.core.framing import FrameReader
from amqpconn.core.output import Output
from amqpconn.core.recording import MOST_RAW
from amqpconn.errors import ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from amqpconn.core.dialect import Dialect
    from amqpconn.core.framing import Frame
    from amqpconn.core.records import FrameRecord
    from amqpconn.core.watch import Watch


class CountingReader(FrameReader):
    """Tells how much comes."""

    def __init__(self, dialect: Dialect, frame_max: int, watch: Watch) -> None:
        super().__init__(dialect, frame_max)
        self._watch = watch

    def receive(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes."""
        self._watch.tell("bytes_received", len(data))
        return super().receive(data)


class WatchedReader(CountingReader):
    """Tells every frame, and the bytes at which reading ends."""

    _is_reading = False

    def receive(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes."""
        self._is_reading = True
        yield from super().receive(data)
        self._is_reading = False

    def beginning(self) -> FrameRecord | None:
        """What has come of a frame whose rest has not; None in the middle of reading."""
        if self._is_reading or not self.unfinished:
            return None
        data = b"".join(self._pieces)[:MOST_RAW]
        return self._watch.maker.incomplete(data, self.unfinished, self._watch.now)

    def _whole_frame(self, buffer: bytes, at: int) -> int | None:
        try:
            return super()._whole_frame(buffer, at)
        except ConnectionFailed:
            self._unreadable(buffer, at, len(buffer))
            raise

    def _decode(self, buffer: bytes, at: int, end: int) -> Frame:
        try:
            frame = super()._decode(buffer, at, end)
        except ConnectionFailed:
            self._unreadable(buffer, at, end + 1)
            raise
        watch = self._watch
        watch.tell("frame_received", watch.maker.frame(buffer, at, end + 1, watch.now, False))
        return frame

    def _unreadable(self, buffer: bytes, at: int, end: int) -> None:
        watch, data = self._watch, buffer[at : min(end, at + MOST_RAW)]
        watch.tell("frame_received", watch.maker.unreadable(data, end - at, watch.now))


class WatchedOutput(Output):
    """Tells what is taken to be written."""

    __slots__ = ("_watch",)

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def take(self) -> bytes:
        """All of it; the queues are empty then."""
        data = super().take()
        if data:
            self._watch.sent(data)
        return data
