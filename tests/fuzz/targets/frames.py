"""What a peer sends, taken apart into frames: version, length of the pieces, and the stream."""

from __future__ import annotations

from collections.abc import Sequence

from amqpconn.core.dialect import Dialect
from amqpconn.core.framing import FrameReader
from amqpconn.errors import ConnectionFailed
from amqpconn_spec._base import ContentHeader, Method
from tests.fuzz.inputs import DIALECTS, agree, one_of, pieces, shown, taken, told

# With 4096 lengths beyond the limit are found soon; limits that change are for the other targets.
FRAME_MAX = 4096


def check(data: bytes) -> None:
    (version, length), stream = taken(data, 2)
    dialect = one_of(DIALECTS, version)
    whole = _outcome(dialect, [stream])
    agree(_outcome(dialect, pieces(stream, length)), whole)


def _outcome(dialect: Dialect, parts: Sequence[bytes]) -> list[object]:
    """The frames, and how it ends: with which error, or what is left over and looks like what."""
    reader = FrameReader(dialect, FRAME_MAX)
    found: list[object] = []
    try:
        for part in parts:
            for channel, read in reader.receive(part):
                what = b"".join(read) if isinstance(read, list) else read
                found.append((channel, shown(what)))
                _check_again(dialect, channel, what)
    except ConnectionFailed as error:
        return [*found, told(error)]
    return [*found, reader.unfinished, told(reader.eof())]


def _check_again(
    dialect: Dialect, channel: int, what: Method | ContentHeader | bytes | None
) -> None:
    """What was read is written, and read again."""
    frames = dialect.package.frames
    if isinstance(what, Method):
        frame = frames.MethodFrame(channel, what)
    elif isinstance(what, ContentHeader):
        frame = frames.HeaderFrame(channel, what.class_id, what.body_size, what.properties)
    elif what is None:
        frame = frames.HeartbeatFrame()
    else:
        frame = frames.BodyFrame(channel, what)
    octets = frame.encode()
    read, end = frames.decode_frame(octets)
    agree((end, read.encode()), (len(octets), octets))
