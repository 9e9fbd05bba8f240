"""Whatever bytes come, whatever users do and whenever time passes: nothing but documented errors,
and always an end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amqpconn.auth import plain_auth
from amqpconn.core.assembler import Content
from amqpconn.core.channels import ChannelCore
from amqpconn.core.dialect import dialect_for
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Call, ChannelState, Down, HangUp, Opened, Redial
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.states import DISCARDING, State
from amqpconn.errors import AMQPError, ConnectionFailed, LocalError
from amqpconn.testing.behaviour import Behaviour
from amqpconn.testing.queues import Queues
from amqpconn.testing.session import Session
from amqpconn_spec import VERSIONS
from amqpconn_spec._base import Method
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, channel, connection, queue, tx
from amqpconn_spec.v0_9_1.frames import BodyFrame, HeaderFrame, MethodFrame
from amqpconn_spec.v0_9_1.registry import METHODS
from tests.core.server import IN_STATE, SAMPLES, START, TUNE, Client, content, in_state, opened

ALL_METHODS = [SAMPLES.get(kind.NAME) or kind() for kind in METHODS.values()]
CONVERSATION = [
    START,
    TUNE,
    connection.OpenOk(),
    connection.Blocked("low on memory"),
    connection.Unblocked(),
    connection.Close(320, "CONNECTION_FORCED - bye"),
]

seconds = st.one_of(st.just(0.0), st.floats(0, 100), st.floats(0, 1e9))
numbers = st.integers(0, 3)
frames = st.one_of(
    st.builds(MethodFrame, numbers, st.sampled_from(ALL_METHODS)),
    st.builds(BodyFrame, numbers, st.binary(max_size=9)),
    st.builds(
        HeaderFrame, numbers, st.just(60), st.integers(0, 9), st.just(basic.Properties(app_id="x"))
    ),
).map(lambda frame: frame.encode())


def check_the_end(client: Client) -> None:
    """The driver closes the stream; everybody is told, once, and then it is over."""
    client.core.disconnected()
    client.all_events()
    told = client.told
    assert isinstance(told[-1], Down)
    assert told[-1].error is client.core.error
    assert sum(isinstance(event, Down) for event in told) == 1
    assert client.core.error is not None or any(isinstance(event, Opened) for event in told)
    hang_ups = [event.quick for event in told if isinstance(event, HangUp)]
    assert hang_ups in ([True], [False], [False, True])
    calls = [id(event) for event in told if isinstance(event, Call)]
    assert len(calls) == len(set(calls))
    failed = client.core.error is not None
    assert client.core.state is (EndpointState.FAILED if failed else EndpointState.DISCONNECTED)
    assert client.core.next_deadline() is None
    assert client.core.data_to_send(client.now) == b""


def check_the_moment(client: Client) -> None:
    """What holds at any time."""
    client.sent()  # raises when it is not made of whole frames
    client.all_events()
    if client.core.error is not None:
        assert isinstance(client.core.error, ConnectionFailed)
        assert client.core.error.phase
        assert str(client.core.error)
    assert client.core.manager.is_open is (client.core.state is EndpointState.CONNECTED)


# --- bytes ---


@given(st.sampled_from(list(IN_STATE)), st.lists(st.binary(max_size=60), max_size=5))
@example(State.OPENED, [b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x33\xce"])
@example(State.HEADER_SENT, [b"AMQP", b"\x00\x00\x09\x01"])
def test_any_bytes_in_any_state(state: State, pieces: list[bytes]) -> None:
    client = in_state(state)
    for piece in pieces:
        client.feed(piece)
        check_the_moment(client)
    client.eof()
    if state is not State.CLOSED:
        client.told.insert(0, Opened())
        check_the_end(client)


@given(st.sampled_from(list(IN_STATE)), st.lists(frames, max_size=8))
def test_any_frames_in_any_state(state: State, sent: list[bytes]) -> None:
    client = in_state(state)
    for frame in sent:
        client.feed(frame)
        check_the_moment(client)
    if state not in DISCARDING and state is not State.OPENED and client.state in DISCARDING:
        assert client.core.error is not None


def conversation() -> bytes:
    """What a server says to a client that opens, gets a message and is sent away."""
    said = [method.encode_frame(0) for method in CONVERSATION]
    message = content(basic.Deliver("tag", 1), b"hello world", 1, basic.Properties(app_id="x"))
    return b"".join([*said[:3], channel.OpenOk().encode_frame(1), *message, *said[3:]])


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A valid conversation in which some bytes are changed, missing, or more."""
    data = bytearray(conversation())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        what = draw(st.sampled_from(["change", "insert", "remove", "repeat"]))
        length = draw(st.integers(1, 8))
        if what == "change":
            new = draw(st.binary(min_size=length, max_size=length))
            data[at : at + length] = new[: len(data[at : at + length])]
        elif what == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=length))
        elif what == "remove":
            del data[at : at + length]
        else:
            data[at:at] = data[at : at + 5 * length]
    return bytes(data)


@given(mutations(), st.lists(st.integers(0, 700), max_size=6))
def test_a_conversation_with_faults(data: bytes, cuts: list[int]) -> None:
    client = Client().connect()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for begin, end in itertools.pairwise(edges):
        client.feed(data[begin:end])
        if client.core.manager.is_open and client.core.channels.get(1) is None:
            client.core.open_channel(client.now, 5.0)
        check_the_moment(client)
    client.eof()
    check_the_end(client)


def test_the_conversation_without_faults_has_none() -> None:
    client = Client().connect()
    client.feed(b"".join(method.encode_frame(0) for method in CONVERSATION[:3]))
    client.core.open_channel(client.now, None)
    client.feed(conversation()[sum(len(m.encode_frame(0)) for m in CONVERSATION[:3]) :])
    assert client.error.reply_code == 320


# --- both roles at once ---


class Wire:
    """A client and a server, and bytes between them that come in pieces, and may be damaged."""

    def __init__(self, pieces: list[int], damage: dict[int, int]) -> None:
        self.client = Client()
        self.session = Session(Behaviour(), Queues())
        self._pieces = itertools.cycle(pieces or [100])
        self._damage = damage
        self._carried = 0

    def carry(self) -> None:
        """All that either side has to say, until both are silent or one is gone."""
        client, session = self.client, self.session
        while not client.core.manager.is_closed and not session.is_over:
            there = client.core.data_to_send(client.now)
            self._give(there, lambda data: session.receive_data(data, client.now))
            back = session.data_to_send(client.now)
            self._give(back, client.feed)
            client.all_events()
            if not there and not back:
                return

    def _give(self, data: bytes, take: Callable[[bytes], None]) -> None:
        octets = bytearray(data)
        for at in range(len(octets)):
            octets[at] ^= self._damage.get(self._carried + at, 0)
        self._carried += len(octets)
        while octets:
            size = next(self._pieces)
            take(bytes(octets[:size]))
            del octets[:size]


damages = st.dictionaries(st.integers(0, 900), st.integers(1, 255), max_size=3)


@given(st.lists(st.integers(1, 40), max_size=5), damages)
def test_both_sides_come_to_an_end_whatever_happens_to_their_bytes(
    pieces: list[int], damage: dict[int, int]
) -> None:
    wire = Wire(pieces, damage)
    client, core = wire.client, wire.client.core
    core.connecting(OpenRequest([plain_auth("guest", "guest")], "en_US", "/"), client.now)
    core.connected(client.now)
    wire.carry()
    assert core.manager.is_open or damage
    if core.manager.is_open:
        call = core.open_channel(client.now, None)
        wire.carry()
        if call.channel.state is ChannelState.OPEN:
            core.call(queue.Declare("q"), call.channel, None, client.now, None)
            core.send(basic.Publish(routing_key="q"), call.channel, Content(b"body" * 50))
            wire.carry()
    core.close(client.now, 5.0)
    wire.carry()
    assert core.error is None or damage
    client.eof()
    wire.session.end()
    check_the_end(client)


HEADERS = [dialect_for(protocol).protocol_header for protocol in VERSIONS]
offers = st.one_of(
    st.sampled_from([*HEADERS, START.encode_frame(0), TUNE.encode_frame(0)]),
    st.binary(max_size=20),
)


@given(st.lists(offers, max_size=8))
@example([HEADERS[0], HEADERS[1], HEADERS[0]])
def test_any_counter_offers(pieces: list[bytes]) -> None:
    client = Client(protocol="auto").connect()
    for piece in pieces:
        client.feed(piece)
        if any(isinstance(event, Redial) for event in client.all_events()):
            assert client.core.data_to_send(client.now) == b""
            client.core.connected(client.now)
            assert client.core.data_to_send(client.now) in HEADERS
        client.core.data_to_send(client.now)
    assert len(client.core.detours) < len(HEADERS)
    client.eof()
    check_the_end(client)


# --- bytes, users and time ---


class Player:
    """Does what users, drivers and servers do, as a test draws it."""

    def __init__(self) -> None:
        self.client = opened()
        self.client.told.append(Opened())
        self.calls: list[Call] = []

    @property
    def channels(self) -> list[ChannelCore]:
        """Channel 0, and those that have ever been opened."""
        mine = [call.channel for call in self.calls if isinstance(call.method, channel.Open)]
        return [self.client.core.channels.control, *mine]

    def chosen(self, number: int) -> ChannelCore:
        return self.channels[number % len(self.channels)]

    def open_channel(self, _: int, time: float) -> None:
        self.calls.append(self.client.core.open_channel(self.client.now, time))

    def close_channel(self, number: int, time: float) -> None:
        core, chan = self.client.core, self.chosen(number)
        if chan.id:
            self.calls.append(core.close_channel(chan, self.client.now, time))

    def call(self, number: int, time: float) -> None:
        chan = self.chosen(number)
        self.calls.append(
            self.client.core.call(queue.Declare("q"), chan, None, self.client.now, time)
        )

    def get(self, number: int, _: float) -> None:
        chan = self.chosen(number)
        self.calls.append(self.client.core.call(basic.Get(), chan, None, self.client.now, None))

    def publish(self, number: int, _: float) -> None:
        self.client.core.send(basic.Publish(), self.chosen(number), Content(b"body"))

    def wrong(self, number: int, time: float) -> None:
        bad = tx.SelectOk() if number % 2 else queue.Declare("q" * 300)
        self.client.core.call(bad, self.chosen(number), None, self.client.now, time)

    def update_secret(self, _: int, time: float) -> None:
        self.calls.append(self.client.core.update_secret(b"x", "", self.client.now, time))

    def abandon(self, number: int, _: float) -> None:
        if self.calls:
            self.client.core.abandon(self.calls[number % len(self.calls)])

    def answer(self, number: int, _: float) -> None:
        """The server answers the first call on some channel."""
        chan = self.chosen(number)
        if chan.pending and chan.state is not ChannelState.CLOSED:
            reply: Method = chan.pending[0].method.REPLIES[-1]()
            self.client.feed(reply, chan.id)

    def deliver(self, number: int, _: float) -> None:
        for frame in content(basic.Deliver(), b"message", self.chosen(number).id):
            self.client.feed(frame)

    def server_closes_channel(self, number: int, _: float) -> None:
        self.client.feed(channel.Close(404, "no"), self.chosen(number).id)

    def server_closes(self, number: int, _: float) -> None:
        self.client.feed([connection.Close(320, "bye"), connection.CloseOk()][number % 2])

    def block(self, number: int, _: float) -> None:
        self.client.feed([connection.Blocked("disk"), connection.Unblocked()][number % 2])

    def beat(self, _: int, time: float) -> None:
        self.client.feed(self.client.core.dialect.heartbeat)
        self.wait(0, time)

    def wait(self, _: int, time: float) -> None:
        self.client.wait(time)

    def sleep(self, _: int, time: float) -> None:
        """The process stops, and looks at the clock when it goes on."""
        self.client.now += time
        self.client.core.handle_timer(self.client.now)
        deadline = self.client.core.next_deadline()
        assert deadline is None or deadline > self.client.now

    def close(self, number: int, time: float) -> None:
        self.client.core.close(self.client.now, None if number % 3 == 0 else time)

    def abort(self, _: int, __: float) -> None:
        self.client.core.abort(self.client.now)

    def lose(self, number: int, _: float) -> None:
        self.client.core.lost(OSError("gone") if number % 2 else None, self.client.now)

    def write(self, _: int, __: float) -> None:
        self.client.sent()


USUAL: list[Callable[[Player, int, float], None]] = [
    Player.open_channel,
    Player.close_channel,
    Player.call,
    Player.get,
    Player.publish,
    Player.wrong,
    Player.update_secret,
    Player.abandon,
    Player.answer,
    Player.answer,
    Player.deliver,
    Player.server_closes_channel,
    Player.block,
    Player.beat,
    Player.write,
]
FATAL: list[Callable[[Player, int, float], None]] = [
    Player.server_closes,
    Player.wait,
    Player.sleep,
    Player.close,
    Player.abort,
    Player.lose,
]
steps = st.tuples(st.sampled_from(USUAL * 2 + FATAL), st.integers(0, 7), seconds)


@given(st.lists(steps, max_size=40))
def test_whatever_users_servers_and_time_do(
    played: list[tuple[Callable[[Player, int, float], None], int, float]],
) -> None:
    player = Player()
    for step, number, time in played:
        try:
            step(player, number, time)
        except (LocalError, EncodeError):
            # Only users are told so, and only of what they did.
            assert step in (*USUAL[:7],), step
    check_the_end(player.client)
    for call in player.calls:
        assert call.done
        assert (call.reply is None) is (call.error is not None)
        assert call.error is None or isinstance(call.error, AMQPError)
    answered = [event for event in player.client.told if isinstance(event, Call)]
    assert set(map(id, answered)) <= set(map(id, player.calls)) | {
        id(event) for event in answered if isinstance(event.method, channel.Close)
    }


@given(
    st.sampled_from(list(IN_STATE)),
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=10),
)
def test_any_times_even_backwards(state: State, times: list[float]) -> None:
    client = in_state(state)
    for now in times:
        client.core.handle_timer(now)
        client.core.next_deadline()
        client.core.enter("anything", now)
        client.core.receive_data(client.core.dialect.heartbeat, now)
        client.core.data_to_send(now)
    client.core.receive_eof(0.0)
    client.core.disconnected()
    assert client.core.is_down


@pytest.mark.parametrize("state", IN_STATE)
def test_the_end_can_come_in_every_state(state: State) -> None:
    client = in_state(state)
    client.told.clear()
    client.core.disconnected()
    kinds: list[Any] = [type(event) for event in client.events()]
    assert kinds == ([] if state is State.CLOSED else [HangUp, Down])
