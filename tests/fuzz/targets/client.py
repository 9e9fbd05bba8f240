"""The client's side of a connection: scenario, length of the pieces, and what the server sends.

A scenario is a version of the protocol and how far the conversation has come. Time stands still:
what it does is tested elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from amqpconn.auth import AuthMethod
from amqpconn.config import Settings
from amqpconn.core.dialect import AUTO, dialect_for
from amqpconn.core.endpoint import EndpointCore, EndpointState
from amqpconn.core.events import Arrived, Call, ChannelDown, Down, Event, HangUp, Redial
from amqpconn.core.handshake import OpenRequest
from amqpconn.errors import ConnectionFailed
from amqpconn.locale import Prefer
from amqpconn_spec import VERSIONS
from tests.fuzz.inputs import agree, one_of, pieces, shown, taken, told

NOW = 1000.0


class Echo(AuthMethod):
    """A mechanism with as many rounds as the server likes."""

    __slots__ = ()
    name = "PLAIN"

    def initial_response(self) -> bytes:
        return b"\0guest\0guest"

    def respond(self, challenge: bytes) -> bytes:
        return challenge


class Slow(Echo):
    """Its driver has to ask for the login; until it is there the client owes start-ok."""

    __slots__ = ()
    may_block = True


REQUEST = OpenRequest([Echo()], Prefer("en_US"), "/")
SLOW = OpenRequest([Slow()], Prefer("en_US"), "/")


def fresh(protocol: str, request: OpenRequest = REQUEST, recorded: int = 0) -> EndpointCore:
    """The protocol header has gone out."""
    settings = Settings(protocol=protocol, timeout=30.0, peer="peer:5672", flight_recorder=recorded)
    core = EndpointCore(settings)
    core.connecting(request, NOW)
    core.connected(NOW)
    return core


def opened(protocol: str, recorded: int = 0) -> EndpointCore:
    """Open, with a channel in each state: 1 waits for replies, 2 for open-ok, 3 for close-ok."""
    core, package = fresh(protocol, recorded=recorded), dialect_for(protocol).package
    major, minor = core.dialect.version
    _feed(core, "connection.start", version_major=major, version_minor=minor, mechanisms=b"PLAIN")
    _feed(core, "connection.tune", channel_max=100, frame_max=8192, heartbeat=60)
    _feed(core, "connection.open-ok")
    calls = [core.open_channel(NOW, 5.0) for _ in range(3)]
    _feed(core, "channel.open-ok", 1)
    _feed(core, "channel.open-ok", 3)
    for method in (package.queue.Declare(), package.basic.Get(), package.tx.Select()):
        core.call(method, calls[0].channel, None, NOW, 5.0)
    core.close_channel(calls[2].channel, NOW, 5.0)
    if core.dialect.UpdateSecret is not None:
        core.update_secret(b"token", "", NOW, 5.0)
    return core


def closing(protocol: str) -> EndpointCore:
    """Our close is on its way, with everything else still open."""
    core = opened(protocol)
    core.close(NOW, 5.0)
    return core


SCENARIOS: list[Callable[[], EndpointCore]] = [
    *(partial(make, protocol) for make in (fresh, opened, closing) for protocol in VERSIONS),
    partial(fresh, AUTO),
    *(partial(make, protocol, recorded=5) for make in (fresh, opened) for protocol in VERSIONS),
    *(partial(fresh, protocol, SLOW) for protocol in VERSIONS),
]


def check(data: bytes) -> None:
    (scenario, length), stream = taken(data, 2)
    make = one_of(SCENARIOS, scenario)
    whole = _outcome(make(), [stream])
    agree(_outcome(make(), pieces(stream, length)), whole)


def _feed(core: EndpointCore, name: str, on: int = 0, **fields: object) -> None:
    method: Any = core.dialect.by_name[name]
    core.receive_data(method(**fields).encode_frame(on), NOW)


def _outcome(core: EndpointCore, parts: Sequence[bytes]) -> object:
    """All that can be seen from outside."""
    for part in parts:
        core.receive_data(part, NOW)
    _check_moment(core)
    sent, events = core.data_to_send(NOW), _events(core)
    core.receive_eof(NOW)
    core.disconnected()
    events += _events(core)
    _check_end(core, events)
    described = [_described(event) for event in events]
    str(core.transcript)  # shows as much of what is unreadable as had come, so it may differ
    return core.state, told(core.error), sent, described


def _events(core: EndpointCore) -> list[Event]:
    events = []
    while (event := core.next_event()) is not None:
        events.append(event)
    return events


def _check_moment(core: EndpointCore) -> None:
    agree(core.manager.is_open, core.state is EndpointState.CONNECTED)
    agree(core.next_deadline() is None, False)
    core.handle_timer(NOW)


def _check_end(core: EndpointCore, events: Sequence[Event]) -> None:
    error = core.error
    agree(isinstance(events[-1], Down), True)
    agree(sum(isinstance(event, Down) for event in events), 1)
    agree(error is None or (isinstance(error, ConnectionFailed) and bool(error.phase)), True)
    agree(core.state is EndpointState.FAILED, error is not None)
    agree(core.next_deadline(), None)
    agree(core.data_to_send(NOW), b"")


def _described(event: Event) -> object:
    if isinstance(event, Arrived):
        return "arrived", event.channel.id, shown(event.method), repr(event.content)
    if isinstance(event, Call):
        return "call", event.method.NAME, event.reply and shown(event.reply), told(event.error)
    if isinstance(event, ChannelDown):
        return "channel down", event.channel.id, told(event.error)
    if isinstance(event, HangUp):
        return "hang up", event.quick
    if isinstance(event, Redial):
        return "redial", event.host, event.port
    return type(event).__name__
