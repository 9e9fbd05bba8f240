"""The state machine: its table against what the specification has, and the core against its table,
for every state and everything that can come or go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import pytest

from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Event, HangUp
from amqpconn.core.states import (
    DISCARDING,
    HEADER,
    PHASES,
    SENT,
    TRANSITIONS,
    IllegalStep,
    Machine,
    Role,
    State,
)
from amqpconn.errors import UnexpectedMethod, WrongChannel
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import basic, channel, connection, exchange, queue
from amqpconn_spec.v0_9_1.frames import BodyFrame, HeaderFrame
from amqpconn_spec.v0_9_1.registry import METHODS
from tests.core.server import IN_STATE, SAMPLES, in_state

METHODS_0 = [method for method in METHODS.values() if method.NAME.startswith("connection.")]
NAMES = [HEADER, *[method.NAME for method in METHODS_0]]

# The conversation as the specification has it, written down a second time: state, step, next state.
EXPECTED = {
    Role.CLIENT: """
        closed          > protocol-header                 header sent
        closed          = connection.start                recalled
        recalled        > protocol-header                 recalled
        recalled        > connection.start-ok             recalled
        recalled        = connection.tune                 recalled
        recalled        > connection.tune-ok              recalled
        recalled        > connection.open                 ahead
        ahead           > channel.open                    ahead
        ahead           < connection.start                confirmed
        ahead           < connection.close                close received
        ahead           < protocol-header                 closed
        confirmed       < connection.tune                 open
        confirmed       < connection.close                close received
        header sent     < connection.start                start
        header sent     < connection.close                close received
        header sent     < protocol-header                 closed
        start           > connection.start-ok             start-ok
        start           < connection.close                close received
        start-ok        < connection.secure               secure
        start-ok        < connection.tune                 tune
        start-ok        < connection.close                close received
        secure          > connection.secure-ok            secure-ok
        secure          < connection.close                close received
        secure-ok       < connection.secure               secure
        secure-ok       < connection.tune                 tune
        secure-ok       < connection.close                close received
        tune            > connection.tune-ok              tune
        tune            > connection.open                 open
        tune            < connection.close                close received
        open            > channel.open                    open
        open            < connection.open-ok              opened
        open            < connection.redirect             closed
        open            < connection.close                close received
        opened          > channel.open                    opened
        opened          < connection.blocked              opened
        opened          < connection.unblocked            opened
        opened          > connection.update-secret        opened
        opened          < connection.update-secret-ok     opened
        opened          > connection.close                close sent
        opened          < connection.close                close received
        close sent      < connection.close-ok             closed
        close sent      < connection.close                close sent
        close sent      > connection.close-ok             close sent
        close received  > connection.close-ok             close received
        close received  < connection.close                close received
    """,
    Role.SERVER: """
        closed          < protocol-header                 header sent
        header sent     > connection.start                start
        header sent     > protocol-header                 closed
        start           < connection.start-ok             start-ok
        start           > connection.close                close sent
        start-ok        > connection.secure               secure
        start-ok        > connection.tune                 tune
        start-ok        > connection.close                close sent
        secure          < connection.secure-ok            secure-ok
        secure          > connection.close                close sent
        secure-ok       > connection.secure               secure
        secure-ok       > connection.tune                 tune
        secure-ok       > connection.close                close sent
        tune            < connection.tune-ok              tune
        tune            < connection.open                 open
        tune            > connection.close                close sent
        open            > connection.open-ok              opened
        open            > connection.redirect             closed
        open            > connection.close                close sent
        opened          > connection.blocked              opened
        opened          > connection.unblocked            opened
        opened          < connection.update-secret        opened
        opened          > connection.update-secret-ok     opened
        opened          > connection.close                close sent
        opened          < connection.close                close received
        close sent      < connection.close-ok             closed
        close sent      < connection.close                close sent
        close sent      > connection.close-ok             close sent
        close received  > connection.close-ok             close received
        close received  < connection.close                close received
    """,
}


# Of fast open, which is the client's business alone: the server does what it always does.
CLIENT_ONLY = {State.RECALLED, State.AHEAD, State.CONFIRMED}
STATES = [(role, state) for role in Role for state in TRANSITIONS[role]]


@cache
def expected(role: Role) -> dict[tuple[State, str], State]:
    lines = [re.split(r"\s{2,}", line.strip()) for line in EXPECTED[role].strip().splitlines()]
    return {(State(before), step): State(after) for before, step, after in lines}


# --- the table ---


@pytest.mark.parametrize("role", Role)
def test_the_table_is_what_the_specification_says(role: Role) -> None:
    table = {
        (state, step): after
        for state, steps in TRANSITIONS[role].items()
        for step, after in steps.items()
    }
    assert table == expected(role)


@pytest.mark.parametrize(("role", "state"), STATES)
@pytest.mark.parametrize("direction", "<>=")
def test_every_cell_is_a_transition_or_dropped_or_illegal(
    role: Role, state: State, direction: str
) -> None:
    for name in NAMES:
        check_cell(role, state, direction, name)


def check_cell(role: Role, state: State, direction: str, name: str) -> None:
    machine = Machine(role)
    machine.state = state
    step = f"{direction} {name}"
    after = expected(role).get((state, step))
    if after is not None:
        assert machine.step(step) is True, name
        assert machine.state is after, name
    elif state in DISCARDING:
        assert machine.step(step) is False, name
        assert machine.state is state, name
    else:
        with pytest.raises(IllegalStep) as caught:
            machine.step(step)
        assert (caught.value.state, caught.value.step) == (state, step)
        assert machine.state is state, name


@pytest.mark.parametrize("role", Role)
def test_steps_go_in_the_directions_that_the_specification_has(role: Role) -> None:
    sent_by = {
        method.NAME: (method.SENT_BY_CLIENT, method.SENT_BY_SERVER) for method in METHODS.values()
    }
    for _, step in expected(role):
        direction, name = step.split()
        if name in sent_by:  # not the header, nor connection.redirect of older versions
            is_ours = direction == ">"  # what is remembered was the server's too
            by_client = is_ours == (role is Role.CLIENT)
            assert sent_by[name][0 if by_client else 1], (role, step)


@pytest.mark.parametrize("role", Role)
def test_every_method_of_the_class_has_a_place_in_the_table(role: Role) -> None:
    named = {step.split()[1] for _, step in expected(role)}
    # Redirect is of 0-8 and 0-9 only; of other classes there is what goes along with open.
    assert named - {"connection.redirect", "channel.open"} == set(NAMES)


@pytest.mark.parametrize(("role", "state"), STATES)
def test_each_side_takes_what_the_other_side_may_send(role: Role, state: State) -> None:
    if state in DISCARDING | CLIENT_ONLY:
        return  # the two sides are not in the same state then
    other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
    sent = {step[2:] for step in TRANSITIONS[role][state] if step.startswith(">")}
    taken = {step[2:] for step in TRANSITIONS[other][state] if step.startswith("<")}
    assert sent - {"channel.open"} <= taken  # which is no business of the other side's channel 0


def test_everything_but_the_end_is_named_after_a_step_and_has_a_phase() -> None:
    assert set(PHASES) == set(State)
    assert set(TRANSITIONS[Role.CLIENT]) == set(State)
    assert set(TRANSITIONS[Role.SERVER]) == set(State) - CLIENT_ONLY


def test_a_machine_that_gives_up_is_closed() -> None:
    machine = Machine(Role.CLIENT)
    machine.step(SENT + HEADER)
    machine.abandon()
    assert machine.state is State.CLOSED
    assert machine.expected() == []


# --- the core: every state, everything that a peer can send on channel 0 ---

# What the client makes of a method that it takes; it answers at once where an answer is due.
TAKEN = {
    (State.HEADER_SENT, "connection.start"): State.START_OK,
    (State.START_OK, "connection.secure"): State.SECURE_OK,
    (State.START_OK, "connection.tune"): State.OPEN,
    (State.SECURE_OK, "connection.secure"): State.SECURE_OK,
    (State.SECURE_OK, "connection.tune"): State.OPEN,
    (State.OPEN, "connection.open-ok"): State.OPENED,
    (State.OPENED, "connection.blocked"): State.OPENED,
    (State.OPENED, "connection.unblocked"): State.OPENED,
    (State.CLOSE_SENT, "connection.close-ok"): State.CLOSED,
    (State.CLOSE_SENT, "connection.close"): State.CLOSE_SENT,
} | {
    (state, "connection.close"): State.CLOSE_RECEIVED
    for state in set(State) - DISCARDING | {State.CLOSE_RECEIVED}
}


@pytest.mark.parametrize("state", IN_STATE)
def test_every_method_on_channel_0_in_every_state(state: State) -> None:
    for kind in METHODS.values():
        check_method_on_channel_0(state, kind)


def check_method_on_channel_0(state: State, kind: type[Method]) -> None:
    client = in_state(state)
    had_failed = client.core.error
    client.feed(SAMPLES.get(kind.NAME) or kind())
    after = TAKEN.get((state, kind.NAME))
    if after is not None:
        assert client.state is after, kind.NAME
    elif state in DISCARDING:
        assert client.state is state, kind.NAME
        assert client.core.error is had_failed, kind.NAME
        assert (client.events(), client.sent()) == ([], []), kind.NAME
    else:
        assert type(client.error) is UnexpectedMethod, kind.NAME
        assert kind.NAME in client.error.what
        assert_refused(state, client.events(), client.methods())


def assert_refused(state: State, events: Sequence[Event], sent: Sequence[Method]) -> None:
    """An open connection is closed with a word, and one that is not yet open without."""
    if state is State.OPENED:
        (close,) = sent
        assert isinstance(close, connection.Close)
        assert close.reply_code == 503
        assert not events
    else:
        (event,) = events
        assert isinstance(event, HangUp)
        assert event.quick
        assert not sent


@pytest.mark.parametrize("state", [state for state in IN_STATE if state not in DISCARDING])
def test_the_error_names_the_state_and_the_methods_that_may_come(state: State) -> None:
    client = in_state(state)
    client.feed(basic.QosOk())
    assert f"basic.qos-ok came in state '{state.value}'" in client.error.what
    for step in TRANSITIONS[Role.CLIENT][state]:
        if step.startswith("<"):
            is_known = step[2:] == HEADER or step[2:] in client.core.dialect.by_name
            assert (step[2:] in client.error.what) is is_known
    assert client.error.phase == PHASES[state]


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize(
    "frame",
    [
        BodyFrame(0, b"body"),
        HeaderFrame(0, basic.Deliver.CLASS_ID, 1, basic.Properties()),
    ],
    ids=["body", "header"],
)
def test_content_on_channel_0_in_every_state(state: State, frame: BodyFrame | HeaderFrame) -> None:
    client = in_state(state)
    had_failed = client.core.error
    client.feed(frame)
    if state in DISCARDING:
        assert client.core.error is had_failed
        assert client.state is state
    else:
        assert type(client.error) is WrongChannel
        assert client.error.what == "content came on channel 0"


ON_CHANNELS = [
    queue.DeclareOk(),
    exchange.Declare(),
    basic.Deliver(),
    basic.Ack(),
    channel.OpenOk(),
    channel.Close(),
    connection.Close(),
    connection.OpenOk(),
]


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("method", ON_CHANNELS, ids=lambda method: method.NAME)
def test_methods_on_other_channels_in_every_state(state: State, method: Method) -> None:
    client = in_state(state)
    had_failed = client.core.error
    client.feed(method, on=7)
    if state in DISCARDING:
        assert client.core.error is had_failed
        assert client.state is state
    else:
        assert type(client.error) is WrongChannel
        assert "channel 7" in client.error.what
        close = client.methods()
        if state is State.OPENED:
            assert isinstance(close[0], connection.Close)
            assert close[0].reply_code == 504
        else:
            assert close == []


@pytest.mark.parametrize("state", IN_STATE)
def test_heartbeats_are_welcome_in_every_state(state: State) -> None:
    client = in_state(state)
    had_failed = client.core.error
    client.feed(client.core.dialect.heartbeat)
    assert client.state is state
    assert client.core.error is had_failed
    assert (client.events(), client.sent()) == ([], [])


@pytest.mark.parametrize("state", IN_STATE)
def test_the_peer_hangs_up_in_every_state(state: State) -> None:
    client = in_state(state)
    before = client.core.state
    client.eof()
    error = client.down()
    was_over = state in DISCARDING
    assert (error is None) is (state in (State.CLOSED, State.CLOSE_SENT))
    assert client.core.state is (EndpointState.DISCONNECTED if not error else EndpointState.FAILED)
    if state is State.CLOSED:
        assert client.core.state is before
        assert client.events() == []
    elif not was_over and error is not None:
        assert error.phase == PHASES[state]
