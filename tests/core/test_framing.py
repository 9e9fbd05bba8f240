"""Frames out of bytes: pieces of any size, limits, and who it is that sends no frames."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.core.dialect import dialect_for
from amqpconn.core.framing import FRAME_OVERHEAD, FrameReader
from amqpconn.errors import (
    ConnectionFailed,
    FrameTooLargeAfterTune,
    FrameTooLargeBeforeTune,
    HandshakeFailed,
    HungUpInHeader,
    MalformedFrame,
    PeerSpeaksAMQP10,
    PeerSpeaksHTTP,
    PeerSpeaksOther,
    PeerSpeaksRedis,
    PeerSpeaksSSH,
    PeerSpeaksTLS,
    VersionRefused,
)
from amqpconn_spec.v0_9_1 import basic, connection, frames
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE
from tests.core.server import START, Client, opened

DIALECT = dialect_for("0-9-1")
LIMIT = 131072
FRAMES: list[Any] = [
    frames.MethodFrame(0, START),
    frames.MethodFrame(1, basic.Ack(7)),
    frames.HeaderFrame(1, basic.Deliver.CLASS_ID, 11, basic.Properties(content_type="text/plain")),
    frames.BodyFrame(1, b"hello world"),
    frames.BodyFrame(65535, b""),
    frames.BodyFrame(2, b"\xce" * 300),
    frames.BodyFrame(3, bytes(range(256)) * 5),
    frames.HeartbeatFrame(),
]


def reader(frame_max: int = LIMIT) -> FrameReader:
    return FrameReader(DIALECT, frame_max)


def read(pieces: Sequence[bytes], frame_max: int = LIMIT) -> list[Any]:
    splitter = reader(frame_max)
    found = [frame for piece in pieces for frame in splitter.receive(piece)]
    return [(channel, joined(what)) for channel, what in found]


def joined(what: Any) -> Any:
    """The payload of a body frame in one, and anything else as it is."""
    return b"".join(what) if isinstance(what, list) else what


def meant(sent: Sequence[Any]) -> list[Any]:
    """What a reader makes of frames."""
    made: list[Any] = []
    for frame in sent:
        if isinstance(frame, frames.MethodFrame):
            made.append((frame.channel, frame.method))
        elif isinstance(frame, frames.HeaderFrame):
            header = frames.ContentHeader(frame.class_id, frame.body_size, frame.properties)
            made.append((frame.channel, header))
        elif isinstance(frame, frames.BodyFrame):
            made.append((frame.channel, frame.payload))
        else:
            made.append((0, None))
    return made


# --- pieces ---


@given(st.lists(st.sampled_from(FRAMES), max_size=6), st.data())
def test_the_pieces_in_which_bytes_come_do_not_matter(sent: list[Any], data: st.DataObject) -> None:
    stream = b"".join(frame.encode() for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(pieces) == meant(sent)


def test_one_byte_at_a_time() -> None:
    stream = b"".join(frame.encode() for frame in FRAMES)
    assert read([bytes([octet]) for octet in stream]) == meant(FRAMES)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_body_is_bytes_whatever_the_pieces_are(kind: type[bytes]) -> None:
    stream = frames.BodyFrame(1, b"body").encode()
    ((_, whole),) = read([kind(stream)])
    ((_, cut),) = read([kind(stream[:9]), kind(stream[9:])])
    assert type(whole) is type(cut) is bytes


@pytest.mark.parametrize("size", [1_000, 4_000, 16_000])
@pytest.mark.parametrize("before", [b"", DIALECT.heartbeat], ids=["first", "later"])
def test_the_work_is_linear_however_small_the_pieces(size: int, before: bytes) -> None:
    joins: list[object] = []
    splitter = reader()
    list(splitter.receive(before))
    stream = frames.BodyFrame(1, bytes(size)).encode()

    def watch(_frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and getattr(function, "__name__", "") == "join":
            joins.append(function)

    sys.setprofile(watch)
    try:
        found = [frame for octet in stream for frame in splitter.receive(bytes((octet,)))]
    finally:
        sys.setprofile(None)
    assert [(channel, joined(what)) for channel, what in found] == [(1, bytes(size))]
    # The octets of the frame's header, as each of them comes, and then the whole once.
    assert len(joins) <= 8


@pytest.mark.parametrize("room", [4088, 131064])
@pytest.mark.parametrize("chunk", [3000, 65536, 262144])
def test_a_large_body_is_not_copied_before_it_is_put_together(room: int, chunk: int) -> None:
    """All that is handed over are views of the very chunks, but for a few bytes."""
    body = bytes(1_000_000)
    stream = b"".join(
        frames.BodyFrame(1, body[at : at + room]).encode() for at in range(0, len(body), room)
    )
    splitter, chunks = reader(), [stream[at : at + chunk] for at in range(0, len(stream), chunk)]
    parts: list[Any] = []
    list(splitter.receive(DIALECT.heartbeat))
    for piece in chunks:
        for _, payload in splitter.receive(piece):
            parts += payload if isinstance(payload, list) else [payload]
    assert b"".join(parts) == body
    own = {id(piece) for piece in chunks}
    copied = [part for part in parts if id(getattr(part, "obj", part)) not in own]
    assert sum(map(len, copied)) <= 512 * len(chunks)
    assert all(len(part) < 1024 for part in copied)


@pytest.mark.parametrize("first", range(1, 12))
@pytest.mark.parametrize("second", [500, 600, 2000])
def test_a_large_frame_may_be_cut_in_its_header(first: int, second: int) -> None:
    large = frames.BodyFrame(7, bytes(range(256)) * 5)
    method = frames.MethodFrame(1, connection.UpdateSecret(b"s" * 900, "reason"))
    beginnings: list[Any] = [large, method]
    for beginning in beginnings:
        sent = [beginning, large]
        stream = b"".join(frame.encode() for frame in sent)
        cut = [stream[:first], stream[first : first + second], stream[first + second :]]
        assert read([DIALECT.heartbeat, *cut]) == [(0, None), *meant(sent)]


@pytest.mark.parametrize("last", [b"\xcd", b"\0"])
def test_a_large_frame_in_pieces_that_does_not_end_as_it_should(last: bytes) -> None:
    wrong = frames.BodyFrame(7, bytes(2000)).encode()[:-1] + last
    with pytest.raises(MalformedFrame, match=r"type 3, 2000 bytes\) ends with octet"):
        read([DIALECT.heartbeat, wrong[:1000], wrong[1000:]])


def test_what_has_come_of_a_frame_does_not_keep_what_came_before() -> None:
    splitter = reader()
    chunk = frames.BodyFrame(1, bytes(100_000)).encode() + frames.BodyFrame(1, b"x").encode()[:7]
    count = sys.getrefcount(chunk)
    assert len(list(splitter.receive(chunk))) == 1
    assert splitter.unfinished == 7
    assert sys.getrefcount(chunk) == count


def test_what_is_unfinished_is_counted() -> None:
    splitter = reader()
    stream = frames.BodyFrame(1, b"hello").encode()
    assert list(splitter.receive(stream + stream[:9])) == [(1, b"hello")]
    assert splitter.unfinished == 9
    assert list(splitter.receive(stream[9:])) == [(1, b"hello")]
    assert splitter.unfinished == 0


# --- limits ---


@pytest.mark.parametrize("limit", [FRAME_MIN_SIZE, 8192, LIMIT])
def test_a_frame_of_exactly_the_limit_passes_and_one_byte_more_does_not(limit: int) -> None:
    fitting = frames.BodyFrame(1, bytes(limit - FRAME_OVERHEAD)).encode()
    assert len(fitting) == limit
    assert read([fitting], limit) == [(1, bytes(limit - FRAME_OVERHEAD))]
    above = frames.BodyFrame(1, bytes(limit - FRAME_OVERHEAD + 1)).encode()
    with pytest.raises(
        FrameTooLargeBeforeTune, match=f"{limit + 1} bytes came; the limit is {limit}"
    ):
        read([above], limit)


def test_a_frame_that_is_too_large_is_refused_by_its_header() -> None:
    with pytest.raises(FrameTooLargeBeforeTune, match="4294967303 bytes"):
        read([b"\x01\x00\x00\xff\xff\xff\xff"])


def start_of(size: int) -> connection.Start:
    """A start whose frame has this size."""
    empty = len(connection.Start(0, 9, {}, b"", b"en_US").encode_frame(0))
    return connection.Start(0, 9, {}, b"PLAIN ".ljust(size - empty, b"X"), b"en_US")


def test_before_tune_the_limit_is_the_specifications_minimum() -> None:
    client = Client().connect()
    client.feed(start_of(FRAME_MIN_SIZE))
    assert client.core.error is None
    client = Client().connect()
    client.feed(start_of(FRAME_MIN_SIZE + 1))
    assert type(client.error) is FrameTooLargeBeforeTune
    assert client.error.phase == "header"


def test_after_tune_the_limit_is_the_agreed_one() -> None:
    client = opened(frame_max=8192)
    number = client.open_channel().id
    client.feed(basic.Deliver(), number)
    client.feed(frames.HeaderFrame(number, 60, 8184, basic.Properties()))
    client.feed(frames.BodyFrame(number, bytes(8184)))
    assert client.core.error is None
    client.feed(frames.BodyFrame(number, bytes(8185)))
    assert type(client.error) is FrameTooLargeAfterTune
    (close,) = client.methods()
    assert isinstance(close, connection.Close)
    assert close.reply_code == 501
    assert "8193 bytes" in close.reply_text


# --- no frames ---


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x33\xcd",
            r"type 1, 4 bytes\) ends with .* 205",
        ),
        (b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\xff\xff\xce", "class 10 has no method 65535"),
        (b"\x01\x00\x00\x00\x00\x00\x04\xff\xff\x00\x0a\xce", "class 65535 has no method 10"),
        (b"\x01\x00\x00\x00\x00\x00\x02\x00\x0a\xce", "channel 0 cannot be read: method: "),
        (b"\x01\x00\x03\x00\x00\x00\x05\x00\x0a\x00\x33\x00\xce", "1 bytes are left over"),
        (b"\x02\x00\x01\x00\x00\x00\x02\x00\x3c\xce", "channel 1 cannot be read: content header"),
        (b"\x02\x00\x01\x00\x00\x00\x0e\x00\x0a" + bytes(12) + b"\xce", "class 10 has no content"),
        (b"\x08\x00\x01\x00\x00\x00\x00\xce", "heartbeat frame came on channel 1 with 0 bytes"),
        (b"\x08\x00\x00\x00\x00\x00\x01\x00\xce", "heartbeat frame came on channel 0 with 1 bytes"),
    ],
)
def test_frames_that_are_none(data: bytes, message: str) -> None:
    with pytest.raises(MalformedFrame, match=message):
        read([data])


@pytest.mark.parametrize("octet", [0, 4, 7, 9, 65, 72, 255])
def test_after_a_frame_only_frames_may_come(octet: int) -> None:
    heartbeat = DIALECT.heartbeat
    with pytest.raises(MalformedFrame, match=f"octet {octet} is no frame type"):
        read([heartbeat, bytes([octet]) * 7])


@pytest.mark.parametrize(
    ("first", "error", "said"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x28", PeerSpeaksTLS, "TLS record"),
        (b"\x15\x03\x01\x00\x02\x02\x46", PeerSpeaksTLS, "TLS record"),
        (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76", PeerSpeaksTLS, "TLS record"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", PeerSpeaksHTTP, "web server"),
        (b"<!DOCTYPE html>", PeerSpeaksHTTP, "web server"),
        (b"<html><body>", PeerSpeaksHTTP, "web server"),
        (b"\0\0\x12\4\0\0\0\0\0", PeerSpeaksHTTP, "HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", PeerSpeaksSSH, "an SSH server: b'SSH-2.0"),
        (b"-ERR unknown command\r\n", PeerSpeaksRedis, "Redis"),
        (b"-DENIED Redis is running in protected mode", PeerSpeaksRedis, "Redis"),
        (b"-NOAUTH Authentication required.\r\n", PeerSpeaksRedis, "Redis"),
        (b"+OK ready\r\n", PeerSpeaksOther, "a mail server"),
        (b"INFO {}\r\n", PeerSpeaksOther, "NATS"),
        (b"RFB 003.008\n", PeerSpeaksOther, "a VNC server"),
        (b"220 mail.example ESMTP\r\n", PeerSpeaksOther, "a mail or FTP server"),
        (b"* OK IMAP4rev1 ready", PeerSpeaksOther, "a mail server"),
        (b"J\x00\x00\x00\x0a8.0.36\x00", PeerSpeaksOther, r"are not AMQP: b'J\x00"),
        (b"AMXPAMQP", PeerSpeaksOther, "are not AMQP: b'AMXPAMQ"),
        (b"AMQP\x00\x00\x09\x00", VersionRefused, "it offers AMQP 0-9-0 (AMQP 0 0 9 0)"),
        (b"AMQP\x00\x00\x0a\x00", VersionRefused, "it offers AMQP 0-10-0 (AMQP 0 0 10 0)"),
        (b"AMQP\x01\x01\x08\x00", VersionRefused, "it offers AMQP 0-8 (AMQP 1 1 8 0)"),
        (b"AMQP\x01\x01\x00\x09", VersionRefused, "it offers AMQP 0-9 (AMQP 1 1 0 9)"),
        (b"AMQP\x01\x01\x00\x0a", VersionRefused, "it offers AMQP 0-10 (AMQP 1 1 0 10)"),
        (b"AMQP\x00\x00\x09\x01", VersionRefused, "with the same one (AMQP 0 0 9 1)"),
        (b"AMQP\x03\x01\x00\x00", PeerSpeaksAMQP10, "AMQP 1.0 (AMQP 3 1 0 0)"),
        (b"AMQP\x02\x01\x00\x00", PeerSpeaksAMQP10, "AMQP 1.0 (AMQP 2 1 0 0)"),
        (b"AMQP\x00\x01\x00\x00", PeerSpeaksAMQP10, "AMQP 1.0 (AMQP 0 1 0 0)"),
    ],
)
@pytest.mark.parametrize("is_split", [False, True], ids=["whole", "split"])
def test_the_first_bytes_tell_who_answers(
    first: bytes, error: type[HandshakeFailed], said: str, is_split: bool
) -> None:
    client = Client(peer="broker:5672").connect()
    for piece in [bytes([octet]) for octet in first] if is_split else [first]:
        client.feed(piece)
    assert type(client.error) is error
    assert said in str(client.error)
    assert "What to do" in str(client.error)
    assert (client.error.phase, client.error.peer) == ("header", "broker:5672")
    assert client.sent() == []


@pytest.mark.parametrize(
    ("first", "error", "said"),
    [
        (b"\x15\x03", PeerSpeaksTLS, "TLS record"),
        (b"HTTP/", PeerSpeaksHTTP, "web server"),
        (b"-ERR", PeerSpeaksRedis, "Redis"),
        (b"\xff", PeerSpeaksOther, r"are not AMQP: b'\xff'"),
        (b"A", VersionRefused, "a part of another one, b'A', and hung up"),
        (b"AMQP\x00\x00\x09", VersionRefused, "a part of another one"),
        (b"\x01", HungUpInHeader, "1 bytes into a frame"),
        (b"\x01\x00\x00\x00\x00\x00\xff", HungUpInHeader, "7 bytes into a frame"),
        (b"", HungUpInHeader, "the port wants TLS"),
    ],
)
@pytest.mark.parametrize("cause", [None, ConnectionResetError("reset")], ids=["eof", "reset"])
def test_few_bytes_and_the_end_tell_what_they_can(
    first: bytes, error: type[ConnectionFailed], said: str, cause: Exception | None
) -> None:
    client = Client().connect()
    client.feed(first)
    assert client.core.error is None
    client.core.lost(cause, client.now)
    assert type(client.error) is error
    assert said in str(client.error)
    assert client.error.__cause__ is cause


def test_our_own_header_sent_back_is_blamed_on_what_is_in_between() -> None:
    client = Client().connect()
    client.feed(b"AMQP\x00\x00\x09\x01")
    assert "something in between" in client.error.cause
    assert "proxy" in client.error.remedy
