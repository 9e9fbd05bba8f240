"""Every state x every method on channel 0 x both roles x every version, with what really takes the
bytes: the endpoint's core, and the session of the peer. A cell is a transition of the table (which
test_states.py compares with the specification), dropped, or the error that the documentation names.

A state in which a side never rests, because it answers at once, is set by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from amqpconn.auth import plain_auth
from amqpconn.config import Settings
from amqpconn.core.dialect import Dialect, dialect_for
from amqpconn.core.endpoint import EndpointCore, EndpointState
from amqpconn.core.events import Event, HangUp, Opened, Redial
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.servers import Offer, Route, Servers, key_of
from amqpconn.core.states import DISCARDING, HEADER, TRANSITIONS, Role, State
from amqpconn.errors import ConnectionClosed, MalformedFrame, UnexpectedMethod, VersionRefused
from amqpconn.testing.behaviour import Behaviour
from amqpconn.testing.queues import Queues
from amqpconn.testing.session import Session
from amqpconn_spec import VERSIONS
from amqpconn_spec._base import Method
from tests.core.server import EPOCH, Echo, SlowToStart

PROTOCOLS = tuple(VERSIONS)
LOGIN = b"\0guest\0guest"
# What a side says by itself at once, by the state in which it would otherwise be.
CLIENT_GOES_ON = {
    State.START: State.START_OK,
    State.SECURE: State.SECURE_OK,
    State.TUNE: State.OPEN,
}
SERVER_GOES_ON = {
    State.HEADER_SENT: State.START,
    State.START_OK: State.TUNE,
    State.SECURE_OK: State.TUNE,
    State.OPEN: State.OPENED,
}


def sample(dialect: Dialect, name: str) -> Method[Any]:
    """A method as its side sends it; where a field does not matter it has its default."""
    major, minor = dialect.version
    fields: dict[str, dict[str, Any]] = {
        "connection.start": {
            "version_major": major,
            "version_minor": minor,
            "mechanisms": b"PLAIN",
            "locales": b"en_US",
        },
        "connection.tune": {"channel_max": 9, "frame_max": 8192, "heartbeat": 60},
        "connection.redirect": {"host": "other:5672"},
        "connection.start-ok": {"mechanism": "PLAIN", "response": LOGIN, "locale": "en_US"},
        "connection.secure-ok": {"response": LOGIN},
        "connection.tune-ok": {"channel_max": 9, "frame_max": 8192, "heartbeat": 60},
        "connection.open": {"virtual_host": "/"},
    }
    return dialect.by_name[name](**fields.get(name, {}))


def every_method(dialect: Dialect) -> Iterator[Method[Any]]:
    return (sample(dialect, name) for name in dialect.by_name)


def transition(role: Role, state: State, name: str) -> State | None:
    return TRANSITIONS[role][state].get(f"< {name}")


# --- the client ---


def events(core: EndpointCore) -> list[Event]:
    found = []
    while (event := core.next_event()) is not None:
        found.append(event)
    return found


def said(dialect: Dialect, data: bytes) -> list[str]:
    """The names of the methods in bytes that are whole frames."""
    at, names = 0, []
    while at < len(data):
        frame, at = dialect.package.frames.decode_frame(data, at)
        names.append(frame.method.NAME)
    return names


def feed(core: EndpointCore, name: str) -> None:
    core.receive_data(sample(core.dialect, name).encode_frame(0), EPOCH)


CLIENT_WAY = {
    State.HEADER_SENT: "",
    State.START_OK: "connection.start",
    State.SECURE_OK: "connection.start connection.secure",
    State.OPEN: "connection.start connection.tune",
    State.OPENED: "connection.start connection.tune connection.open-ok",
    State.CLOSE_RECEIVED: "connection.start connection.tune connection.open-ok connection.close",
}
# From where a state is set by hand: what has happened by then.
CLIENT_NEAREST = {
    State.START: State.HEADER_SENT,
    State.SECURE: State.START_OK,
    State.TUNE: State.START_OK,
    State.CLOSE_SENT: State.OPENED,
    State.CLOSED: State.OPENED,
}


# With fast open: what has come by then, as it was expected.
FAST_WAY = {
    State.RECALLED: "",
    State.AHEAD: "",
    State.CONFIRMED: "connection.start",
}
# Those in which something was sent that the server may not have been ready for.
EARLY = {State.AHEAD, State.CONFIRMED}


def fast_client_in(state: State, protocol: str) -> EndpointCore:
    """A core that opens fast, in this state, with nothing left to tell."""
    servers, route = Servers(), Route("here", (0,), None)
    core = EndpointCore(Settings(protocol=protocol, servers=servers))
    auth = SlowToStart("PLAIN") if state is State.RECALLED else plain_auth("guest", "guest")
    request = OpenRequest([auth], "en_US", "/")
    said = [sample(core.dialect, name) for name in ("connection.start", "connection.tune")]
    servers.remember(key_of(route, request), Offer(protocol, route, *said))
    core.connecting(request, EPOCH)
    assert core.fast_open is not None
    core.fast_open.route = route
    core.connected(EPOCH)
    for name in FAST_WAY[state].split():
        feed(core, name)
    core.data_to_send(EPOCH)
    events(core)
    assert core.manager.state is state
    return core


def client_in(state: State, protocol: str) -> EndpointCore:
    """A core in this state, with a call for each reply that may come, and nothing left to tell."""
    if state in FAST_WAY:
        return fast_client_in(state, protocol)
    core = EndpointCore(Settings(protocol=protocol))
    request = OpenRequest([Echo("PLAIN"), plain_auth("guest", "guest")], "en_US", "/")
    core.connecting(request, EPOCH)
    core.connected(EPOCH)
    for name in CLIENT_WAY[CLIENT_NEAREST.get(state, state)].split():
        feed(core, name)
    if core.manager.is_open and core.dialect.UpdateSecret is not None:
        core.update_secret(b"token", "", EPOCH, None)
    if state is State.CLOSE_SENT:
        core.close(EPOCH, 5.0)
    elif state is State.CLOSED:
        core.abort(EPOCH)
    elif state in CLIENT_NEAREST:
        core.manager.state = state
    core.data_to_send(EPOCH)
    events(core)
    assert core.manager.state is state
    return core


def check_client_cell(state: State, protocol: str, method: Method[Any]) -> None:
    core = client_in(state, protocol)
    had_failed = core.error
    core.receive_data(method.encode_frame(0), EPOCH)
    after, names = transition(Role.CLIENT, state, method.NAME), dialect_for(protocol).by_name
    is_known = after is not None and method.NAME in names
    told, sent = events(core), said(core.dialect, core.data_to_send(EPOCH))
    if state in EARLY and (not is_known or method.NAME == "connection.close"):
        check_client_fell_back(core, told)
    elif is_known and after is not None:
        check_client_went_on(core, state, method.NAME, after, told)
        assert ("connection.close-ok" in sent) is (method.NAME == "connection.close")
        if state in DISCARDING and (had_failed or method.NAME != "connection.close"):
            assert core.error is had_failed  # the first reason stays
    elif state in DISCARDING:
        assert (core.manager.state, core.error) == (state, had_failed)
        assert (told, sent) == ([], [])
    else:
        assert type(core.error) is UnexpectedMethod
        assert method.NAME in core.error.what
        assert sent == (["connection.close"] if state is State.OPENED else [])
        assert any(isinstance(event, HangUp) for event in told) is (state is not State.OPENED)


def check_client_fell_back(core: EndpointCore, told: list[Event]) -> None:
    """It has taken what came as a no to what went ahead, and says nothing more on that stream."""
    assert [type(event) for event in told] == [Redial]
    assert core.error is None
    assert core.manager.state is State.CLOSED
    assert core.data_to_send(EPOCH) == b""


def check_client_went_on(
    core: EndpointCore, state: State, name: str, after: State, told: list[Event]
) -> None:
    """It has taken the method, and has answered."""
    assert core.manager.state is CLIENT_GOES_ON.get(after, after)
    if name == "connection.redirect":
        assert [type(event) for event in told] == [Redial]
    elif name == "connection.close" and state not in DISCARDING:
        assert isinstance(core.error, ConnectionClosed)
    elif state not in DISCARDING:
        assert core.error is None
        assert any(isinstance(event, Opened) for event in told) is (
            after is not state is State.OPEN
        )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("state", State)
def test_a_client_with_every_method(state: State, protocol: str) -> None:
    for method in every_method(dialect_for(protocol)):
        try:
            check_client_cell(state, protocol, method)
        except AssertionError as error:
            raise AssertionError(f"{method.NAME} in state {state.value}") from error


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("state", State)
def test_a_client_with_a_protocol_header(state: State, protocol: str) -> None:
    """It counts as the answer to ours; later it is no frame."""
    core = client_in(state, protocol)
    had_failed = core.error
    core.receive_data(b"AMQP\x00\x00\x0a\x00", EPOCH)
    if state in DISCARDING:
        assert core.error is had_failed
        return
    if state in EARLY:
        check_client_fell_back(core, events(core))
        return
    nothing_came = CLIENT_NEAREST.get(state, state) in (State.HEADER_SENT, State.RECALLED)
    assert type(core.error) is (VersionRefused if nothing_came else MalformedFrame)
    assert core.manager.state is State.CLOSED
    assert core.state is EndpointState.DISCONNECTING


# --- the server ---

SERVER_WAY = {
    State.CLOSED: "",
    State.START: HEADER,
    State.SECURE: f"{HEADER} connection.start-ok",
    State.TUNE: f"{HEADER} connection.start-ok",
    State.OPENED: f"{HEADER} connection.start-ok connection.tune-ok connection.open",
}
SERVER_NEAREST = {
    State.HEADER_SENT: State.START,
    State.START_OK: State.TUNE,
    State.SECURE_OK: State.TUNE,
    State.OPEN: State.TUNE,
    State.CLOSE_SENT: State.OPENED,
    State.CLOSE_RECEIVED: State.OPENED,
}


def server_in(state: State, protocol: str) -> Session:
    """A session in this state, which has nothing left to send."""
    behaviour = Behaviour()
    if state is State.SECURE:
        behaviour.authenticate = lambda _mechanism, _response: b"?"
    session, dialect = Session(behaviour, Queues()), dialect_for(protocol)
    for name in SERVER_WAY[SERVER_NEAREST.get(state, state)].split():
        data = dialect.protocol_header if name == HEADER else sample(dialect, name).encode_frame(0)
        session.receive_data(data, EPOCH)
    if state is State.SECURE:
        behaviour.authenticate = lambda _mechanism, _response: True
    if state is State.CLOSE_SENT:
        session.close(320, "bye")
    elif state in SERVER_NEAREST:
        session.machine.state = state
    elif state is State.CLOSED:
        session.receive_data(dialect.protocol_header, EPOCH)
        session.machine.abandon()
    session.data_to_send(EPOCH)
    assert session.machine.state is state
    return session


def check_server_cell(state: State, protocol: str, method: Method[Any]) -> None:
    session, dialect = server_in(state, protocol), dialect_for(protocol)
    session.receive_data(method.encode_frame(0), EPOCH)
    after = transition(Role.SERVER, state, method.NAME)
    sent = said(dialect, session.data_to_send(EPOCH))
    if after is not None:
        assert session.machine.state is SERVER_GOES_ON.get(after, after)
        assert "connection.close" not in sent
        assert session.is_over is (after in (State.CLOSE_RECEIVED, State.CLOSED))
    elif state in DISCARDING:
        assert (session.machine.state, sent, session.is_over) == (state, [], False)
    else:
        assert session.is_over
        assert sent == ([] if state is State.HEADER_SENT else ["connection.close"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("state", TRANSITIONS[Role.SERVER])
def test_a_server_with_every_method(state: State, protocol: str) -> None:
    dialect = dialect_for(protocol)
    for method in (m for m in every_method(dialect) if not m.HAS_CONTENT):
        try:
            check_server_cell(state, protocol, method)
        except AssertionError as error:
            raise AssertionError(f"{method.NAME} in state {state.value}") from error


def test_a_server_with_a_protocol_header_that_it_does_not_speak() -> None:
    session = Session(Behaviour(), Queues())
    session.receive_data(b"AMQP\x00\x00\x0a\x00", EPOCH)
    assert session.data_to_send(EPOCH) == dialect_for(PROTOCOLS[-1]).protocol_header
    assert session.is_over
    assert session.machine.state is State.CLOSED
