"""Everything that a script can have a peer do, as both drivers see it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from amqpconn import AMQPError, ConnectionFailed, Content
from amqpconn.errors import (
    CallTimeout,
    ChannelClosed,
    ConnectionClosed,
    FrameTooLarge,
    MalformedFrame,
    OpenTimeout,
    PeerHungUp,
    ProtocolViolation,
)
from amqpconn.testing import (
    After,
    Before,
    Block,
    Close,
    Cut,
    Drip,
    Hold,
    Ignore,
    Moment,
    On,
    Peer,
    ReceivedBytes,
    Refuse,
    Release,
    Reset,
    ResumeReading,
    Send,
    Silence,
    StopHeartbeats,
    StopReading,
    Unblock,
    Usual,
    Wait,
    challenges,
    frame,
)
from amqpconn_spec.v0_9_1 import basic, channel, connection, queue, tx
from amqpconn_spec.v0_9_1.frames import HEARTBEAT
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, Challenged, eventually

HANDSHAKE = ("start", "tune", "open-ok")


def opened(driver: Driver, peer: Peer, **options: Any) -> None:
    driver.connect(peer.url(), **options).close()


def fails(driver: Driver, peer: Peer, error: type[AMQPError] = ConnectionFailed) -> Any:
    """How opening fails."""
    with pytest.raises(error) as raised:
        opened(driver, peer)
    return raised.value


# --- what it offers ---


@pytest.mark.parametrize("header", [b"AMQP\0\0\x08\0", b"AMQP\x03\x01\0\0", b"AMQP\x01\x01\0\x09"])
def test_any_version_header_may_be_offered(peer: Peer, driver: Driver, header: bytes) -> None:
    peer.behaviour.script = [On("protocol-header", Send(header), Cut())]
    assert isinstance(fails(driver, peer), ConnectionFailed)
    assert peer.sessions[0].bytes_sent == 8


def test_any_version_may_be_said_in_start(peer: Peer, driver: Driver) -> None:
    start = connection.Start(9, 1, {}, b"PLAIN", b"en_US")
    peer.behaviour.script = [On("protocol-header", Send(start))]
    fails(driver, peer)


def test_mechanisms_locales_and_properties_are_as_given(peer: Peer, driver: Driver) -> None:
    behaviour = peer.behaviour
    behaviour.mechanisms = ("X-NONE", "PLAIN")
    behaviour.locales = ("de_DE", "en_US")
    behaviour.server_properties = {"product": "other", "nested": {"list": [1, None, b"\xff"]}}
    with driver.connect(peer.url()) as connected:
        assert connected.offered_mechanisms == ["X-NONE", "PLAIN"]
        assert connected.offered_locales == ["de_DE", "en_US"]
        assert connected.server_properties == behaviour.server_properties
    behaviour.mechanisms = ()
    fails(driver, peer)


@pytest.mark.parametrize(
    ("channel_max", "frame_max", "heartbeat"),
    [(0, 0, 0), (1, 4096, 65535), (65535, 4294967295, 0)],
)
def test_tune_values_are_as_given(
    peer: Peer, driver: Driver, channel_max: int, frame_max: int, heartbeat: int
) -> None:
    behaviour = peer.behaviour
    behaviour.channel_max, behaviour.frame_max = channel_max, frame_max
    behaviour.heartbeat = heartbeat
    with driver.connect(peer.url()) as connected:
        offered = {line.parameter: line.offered for line in connected.tuning.report}
    assert offered == {"channel_max": channel_max, "frame_max": frame_max, "heartbeat": heartbeat}


@pytest.mark.parametrize("frame_max", [1, 100, 4095])
def test_tune_values_may_be_nonsense(peer: Peer, driver: Driver, frame_max: int) -> None:
    peer.behaviour.frame_max = frame_max
    assert str(frame_max) in str(fails(driver, peer))


@pytest.mark.parametrize("rounds", [[], [b"1"], [b"1", b"", b"3"]])
def test_challenges_are_as_many_as_scripted(driver: Driver, rounds: list[bytes]) -> None:
    with Peer(mechanisms=["ECHO"], script=challenges(*rounds)) as peer:
        opened(driver, peer, auth_methods=[Challenged()])
        answers = [received.method.response for received in peer.received(connection.SecureOk)]
    assert answers == [b"re: " + challenge for challenge in rounds]


# --- refusing ---


@pytest.mark.parametrize("step", ["protocol-header", "start-ok", "secure-ok", "tune-ok", "open"])
def test_each_step_may_be_refused_with_any_code(peer: Peer, driver: Driver, step: str) -> None:
    name = step if step == "protocol-header" else f"connection.{step}"
    peer.behaviour.mechanisms = ("ECHO",)
    rounds = challenges(b"1") if step == "secure-ok" else []
    for reply_code in (311, 320, 402, 403, 501, 530, 541, 999):
        refusal = On(name, Refuse(reply_code, "of the test"))
        peer.behaviour.script = [*rounds, refusal]
        with pytest.raises(ConnectionFailed, match="of the test") as raised:
            opened(driver, peer, auth_methods=[Challenged()])
        assert raised.value.reply_code == reply_code


def test_any_later_method_may_be_refused(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [On("queue.declare", Refuse(405, "of the test"), nth=2)]
    with driver.connect(peer.url()) as connected:
        opened_channel = connected.endpoint.open_channel()
        opened_channel.call(queue.Declare(queue="q"))
        with pytest.raises(ChannelClosed, match="of the test") as raised:
            opened_channel.call(queue.Declare(queue="q"))
        assert (raised.value.reply_code, raised.value.failing_method) == (405, "queue.declare")
        connected.endpoint.open_channel().call(queue.Declare(queue="q"))


def test_connection_may_be_closed_for_a_method_of_a_channel(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [On("tx.select", Close(540, "of the test"))]
    connected = driver.connect(peer.url())
    with pytest.raises(ConnectionClosed, match="of the test"):
        connected.endpoint.open_channel().call(tx.Select())
    assert len(peer.wait_for("connection.close-ok")) == 1


@pytest.mark.parametrize("when", ["Before", "After"])
@pytest.mark.parametrize("step", HANDSHAKE)
def test_close_comes_at_any_moment(peer: Peer, driver: Driver, step: str, when: str) -> None:
    rule = {"Before": Before, "After": After}[when]
    peer.behaviour.script = [rule(f"connection.{step}", Close(320, "of the test"))]
    with pytest.raises((ConnectionClosed, PeerHungUp)):
        driver.connect(peer.url()).wait_closed(timeout=10)


# --- late, never, in pieces, at once ---


@pytest.mark.parametrize("step", HANDSHAKE)
def test_answers_come_late(peer: Peer, driver: Driver, step: str) -> None:
    peer.behaviour.script = [Before(f"connection.{step}", Wait(0.03))]
    before = time.monotonic()
    opened(driver, peer)
    assert time.monotonic() - before >= 0.03


def test_heartbeats_go_on_while_an_answer_is_late(peer: Peer, both_drivers: list[Driver]) -> None:
    peer.behaviour.heartbeat = 1
    peer.behaviour.script = [On("tx.select", Wait(30), Usual()), Before("heartbeat", Release())]
    connections = [each.connect(peer.url()) for each in both_drivers]
    channels = [connected.endpoint.open_channel() for connected in connections]
    calls = [Background(partial(each.call, tx.Select(), timeout=10)) for each in channels]
    assert [call.result() for call in calls] == [tx.SelectOk(), tx.SelectOk()]
    for connected in connections:
        connected.close()


@pytest.mark.parametrize("action", [Ignore(), Silence(), Hold()])
@pytest.mark.parametrize("step", ["protocol-header", "connection.start-ok", "connection.open"])
def test_answers_never_come(peer: Peer, driver: Driver, step: str, action: Any) -> None:
    peer.behaviour.script = [On(step, action)]
    with pytest.raises(OpenTimeout):
        driver.connect(peer.url(), timeout=0.03)


@pytest.mark.parametrize("size", [1, 7])
def test_answers_come_in_pieces(peer: Peer, driver: Driver, size: int) -> None:
    peer.behaviour.script = [On("protocol-header", Drip(size), Usual())]
    with driver.connect(peer.url()) as connected:
        assert connected.endpoint.open_channel().call(tx.Select()) == tx.SelectOk()


def test_answers_come_in_one_burst(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [
        On("queue.purge", Hold(), Usual()),
        On("tx.select", Usual(), Release()),
        Before("tx.commit-ok", Hold()),
        After("tx.commit-ok", Release()),
    ]
    with driver.connect(peer.url()) as connected:
        first, second = connected.endpoint.open_channel(), connected.endpoint.open_channel()
        first.call(queue.Declare(queue="q"))
        for _ in range(2):
            purging = Background(lambda: first.call(queue.Purge(queue="q")))
            peer.wait_for("queue.purge", len(peer.received("tx.select")) + 1)
            sent = peer.sessions[0].bytes_sent
            assert purging.is_running
            assert second.call(tx.Select(), timeout=10) == tx.SelectOk()
            assert purging.result() == queue.PurgeOk()
            burst = queue.PurgeOk().encode_frame(1) + tx.SelectOk().encode_frame(2)
            assert peer.sessions[0].bytes_sent == sent + len(burst)
        assert second.call(tx.Commit(), timeout=10) == tx.CommitOk()


def test_everything_is_said_before_it_is_asked(peer: Peer, driver: Driver) -> None:
    start = connection.Start(0, 9, {}, b"PLAIN", b"en_US")
    burst = Send(start, connection.Tune(0, 0, 0), connection.OpenOk())
    unasked = [On(f"connection.{name}", Ignore()) for name in ("start-ok", "tune-ok", "open")]
    peer.behaviour.script = [On("protocol-header", burst), *unasked]
    with driver.connect(peer.url()):
        peer.wait_for("connection.open")
        peer.do(Reset())


# --- the end of the stream ---


@pytest.mark.parametrize("action", [Cut(), Reset()])
@pytest.mark.parametrize(
    "rule",
    [
        Before("connection.start"),
        After("connection.start"),
        On("connection.start-ok"),
        Before("connection.open-ok"),
        After("connection.tune"),
        ReceivedBytes(11),
    ],
    ids=lambda rule: type(rule).__name__ + getattr(rule, "name", ""),
)
def test_stream_ends_at_any_step(peer: Peer, driver: Driver, rule: Any, action: Any) -> None:
    rule.actions = (action,)
    peer.behaviour.script = [rule]
    fails(driver, peer, PeerHungUp)


@pytest.mark.parametrize("action", [Cut(), Reset(), Close(320)])
def test_stream_ends_at_any_time(peer: Peer, driver: Driver, action: Any) -> None:
    connected = driver.connect(peer.url())
    peer.do(action)
    with pytest.raises((PeerHungUp, ConnectionClosed)):
        connected.wait_closed(timeout=10)
    eventually(lambda: not peer.sessions[0].is_open)


def test_what_was_to_come_later_does_not_stop_a_cut(peer: Peer, driver: Driver) -> None:
    connected = driver.connect(peer.url())
    peer.do(Wait(30), Send(b"never sent"))
    peer.do(Cut())
    with pytest.raises(PeerHungUp):
        connected.wait_closed(timeout=10)


def test_each_client_has_its_own_script(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = lambda number: [On("connection.open", Cut())] if number == 1 else []
    opened(driver, peer)
    fails(driver, peer, PeerHungUp)
    opened(driver, peer)


# --- wrong bytes ---

TUNE = connection.Tune(2047, 131072, 60)
OPEN_OK = connection.OpenOk()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([b"\xde\xad\xbe\xef\xde\xad\xbe\xef"], MalformedFrame),
        ([frame(TUNE, end=0xCD)], MalformedFrame),
        ([frame(TUNE, size=len(TUNE.encode()) - 1)], MalformedFrame),
        ([frame(TUNE.encode()[:-1])], MalformedFrame),
        ([frame(TUNE.encode() + b"\0")], MalformedFrame),
        ([frame(bytes(5000), kind=3)], FrameTooLarge),
        ([frame(b"", size=2**32 - 1)], FrameTooLarge),
        ([frame(TUNE, 1)], ProtocolViolation),
        ([frame(TUNE, kind=4)], MalformedFrame),
        ([frame(b"\0\x0a\0\xff")], MalformedFrame),
        ([frame(b"", 1, kind=8)], MalformedFrame),
        ([frame(b"x", kind=3)], ProtocolViolation),
        ([OPEN_OK], ProtocolViolation),
        ([TUNE, TUNE], ProtocolViolation),
        ([connection.StartOk({}, "", b"", "")], ProtocolViolation),
        ([TUNE, channel.OpenOk().encode_frame(1)], ProtocolViolation),
    ],
)
def test_wrong_frames_may_be_sent(
    peer: Peer, driver: Driver, wrong: Sequence[Any], error: type[AMQPError]
) -> None:
    peer.behaviour.script = [On("connection.start-ok", Send(*wrong))]
    fails(driver, peer, error)


def test_truncated_frame_is_waited_for(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [On("connection.start-ok", Send(frame(TUNE)[:-1]), Cut())]
    fails(driver, peer, PeerHungUp)


def test_wrong_bytes_may_be_sent_at_any_time(peer: Peer, driver: Driver) -> None:
    connected = driver.connect(peer.url())
    peer.do(Send(basic.Ack(1), channel=77))
    with pytest.raises(ProtocolViolation, match="77"):
        connected.wait_closed(timeout=10)


def test_content_may_be_sent_to_a_channel(peer: Peer, driver: Driver) -> None:
    deliver = basic.Deliver("tag", 1, False, "e", "k"), Content(b"made up")
    peer.behaviour.script = [On("basic.publish", Send(deliver), Send(deliver, channel=2))]
    with driver.connect(peer.url()) as connected:
        first, second = connected.endpoint.open_channel(), connected.endpoint.open_channel()
        first.send(basic.Publish(), Content(b"x"))
        for each in (first, second):
            method, content = each.receive(timeout=10)
            assert method == deliver[0]
            assert content is not None
            assert content.body == b"made up"


# --- reading, heartbeats, alarms ---


def test_reading_stops_and_goes_on(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [On("tx.select", Usual(), StopReading())]
    with driver.connect(peer.url()) as connected:
        opened_channel = connected.endpoint.open_channel()
        opened_channel.call(tx.Select())
        opened_channel.send(basic.Ack(1))
        with pytest.raises(CallTimeout):
            opened_channel.call(tx.Commit(), timeout=0.03)
        assert peer.received("basic.ack") == []
        peer.do(ResumeReading())
        assert len(peer.wait_for("tx.commit")) == 1


def test_reading_stops_after_an_exact_byte(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [ReceivedBytes(20, StopReading())]
    with pytest.raises(OpenTimeout):
        driver.connect(peer.url(), timeout=0.03)
    assert peer.sessions[0].bytes_received == 20


def test_heartbeats_stop_alone(peer: Peer, both_drivers: list[Driver]) -> None:
    peer.behaviour.heartbeat = 1
    peer.behaviour.script = [On("tx.select", Usual(), StopHeartbeats())]
    connections = [each.connect(peer.url()) for each in [*both_drivers, both_drivers[0]]]
    for connected in connections[:2]:
        connected.endpoint.open_channel().call(tx.Select())
    before = [session.bytes_sent for session in peer.sessions]
    peer.wait_until(lambda: all(session.heartbeats > 1 for session in peer.sessions))
    grown = [session.bytes_sent - sent for session, sent in zip(peer.sessions, before, strict=True)]
    assert grown[:2] == [0, 0]
    assert grown[2] >= len(HEARTBEAT)
    for connected in connections:
        assert connected.endpoint.open_channel().call(tx.Select()) == tx.SelectOk()
        connected.close()


def test_connections_are_blocked_and_unblocked(peer: Peer, driver: Driver) -> None:
    peer.behaviour.script = [On("basic.publish", Block("of the test")), On("basic.ack", Unblock())]
    with driver.connect(peer.url()) as connected:
        opened_channel = connected.endpoint.open_channel()
        opened_channel.send(basic.Publish(), Content())
        eventually(lambda: connected.is_blocked)
        opened_channel.send(basic.Ack(1))
        eventually(lambda: not connected.is_blocked)


# --- actions of one's own ---


def test_functions_are_actions(peer: Peer, driver: Driver) -> None:
    seen: list[tuple[int, str, bool]] = []

    def note(moment: Moment) -> None:
        seen.append((moment.channel, repr(moment.method), moment.session.is_open))
        moment.usual()

    peer.behaviour.script = [On(connection.Open, note), On(tx.Select, note)]
    with driver.connect(peer.url()) as connected:
        connected.endpoint.open_channel().call(tx.Select())
    assert [entry[0] for entry in seen] == [0, 1]
    assert seen[0][1].startswith("connection.Open(")
    assert [entry[2] for entry in seen] == [False, True]


def test_functions_may_call_actions(peer: Peer, driver: Driver) -> None:
    def close_or_not(moment: Moment) -> None:
        if moment.session.client_properties["connection_name"] == "unwanted":
            Wait(0.01)(moment)
            Close(320, "of the test")(moment)
        else:
            moment.usual()

    peer.behaviour.script = [On("connection.open", close_or_not)]
    opened(driver, peer, connection_name="wanted")
    with pytest.raises(ConnectionClosed, match="of the test"):
        opened(driver, peer, connection_name="unwanted")
