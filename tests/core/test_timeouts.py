"""Deadlines: of opening, and of calls; the core tells the next one and does what is due."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.auth import plain_auth
from amqpconn.core.clockwork import Deadlines
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Call, HangUp
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.states import PHASES, State
from amqpconn.errors import CallTimeout, OpenTimeout
from amqpconn_spec.v0_9_1 import connection, queue, tx
from tests.core.server import EPOCH, START, TUNE, Client, in_state, opened

REQUEST = OpenRequest([plain_auth("a", "b")], "en_US", "/")


def quiet(**settings: object) -> Client:
    """An open client without heartbeats, whose only deadlines are those of a test."""
    return opened(connection.Tune(2047, 131072, 0), **settings)


# --- opening ---


@pytest.mark.parametrize("phase", ["resolve", "connect", "tls"])
def test_no_stream_in_time(phase: str) -> None:
    client = Client(timeout=7.5, peer="broker:5672")
    client.core.connecting(REQUEST, client.now)
    client.core.enter(phase, client.now)
    assert client.core.next_deadline() == EPOCH + 7.5
    assert client.core.remaining(client.now + 2.5) == 5.0
    assert client.core.remaining(client.now + 99) == 0.0
    client.wait(7.375)
    assert client.core.error is None
    client.wait(0.125)
    error = client.error
    assert type(error) is OpenTimeout
    assert isinstance(error, TimeoutError)
    assert error.what == f"the connection was not open after 7.5 s; it was in phase {phase}"
    assert (error.phase, error.elapsed, error.retryable) == (phase, {phase: 7.5}, True)
    assert error.remedy.startswith("check ")
    assert client.event(HangUp).quick


@pytest.mark.parametrize(
    ("state", "expected", "remedy"),
    [
        (State.HEADER_SENT, "connection.start", "listens there"),
        (State.START, "the credentials", "what that function waits for"),
        (State.SECURE, "the credentials", "what that function waits for"),
        (State.START_OK, "connection.secure or connection.tune", "authentication backend"),
        (State.SECURE_OK, "connection.secure or connection.tune", "authentication backend"),
        (State.OPEN, "connection.open-ok", "the broker's load"),
    ],
)
def test_no_answer_in_time(state: State, expected: str, remedy: str) -> None:
    client = in_state(state)
    client.wait(30.0)
    error = client.error
    assert type(error) is OpenTimeout
    assert error.what == f"the connection was not open after 30 s; it was waiting for {expected}"
    assert remedy in error.remedy
    assert error.phase == PHASES[state]
    assert client.down() is error


def test_no_phase_at_all() -> None:
    client = Client(timeout=1)
    client.core.connecting(REQUEST, client.now)
    client.wait(1)
    assert client.error.what == "the connection was not open after 1 s; it was in phase off"
    assert client.error.phase == "resolve"  # the first of all, which had not begun
    assert client.error.elapsed == {}


def test_the_deadline_is_one_for_all_phases() -> None:
    client = Client(timeout=10.0)
    client.core.connecting(REQUEST, client.now)
    for phase in ("resolve", "connect", "tls"):
        client.core.enter(phase, client.now)
        client.wait(3.0)
    client.core.connected(client.now)
    assert client.core.next_deadline() == EPOCH + 10.0
    client.wait(1.0)
    assert client.error.elapsed == {"resolve": 3.0, "connect": 3.0, "tls": 3.0, "header": 1.0}


def test_bytes_do_not_postpone_it() -> None:
    client = Client(timeout=10.0).connect()
    for method in (START, TUNE):
        client.wait(4.0)
        client.feed(method)
    client.wait(2.0)
    assert type(client.error) is OpenTimeout


def test_without_a_limit_it_waits_for_ever() -> None:
    client = Client(timeout=None).connect()
    assert client.core.next_deadline() is None
    client.core.handle_timer(client.now + 1e9)
    assert client.core.error is None


def test_it_is_over_with_open_ok() -> None:
    client = quiet(timeout=10.0)
    assert client.core.next_deadline() is None
    client.core.handle_timer(client.now + 1e9)
    assert client.core.state is EndpointState.CONNECTED


def test_it_is_over_with_the_servers_close() -> None:
    client = Client(timeout=10.0).connect()
    client.wait(9.5)
    client.feed(connection.Close(320, "going down"))
    client.wait(0.75)
    assert client.error.reply_code == 320
    assert client.events() == []


# --- calls ---


def test_calls_time_out_each_in_its_time() -> None:
    client = quiet()
    chan = client.open_channel()
    calls = [
        client.core.call(tx.Select(), chan, None, client.now, timeout)
        for timeout in (3.0, None, 1.0, 2.0)
    ]
    assert client.core.next_deadline() == EPOCH + 1.0
    client.wait(1.0)
    assert client.events() == [calls[2]]
    assert client.core.next_deadline() == EPOCH + 2.0
    client.wait(5.0)
    assert client.events() == [calls[3], calls[0]]
    assert all(isinstance(calls[number].error, CallTimeout) for number in (0, 2, 3))
    assert not calls[1].done
    assert client.core.next_deadline() is None
    assert client.core.manager.is_open


def test_a_call_that_is_answered_has_no_deadline() -> None:
    client = quiet()
    chan = client.open_channel()
    client.core.call(queue.Declare(), chan, None, client.now, 1.0)
    client.feed(queue.DeclareOk(), chan.id)
    assert client.core.next_deadline() is None


def test_calls_that_are_over_are_forgotten() -> None:
    client = quiet()
    chan = client.open_channel()
    for _ in range(100):
        client.core.call(queue.Declare(), chan, None, client.now, 30.0)
        client.feed(queue.DeclareOk(), chan.id)
        client.all_events()
    client.told.clear()
    gc.collect()
    mine = [found for found in gc.get_objects() if isinstance(found, Call)]
    assert len([call for call in mine if call.channel is chan]) <= 1


def test_calls_that_are_over_are_forgotten_behind_one_that_waits() -> None:
    client = opened()
    chan, other = client.open_channel(), client.open_channel()
    core, now = client.core, client.now
    waits = core.call(queue.Declare("waits"), chan, None, now, 10.0)
    for _ in range(1000):
        core.call(queue.Declare(), other, None, now, 30.0)
        client.feed(queue.DeclareOk(), other.id)
    assert len(core._deadlines.calls) < 100
    client.events()
    core.handle_timer(now + 10.0)
    assert client.events() == [waits]


def test_several_that_are_due_at_once() -> None:
    client = quiet()
    chan = client.open_channel()
    calls = [client.core.call(tx.Select(), chan, None, client.now, 1.0) for _ in range(3)]
    client.core.handle_timer(client.now + 60)
    assert sorted(map(id, client.events())) == sorted(map(id, calls))


def test_a_call_that_is_answered_behind_one_that_is_not() -> None:
    client = quiet()
    first, second = client.open_channel(), client.open_channel()
    waiting = client.core.call(tx.Select(), first, None, client.now, 1.0)
    answered = client.core.call(tx.Select(), second, None, client.now, 2.0)
    client.feed(tx.SelectOk(), second.id)
    assert client.events() == [answered]
    client.core.handle_timer(client.now + 60)
    assert client.events() == [waiting]
    assert answered.error is None


def test_a_call_of_no_time_at_all() -> None:
    client = quiet()
    call = client.core.call(tx.Select(), client.open_channel(), None, client.now, 0.0)
    client.wait(0)
    assert isinstance(call.error, CallTimeout)


def test_looking_too_early_is_harmless() -> None:
    client = opened()
    client.core.call(tx.Select(), client.open_channel(), None, client.now, 5.0)
    client.sent()
    for _ in range(3):
        client.core.handle_timer(client.now)
    assert (client.events(), client.sent()) == ([], [])


# --- the parts ---


@given(st.lists(st.tuples(st.none() | st.floats(0, 100), st.booleans())), st.floats(0, 100))
def test_the_earliest_of_all_calls_that_wait(
    wanted: list[tuple[float | None, bool]], now: float
) -> None:
    deadlines = Deadlines()
    client = opened()
    control = client.core.channels.control
    calls = []
    for deadline, is_done in wanted:
        call = Call(tx.Select(), control, deadline)
        call.done = is_done
        deadlines.watch(call)
        calls.append(call)
    waiting = [c for c in calls if not c.done and c.deadline is not None]
    assert deadlines.earliest() == min(
        (c.deadline for c in waiting if c.deadline is not None), default=None
    )
    passed = list(deadlines.passed_calls(now))
    assert passed == sorted(passed, key=lambda call: call.deadline or 0.0)
    assert set(map(id, passed)) == {id(c) for c in waiting if (c.deadline or 0.0) <= now}


def test_named_deadlines() -> None:
    deadlines = Deadlines()
    assert deadlines.earliest() is None
    deadlines.set("closing", 5.0)
    deadlines.set("lingering", 3.0)
    assert deadlines.earliest() == 3.0
    deadlines.set("lingering", 4.0)
    assert deadlines.passed(3.9) == []
    assert deadlines.passed(4.25) == [("lingering", 0.25)]
    assert deadlines.passed(4.25) == []
    deadlines.set("closing", None)
    deadlines.set("closing", None)
    assert deadlines.earliest() is None
    deadlines.set("closing", 1.0)
    deadlines.clear()
    assert deadlines.earliest() is None


def test_time_is_booked_on_the_phase_in_which_it_passed() -> None:
    core = Client().core
    assert core.elapsed(5.0) == {}
    core.enter("resolve", 10.0)
    core.enter("resolve", 11.0)
    core.enter("connect", 12.5)
    assert core.phase == "connect"
    assert core.elapsed(13.0) == {"resolve": 2.5, "connect": 0.5}
    core.enter("resolve", 14.0)
    assert core.elapsed(15.0) == {"resolve": 3.5, "connect": 1.5}
