"""Inputs of any size that are as bad as they can be for their size, and what reads them.

A family is a piece that is repeated, between a beginning and an end, and the reader. What a reader
needs whatever comes (a core, a session) is made before anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from amqpconn.core.dialect import dialect_for
from amqpconn.core.framing import FrameReader
from amqpconn.errors import ConnectionFailed, InvalidURL
from amqpconn.uri import parse_url
from amqpconn_spec._wire import DecodeError, decode_table
from amqpconn_spec.v0_9_1 import basic, channel, connection, frames, queue, registry, tx
from tests.fuzz.targets import client, server

Reader = Callable[[bytes], object]
DIALECT = dialect_for("0-9-1")
BEAT = frames.HEARTBEAT


class Family:
    """Inputs of one kind: `reader()` makes what reads one, `data(size)` one of about that size."""

    def __init__(
        self, reader: Callable[[], Reader], piece: bytes, *, wrap: Callable[[bytes], bytes] = bytes
    ) -> None:
        self.reader = reader
        self._piece = piece
        self._wrap = wrap

    def data(self, size: int) -> bytes:
        return self._wrap(self._piece * (size // len(self._piece)))


# --- readers ---


def table() -> Reader:
    def read(data: bytes) -> object:
        with suppress(DecodeError):
            return decode_table(data)
        return None

    return read


def reader(length: int = 0) -> Reader:
    """A frame reader that gets everything at once, or in pieces; it has no limit of its own."""
    reading = FrameReader(DIALECT, 2**32)

    def read(data: bytes) -> object:
        with suppress(ConnectionFailed):
            parts = [data[at : at + length] for at in range(0, len(data), length)] if length else ()
            return [len(list(reading.receive(part))) for part in parts or [data]]
        return None

    return read


def core(make: Callable[[str], Any]) -> Reader:
    made = make("0-9-1")
    return lambda data: made.receive_data(data, client.NOW)


def session(make: Callable[[Any], Any]) -> Reader:
    made = make(DIALECT)
    return lambda data: made.receive_data(data, server.NOW)


def url() -> Reader:
    def read(data: bytes) -> object:
        with suppress(InvalidURL):
            return parse_url(data.decode()).redacted
        return None

    return read


# --- shapes ---


def in_table(entries: bytes) -> bytes:
    return len(entries).to_bytes(4, "big") + entries


def in_array(values: bytes) -> bytes:
    return in_table(b"\x01a" + b"A" + in_table(values))


def in_nested(values: bytes, depth: int = 30) -> bytes:
    """Arrays in arrays, as deep as they may lie, with everything in the innermost."""
    for _ in range(depth):
        values = b"A" + in_table(values)
    return in_table(b"\x01a" + values)


def in_frame(payload: bytes) -> bytes:
    return b"\x01\x00\x00" + len(payload).to_bytes(4, "big") + payload + b"\xce"


def message(body: bytes = b"") -> bytes:
    """A delivery on channel 1; each of its parts as small as it can be."""
    header = frames.HeaderFrame(1, 60, len(body), basic.Properties()).encode()
    bodies = b"".join(frames.BodyFrame(1, bytes([each])).encode() for each in body)
    return basic.Deliver().encode_frame(1) + header + bodies


def with_header(frames_: bytes) -> bytes:
    """What must come before a body that never ends."""
    header = frames.HeaderFrame(1, 60, 2**63, basic.Properties()).encode()
    return basic.Deliver().encode_frame(1) + header + frames_


def published(body: bytes) -> bytes:
    header = frames.HeaderFrame(1, 60, len(body), basic.Properties()).encode()
    body = b"" if not body else frames.BodyFrame(1, body).encode()
    return basic.Publish(routing_key="q").encode_frame(1) + header + body


def on_channels(frames_: bytes) -> bytes:
    """Frames of twelve bytes, each on a channel of its own."""
    count = len(frames_) // 12
    return b"".join(tx.Select().encode_frame(2 + each % 65000) for each in range(count))


START = connection.Start(0, 9, {}, b"PLAIN", b"en_US").encode_frame(0)
FRESH = partial(core, client.fresh)
OPENED = partial(core, client.opened)
SERVER = partial(session, server.opened)

FAMILIES: dict[str, Family] = {
    "table of nothing": Family(table, b"\x00V", wrap=in_table),
    "table of short keys": Family(
        table, b"".join(b"\x02%02xV" % n for n in range(256)), wrap=in_table
    ),
    "table of empty tables": Family(table, b"\x00F\x00\x00\x00\x00", wrap=in_table),
    "array of nothing": Family(table, b"V", wrap=in_array),
    "array of empty arrays": Family(table, b"A\x00\x00\x00\x00", wrap=in_array),
    "array of empty tables": Family(table, b"F\x00\x00\x00\x00", wrap=in_array),
    "array of empty strings": Family(table, b"S\x00\x00\x00\x00", wrap=in_array),
    "array of long letters": Family(table, b"S\x00\x00\x00\x05\xf0\x9f\x98\x80a", wrap=in_array),
    "array of booleans": Family(table, b"t\x01", wrap=in_array),
    "array of octets": Family(table, b"B\xff", wrap=in_array),
    "array of timestamps": Family(table, b"T" + bytes(7) + b"\x01", wrap=in_array),
    "array of decimals": Family(table, b"D\xff\x7f\xff\xff\xff", wrap=in_array),
    "array of floats": Family(table, b"f?\x80\x00\x01", wrap=in_array),
    "array of one-entry tables": Family(table, b"F\x00\x00\x00\x02\x00V", wrap=in_array),
    "nested deep": Family(table, b"F\x00\x00\x00\x00", wrap=in_nested),
    "no table at all": Family(table, b"\xff"),
    "heartbeats": Family(reader, BEAT),
    "heartbeats in pieces of one byte": Family(partial(reader, 1), BEAT),
    "empty bodies": Family(reader, frames.BodyFrame(1, b"").encode()),
    "small methods": Family(reader, tx.Select().encode_frame(1)),
    "one frame in pieces": Family(
        partial(reader, 3), b"x", wrap=lambda data: b"\x03\0\1" + in_table(data) + b"\xce"
    ),
    "stranger": Family(reader, b"AMQX"),
    "secure": Family(FRESH, connection.Secure().encode_frame(0), wrap=lambda data: START + data),
    "start with a table": Family(
        FRESH,
        b"\x00F\x00\x00\x00\x00",
        wrap=lambda data: in_frame(b"\0\x0a\0\x0a\0\x09" + in_table(data[:4000]) + bytes(8)),
    ),
    "deliveries": Family(OPENED, message()),
    "deliveries in pieces": Family(OPENED, message(bytes(9))),
    "bodies of nothing": Family(OPENED, frames.BodyFrame(1, b"").encode(), wrap=with_header),
    "bodies of a byte": Family(OPENED, frames.BodyFrame(1, b"x").encode(), wrap=with_header),
    "blocked": Family(OPENED, connection.Blocked().encode_frame(0)),
    "flow": Family(OPENED, channel.Flow().encode_frame(1)),
    "acknowledgements": Family(OPENED, basic.Ack().encode_frame(1)),
    "client's heartbeats": Family(OPENED, BEAT),
    "close after close": Family(partial(core, client.closing), connection.Close().encode_frame(0)),
    "declared": Family(SERVER, queue.Declare("q").encode_frame(1)),
    "published": Family(SERVER, published(b"")),
    "published with a byte": Family(SERVER, published(b"x")),
    "opened and closed": Family(
        SERVER, channel.Close().encode_frame(1) + channel.Open().encode_frame(1)
    ),
    "many channels": Family(SERVER, bytes(12), wrap=on_channels),
    "server's heartbeats": Family(SERVER, BEAT),
    "handshake over and over": Family(
        partial(session, lambda _: server.fresh()), registry.PROTOCOL_HEADER
    ),
    "URL with a long password": Family(url, b"%41", wrap=lambda data: b"amqp://a:" + data + b"@h"),
    "URL with many parameters": Family(url, b"&a=b", wrap=lambda data: b"amqp://h/?a=b" + data),
    "URL with a long key": Family(url, b"heartbeat", wrap=lambda data: b"amqp://h/?" + data),
    "URL with a long number": Family(url, b"9", wrap=lambda data: b"amqp://h:" + data),
    "URL with long seconds": Family(
        url, b"1", wrap=lambda data: b"amqp://h/?connection_timeout=" + data
    ),
    "URL with many labels": Family(url, b"a.", wrap=lambda data: b"amqp://" + data),
    "URL with a long address": Family(url, b"1:", wrap=lambda data: b"amqp://[" + data + b"]"),
    "URL with many marks": Family(url, b"@:/?", wrap=lambda data: b"amqp://" + data),
    "URL with a long file": Family(url, b"a", wrap=lambda data: b"amqps://h/?cafile=" + data),
}
