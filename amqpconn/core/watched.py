"""The parts of an endpoint that tell its observers, in the places of those that do not."""

from __future__ import annotations

from amqpconn.core.framing import FrameReader
from amqpconn.core.output import Output
from amqpconn.core.recording import MOST_RAW
from amqpconn.errors import ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from amqpconn.core.dialect import Dialect
    from amqpconn.core.framing import Frame
    from amqpconn.core.records import FrameRecord
    from amqpconn.core.watch import Watch


class CountingReader(FrameReader):
    """Tells how much comes."""

    __slots__ = ("_watch",)

    def __init__(self, dialect: Dialect, frame_max: int, watch: Watch) -> None:
        super().__init__(dialect, frame_max)
        self._watch = watch

    def is_heartbeat(self, _: bytes) -> bool:
        """False, because `receive` tells of it."""
        return False

    def receive(self, data: bytes) -> Iterable[Frame]:
        """The frames that `data` completes."""
        self._watch.tell("bytes_received", len(data))
        return super().receive(data)


class WatchedReader(CountingReader):
    """Tells every frame, and the bytes at which reading ends."""

    __slots__ = ("_maker", "_now")
    _SHORT_WAY = False  # which passes `_decode` by

    def __init__(self, dialect: Dialect, frame_max: int, watch: Watch) -> None:
        super().__init__(dialect, frame_max, watch)
        self._maker = watch.maker
        self._now = 0.0

    def receive(self, data: bytes) -> Iterable[Frame]:
        """The frames that `data` completes."""
        self._now = self._watch.now
        return super().receive(data)

    def beginning(self) -> FrameRecord | None:
        """What has come of a frame whose rest has not; None in the middle of reading."""
        if not self.unfinished:
            return None
        data = b"".join(self._pieces)[:MOST_RAW]
        return self._maker.incomplete(data, self.unfinished, self._now)

    def _long_way(self, buffer: bytes, at: int) -> tuple[Frame, int] | None:
        try:
            return super()._long_way(buffer, at)
        except ConnectionFailed:
            record = self._maker.unreadable(buffer[at : at + MOST_RAW], len(buffer) - at, self._now)
            self._watch.tell("frame_received", record)
            raise

    def _decode(self, buffer: bytes, at: int, end: int) -> Frame:
        frame = super()._decode(buffer, at, end)
        record = self._maker.frame(buffer, at, end + 1, self._now, False)
        self._watch.tell("frame_received", record)
        return frame


class WatchedOutput(Output):
    """Tells what is taken to be written."""

    __slots__ = ("_watch",)

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def take(self) -> list[bytes | memoryview]:
        """All of it; the queues are empty then."""
        taken = super().take()
        if taken:
            self._watch.sent(b"".join(taken))
        return taken
