"""The same stream for five libraries: bytes in chunks, as they come from a socket, to frames.

pamqp has no reader; `pamqp_loop` is the loop that its users amqpstorm and rabbitpy have. aiormq is
given its own reader with an asyncio.StreamReader that has all bytes already. py-amqp asks its
socket for as many bytes as it wants, so chunks mean nothing to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace

import pamqp.frame
import pamqp.heartbeat
import pika.frame
from aiormq.connection import FrameReceiver
from amqp.method_framing import frame_handler
from amqp.serialization import loads

from amqpconn.core.dialect import dialect_for
from amqpconn.core.framing import FrameReader
from tests.bench.py_amqp import Transport


def amqpconn_reader(pieces: list[bytes]) -> int:
    """What the core does with them."""
    count = 0
    reader = FrameReader(dialect_for("0-9-1"), 131072)
    for piece in pieces:
        for _frame in reader.receive(piece):
            count += 1
    return count


def pamqp_loop(pieces: list[bytes]) -> int:
    """Read a frame off the front as long as there is a whole one."""
    count = 0
    buffer = b""
    for piece in pieces:
        buffer += piece
        while len(buffer) >= 8:
            try:
                used, _channel, _frame = pamqp.frame.unmarshal(buffer)
            except pamqp.exceptions.UnmarshalingException:
                break
            buffer = buffer[used:]
            count += 1
    return count


def pika_loop(pieces: list[bytes]) -> int:
    """What pika.connection.Connection does when data is available."""
    count = 0
    buffer = b""
    for piece in pieces:
        buffer += piece
        while buffer:
            used, frame = pika.frame.decode_frame(buffer)
            if not frame:
                break
            buffer = buffer[used:]
            count += 1
    return count


def aiormq_reader(pieces: list[bytes]) -> int:
    """aiormq's reader, from a stream that is filled piece by piece."""
    return asyncio.run(_aiormq_reader(pieces))


async def _aiormq_reader(pieces: list[bytes]) -> int:
    count = 0
    stream = asyncio.StreamReader(limit=1 << 30)
    receiver = FrameReceiver(stream)
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    async for _frame in receiver:
        count += 1
    return count


def py_amqp_loop(pieces: list[bytes]) -> int:
    """What drain_events does: read a frame, hand it on, and unpack the method at last."""
    count = 0
    stream = b"".join(pieces)
    read_frame = Transport(BytesIO(stream).read).read_frame
    handle = frame_handler(SimpleNamespace(bytes_recv=0), _unpack)
    left = len(stream)
    while left:
        frame = read_frame()
        handle(frame)
        left -= 8 + len(frame[2])
        count += 1
    return count


def _unpack(_channel: int, _method: object, payload: bytes, _message: object) -> None:
    loads("sLbss", payload, 4)


READERS: dict[str, Callable[[list[bytes]], int]] = {
    "amqpconn": amqpconn_reader,
    "pamqp": pamqp_loop,
    "pika": pika_loop,
    "py-amqp": py_amqp_loop,
    "aiormq": aiormq_reader,
}
