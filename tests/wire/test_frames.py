"""Frames: each kind there and back, and everything that can be wrong with one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn_spec._wire import DecodeError, EncodeError
from amqpconn_spec.v0_9_1 import basic, channel, connection, frames, registry
from amqpconn_spec.v0_9_1.frames import (
    HEARTBEAT,
    BodyFrame,
    HeaderFrame,
    HeartbeatFrame,
    MethodFrame,
    ProtocolHeader,
    decode_frame,
    read_frame,
)
from tests.wire.values import any_method

FRAMES: list[frames.Frame] = [
    MethodFrame(0, connection.TuneOk(1, 2, 3)),
    MethodFrame(65535, basic.Ack(1, multiple=True)),
    HeaderFrame(1, 60, 5, basic.Properties("text/plain", priority=0)),
    BodyFrame(1, b"hello"),
    BodyFrame(7, b""),
    BodyFrame(7, b"\xce" * 10),
    HeartbeatFrame(),
]


def test_what_a_frame_begins_with_and_how_much_it_adds() -> None:
    assert frames.FRAME_HEADER.format == ">BHI"
    assert frames.FRAME_HEADER.size + 1 == frames.FRAME_OVERHEAD == 8
    assert HEARTBEAT == b"\x08\x00\x00\x00\x00\x00\x00\xce"
    assert HeartbeatFrame().encode() is HEARTBEAT


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_a_frame_comes_back_with_the_offset_behind_it(frame: Any) -> None:
    octets = frame.encode()
    assert decode_frame(octets) == (frame, len(octets))
    assert decode_frame(b"before" + octets + b"behind", 6) == (frame, 6 + len(octets))
    assert len(octets) == frames.FRAME_OVERHEAD + int.from_bytes(octets[3:7])


def test_frames_follow_each_other() -> None:
    buffer = b"".join(frame.encode() for frame in FRAMES)
    read = []
    at = 0
    while at < len(buffer):
        frame, at = decode_frame(buffer, at)
        read.append(frame)
    assert read == FRAMES


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_a_frame_that_is_not_all_there_is_refused(frame: Any) -> None:
    octets = frame.encode()
    for end in range(len(octets)):
        for before in (b"", b"before"):
            with pytest.raises(DecodeError) as caught:
                decode_frame(before + octets[:end], len(before))
            error = caught.value
            assert (error.name, error.offset, error.reason) == (
                "frame",
                end,
                "the frame is incomplete",
            )


def test_nothing_behind_the_buffer_is_an_incomplete_frame_too() -> None:
    with pytest.raises(DecodeError, match=r"^frame: the frame is incomplete, at offset 0$"):
        decode_frame(HEARTBEAT, 100)


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
@pytest.mark.parametrize("last", [0x00, 0xCD, 0xCF, 0xFF])
def test_a_wrong_end_octet_is_refused_before_anything_is_read(frame: Any, last: int) -> None:
    octets = frame.encode()
    with pytest.raises(DecodeError) as caught:
        decode_frame(octets[:-1] + bytes([last]) + octets)
    error = caught.value
    assert (error.name, error.offset) == ("frame", len(octets) - 1)
    assert error.reason == f"the frame ends with 0x{last:02X}"


@pytest.mark.parametrize("kind", [0, 4, 5, 6, 7, 9, 65, 255])
def test_a_frame_of_an_unknown_type_is_refused(kind: int) -> None:
    with pytest.raises(DecodeError, match=f"^frame: {kind} is no type of frame, at offset 0$"):
        decode_frame(bytes([kind]) + BodyFrame(1, b"x").encode()[1:])


def test_a_heartbeat_belongs_to_no_channel() -> None:
    octets = b"\x08\x00\x07\x00\x00\x00\x00\xce"
    with pytest.raises(DecodeError, match=r"^frame: a heartbeat came on channel 7, at offset 1$"):
        decode_frame(octets)


def test_what_is_wrong_in_a_payload_is_told_by_its_own_name_and_offset() -> None:
    def framed(kind: int, payload: bytes) -> bytes:
        return bytes([kind, 0, 1]) + len(payload).to_bytes(4) + payload + b"\xce"

    for octets, message in (
        (framed(1, b"\x00\x0a\x00"), "method: the bytes end too early, at offset 0"),
        (framed(1, b"\x00\x0a\x00\x09"), "method: class 10 has no method 9, at offset 0"),
        (framed(1, b"\x00\x3c\x00\x50abc"), "basic.ack: the bytes end too early, at offset 7"),
        (framed(1, b"\x00\x5a\x00\x0a\x00"), "tx.select: 1 bytes are left over, at offset 4"),
        (framed(2, b"\x00"), "content header: the bytes end too early, at offset 0"),
        (framed(2, b"\x00\x3c"), "content header: the bytes end too early, at offset 0"),
        (framed(2, b"\x00\x3c" + bytes(11)), "basic: the bytes end too early, at offset 13"),
        (framed(2, b"\x00\x0a" + bytes(12)), "content header: class 10 has no content, at"),
    ):
        with pytest.raises(DecodeError) as caught:
            decode_frame(octets + HEARTBEAT * 10)
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize("number", [-1, 65536, "1", 1.5, None])
def test_a_channel_that_does_not_fit_is_named(number: Any) -> None:
    for frame in (
        MethodFrame(number, channel.Open()),
        HeaderFrame(number, 60, 0, basic.Properties()),
        BodyFrame(number, b""),
    ):
        with pytest.raises(EncodeError, match=r"^frame\.channel must be an integer from 0 to 655"):
            frame.encode()


@pytest.mark.parametrize("payload", ["text", None, 5, [1]])
def test_a_body_must_be_bytes(payload: Any) -> None:
    with pytest.raises(EncodeError, match=f"must be bytes, not {type(payload).__name__}"):
        BodyFrame(1, payload).encode()


def test_a_body_can_be_any_kind_of_bytes() -> None:
    for payload in (bytearray(b"abc"), memoryview(b"abc")):
        body = BodyFrame(1, payload)  # type: ignore[arg-type]
        assert body.encode() == BodyFrame(1, b"abc").encode()


def test_a_payload_must_not_be_longer_than_its_size_can_say() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 2**32

    class Given(bytes):
        def __bytes__(self) -> bytes:
            return Huge()

    with pytest.raises(EncodeError, match="goes with a payload of more than 4 GiB"):
        BodyFrame(1, Given()).encode()


# --- The protocol header ---


def test_a_protocol_header_comes_back() -> None:
    header = ProtocolHeader(0, 9, 1)
    assert header.encode() == b"AMQP\x00\x00\x09\x01" == registry.PROTOCOL_HEADER
    assert ProtocolHeader.decode(header.encode()) == header
    older = ProtocolHeader(1, 9, 0, protocol_id=1)
    assert ProtocolHeader.decode(b"..." + older.encode() + b"...", 3) == older
    assert repr(older) == "ProtocolHeader(major=1, minor=9, revision=0, protocol_id=1)"


def test_what_is_no_protocol_header_is_refused() -> None:
    octets = registry.PROTOCOL_HEADER
    for end in range(4, 8):
        with pytest.raises(DecodeError) as caught:
            ProtocolHeader.decode(octets[:end])
        assert str(caught.value) == f"protocol header: the bytes end too early, at offset {end}"
    for wrong in (b"", b"AMQ", b"HTTP/1.1", b"amqp\x00\x00\x09\x01"):
        with pytest.raises(DecodeError, match="protocol header: the bytes do not begin with AMQP"):
            ProtocolHeader.decode(wrong)


@pytest.mark.parametrize("wrong", [256, -1, "1", None, 1.0])
def test_a_protocol_header_takes_octets(wrong: Any) -> None:
    with pytest.raises(EncodeError, match=r"^protocol header needs octets, not "):
        ProtocolHeader(0, wrong, 1).encode()


# --- As objects ---


@pytest.mark.parametrize("frame", [*FRAMES, ProtocolHeader(0, 9, 1)], ids=repr)
def test_frames_are_plain_objects(frame: Any) -> None:
    arguments = [getattr(frame, name) for name in frame.__match_args__]
    assert frame == type(frame)(*arguments)
    assert frame != object()
    assert frame.__eq__(object()) is NotImplemented
    assert not hasattr(frame, "__dict__")
    assert repr(frame).startswith(f"{type(frame).__name__}(")
    with pytest.raises(TypeError, match="unhashable"):
        hash(frame)
    for name in frame.__match_args__:
        other = type(frame)(*arguments)
        setattr(other, name, "something else")
        assert frame != other


def test_frames_can_be_taken_apart() -> None:
    match decode_frame(MethodFrame(3, basic.Reject(9)).encode())[0]:
        case MethodFrame(3, basic.Reject(tag, False)):
            assert tag == 9
        case other:
            pytest.fail(f"{other} is no reject")


# --- Anything ---


@given(method=any_method(), number=st.integers(0, 65535), body=st.binary(max_size=200))
def test_any_frame_comes_back(method: Any, number: int, body: bytes) -> None:
    for frame in (MethodFrame(number, method), BodyFrame(number, body)):
        octets = frame.encode()
        assert decode_frame(octets) == (frame, len(octets))


@given(
    octets=st.binary(max_size=60)
    | st.builds(
        lambda kind, payload: bytes([kind, 0, 1]) + len(payload).to_bytes(4) + payload + b"\xce",
        st.integers(1, 4),
        st.binary(max_size=60),
    )
)
def test_any_bytes_give_a_frame_or_a_decode_error(octets: bytes) -> None:
    refused = fault(octets)
    if refused is not None:
        assert 0 <= refused.offset <= len(octets)


def fault(octets: bytes) -> DecodeError | None:
    """What is wrong with these bytes; any other error than that ends the test."""
    try:
        _, end = decode_frame(octets)
    except DecodeError as error:
        return error
    assert end <= len(octets)
    return None


CONTENTS: list[tuple[frames.Frame, frames.Content]] = [
    (MethodFrame(7, basic.Ack(1)), basic.Ack(1)),
    (
        HeaderFrame(7, 60, 5, basic.Properties("text/plain")),
        frames.ContentHeader(60, 5, basic.Properties("text/plain")),
    ),
    (BodyFrame(7, b"hello"), b"hello"),
    (HeartbeatFrame(), None),
]


@pytest.mark.parametrize(("frame", "content"), CONTENTS, ids=repr)
def test_what_a_frame_carries_is_there_without_an_object_for_the_frame(
    frame: Any, content: frames.Content
) -> None:
    octets = frame.encode()
    channel_number = 0 if content is None else 7
    assert read_frame(octets) == (channel_number, content, len(octets))
    assert read_frame(b"x" + octets + b"y", 1) == (channel_number, content, 1 + len(octets))


def test_an_object_of_a_decoder_has_all_that_the_constructor_sets() -> None:
    for method in registry.METHODS.values():
        made, read = method(), method.decode(method().encode())
        names = [name for name, _type in method.FIELDS]
        assert [getattr(read, name) for name in names] == [getattr(made, name) for name in names]
    nothing = basic.Properties.decode(b"\0\0")
    assert {getattr(nothing, name) for name, _type in nothing.FIELDS} == {None}
