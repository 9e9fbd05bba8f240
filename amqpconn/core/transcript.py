"""The flight recorder, and the transcript that it gives: the last frames, in both directions."""

from __future__ import annotations

from collections import deque

from amqpconn.observer import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from amqpconn.core.records import FrameRecord


class Transcript:
    """The last frames of a connection, oldest first; `print` it. It has neither credentials nor
    messages in it, and can be pickled.

    Attributes:
        frames: a FrameRecord for each; what was ours is here once it was handed to the byte stream.
        total: how many there have been; those before are forgotten.
        began: when the attempt to open began, on the clock of the frames' `time`.
        peer: the address, as `host:port` or a path.
    """

    __slots__ = ("began", "frames", "peer", "total")

    def __init__(
        self, frames: tuple[FrameRecord, ...], total: int, began: float, peer: str
    ) -> None:
        self.frames = frames
        self.total = total
        self.began = began
        self.peer = peer

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[FrameRecord]:
        return iter(self.frames)

    def __getitem__(self, at: int) -> FrameRecord:
        return self.frames[at]

    def __str__(self) -> str:
        """A line for each frame, with the seconds since the attempt to open began."""
        told = f"the last {len(self)} of {self.total} frames" if self.total else "no frames"
        lines = [f"{told} with {self.peer or 'the peer'}, in seconds since the attempt began:"]
        lines += [f"{frame.time - self.began:10.4f} {frame}" for frame in self.frames]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Transcript: {len(self)} of {self.total} frames with {self.peer or 'the peer'}>"


class FlightRecorder(Observer):
    """Keeps the last `size` frames."""

    def __init__(self, size: int) -> None:
        self.total = 0
        self._kept: deque[FrameRecord] = deque(maxlen=size)

    def frame_received(self, frame: FrameRecord) -> None:
        """Keep it."""
        self.total += 1
        self._kept.append(frame)

    frame_sent = frame_received

    def transcript(self, unfinished: FrameRecord | None, began: float, peer: str) -> Transcript:
        """What is kept now, with the beginning of a frame whose rest is still to come."""
        frames = tuple(self._kept)
        if unfinished is not None:
            frames += (unfinished,)
        return Transcript(frames, self.total + (unfinished is not None), began, peer)
