"""No library: bytes packed beforehand and a blocking socket, which is what opening costs at least.

It checks next to nothing, expects what RabbitMQ offers, and knows no time-out.
"""

from __future__ import annotations

import socket
from time import perf_counter

from amqpconn_spec.v0_9_1 import channel, connection
from tests.bench.child import Window
from tests.bench.clients import place

HEADER = b"AMQP\x00\x00\x09\x01"
START_OK = connection.StartOk(
    {
        "product": "script",
        "version": "1.0",
        "platform": "CPython",
        "capabilities": {"publisher_confirms": True, "authentication_failure_close": True},
    },
    "PLAIN",
    b"\0guest\0guest",
    "en_US",
).encode_frame(0)
TUNE_OK_AND_OPEN = connection.TuneOk(2047, 131072, 60).encode_frame(0) + connection.Open(
    "/"
).encode_frame(0)
CLOSE = connection.Close(200, "bye", 0, 0).encode_frame(0)
OPEN_CHANNEL = channel.Open().encode_frame(1)
START, TUNE, OPEN_OK, CLOSE_OK = (
    kind.INDEX.to_bytes(4, "big")
    for kind in (connection.Start, connection.Tune, connection.OpenOk, connection.CloseOk)
)
CHANNEL_OPEN_OK = channel.OpenOk.INDEX.to_bytes(4, "big")


def _expect(stream: socket.socket, index: bytes) -> None:
    """Read one frame, which ends where the bytes end that have come."""
    data = stream.recv(65536)
    while len(data) < 12 or data[-1] != 0xCE:
        data += stream.recv(65536)
    if data[7:11] != index:
        raise ValueError(f"not the method {index.hex()}: {data!r}")


def _connect(url: str) -> socket.socket:
    stream = socket.socket()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.connect(place(url))
    stream.send(HEADER)
    _expect(stream, START)
    stream.send(START_OK)
    _expect(stream, TUNE)
    stream.send(TUNE_OK_AND_OPEN)
    _expect(stream, OPEN_OK)
    return stream


def _close(stream: socket.socket) -> None:
    stream.send(CLOSE)
    _expect(stream, CLOSE_OK)
    stream.shutdown(socket.SHUT_RDWR)
    stream.close()


def open_close(url: str, count: int) -> dict[str, float]:
    _close(_connect(url))
    with Window() as window:
        for _ in range(count):
            _close(_connect(url))
    return window.per(count)


def first_channel(url: str) -> dict[str, float]:
    began = perf_counter()
    stream = _connect(url)
    opened = perf_counter()
    stream.send(OPEN_CHANNEL)
    _expect(stream, CHANNEL_OPEN_OK)
    done = perf_counter()
    _close(stream)
    return {"connection": opened - began, "channel": done - began}
