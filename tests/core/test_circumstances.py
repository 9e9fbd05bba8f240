"""What every error says beside its message: phase, peer, times, and the words of the peer."""

from __future__ import annotations

import pytest

from amqpconn.auth import plain_auth
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.initial_frame import LARGEST, rabbitmq_version
from amqpconn.core.states import State
from amqpconn.errors import (
    ChannelClosed,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLimitReached,
    FrameError,
    HandshakeFailed,
    HungUpInConnect,
    HungUpInStart,
    HungUpInTLS,
    InternalError,
    LoginTooLarge,
    NotAllowed,
    OpenTimeout,
    PeerHungUp,
    VirtualHostDown,
    VirtualHostRefused,
)
from amqpconn.locale import Prefer
from amqpconn_spec.v0_9_1 import channel, connection, queue
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE
from amqpconn_spec.v0_9_1.frames import HEARTBEAT
from tests.core.server import CAPABILITIES, START, TUNE, Client, Echo, in_state, opened

# --- ages, phases, peers ---


def test_the_ages_of_the_last_bytes_are_told() -> None:
    client = Client(peer="broker:5672").connect()
    client.now += 1.0
    client.feed(START)
    client.now += 0.5
    client.core.data_to_send(client.now)
    client.now += 2.0
    client.eof()
    assert (client.error.last_in_age_s, client.error.last_out_age_s) == (2.5, 2.0)
    assert str(client.error).endswith("last bytes in: 2.500 s ago, out: 2.000 s ago]")


def test_before_any_bytes_there_is_no_age() -> None:
    client = Client()
    client.core.connecting(OpenRequest([plain_auth("a", "b")], Prefer("en_US"), "/"), client.now)
    client.core.enter("connect", client.now)
    client.eof()
    assert (client.error.last_in_age_s, client.error.last_out_age_s) == (None, None)


def test_what_waits_to_be_written_is_not_out() -> None:
    client = Client()
    client.core.connecting(OpenRequest([plain_auth("a", "b")], Prefer("en_US"), "/"), client.now)
    client.core.connected(client.now)
    client.now += 1.0
    client.eof()
    assert client.error.last_out_age_s is None


def test_on_another_stream_ages_begin_anew() -> None:
    client = Client(protocol="auto").connect()
    client.feed(b"AMQP\x01\x01\x08\x00")
    client.now += 1.0
    client.core.connected(client.now)
    client.eof()
    assert (client.error.last_in_age_s, client.error.last_out_age_s) == (None, None)


def test_a_channel_and_a_call_that_fail_have_circumstances_too() -> None:
    client = opened(peer="broker:5672")
    chan = client.open_channel()
    call = client.core.call(queue.Declare("q"), chan, None, client.now, 5.0)
    client.sent()
    client.wait(5.0)
    late = call.error
    assert late is not None
    assert (late.phase, late.peer, late.failing_method) == (
        "opened",
        "broker:5672",
        "queue.declare",
    )
    assert (late.last_in_age_s, late.last_out_age_s) == (5.0, 5.0)
    client.feed(channel.Close(404, "NOT_FOUND - no queue 'q'", 50, 10), chan.id)
    closed = chan.error
    assert isinstance(closed, ChannelClosed)
    assert (closed.phase, closed.peer, closed.elapsed) == ("opened", "broker:5672", late.elapsed)
    assert (closed.last_in_age_s, closed.last_out_age_s) == (0.0, 5.0)
    waited = client.core.timed_out("it did not come", client.now)
    assert (waited.phase, waited.peer, waited.failing_method) == ("opened", "broker:5672", "")


@pytest.mark.parametrize(
    "state",
    [
        State.HEADER_SENT,
        State.START,
        State.START_OK,
        State.SECURE,
        State.SECURE_OK,
        State.OPEN,
        State.OPENED,
        State.CLOSE_SENT,
    ],
)
@pytest.mark.parametrize(
    "end",
    [
        connection.Close(320, "bye"),
        connection.Close(403, "no"),
        connection.Close(530, "no"),
        connection.Close(530, "connection limit (1) is reached"),
        connection.Close(541, "vhost 'x' is down"),
        connection.Close(999, "what"),
        connection.OpenOk(),
        connection.Tune(1, 2, 3),
        b"",
        b"\xff" * 8,
        b"\x01\x00\x00\xff\xff\xff\xff",
        b"\x02\x00\x00\x00\x00\x00\x00\xce",
    ],
    ids=str,
)
def test_an_error_comes_in_a_phase_of_its_class(state: State, end: object) -> None:
    client = in_state(state)
    if end == b"":
        client.eof()
    else:
        client.feed(end)  # type: ignore[arg-type]
    error = client.core.error
    went_on = isinstance(end, connection.OpenOk | connection.Tune)
    assert error is not None or went_on or state is State.CLOSE_SENT
    if error is not None:
        assert error.phase in type(error).phases, type(error)


@pytest.mark.parametrize(
    ("phase", "kind"), [("connect", HungUpInConnect), ("tls", HungUpInTLS), ("resolve", PeerHungUp)]
)
def test_a_stream_that_breaks_before_it_is_used_breaks_in_a_phase(
    phase: str, kind: type[PeerHungUp]
) -> None:
    client, cause = Client(), ConnectionResetError(104, "reset")
    client.core.connecting(OpenRequest([plain_auth("a", "b")], Prefer("en_US"), "/"), client.now)
    client.core.enter(phase, client.now)
    broken = PeerHungUp("the peer broke the byte stream: reset")
    broken.__cause__, broken.errno = cause, 104
    client.core.fail(broken, client.now)
    assert type(client.error) is kind
    assert client.error.what == broken.what
    assert client.error.cause == kind.cause
    assert (client.error.__cause__, client.error.errno) == (cause, 104)


# --- refused when open was asked for ---

# As RabbitMQ 3.10 words them (rabbit_reader.erl).
LIMITS = [
    "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (2) is reached",
    "NOT_ALLOWED - Connection refused for user 'u': user connection limit (1) is reached",
    "NOT_ALLOWED - connection refused: node connection limit (3) is reached",
]


@pytest.mark.parametrize("text", LIMITS)
def test_a_connection_limit_is_no_refusal_of_the_virtual_host(text: str) -> None:
    client = in_state(State.OPEN)
    client.feed(connection.Close(530, text, 10, 40))
    assert type(client.error) is ConnectionLimitReached
    assert not isinstance(client.error, VirtualHostRefused)
    assert isinstance(client.error, NotAllowed)
    assert isinstance(client.error, HandshakeFailed)
    assert client.error.retryable
    assert text in str(client.error)


@pytest.mark.parametrize(
    "text",
    ["NOT_ALLOWED - vhost v not found", "NOT_ALLOWED - access to vhost 'v' refused for user 'u'"],
)
def test_a_virtual_host_that_is_missing_or_not_for_this_user(text: str) -> None:
    client = in_state(State.OPEN)
    client.feed(connection.Close(530, text, 10, 40))
    assert type(client.error) is VirtualHostRefused
    assert not client.error.retryable
    assert text in str(client.error)


def test_a_virtual_host_that_is_down() -> None:
    text = "INTERNAL_ERROR - access to vhost 'v' refused for user 'u': vhost 'v' is down"
    client = in_state(State.OPEN)
    client.feed(connection.Close(541, text, 10, 40))
    assert type(client.error) is VirtualHostDown
    assert isinstance(client.error, InternalError)
    assert client.error.retryable
    assert text in str(client.error)


@pytest.mark.parametrize("code", [530, 541])
def test_the_same_words_later_are_about_something_else(code: int) -> None:
    client = opened()
    client.feed(connection.Close(code, "the connection limit is down", 20, 10))
    assert isinstance(client.error, ConnectionClosed)
    assert not isinstance(client.error, HandshakeFailed)


@pytest.mark.parametrize("code", [320, 403, 530, 541, 999])
@pytest.mark.parametrize("state", [State.START_OK, State.OPEN, State.OPENED, State.CLOSE_SENT])
@pytest.mark.parametrize("behind", [b"", b"\x00garbage", HEARTBEAT])
@pytest.mark.parametrize("cause", [None, ConnectionResetError("reset")])
def test_the_peers_words_are_kept_whatever_comes_behind_them(
    code: int, state: State, behind: bytes, cause: Exception | None
) -> None:
    text = "REASON - " + "ä€😀 long" * 17
    client = in_state(state)
    client.feed(connection.Close(code, text, 10, 40).encode_frame(0) + behind)
    client.core.lost(cause, client.now)
    error = client.down()
    assert error is not None
    assert (error.reply_code, error.reply_text) == (code, text)
    assert error.failing_method == "connection.open"
    assert repr(text) in str(error)
    assert text in error.clone().reply_text


# --- a login that is too large ---


def start(properties: dict[str, object]) -> connection.Start:
    shown = {"capabilities": CAPABILITIES, **properties}
    return connection.Start(0, 9, shown, b"PLAIN X-ECHO", b"en_US")  # type: ignore[arg-type]


def rabbitmq(version: object) -> dict[str, object]:
    return {"product": "RabbitMQ", "version": version}


def login(size: int, server: dict[str, object], **settings: object) -> Client:
    """A client that has been asked for its login, which has so many bytes."""
    usual = Client().connect([plain_auth("", "")])
    usual.feed(START)
    (empty,) = usual.methods()
    spare = size - len(empty.encode_frame(0))
    client = Client(**settings).connect([plain_auth("", "S" * spare)])
    client.feed(start(server))
    return client


@pytest.mark.parametrize(
    ("server", "limit"),
    [
        (rabbitmq("3.10.8"), FRAME_MIN_SIZE),
        (rabbitmq("4.0.9"), FRAME_MIN_SIZE),
        (rabbitmq("4.1.0"), LARGEST),
        (rabbitmq("4.1.0-rc.1"), LARGEST),
        (rabbitmq("10.0.0"), LARGEST),
        (rabbitmq("unknown"), LARGEST),
        (rabbitmq("4"), LARGEST),
        (rabbitmq(4), LARGEST),
        ({"product": "Another"}, LARGEST),
        ({"product": 7, "version": "3.10.8"}, LARGEST),
        ({}, LARGEST),
    ],
)
def test_a_login_is_sent_up_to_what_the_server_takes(server: dict[str, object], limit: int) -> None:
    client = login(limit, server)
    assert client.core.error is None
    (sent,) = client.methods()
    assert len(sent.encode_frame(0)) == limit
    client = login(limit + 1, server)
    assert type(client.error) is LoginTooLarge
    assert client.sent() == []
    assert client.error.phase == "start"
    assert f"start-ok would have {limit + 1} bytes" in client.error.what
    assert f"no more than {limit} before tuning" in client.error.what
    assert "SSSS" not in str(client.error)


@pytest.mark.parametrize("own", [5000, 100_000])
def test_an_operator_may_have_set_another_limit(own: int) -> None:
    assert login(own, rabbitmq("3.10.8"), initial_frame_max=own).core.error is None
    client = login(own + 1, rabbitmq("4.1.0"), initial_frame_max=own)
    assert type(client.error) is LoginTooLarge
    assert "initial_frame_max" in client.error.remedy


@pytest.mark.parametrize(
    ("auth", "properties", "first"),
    [
        ("S" * 9000, {}, "9002 are for the response of mechanism PLAIN"),
        ("", {"note": "x" * 9000}, "9238 are for the client properties"),
    ],
)
def test_what_is_large_is_named_first(auth: str, properties: dict[str, str], first: str) -> None:
    client = Client(properties=properties).connect([plain_auth("", auth)])
    client.feed(start(rabbitmq("3.10.8")))
    assert f"and RabbitMQ 3.10.8 takes no more than 4096 before tuning: {first}" in str(
        client.error
    )
    client = Client(properties=properties).connect([plain_auth("", auth)])
    client.feed(start({}))
    assert f"and the server takes no more than 8192 before tuning: {first}" in str(client.error)


def test_an_answer_to_a_challenge_may_be_too_large_as_well() -> None:
    client = Client().connect([Echo()])
    client.feed(start(rabbitmq("3.10.8")))
    client.sent()
    client.feed(connection.Secure(b"?" * 4080))
    assert type(client.error) is LoginTooLarge
    assert client.error.phase == "secure"
    assert "secure-ok would have 4100 bytes" in client.error.what
    assert "4084 are for the response of mechanism X-ECHO" in client.error.what
    assert "client properties" not in client.error.what
    assert client.sent() == []


def test_after_tuning_there_is_another_limit() -> None:
    client = Client().connect()
    client.feed(start(rabbitmq("3.10.8")))
    client.feed(TUNE)
    assert client.core.error is None


def test_a_server_that_did_not_say_how_much_it_takes_is_known_by_hanging_up() -> None:
    client = login(FRAME_MIN_SIZE + 1, {})
    client.eof()
    assert type(client.error) is HungUpInStart
    assert "perhaps the login was too large: start-ok had 4097 bytes" in client.error.cause


@pytest.mark.parametrize(
    ("size", "code", "is_it"),
    [(FRAME_MIN_SIZE + 1, 501, True), (FRAME_MIN_SIZE, 501, False), (5000, 502, False)],
)
def test_a_server_that_cannot_read_a_large_login_most_likely_finds_it_too_large(
    size: int, code: int, is_it: bool
) -> None:
    client = login(size, {})
    client.feed(connection.Close(code, "FRAME_ERROR - type 1", 10, 11))
    assert (client.error.reply_code, client.error.reply_text) == (code, "FRAME_ERROR - type 1")
    assert ("the login was too large" in client.error.cause) is is_it
    assert ("shorter token" in client.error.remedy) is is_it


def test_a_frame_error_later_is_about_another_frame() -> None:
    client = login(5000, {})
    for method in (TUNE, connection.OpenOk(), connection.Close(501, "FRAME_ERROR - type 3")):
        client.feed(method)
    assert isinstance(client.error, FrameError)
    assert client.error.cause == FrameError.cause


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("3.13.7", (3, 13)), ("4.1.0-beta.4+7", (4, 1)), ("4.1", (4, 1)), ("4.x", None), ("", None)],
)
def test_versions_of_rabbitmq(version: str, numbers: tuple[int, int] | None) -> None:
    assert rabbitmq_version({"product": "RabbitMQ", "version": version}) == numbers


# --- a deadline that passed while this process did not run ---


@pytest.mark.parametrize(("late_s", "is_ours"), [(0.0, False), (1.0, False), (1.5, True)])
def test_a_deadline_that_is_found_late_was_missed_by_us(late_s: float, is_ours: bool) -> None:
    client = Client(timeout=10.0).connect()
    client.now += 10.0 + late_s
    client.core.handle_timer(client.now)
    assert isinstance(client.error, OpenTimeout)
    assert ("stalled for at least 1.5 s" in client.error.cause) is is_ours
    assert client.error.is_guess is not is_ours
    assert client.error.elapsed["header"] == 10.0 + late_s
    assert client.error.remedy


def test_several_attempts_are_told_one_by_one() -> None:
    first, second = ConnectionFailed("one"), ConnectionFailed("two")
    both = ConnectionFailed("none of 2")
    both.__cause__ = ExceptionGroup("attempts", [first, second, ValueError("not ours")])
    assert both.attempts == (first, second)
    assert both.clone().attempts == (first, second)
    assert first.attempts == (first,)
