"""Heartbeats: when one goes out, and when the peer is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.core.assembler import Content
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Down, HangUp
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.states import State
from amqpconn.errors import HeartbeatsMissed, HungUpInUse, ProcessStalled
from amqpconn_spec.v0_9_1 import basic, connection
from amqpconn_spec.v0_9_1.frames import HEARTBEAT, HeartbeatFrame
from tests.core.server import EPOCH, START, Client, opened

INTERVAL = 10
HALF = INTERVAL / 2
PATIENCE = INTERVAL * 2.5
TICK = 0.5  # of this interval


def beating(**settings: object) -> Client:
    return opened(connection.Tune(2047, 131072, INTERVAL), **settings)


# --- ours ---


def test_one_goes_out_after_half_an_interval_of_silence() -> None:
    client = beating()
    assert client.core.next_deadline() == EPOCH + HALF
    client.wait(HALF - 0.125)
    assert client.sent() == []
    client.wait(0.125)
    assert client.sent() == [HeartbeatFrame()]
    assert client.core.next_deadline() == EPOCH + 2 * HALF


def test_any_write_postpones_it() -> None:
    client = beating()
    chan = client.open_channel()
    client.wait(4.0)
    client.core.send(basic.Ack(1), chan)
    client.sent()
    assert client.core.next_deadline() == EPOCH + 4.0 + HALF
    client.wait(4.875)
    assert client.sent() == []
    client.wait(0.125)
    assert client.sent() == [HeartbeatFrame()]


def test_nothing_to_write_postpones_nothing() -> None:
    client = beating()
    client.wait(4.0)
    client.sent()
    assert client.core.next_deadline() == EPOCH + HALF


def test_it_goes_in_front_of_what_is_written_later() -> None:
    client = beating()
    chan = client.open_channel()
    client.wait(HALF)
    client.core.send(basic.Publish(), chan, Content(b"body"))
    data = client.core.data_to_send(client.now)
    assert data.startswith(HEARTBEAT)
    assert data.count(HEARTBEAT) == 1


def test_what_waits_in_a_slow_stream_is_joined_by_no_heartbeats() -> None:
    client = beating()
    chan = client.open_channel()
    client.core.send(basic.Ack(1), chan)
    size = client.core.output.size
    for _ in range(10):
        client.feed(HEARTBEAT)
        client.wait(INTERVAL)
    assert client.core.output.size == size


def test_an_idle_stream_that_takes_nothing_holds_one() -> None:
    client = beating()
    for _ in range(10):
        client.feed(HEARTBEAT)
        client.wait(INTERVAL)
    assert client.sent() == [HeartbeatFrame()]


def test_they_begin_with_tune_ok() -> None:
    client = Client().connect()
    client.feed(START)
    client.wait(8.0)
    client.feed(connection.Tune(2047, 131072, INTERVAL))
    client.sent()
    assert client.core.next_deadline() == EPOCH + 8.0 + HALF
    client.wait(HALF)
    assert client.sent() == [HeartbeatFrame()]
    assert client.state is State.OPEN


@pytest.mark.parametrize(("requested", "offered"), [(0, 60), (None, 0), (0, 0)])
def test_without_them_nothing_is_sent_or_expected(requested: int | None, offered: int) -> None:
    client = opened(connection.Tune(2047, 131072, offered), heartbeat=requested)
    assert client.core.next_deadline() is None
    client.core.handle_timer(client.now + 1e6)
    assert client.sent() == []
    assert client.core.state is EndpointState.CONNECTED


# --- theirs ---


def silence(client: Client, seconds: float) -> None:
    """Let time pass and write what there is, as a driver does."""
    client.wait(seconds)
    client.sent()


def test_the_peer_is_given_up_after_two_and_a_half_intervals_of_silence() -> None:
    client = beating()
    silence(client, PATIENCE - 0.125)
    assert client.events() == []
    silence(client, 0.125)
    assert client.event(HangUp).quick
    error = client.down()
    assert type(error) is HeartbeatsMissed
    assert isinstance(error, TimeoutError)
    assert error.what == "nothing came from the peer for 25.0 s; the agreed heartbeat is 10 s"
    assert error.retryable
    assert error.phase == "opened"
    assert client.event(Down).error is error


@pytest.mark.parametrize("data", [HEARTBEAT, b"\x01", basic.Ack().encode_frame(1)[:5]])
def test_any_byte_is_a_sign_of_life(data: bytes) -> None:
    client = beating()
    silence(client, PATIENCE - TICK)
    client.feed(data)
    silence(client, PATIENCE - TICK)
    assert client.core.error is None
    silence(client, TICK)
    assert type(client.error) is HeartbeatsMissed


def test_no_bytes_are_none() -> None:
    client = beating()
    silence(client, INTERVAL)
    client.feed(b"")
    silence(client, PATIENCE - INTERVAL)
    assert type(client.error) is HeartbeatsMissed


def test_the_peer_is_watched_before_it_is_open_too() -> None:
    client = Client(timeout=None).connect()
    client.feed(START)
    client.feed(connection.Tune(2047, 131072, INTERVAL))
    silence(client, PATIENCE)
    assert type(client.error) is HeartbeatsMissed
    assert client.error.phase == "open"


def test_a_peer_that_is_given_up_is_not_looked_at_again() -> None:
    client = beating()
    silence(client, PATIENCE)
    assert client.core.next_deadline() is None
    client.events()
    client.core.handle_timer(client.now + 1e6)
    assert client.events() == []


# --- when this process did not run ---


def test_a_process_that_slept_reads_first_and_judges_then() -> None:
    client = beating()
    client.now += 100.0
    client.core.handle_timer(client.now)
    assert client.core.error is None
    client.feed(HEARTBEAT)  # it had come in the meantime
    silence(client, PATIENCE - 0.125)
    assert client.core.error is None


def test_a_process_that_slept_and_finds_nothing_blames_itself() -> None:
    client = beating()
    client.now += 100.0
    client.core.handle_timer(client.now)
    client.sent()
    assert client.core.next_deadline() == client.now + HALF
    silence(client, HALF)
    assert type(client.error) is ProcessStalled
    assert client.error.what == (
        "this process was stalled for 95.0 s, and then nothing came from the peer for 105.0 s;"
        " the agreed heartbeat is 10 s"
    )
    assert client.error.stalled_s == 95.0
    assert "the whole machine" in client.error.cause
    assert "event loop" in client.error.remedy


def test_a_process_that_slept_twice_in_a_row_gives_up() -> None:
    client = beating()
    for _ in range(2):
        client.now += 100.0
        client.core.handle_timer(client.now)
    assert type(client.error) is ProcessStalled


def test_a_sleep_without_harm_is_not_blamed_for_what_comes_later() -> None:
    client = beating()
    client.now += 100.0
    client.core.handle_timer(client.now)
    client.feed(HEARTBEAT)
    silence(client, PATIENCE)
    assert type(client.error) is HeartbeatsMissed
    assert client.error.cause == HeartbeatsMissed.cause


def test_a_sleep_that_ends_just_after_the_end_of_patience_is_one() -> None:
    client = beating()
    client.now += PATIENCE + 0.125
    client.core.handle_timer(client.now)
    assert client.core.error is None
    client.eof()
    assert type(client.error) is ProcessStalled


def test_a_sleep_of_half_an_interval_at_the_end_of_patience_is_one() -> None:
    client = beating()
    chan = client.open_channel()
    silence(client, PATIENCE - TICK)
    client.core.send(basic.Ack(1), chan)
    client.sent()  # so no heartbeat was due when it slept
    client.now += HALF + 2 * TICK
    client.core.handle_timer(client.now)
    assert client.core.error is None
    silence(client, HALF)
    assert type(client.error) is ProcessStalled
    assert "was stalled for 5.5 s" in client.error.what


def test_a_little_late_is_late() -> None:
    client = beating()
    silence(client, 15.0)
    client.now += PATIENCE - 15.0 + HALF  # half an interval late is not yet a sleep
    client.core.handle_timer(client.now)
    assert type(client.error) is HeartbeatsMissed


END: dict[str, Exception | None] = {"end": None, "reset": ConnectionResetError(104, "reset")}


@pytest.mark.parametrize("end", END)
@pytest.mark.parametrize("first", ["nothing", "data", "timer", "send", "all"])
def test_a_peer_that_hung_up_while_the_process_slept_is_not_blamed(first: str, end: str) -> None:
    client = beating()
    chan = client.open_channel()
    client.now += 3 * INTERVAL
    if first in ("data", "all"):  # heartbeats that it had sent before it gave us up
        client.feed(HEARTBEAT)
    if first in ("timer", "all"):
        client.core.handle_timer(client.now)
    if first in ("send", "all"):
        client.core.send(basic.Ack(1), chan)
    client.sent()
    client.now += 0.25
    client.core.lost(END[end], client.now)
    assert type(client.error) is ProcessStalled
    assert client.error.__cause__ is END[end]
    assert client.error.stalled_s == pytest.approx(3 * INTERVAL - HALF, abs=0.25)
    assert client.error.what.endswith(
        "s, and then the peer ended the byte stream; the agreed heartbeat is 10 s"
    )
    assert client.error.cause.startswith("perhaps the peer gave us up")
    assert client.error.retryable
    assert client.error.phase == "opened"


def test_a_peer_that_hangs_up_long_after_the_sleep_is_blamed() -> None:
    client = beating()
    client.now += 3 * INTERVAL
    client.feed(HEARTBEAT)
    client.core.handle_timer(client.now)
    silence(client, INTERVAL + 0.125)
    client.feed(HEARTBEAT)
    client.eof()
    assert type(client.error) is HungUpInUse


@pytest.mark.parametrize("late_s", [0.0, INTERVAL])
def test_a_peer_that_hangs_up_while_we_are_awake_is_blamed(late_s: float) -> None:
    client = beating()
    client.now += HALF + late_s  # a heartbeat is due since then
    client.eof()
    assert type(client.error) is HungUpInUse


def test_without_heartbeats_nobody_can_tell_that_we_slept() -> None:
    client = opened(connection.Tune(2047, 131072, 0))
    client.now += 1e6
    client.eof()
    assert type(client.error) is HungUpInUse


# --- by itself ---


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.sampled_from(["in", "out", "look"]), st.floats(0, 300)), max_size=30),
)
def test_whatever_happens_the_next_look_is_ahead(
    interval: int, steps: list[tuple[str, float]]
) -> None:
    heart, now = Heartbeat(interval, EPOCH), EPOCH
    for what, seconds in steps:
        now += seconds
        if what == "in":
            heart.received(now)
        elif what == "out":
            heart.sent(now)
        elif heart.check(now) is not None:
            assert now - heart.last_in >= 2.5 * interval
            return
        if heart.due(now):
            heart.sent(now)
        deadline = heart.next_deadline()
        assert deadline is not None
        assert what != "look" or deadline > now
        assert deadline <= now + interval / 2 + min(TICK, interval / 16)


@pytest.mark.parametrize(
    ("interval", "tick_s"), [(1, 0.0625), (2, 0.125), (7, 0.25), (8, 0.5), (10, 0.5), (65535, 0.5)]
)
def test_connections_are_looked_after_in_the_same_ticks(interval: int, tick_s: float) -> None:
    ticks = set()
    for begun in (EPOCH + number * tick_s / 7 for number in range(1, 8)):
        heart = Heartbeat(interval, begun)
        deadline = heart.next_deadline()
        assert deadline is not None
        assert 0 <= deadline - (begun + interval / 2) < tick_s
        ticks.add(deadline)
    assert {tick % tick_s for tick in ticks} == {0.0}
    assert len(ticks) <= 2
