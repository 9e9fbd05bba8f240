"""Observers: what they are told, in which order, and that one that fails harms nobody."""

from __future__ import annotations

from collections.abc import Callable
from traceback import TracebackException
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn import plain_auth
from amqpconn.config import Settings
from amqpconn.core.assembler import Content
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Down, ObserverFailed
from amqpconn.core.framing import FrameReader
from amqpconn.core.handshake import Agreement
from amqpconn.core.output import Output
from amqpconn.core.records import FrameRecord
from amqpconn.errors import CallTimeout, HandshakeFailed, InvalidParameter, NotFound, PeerHungUp
from amqpconn.observer import HOOKS, Observer
from amqpconn_spec.v0_9_1 import basic, channel, connection, queue
from amqpconn_spec.v0_9_1.frames import HEARTBEAT
from tests.core.server import START, TUNE, Client, Echo, content, opened_in_seconds

OFF, CONNECTING, CONNECTED, DISCONNECTING, DISCONNECTED, FAILED = EndpointState


def noting(*names: str) -> tuple[Observer, list[tuple[Any, ...]]]:
    """An observer that overrides these methods only, and what it was told."""
    told: list[tuple[Any, ...]] = []

    def note(name: str) -> Callable[..., None]:
        return lambda _self, *what: told.append((name, *what))

    return type("Noting", (Observer,), {name: note(name) for name in names})(), told


def opened(*observers: Observer, **settings: Any) -> Client:
    """An open client that they watch."""
    return opened_in_seconds(observers=list(observers), **settings)


# --- what they are told ---


def test_changes_of_state() -> None:
    observer, told = noting("state_changed", "closed")
    client = opened(observer)
    client.core.close(client.now)
    client.feed(connection.CloseOk())
    client.down()
    assert told == [
        ("state_changed", OFF, CONNECTING),
        ("state_changed", CONNECTING, CONNECTED),
        ("state_changed", CONNECTED, DISCONNECTING),
        ("state_changed", DISCONNECTING, DISCONNECTED),
        ("closed", None),
    ]


def test_the_end_is_told_once_and_with_its_reason() -> None:
    observer, told = noting("closed", "state_changed")
    client = opened(observer)
    client.eof()
    client.down()
    client.down()
    assert told[-2:] == [("state_changed", DISCONNECTING, FAILED), ("closed", client.error)]
    assert isinstance(client.error, PeerHungUp)


def test_phases_as_they_are_entered() -> None:
    observer, told = noting("phase_entered")
    client = Client(observers=[observer]).connect([Echo("PLAIN")])
    for method in (START, connection.Secure(b"?"), TUNE, connection.OpenOk()):
        client.feed(method)
    client.core.close(client.now)
    phases = [phase for _, phase in told]
    assert phases == ["connect", "header", "start", "secure", "open", "opened", "closing"]


def test_what_was_negotiated_before_the_virtual_host_is_open() -> None:
    observer, told = noting("negotiated")
    client = Client(observers=[observer], heartbeat=5).connect()
    client.feed(START)
    assert told == []
    client.feed(TUNE)
    ((_, agreement),) = told
    assert isinstance(agreement, Agreement)
    assert agreement.tuning is not None
    assert (agreement.mechanism, agreement.tuning.heartbeat) == ("PLAIN", 5)
    assert agreement.tuning.report[2].rule == "ours, not above the server's"


def test_frames_and_bytes_of_both_directions() -> None:
    names = ("bytes_received", "frame_received", "bytes_sent", "frame_sent")
    observer, told = noting(*names)
    client = opened(observer)
    del told[:]
    on = client.open_channel()
    client.core.send(basic.Publish(routing_key="q"), on, Content(b"hello"))
    client.sent()
    short = [(name, what if isinstance(what, int) else what.name) for name, what in told]
    assert short == [
        ("bytes_received", 16),
        ("frame_received", "channel.open-ok"),
        ("bytes_sent", 13),
        ("frame_sent", "channel.open"),
        ("bytes_sent", 18 + 22 + 13),
        ("frame_sent", "basic.publish"),
        ("frame_sent", "content header"),
        ("frame_sent", "body"),
    ]
    frame = told[-3][1]
    assert isinstance(frame, FrameRecord)
    assert frame.method == basic.Publish(routing_key="q")
    assert (frame.time, frame.is_sent, frame.channel, frame.size) == (client.now, True, 1, 18)


def test_a_frame_in_pieces_is_told_when_it_is_whole() -> None:
    observer, told = noting("bytes_received", "frame_received")
    client = opened(observer)
    client.open_channel()
    del told[:]
    for frame in content(basic.Deliver("c", 1), b"x" * 30, 1, room=99):
        for at in range(0, len(frame), 10):
            client.feed(frame[at : at + 10])
    sizes = [what for name, what in told if name == "bytes_received"]
    frames = [what for name, what in told if name == "frame_received"]
    assert sum(sizes) == sum(frame.size for frame in frames)
    assert [frame.kind for frame in frames] == ["method", "content header", "body"]


def test_bytes_that_are_no_frame_are_the_last_ones_told() -> None:
    observer, told = noting("frame_received")
    client = opened(observer)
    client.feed(b"garbage!")
    assert [what.kind for _, what in told[-2:]] == ["method", "unreadable"]


def test_blocked_and_unblocked() -> None:
    observer, told = noting("blocked", "unblocked")
    client = opened(observer)
    client.feed(connection.Blocked("low on memory"))
    client.feed(connection.Unblocked())
    assert told == [("blocked", "low on memory"), ("unblocked",)]


def test_credentials_that_were_not_renewed() -> None:
    observer, told = noting("secret_failed")
    client = opened(observer, flight_recorder=10)
    client.core.secret_failed(HandshakeFailed("no new token"), client.now)
    ((_, error),) = told
    assert str(error).startswith("no new token")
    assert error.transcript is client.core.transcript
    assert client.core.state is CONNECTED


def test_calls_with_the_time_they_took() -> None:
    observer, told = noting("call_finished")
    client = opened(observer)
    on = client.open_channel()
    client.core.call(queue.Declare("q"), on, None, client.now, None)
    client.now += 0.25
    client.feed(queue.DeclareOk("q"), 1)
    client.core.call(queue.Declare("q"), on, None, client.now, 2.0)
    client.wait(2)
    client.core.close_channel(on, client.now, None)
    client.now += 1
    client.eof()
    client.down()
    assert told[:2] == [
        ("call_finished", "channel.open", 1, 0.0, None),
        ("call_finished", "queue.declare", 1, 0.25, None),
    ]
    late, closing = told[2:]
    assert late[1:4] == ("queue.declare", 1, 2.0)
    assert isinstance(late[4], CallTimeout)
    assert closing[1:4] == ("channel.close", 1, 1.0)
    assert isinstance(closing[4], PeerHungUp)


def test_a_call_that_nobody_made_is_not_told() -> None:
    observer, told = noting("call_finished")
    client = opened(observer)
    call = client.core.open_channel(client.now, 1.0)
    client.wait(1)  # its caller gives up, and the channel that opens then is closed again
    client.feed(channel.OpenOk(), 1)
    client.feed(channel.CloseOk(), 1)
    assert [(name, method) for name, method, *_ in told] == [("call_finished", "channel.open")]
    assert isinstance(call.error, CallTimeout)


def test_channels_that_are_closed() -> None:
    observer, told = noting("channel_closed")
    client = opened(observer)
    first, second = client.open_channel(), client.open_channel()
    client.core.close_channel(second, client.now, None)
    client.feed(channel.CloseOk(), 2)
    client.feed(channel.Close(404, "no"), 1)
    assert told[0] == ("channel_closed", 2, None)
    assert told[1] == ("channel_closed", 1, first.error)
    assert isinstance(first.error, NotFound)


def test_a_stream_in_place_of_another_is_told_too() -> None:
    observer, told = noting("frame_received", "bytes_received")
    client = Client(observers=[observer], protocol="auto").connect()
    client.feed(b"AMQP" + bytes([1, 1, 0, 9]))
    client.core.connected(client.now)
    client.feed(START)
    kinds = [what.kind for name, what in told if name == "frame_received"]
    assert kinds == ["protocol header", "method"]


def test_no_secret_is_told() -> None:
    observer, told = noting(*HOOKS)
    client = Client(observers=[observer]).connect([plain_auth("guest", "c4n4ry")])
    for method in (START, TUNE, connection.OpenOk()):
        client.feed(method)
        client.sent()
    client.core.update_secret(b"c4n4ry", "why", client.now, None)
    client.sent()
    login = [what for name, what, *_ in told if name == "frame_sent" and what.method is not None]
    assert [frame.name for frame in login if frame.method.SECRETS] == [
        "connection.start-ok",
        "connection.update-secret",
    ]
    for frame in login:
        for name in frame.method.SECRETS:
            assert getattr(frame.method, name) is None


def test_no_secret_is_in_the_traceback_of_an_observer_that_fails_at_it() -> None:
    class Clumsy(Observer):
        def frame_sent(self, frame: FrameRecord) -> None:
            raise LookupError(frame)

    client = Client(observers=[Clumsy()]).connect([plain_auth("guest", "c4n4ry")])
    client.feed(START)
    client.sent()
    failures = [event for event in client.all_events() if isinstance(event, ObserverFailed)]
    assert len(failures) == 2
    for failure in failures:
        shown = TracebackException.from_exception(failure.error, capture_locals=True)
        text = "".join(shown.format())
        assert "start-ok" in text or "protocol header" in text
        assert "c4n4ry" not in text


# --- several, and some that fail ---


class Failing(Observer):
    """Raises whatever it is told."""

    def __init__(self) -> None:
        self.times = 0

    def frame_received(self, frame: FrameRecord) -> None:
        self.times += 1
        raise LookupError(frame.name)

    def state_changed(self, old: object, new: object) -> None:
        self.times += 1
        raise LookupError(f"{old} {new}")

    def closed(self, error: object) -> None:
        self.times += 1
        raise LookupError(str(error))


def test_one_that_raises_is_reported_and_the_others_are_told() -> None:
    before, told_before = noting("frame_received", "closed")
    after, told_after = noting("frame_received", "closed")
    failing = Failing()
    client = opened(before, failing, after)
    assert client.core.state is CONNECTED
    client.eof()
    client.down()
    client.all_events()
    assert told_before == told_after
    assert len(told_after) == 4
    failures = [event for event in client.told if isinstance(event, ObserverFailed)]
    assert len(failures) == failing.times == 8
    assert failures[1].hook == failing.frame_received
    assert str(failures[1].error) == "connection.start"
    assert isinstance(client.told[-1], Down)


def test_an_interrupt_in_an_observer_is_the_callers_business() -> None:
    class Interrupted(Observer):
        def bytes_received(self, size: int) -> None:
            raise KeyboardInterrupt(size)

    client = Client(observers=[Interrupted()]).connect()
    with pytest.raises(KeyboardInterrupt):
        client.feed(START)


def test_observers_see_what_the_flight_recorder_keeps() -> None:
    observer, told = noting("frame_received", "frame_sent")
    client = opened(observer, flight_recorder=50)
    assert client.core.transcript is not None
    assert [frame for _, frame in told] == list(client.core.transcript)


FRAMES = [
    START.encode_frame(0),
    TUNE.encode_frame(0),
    connection.OpenOk().encode_frame(0),
    channel.OpenOk().encode_frame(1),
    *content(basic.Deliver("c", 1), b"hello", 1, basic.Properties(app_id="a"), room=3),
    connection.Blocked("why").encode_frame(0),
    connection.StartOk({}, "PLAIN", b"secret").encode_frame(0),
    HEARTBEAT,
    channel.Close(404, "no").encode_frame(1),
    connection.Close(320, "bye").encode_frame(0),
    b"HTTP/1.1 400 Bad Request",
    b"\x01\0\0\0\0\0\x04\0\x0a\0\x0b\xce",
    bytes(9),
]


@given(st.lists(st.sampled_from(FRAMES)), st.lists(st.integers(1, 60)))
def test_what_is_watched_behaves_as_what_is_not(frames: list[bytes], cuts: list[int]) -> None:
    observer, told = noting(*HOOKS)
    plain, watched = Client(), Client(observers=[observer], flight_recorder=20)
    data, sent = b"".join([*FRAMES[:3], *frames]), []
    for client in (plain, watched):
        client.connect()
        at = 0
        for size in [*cuts, len(data)]:
            client.feed(data[at : at + size])
            sent.append(client.core.data_to_send(client.now))
            at += size
        client.eof()
        client.down()
    assert [type(event) for event in watched.all_events()] == [
        type(event) for event in plain.all_events()
    ]
    assert sent[: len(cuts) + 1] == sent[len(cuts) + 1 :]
    assert str(watched.core.error) == str(plain.core.error)
    assert told[-1] == ("closed", watched.core.error)
    assert len(str(watched.core.transcript).splitlines()) <= 22


# --- what they cost ---


def parts(client: Client) -> tuple[type, type]:
    return type(client.core._reader), type(client.core.output)


def test_without_observers_nothing_is_in_the_way() -> None:
    client = Client()
    assert client.core._watch is None
    assert parts(client) == (FrameReader, Output)
    assert client.core._emit == client.core.news.append


@pytest.mark.parametrize("name", HOOKS)
def test_what_is_not_overridden_is_not_in_the_way(name: str) -> None:
    observer, _ = noting(name)
    reader, output = parts(opened(observer))
    assert (reader is not FrameReader) == (name in ("bytes_received", "frame_received"))
    assert (output is not Output) == (name in ("bytes_sent", "frame_sent"))


def test_the_base_class_does_nothing() -> None:
    observer = Observer()
    client = opened(observer, flight_recorder=10)
    assert parts(client) != (FrameReader, Output)
    frame = next(iter(client.core.transcript or ()))
    observer.state_changed(OFF, CONNECTING)
    observer.phase_entered("tls")
    observer.negotiated(client.core.manager.agreement or Agreement("", {}))
    for tell in (observer.frame_received, observer.frame_sent):
        tell(frame)
    for count in (observer.bytes_received, observer.bytes_sent):
        count(1)
    observer.blocked("why")
    observer.unblocked()
    observer.secret_failed(HandshakeFailed("no"))
    observer.call_finished("queue.declare", 1, 0.1, None)
    observer.channel_closed(1, None)
    observer.closed(None)


def test_a_method_given_to_one_instance_counts_as_overridden() -> None:
    told: list[int] = []
    observer = Observer()
    observer.bytes_sent = lambda size: told.append(size + 1)  # type: ignore[method-assign]
    opened(observer)
    assert told[0] == 9


# --- what is refused ---


class Awaited(Observer):
    async def blocked(self, reason: str) -> None:  # type: ignore[override]
        raise AssertionError(reason)


@pytest.mark.parametrize(
    ("observers", "said"),
    [
        (Observer(), "observers is of type Observer; it is a list"),
        ({Observer()}, "observers is of type set; it is a list"),
        ([Observer], "in observers is no Observer"),
        ([print], "in observers is no Observer"),
        ([Awaited()], "Awaited.blocked is a coroutine function; observers are not awaited"),
    ],
)
def test_what_cannot_be_an_observer(observers: Any, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        Settings(observers=observers)


@pytest.mark.parametrize("size", [-1, 1.5, True, "100"])
def test_a_flight_recorder_has_a_number_of_frames(size: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"flight_recorder is .*; it is a whole number"):
        Settings(flight_recorder=size)
