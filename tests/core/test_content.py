"""Content: cut into frames on the way out, put together on the way in."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.core.assembler import PARTS_OF_A_BODY_FRAME, Assembler, Content, content_parts
from amqpconn.core.dialect import dialect_for
from amqpconn.core.events import Arrived
from amqpconn.core.framing import FRAME_OVERHEAD
from amqpconn.errors import InvalidParameter, UnexpectedContent
from amqpconn_spec._base import Method
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, connection, queue
from amqpconn_spec.v0_9_1.frames import BodyFrame, ContentHeader, HeaderFrame, MethodFrame
from tests.core.server import content, opened

FRAME_MAX = 4096
ROOM = FRAME_MAX - FRAME_OVERHEAD
DELIVER = basic.Deliver("tag", 1)
FULL = basic.Properties(
    content_type="text/plain",
    content_encoding="utf-8",
    headers={"a": 1, "b": ["c", {"d": None}]},
    delivery_mode=2,
    priority=9,
    correlation_id="id",
    reply_to="queue",
    expiration="60000",
    message_id="message",
    timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    type="kind",
    user_id="guest",
    app_id="tests",
)


# --- out ---


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, []),
        (1, [1]),
        (ROOM - 1, [ROOM - 1]),
        (ROOM, [ROOM]),
        (ROOM + 1, [ROOM, 1]),
        (3 * ROOM, [ROOM] * 3),
        (3 * ROOM + 1, [ROOM, ROOM, ROOM, 1]),
    ],
)
def test_a_body_is_cut_by_frame_max(size: int, parts: list[int]) -> None:
    client = opened(frame_max=FRAME_MAX)
    chan = client.open_channel()
    body = bytes(number % 251 for number in range(size))
    client.core.send(basic.Publish(routing_key="q"), chan, Content(body, FULL))
    method, header, *bodies = client.sent()
    assert method == MethodFrame(1, basic.Publish(routing_key="q"))
    assert header == HeaderFrame(1, basic.Publish.CLASS_ID, size, FULL)
    assert all(isinstance(frame, BodyFrame) and frame.channel == 1 for frame in bodies)
    payloads = [frame.payload for frame in bodies if isinstance(frame, BodyFrame)]
    assert [len(payload) for payload in payloads] == parts
    assert b"".join(payloads) == body
    assert all(len(frame.encode()) <= FRAME_MAX for frame in bodies)


def test_frames_of_a_message_stay_together_and_replies_go_first() -> None:
    client = opened(frame_max=FRAME_MAX)
    chan = client.open_channel()
    client.core.send(basic.Publish(), chan, Content(bytes(2 * ROOM)))
    client.core.output.write_first(b"reply")
    client.core.send(basic.Publish(), chan, Content(b""))
    data = client.core.data_to_send(client.now)
    assert data.startswith(b"reply")
    assert len(client.sent()) == 0


def test_until_it_is_taken_a_body_is_where_its_user_has_it() -> None:
    small, large = bytes(ROOM), bytes(3 * ROOM)
    for body in (small, large):
        parts = content_parts(dialect_for("0-9-1"), 1, 60, Content(body), FRAME_MAX)
        payloads = parts[2::PARTS_OF_A_BODY_FRAME]
        assert sum(map(len, payloads)) == len(body)
        assert all(
            payload.obj is body if isinstance(payload, memoryview) else payload is body
            for payload in payloads
        )


def test_all_that_is_taken_is_copied_once() -> None:
    client = opened(frame_max=FRAME_MAX)
    chan, body = client.open_channel(), bytes(4_000_000)
    tracemalloc.start()
    try:
        client.core.send(basic.Publish(), chan, Content(body))
        assert tracemalloc.get_traced_memory()[1] < len(body) / 4  # of 3 small objects per frame
        data = client.core.data_to_send(client.now)
        assert tracemalloc.get_traced_memory()[1] < 1.25 * len(data)
    finally:
        tracemalloc.stop()
    assert len(data) > len(body)


def test_a_body_that_changes_later_goes_out_as_it_was() -> None:
    client, body = opened(), bytearray(b"as it was")
    client.core.send(basic.Publish(), client.open_channel(), Content(body))  # type: ignore[arg-type]
    body[:2] = b"no"
    assert client.sent()[2] == BodyFrame(1, b"as it was")


def test_no_properties_are_empty_ones() -> None:
    client = opened()
    client.core.send(basic.Publish(), client.open_channel(), Content(b"x"))
    assert client.sent()[1] == HeaderFrame(1, 60, 1, basic.Properties())


@pytest.mark.parametrize(
    "body",
    [bytearray(b"body"), memoryview(b"body"), memoryview(b"b-o-d-y-")[::2], memoryview(b"body")[:]],
    ids=["bytearray", "memoryview", "with gaps", "slice"],
)
def test_a_body_is_anything_like_bytes(body: Any) -> None:
    _, *parts = content_parts(dialect_for("0-9-1"), 1, 60, Content(body), FRAME_MAX)
    assert b"".join(parts) == BodyFrame(1, b"body").encode()


def test_a_view_of_larger_items_is_measured_in_bytes() -> None:
    view: Any = memoryview(bytes(8)).cast("I")
    header, *body = content_parts(dialect_for("0-9-1"), 1, 60, Content(view), FRAME_MAX)
    assert header == HeaderFrame(1, 60, 8, basic.Properties()).encode()
    assert b"".join(body) == BodyFrame(1, bytes(8)).encode()


@pytest.mark.parametrize("body", ["text", None, 5, ["b"]])
def test_a_body_that_is_not_like_bytes(body: Any) -> None:
    client = opened()
    name = type(body).__name__
    with pytest.raises(InvalidParameter, match=f"a body is bytes, not {name}"):
        client.core.send(basic.Publish(), client.open_channel(), Content(body))
    assert client.sent() == []


@pytest.mark.parametrize("properties", [{}, {"content_type": "x"}, basic.Ack()])
def test_properties_of_another_kind(properties: Any) -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match=r"are .*basic\.Properties, not "):
        client.core.send(basic.Publish(), client.open_channel(), Content(b"", properties))
    assert client.sent() == []


def test_properties_that_do_not_fit_leave_nothing_behind() -> None:
    client = opened(frame_max=FRAME_MAX)
    chan = client.open_channel()
    too_long = Content(b"", basic.Properties(message_id="m" * 256))
    with pytest.raises(EncodeError, match="message_id"):
        client.core.send(basic.Publish(), chan, too_long)
    too_large = Content(b"", basic.Properties(headers={"a": "b" * FRAME_MAX}))
    with pytest.raises(InvalidParameter, match="or its properties take a frame of"):
        client.core.send(basic.Publish(), chan, too_large)
    assert client.sent() == []


# --- in ---


@given(st.binary(max_size=40), st.integers(1, 50))
def test_a_message_is_put_together_however_it_was_cut(body: bytes, room: int) -> None:
    client = opened()
    chan = client.open_channel()
    for frame in content(DELIVER, body, chan.id, FULL, room):
        assert client.events() == []
        client.feed(frame)
    arrived = client.event(Arrived)
    assert arrived.method == DELIVER
    assert arrived.content == Content(body, FULL)
    assert arrived.channel is chan


def test_a_message_without_a_body_is_whole_with_its_header() -> None:
    client = opened()
    chan = client.open_channel()
    method, header = content(DELIVER, b"", chan.id, FULL)
    client.feed(method)
    assert client.events() == []
    client.feed(header)
    assert client.event(Arrived).content == Content(b"", FULL)


def test_messages_on_channels_may_be_interleaved() -> None:
    client = opened()
    first, second = client.open_channel(), client.open_channel()
    beat = client.core.dialect.heartbeat
    for one, other in zip(
        content(DELIVER, b"for the first", first.id),
        content(DELIVER, b"for the other", second.id),
        strict=True,
    ):
        client.feed(one + beat + other)
    bodies = [
        (event.channel, event.content.body)
        for event in client.events()
        if isinstance(event, Arrived) and event.content is not None
    ]
    assert bodies == [(first, b"for the first"), (second, b"for the other")]


def test_a_large_body_out_and_in_is_the_same() -> None:
    body = bytes(range(256)) * 100
    client = opened(frame_max=FRAME_MAX)
    chan = client.open_channel()
    client.core.send(basic.Publish(), chan, Content(body, FULL))
    sent = client.core.data_to_send(client.now)
    publish = basic.Publish().encode_frame(1)
    assert sent.startswith(publish)
    client.feed(DELIVER, 1)
    client.feed(sent[len(publish) :])
    assert client.event(Arrived).content == Content(body, FULL)


@pytest.mark.parametrize("piece", [65536, 262144])
@pytest.mark.parametrize("room", [ROOM, 131064])
def test_what_comes_is_copied_once(piece: int, room: int) -> None:
    client, body = opened(), bytes(4_000_000)
    stream = b"".join(content(DELIVER, body, client.open_channel().id, FULL, room))
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    tracemalloc.start()
    try:
        for each in pieces:
            client.core.receive_data(each, client.now)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert client.event(Arrived).content == Content(body, FULL)
    assert peak < 1.25 * len(body)


def test_empty_body_frames_add_nothing() -> None:
    client = opened()
    chan = client.open_channel()
    method, header, body = content(DELIVER, b"body", chan.id)
    empty = BodyFrame(chan.id, b"").encode()
    client.feed(method + header + empty + empty + body)
    assert client.event(Arrived).content == Content(b"body", basic.Properties())


HEADER_OF_4 = HeaderFrame(1, 60, 4, basic.Properties())


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([HEADER_OF_4], "a content header came that no method announced"),
        ([BodyFrame(1, b"body")], "a body frame came that no content header announced"),
        ([DELIVER, BodyFrame(1, b"x")], "a body frame came that no content header announced"),
        ([DELIVER, DELIVER], "basic.deliver came in the middle of the content of basic.deliver"),
        ([DELIVER, basic.Ack()], "basic.ack came in the middle of the content of basic.deliver"),
        (
            [DELIVER, HEADER_OF_4, queue.DeclareOk()],
            "queue.declare-ok came in the middle of the content of basic.deliver",
        ),
        ([DELIVER, HEADER_OF_4, HEADER_OF_4], "a content header came that no method announced"),
        (
            [DELIVER, HEADER_OF_4, BodyFrame(1, b"bodies")],
            "the body is 2 bytes longer than its content header says",
        ),
        (
            [DELIVER, HEADER_OF_4, BodyFrame(1, b"body"), BodyFrame(1, b"more")],
            "a body frame came that no content header announced",
        ),
    ],
)
def test_frames_out_of_order(frames: list[Any], said: str) -> None:
    client = opened()
    client.open_channel()
    for frame in frames:
        assert client.core.error is None
        client.feed(frame, 1)
    assert type(client.error) is UnexpectedContent
    assert client.error.what == said
    (close,) = client.methods()
    assert isinstance(close, connection.Close)
    assert (close.reply_code, close.reply_text) == (505, said)


def test_a_header_of_another_class() -> None:
    assembler = Assembler()
    assembler.begin(DELIVER)
    with pytest.raises(UnexpectedContent, match=r"header after basic\.deliver is of class 50"):
        assembler.header(ContentHeader(50, 0, basic.Properties()))


def test_an_announced_size_costs_nothing_before_the_bytes_come() -> None:
    client = opened()
    client.open_channel()
    client.feed(DELIVER, 1)
    client.feed(HeaderFrame(1, 60, 2**64 - 1, basic.Properties()))
    client.feed(BodyFrame(1, b"a few"))
    assert client.core.error is None


# --- the object ---


def test_content_is_compared_by_what_is_in_it() -> None:
    assert Content(b"a", FULL) == Content(b"a", FULL)
    assert Content(b"a") != Content(b"b")
    assert Content(b"a") != Content(b"a", FULL)
    assert Content(b"a") != b"a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Content(b"a"))


def test_a_repr_shows_no_body() -> None:
    text = repr(Content(b"confidential", basic.Properties(app_id="tests")))
    assert text == "Content(<12 bytes>, basic.Properties(app_id='tests'))"


def test_content_can_be_matched() -> None:
    match Content(b"a", FULL):
        case Content(body, properties):
            assert (body, properties) == (b"a", FULL)


def test_methods_of_this_version_with_content_are_the_known_ones() -> None:
    def has_content(method: type[Method]) -> bool:
        return method.HAS_CONTENT

    kinds = filter(has_content, dialect_for("0-9-1").methods.values())
    assert {kind.CLASS_ID for kind in kinds} == {60}
