"""The server's side, played by tests: real bytes made with the generated classes, and a clock that
stands still unless a test moves it.

    client = opened()                       # the handshake is done
    call = client.core.call(...)
    client.feed(queue.DeclareOk("q"), 1)    # on channel 1
    assert client.events() == [call]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from amqpconn.auth import AuthMethod, plain_auth
from amqpconn.config import Settings
from amqpconn.core.endpoint import EndpointCore, EndpointState
from amqpconn.core.events import Event, StateChanged
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.states import State
from amqpconn.errors import ConnectionFailed
from amqpconn.locale import LocalePreference, Prefer
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import basic, channel, connection, registry
from amqpconn_spec.v0_9_1.frames import BodyFrame, HeaderFrame, MethodFrame, decode_frame

if TYPE_CHECKING:
    from amqpconn.core.channels import ChannelCore
    from amqpconn_spec._wire import Table
    from amqpconn_spec.v0_9_1.frames import Frame

EventT = TypeVar("EventT", bound=Event)

HEADER = registry.PROTOCOL_HEADER
# When tests begin. Not 0, so that a forgotten argument `now` shows.
EPOCH = 1000.0
CAPABILITIES: Table = {"authentication_failure_close": True, "connection.blocked": True}
START = connection.Start(
    0, 9, {"product": "test", "capabilities": CAPABILITIES}, b"PLAIN AMQPLAIN", b"en_US de_DE"
)
TUNE = connection.Tune(channel_max=2047, frame_max=131072, heartbeat=60)
# As servers send them where a test does not care; all others are sent with their defaults.
SAMPLES: dict[str, Method] = {START.NAME: START, TUNE.NAME: TUNE}


class _Named(AuthMethod):
    __slots__ = ("name",)

    def __init__(self, name: str = "X-ECHO") -> None:
        self.name = name


class Echo(_Named):
    """A mechanism with as many rounds as the server likes: it answers with the challenge."""

    def initial_response(self) -> bytes:
        return b"hello"

    def respond(self, challenge: bytes) -> bytes:
        return b"re: " + challenge


class SlowToStart(_Named):
    """Its driver has to ask it for what goes into start-ok."""

    async def initial_response(self) -> bytes:
        return b"hello"


class SlowToRespond(_Named):
    """Its driver has to ask it for what goes into secure-ok."""

    def initial_response(self) -> bytes:
        return b"hello"

    async def respond(self, challenge: bytes) -> bytes:
        return b"re: " + challenge


class Client:
    """A core, the time, and what a driver would do with both."""

    def __init__(self, **settings: Any) -> None:
        self.core = EndpointCore(Settings(**settings))
        self.now = EPOCH
        self.told: list[Event] = []

    # --- as the driver ---

    def connect(
        self,
        auth: Sequence[AuthMethod] | None = None,
        locale: LocalePreference = Prefer("en_US"),  # noqa: B008 - never changed
        virtual_host: str = "/",
    ) -> Self:
        """Begin, up to the protocol header."""
        methods = [plain_auth("guest", "guest")] if auth is None else auth
        self.core.connecting(OpenRequest(methods, locale, virtual_host), self.now)
        self.core.enter("connect", self.now)
        self.core.connected(self.now)
        assert self.core.data_to_send(self.now) == self.core.dialect.protocol_header
        return self

    def feed(self, what: bytes | Method | Frame, on: int = 0) -> None:
        """Bytes, a method on a channel, or a frame from the server."""
        if isinstance(what, Method):
            self.core.receive_data(what.encode_frame(on), self.now)
        elif isinstance(what, bytes):
            self.core.receive_data(what, self.now)
        else:
            self.core.receive_data(what.encode(), self.now)

    def eof(self) -> None:
        """The server ends the stream."""
        self.core.receive_eof(self.now)

    def down(self) -> ConnectionFailed | None:
        """The driver has closed the stream; why it was closed."""
        self.core.disconnected()
        return self.core.error

    def sent(self) -> list[Frame]:
        """The frames that go out now."""
        data, at, frames = self.core.data_to_send(self.now), 0, []
        while at < len(data):
            frame, at = decode_frame(data, at)
            frames.append(frame)
        return frames

    def methods(self) -> list[Method]:
        """The methods that go out now, on whatever channels; nothing else must go out."""
        frames = self.sent()
        assert all(isinstance(frame, MethodFrame) for frame in frames), frames
        return [frame.method for frame in frames if isinstance(frame, MethodFrame)]

    def events(self) -> list[Event]:
        """What the core has to tell, changes of state apart."""
        return [event for event in self.all_events() if not isinstance(event, StateChanged)]

    def all_events(self) -> list[Event]:
        """What the core has to tell."""
        new = []
        while (event := self.core.next_event()) is not None:
            new.append(event)
        self.told += new
        return new

    def event(self, kind: type[EventT]) -> EventT:
        """The only event of this kind that the core has to tell."""
        (found,) = [event for event in self.all_events() if isinstance(event, kind)]
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass as a driver does: the core is called at each of its deadlines."""
        until = self.now + seconds
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.core.handle_timer(self.now)
            following = self.core.next_deadline()
            assert following is None or following > self.now, "a driver would spin"
        self.now = until

    # --- shortcuts ---

    @property
    def state(self) -> State:
        """How far the conversation on channel 0 has come."""
        return self.core.manager.state

    @property
    def error(self) -> ConnectionFailed:
        """Why it failed; there must be a reason."""
        assert self.core.error is not None
        return self.core.error

    def open_channel(self) -> ChannelCore:
        """Open a channel; nothing of it is left in the output or the events."""
        call = self.core.open_channel(self.now, None)
        self.feed(channel.OpenOk(), call.channel.id)
        self.sent()
        self.events()
        assert isinstance(call.reply, channel.OpenOk)
        return call.channel


def content(
    method: Method, body: bytes, on: int, properties: basic.Properties | None = None, room: int = 8
) -> list[bytes]:
    """The frames of a method with content, its body cut after every `room` bytes."""
    header = HeaderFrame(on, method.CLASS_ID, len(body), properties or basic.Properties())
    parts = [body[at : at + room] for at in range(0, len(body), room)]
    bodies = [BodyFrame(on, part).encode() for part in parts]
    return [method.encode_frame(on), header.encode(), *bodies]


def opened(tune: connection.Tune = TUNE, **settings: Any) -> Client:
    """A client that is open, with empty output and no events to tell."""
    client = Client(**settings).connect()
    for method in (START, tune, connection.OpenOk()):
        client.feed(method)
    client.sent()
    client.events()
    assert client.core.state is EndpointState.CONNECTED
    return client


def opened_in_seconds(**settings: Any) -> Client:
    """An open client whose server took a second for each answer."""
    client = Client(**settings).connect()
    for method in (START, TUNE, connection.OpenOk()):
        client.now += 1
        client.feed(method)
        client.sent()
    client.events()
    return client


def _closed() -> Client:
    client = opened()
    client.core.abort(client.now)
    client.down()
    return client


def _after(*methods: Method, auth: type[_Named] = Echo) -> Callable[[], Client]:
    def make() -> Client:
        client = Client().connect([auth("PLAIN")])
        for method in methods:
            client.feed(method)
        return client

    return make


def _close_sent() -> Client:
    client = opened()
    client.core.close(client.now)
    return client


# How to get a client into each of the states that it can be found in. It never rests in TUNE,
# because tune is answered with tune-ok and open at once.
IN_STATE: dict[State, Callable[[], Client]] = {
    State.CLOSED: _closed,
    State.HEADER_SENT: _after(),
    State.START: _after(START, auth=SlowToStart),
    State.START_OK: _after(START),
    State.SECURE: _after(START, connection.Secure(b"?"), auth=SlowToRespond),
    State.SECURE_OK: _after(START, connection.Secure(b"?")),
    State.OPEN: _after(START, TUNE),
    State.OPENED: opened,
    State.CLOSE_SENT: _close_sent,
    State.CLOSE_RECEIVED: _after(START, TUNE, connection.OpenOk(), connection.Close(320, "bye")),
}


def in_state(state: State) -> Client:
    """A client in this state."""
    client = IN_STATE[state]()
    assert client.state is state
    client.sent()
    client.events()
    return client
