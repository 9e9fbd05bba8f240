"""The flight recorder: what it keeps of frames, what it must not keep, and how that reads."""

from __future__ import annotations

import copy
import pickle

import pytest

from amqpconn import plain_auth
from amqpconn.core.assembler import Content
from amqpconn.core.dialect import dialect_for
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.recording import LARGEST_METHOD, MOST_RAW, RecordMaker
from amqpconn.core.records import FrameRecord
from amqpconn.core.transcript import Transcript
from amqpconn.errors import AMQPError, ConnectRefused, NotFound, VersionRefused
from amqpconn.locale import Prefer
from amqpconn_spec import v0_9
from amqpconn_spec.v0_9_1 import basic, channel, connection, queue
from amqpconn_spec.v0_9_1.frames import HEARTBEAT
from tests.core.server import START, Client, Echo, content, opened_in_seconds

CANARY = "c4n4ry-s3cr3t"
HANDSHAKE = [
    "> protocol header",
    "< connection.start",
    "> connection.start-ok",
    "< connection.tune",
    "> connection.tune-ok",
    "> connection.open",
    "< connection.open-ok",
]


def opened(size: int = 100) -> Client:
    """An open client with a flight recorder."""
    return opened_in_seconds(flight_recorder=size, peer="broker:5672")


def recorded(client: Client) -> Transcript:
    """What the flight recorder has now."""
    assert client.core.transcript is not None
    return client.core.transcript


def carried(error: AMQPError | None) -> Transcript:
    """The transcript of an error."""
    assert error is not None
    assert error.transcript is not None
    return error.transcript


def names(transcript: Transcript) -> list[str]:
    """Direction and name of each frame."""
    return [f"{'>' if frame.is_sent else '<'} {frame.name}" for frame in transcript]


def since_opened(client: Client) -> list[str]:
    """The same, of what came after the handshake."""
    assert names(recorded(client))[: len(HANDSHAKE)] == HANDSHAKE
    return names(recorded(client))[len(HANDSHAKE) :]


def line(record: FrameRecord) -> str:
    """The record in print, without the columns' widths."""
    return " ".join(str(record).split())


# --- what is kept ---


def test_without_a_recorder_there_is_no_transcript() -> None:
    client = Client().connect()
    assert client.core.transcript is None
    client.eof()
    assert client.error.transcript is None


def test_a_handshake_in_both_directions_with_its_times() -> None:
    transcript = recorded(opened())
    assert names(transcript) == HANDSHAKE
    times = [frame.time - transcript.began for frame in transcript]
    assert times == [0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0]


def test_it_reads_as_a_conversation() -> None:
    transcript = recorded(opened())
    headline, *lines = str(transcript).splitlines()
    assert headline == (
        "the last 7 of 7 frames with broker:5672, in seconds since the attempt began:"
    )
    assert lines[0] == "    0.0000 ->       protocol header AMQP 0 0 9 1 [8 bytes]"
    limits = "(channel_max=2047, frame_max=131072, heartbeat=60) [20 bytes]"
    assert lines[3:] == [
        f"    2.0000 <-     0 connection.tune{limits}",
        f"    2.0000 ->     0 connection.tune-ok{limits}",
        "    2.0000 ->     0 connection.open(virtual_host='/') [16 bytes]",
        "    3.0000 <-     0 connection.open-ok() [13 bytes]",
    ]
    assert repr(transcript) == "<Transcript: 7 of 7 frames with broker:5672>"
    assert repr(transcript[-1]) == "<FrameRecord <-     0 connection.open-ok() [13 bytes]>"


def test_only_the_last_frames_are_kept_and_all_are_counted() -> None:
    transcript = recorded(opened(3))
    assert names(transcript) == HANDSHAKE[-3:]
    assert len(transcript) == 3
    assert str(transcript).startswith("the last 3 of 7 frames with broker:5672")


def test_a_transcript_does_not_change_when_more_frames_come() -> None:
    client = opened()
    before = recorded(client)
    assert recorded(client) is before
    client.feed(HEARTBEAT)
    assert names(before) == HANDSHAKE
    assert since_opened(client) == ["< heartbeat"]


def test_an_attempt_that_never_had_a_stream() -> None:
    client = Client(flight_recorder=10)
    assert str(recorded(client)).startswith("no frames with the peer")
    request = OpenRequest([plain_auth("a", "b")], Prefer("en_US"), "/")
    client.core.connecting(request, client.now)
    client.core.fail(ConnectRefused("no"), client.now)
    assert len(carried(client.error)) == 0


def test_what_was_taken_back_before_it_was_written_does_not_look_sent() -> None:
    client = opened()
    on = client.open_channel()
    client.core.send(basic.Publish(routing_key="q"), on, Content(b"hello"))
    client.feed(connection.Close(320, "bye"))
    client.sent()
    assert since_opened(client)[2:] == ["< connection.close", "> connection.close-ok"]


def test_a_heartbeat_of_ours() -> None:
    client = opened()
    client.wait(31)
    client.now += 5  # the driver comes late to write it
    client.sent()
    assert since_opened(client) == ["> heartbeat"]
    assert recorded(client)[-1].time == client.now
    assert line(recorded(client)[-1]) == "-> 0 heartbeat [8 bytes]"


def test_frames_that_were_written_at_once_are_told_apart() -> None:
    client = opened()
    on = client.open_channel()
    publish, body = basic.Publish(routing_key="q"), Content(b"hello", basic.Properties(priority=1))
    client.core.send(publish, on, body)
    client.core.send(basic.Ack(1), on)
    client.sent()
    assert since_opened(client)[2:] == [
        "> basic.publish",
        "> content header",
        "> body",
        "> basic.ack",
    ]
    assert [frame.channel for frame in recorded(client)][-4:] == [1, 1, 1, 1]


# --- content: sizes and names ---


def test_of_messages_there_are_sizes_and_the_names_of_properties() -> None:
    client = opened()
    client.open_channel()
    properties = basic.Properties(content_type=CANARY, headers={CANARY: CANARY}, app_id=CANARY)
    for frame in content(basic.Deliver("c", 1), CANARY.encode(), 1, properties, room=99):
        client.feed(frame)
    deliver, header, body = list(recorded(client))[-3:]
    assert (deliver.body_size, deliver.properties) == (0, ())
    assert (header.body_size, header.properties) == (13, ("content_type", "headers", "app_id"))
    assert (body.body_size, body.properties) == (13, ())
    assert "a body of 13 bytes, content_type, headers, app_id [" in str(header)
    assert str(body).endswith("body: 13 bytes [21 bytes]")
    assert CANARY not in str(recorded(client))
    assert CANARY.encode() not in pickle.dumps(recorded(client))


def test_not_even_the_beginning_of_a_property_is_kept() -> None:
    client = opened()
    client.open_channel()
    for frame in content(basic.Deliver("c", 1), b"", 1, basic.Properties(content_type="~Z~")):
        client.feed(frame)
    assert recorded(client)[-1].properties == ("content_type",)
    assert b"~Z" not in pickle.dumps(recorded(client))


def test_a_message_without_properties_or_body() -> None:
    client = opened()
    client.open_channel()
    for frame in content(basic.Deliver("c", 1), b"", 1):
        client.feed(frame)
    assert "content header: a body of 0 bytes, no properties" in str(recorded(client)[-1])


# --- secrets ---


def secret_methods() -> list[object]:
    return [
        pytest.param(connection.StartOk({"product": "p"}, "PLAIN", CANARY.encode()), id="start-ok"),
        pytest.param(connection.SecureOk(CANARY.encode()), id="secure-ok"),
        pytest.param(connection.UpdateSecret(CANARY.encode(), "why"), id="update-secret"),
    ]


@pytest.mark.parametrize("method", secret_methods())
@pytest.mark.parametrize("is_sent", [True, False])
def test_secrets_are_not_kept(method: connection.StartOk, is_sent: bool) -> None:
    frame = method.encode_frame(0)
    record = RecordMaker(dialect_for("0-9-1")).frame(frame, 0, len(frame), 1.0, is_sent)
    assert CANARY.encode() not in pickle.dumps(record)
    assert f"{method.SECRETS[0]}=<secret>" in str(record)
    assert record.method is not None
    assert getattr(record.method, method.SECRETS[0]) is None
    assert (record.name, record.size) == (method.NAME, len(frame))


def test_the_other_arguments_of_a_method_with_secrets_are_kept() -> None:
    record = recorded(opened())[2]
    assert isinstance(record.method, connection.StartOk)
    assert record.method.mechanism == "PLAIN"
    assert "mechanism='PLAIN', response=<secret>, locale='en_US')" in str(record)


@pytest.mark.parametrize("protocol", ["0-8", "0-9", "0-9-1"])
def test_no_version_keeps_a_value_that_its_specification_calls_secret(protocol: str) -> None:
    dialect = dialect_for(protocol)
    marked = [method for method in dialect.methods.values() if method.SECRETS]
    assert len(marked) >= 2
    for kind in marked:
        types = dict(kind.FIELDS)
        secret = {
            name: CANARY if types[name] == "shortstr" else CANARY.encode() for name in kind.SECRETS
        }
        frame = kind(**secret).encode_frame(1)
        assert CANARY.encode() in frame
        record = RecordMaker(dialect).frame(frame, 0, len(frame), 1.0, True)
        assert CANARY.encode() not in pickle.dumps(record)
        assert CANARY not in str(record)


def test_a_method_with_secrets_that_nobody_can_read_is_a_name() -> None:
    frame = connection.SecureOk(CANARY.encode()).encode_frame(0)
    cut = frame[:7] + frame[7:11] + b"\xff" + frame[12:]
    record = RecordMaker(dialect_for("0-9-1")).frame(cut, 0, len(cut), 1.0, True)
    assert line(record) == "-> 0 connection.secure-ok(arguments not kept) [29 bytes]"
    assert CANARY.encode() not in pickle.dumps(record)


def test_a_method_with_secrets_that_comes_and_cannot_be_read() -> None:
    client = Client(flight_recorder=10).connect()
    frame = connection.StartOk({}, CANARY, CANARY.encode()).encode_frame(0)
    client.feed(frame[:11] + b"\xff" + frame[12:])
    (record,) = list(carried(client.error))[-1:]
    assert record.kind == "unreadable"
    assert line(record).startswith(
        "<- unreadable: 01 00 00 00 00 00 28 00 0a 00 0b ... |......(....| ["
    )
    assert CANARY.encode() not in pickle.dumps(client.error)


# --- what is long, and what cannot be read ---


def test_long_values_are_cut() -> None:
    client = opened()
    on = client.open_channel()
    client.core.send(basic.Publish(routing_key="q" * 255), on, Content())
    client.core.call(queue.Declare("q", arguments={"x": "y" * 2000}), on, None, client.now, None)
    client.sent()
    publish, declare = recorded(client)[-3], recorded(client)[-1]
    assert f"routing_key='{'q' * 255}'" in str(publish)
    assert f"arguments={{'x': '{'y' * 293}... (2009 characters))" in str(declare)


def test_a_method_that_is_too_large_is_kept_by_name_and_size() -> None:
    client = opened()
    on = client.open_channel()
    declare = queue.Declare("q", arguments={"x": "y" * LARGEST_METHOD})
    client.core.call(declare, on, None, client.now, None)
    client.sent()
    record = recorded(client)[-1]
    size = len(declare.encode_frame(1))
    assert line(record) == f"-> 1 queue.declare(arguments not kept) [{size} bytes]"
    assert record.method is None
    assert len(pickle.dumps(record)) < 500


def test_bytes_that_are_no_frame_are_shown_in_hexadecimal() -> None:
    client = Client(flight_recorder=10).connect()
    client.feed(b"HTTP/1.1 400 Bad Request\r\n" + bytes(100))
    record = carried(client.error)[-1]
    assert (record.kind, record.channel, record.method, record.size) == (
        "unreadable",
        None,
        None,
        126,
    )
    assert line(record).startswith("<- unreadable: 48 54 54 50 2f 31 2e 31 20 34 30 30")
    assert line(record).endswith(
        " 00 00 ... |HTTP/1.1 400 Bad Request........................| [126 bytes]"
    )
    assert len(b"HTTP/1.1 400 Bad Request\r\n") + 22 == MOST_RAW


def test_a_protocol_header_in_answer() -> None:
    client = Client(flight_recorder=10).connect()
    client.feed(b"AMQP\0\0\x09\x00")
    assert isinstance(client.error, VersionRefused)
    assert line(carried(client.error)[-1]) == "<- protocol header AMQP 0 0 9 0 [8 bytes]"


def test_a_body_frame_with_a_wrong_end_shows_nothing_of_the_body() -> None:
    client = opened()
    client.open_channel()
    frames = content(basic.Deliver("c", 1), CANARY.encode(), 1, room=99)
    client.feed(b"".join(frames)[:-1] + b"\0")
    assert names(carried(client.error))[-3:] == [
        "< basic.deliver",
        "< content header",
        "< unreadable",
    ]
    assert line(carried(client.error)[-1]) == (
        "<- unreadable: 03 00 01 00 00 00 0d ... |.......| [21 bytes]"
    )


def test_the_beginning_of_a_frame_whose_rest_never_came() -> None:
    client = Client(flight_recorder=10).connect()
    frame = START.encode_frame(0)
    for piece, size in ((frame[:1], 1), (frame[1:5], 5), (frame[5:60], 60)):
        client.feed(piece)
        assert recorded(client)[-1].size == size
    client.eof()
    record = carried(client.error)[-1]
    assert (record.kind, record.size, record.channel) == ("incomplete", 60, 0)
    assert line(record).startswith("<- 0 incomplete: 01 00 00 00 00 00")
    client.core.disconnected()
    assert names(recorded(client)) == ["> protocol header", "< incomplete"]


def test_less_than_a_frames_header() -> None:
    client = Client(flight_recorder=10).connect()
    client.feed(b"\x01\x00\x01")
    assert line(recorded(client)[-1]) == "<- incomplete: 01 00 01 |...| [3 bytes]"
    assert recorded(client).total == 2


def test_in_the_middle_of_a_block_only_what_was_read_counts() -> None:
    client = Client(flight_recorder=10).connect()
    client.feed(START.encode_frame(0) + connection.Close(320, "bye").encode_frame(0) + b"\x01")
    assert names(carried(client.error)) == [
        "> protocol header",
        "< connection.start",
        "< connection.close",
    ]


# --- errors that carry it ---


def test_a_refused_login() -> None:
    client = Client(flight_recorder=10).connect([plain_auth("guest", CANARY)])
    client.feed(START)
    client.sent()
    client.feed(connection.Close(403, "no", 10, 11))
    error = client.error
    assert names(carried(error)) == [*HANDSHAKE[:3], "< connection.close"]
    assert "reply_code=403, reply_text='no'" in str(error.transcript)
    assert CANARY.encode() not in pickle.dumps(error)


def test_copies_and_pickles_carry_it_too() -> None:
    client = Client(flight_recorder=10).connect()
    client.feed(START)
    client.sent()
    client.feed(bytes(8))
    error = client.error
    assert error.clone().transcript is error.transcript
    pickled = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    for again in (copy.copy(error), copy.deepcopy(error), pickled):
        assert str(carried(again)) == str(carried(error))


def test_a_closed_channel_and_the_calls_that_waited_on_it() -> None:
    client = opened()
    on = client.open_channel()
    call = client.core.call(queue.Declare("q", passive=True), on, None, client.now, None)
    client.sent()
    client.feed(channel.Close(404, "no queue", 50, 10), 1)
    assert isinstance(call.error, NotFound)
    assert names(carried(call.error))[-2:] == ["> queue.declare", "< channel.close"]
    assert carried(on.error) is carried(call.error)


def test_a_call_without_an_answer() -> None:
    client = opened()
    on = client.open_channel()
    call = client.core.call(queue.Declare("q"), on, None, client.now, 5.0)
    client.sent()
    client.wait(5)
    assert names(carried(call.error))[-1] == "> queue.declare"
    client.now += 1
    client.eof()
    client.down()
    assert names(carried(call.error))[-1] == "> queue.declare"


def test_calls_that_fail_with_their_connection_share_one() -> None:
    client = opened()
    calls = []
    for _ in range(3):
        on = client.open_channel()
        calls.append(client.core.call(queue.Declare("q"), on, None, client.now, None))
    client.sent()
    client.eof()
    client.down()
    assert {id(carried(call.error)) for call in calls} == {id(carried(client.error))}


def test_what_followed_an_error_is_in_the_connections_own() -> None:
    client = Client(flight_recorder=10).connect([Echo("PLAIN")])
    client.feed(START)
    client.sent()
    client.feed(connection.Close(403, "no"))
    client.sent()
    assert names(carried(client.error))[-1] == "< connection.close"
    assert names(recorded(client))[-1] == "> connection.close-ok"


def test_another_version_on_another_stream() -> None:
    client = Client(flight_recorder=10, protocol="auto").connect()
    client.feed(b"AMQP" + bytes([1, 1, 0, 9]))
    client.core.connected(client.now)
    client.core.data_to_send(client.now)
    assert [line(frame) for frame in recorded(client)] == [
        "-> protocol header AMQP 0 0 9 1 [8 bytes]",
        "<- protocol header AMQP 1 1 0 9 [8 bytes]",
        "-> protocol header AMQP 1 1 0 9 [8 bytes]",
    ]
    client.feed(v0_9.connection.Redirect("elsewhere").encode_frame(0))
    assert recorded(client)[-1].name == "connection.redirect"
