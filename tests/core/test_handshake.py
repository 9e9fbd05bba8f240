"""The handshake: what is chosen and said, and how it fails in each phase."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import pytest

from amqpconn.auth import AuthMethod, amqplain_auth, external_auth, plain_auth
from amqpconn.core.dialect import dialect_for
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Down, HangUp, Opened, StateChanged
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.states import PHASES, State
from amqpconn.errors import (
    AlreadyOpen,
    AuthenticationRefused,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionForced,
    CredentialsFailed,
    HandshakeFailed,
    HungUpInConnect,
    HungUpInHeader,
    HungUpInOpen,
    HungUpInSecure,
    HungUpInStart,
    HungUpInTLS,
    HungUpInUse,
    InternalError,
    MalformedFrame,
    NoCommonMechanism,
    NotAllowed,
    PeerHungUp,
    TLSFailed,
    TransportError,
    UnexpectedMethod,
    VersionRefused,
    VirtualHostRefused,
)
from amqpconn.locale import Prefer, Select
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import connection
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE
from amqpconn_spec.v0_9_1.frames import MethodFrame
from tests.core.server import EPOCH, START, TUNE, Client, Echo, in_state, opened


def start(
    mechanisms: bytes = b"PLAIN AMQPLAIN",
    locales: bytes = b"en_US",
    capabilities: dict[str, Any] | None = None,
) -> connection.Start:
    properties: Any = {} if capabilities is None else {"capabilities": capabilities}
    return connection.Start(0, 9, properties, mechanisms, locales)


def start_ok(client: Client, start_: connection.Start = START) -> connection.StartOk:
    client.feed(start_)
    (answer,) = client.methods()
    assert isinstance(answer, connection.StartOk)
    return answer


# --- the straight line ---


def test_from_header_to_open() -> None:
    client = Client()
    assert client.core.state is EndpointState.OFF
    client.connect(virtual_host="tests")
    assert start_ok(client).response == b"\0guest\0guest"
    client.feed(TUNE)
    assert client.methods() == [
        connection.TuneOk(2047, 131072, 60),
        connection.Open(virtual_host="tests"),
    ]
    assert not client.core.manager.is_open
    client.feed(connection.OpenOk())
    assert client.core.manager.is_open
    assert client.core.state is EndpointState.CONNECTED
    assert client.sent() == []
    connecting, connected, opened_ = client.all_events()
    assert isinstance(connecting, StateChanged)
    assert (connecting.old, connecting.new) == (EndpointState.OFF, EndpointState.CONNECTING)
    assert isinstance(connected, StateChanged)
    assert connected.new is EndpointState.CONNECTED
    assert isinstance(opened_, Opened)


def test_tune_ok_and_open_go_out_together() -> None:
    client = in_state(State.START_OK)
    client.feed(TUNE)
    data = client.core.data_to_send(client.now)
    tune_ok, open_ = connection.TuneOk(2047, 131072, 60), connection.Open("/")
    assert data == tune_ok.encode_frame(0) + open_.encode_frame(0)


def test_heartbeats_may_come_in_between() -> None:
    client = Client().connect()
    beat = client.core.dialect.heartbeat
    for method in (START, TUNE, connection.OpenOk()):
        client.feed(beat + method.encode_frame(0) + beat)
    assert client.core.manager.is_open


def test_all_of_the_servers_words_may_come_at_once() -> None:
    client = Client().connect()
    client.feed(b"".join(m.encode_frame(0) for m in (START, TUNE, connection.OpenOk())))
    assert client.core.manager.is_open
    kinds = [type(method) for method in client.methods()]
    assert kinds == [connection.StartOk, connection.TuneOk, connection.Open]


def test_the_agreement_has_what_both_sides_said() -> None:
    client = opened(connection_name="tests")
    agreement = client.core.manager.agreement
    assert agreement is not None
    assert agreement.protocol_version == "0-9-1"
    assert agreement.server_properties == START.server_properties
    assert agreement.client_properties["connection_name"] == "tests"
    assert (agreement.mechanisms, agreement.mechanism) == (("PLAIN", "AMQPLAIN"), "PLAIN")
    assert (agreement.locales, agreement.locale) == (("en_US", "de_DE"), "en_US")
    assert agreement.tuning is not None
    assert agreement.tuning.channel_max == 2047


def test_an_endpoint_opens_once() -> None:
    for client in (Client().connect(), opened(), in_state(State.CLOSED)):
        with pytest.raises(AlreadyOpen, match="this endpoint is "):
            client.connect()


def test_the_header_goes_out_once() -> None:
    client = Client().connect()
    client.core.connected(client.now)
    assert client.core.data_to_send(client.now) == b""


def test_a_stream_that_comes_too_late_is_not_used() -> None:
    client = Client()
    client.core.connected(client.now)  # nobody asked for it
    assert client.core.data_to_send(client.now) == b""
    client.core.connecting(request(), client.now)
    client.core.abort(client.now)
    client.core.connected(client.now)
    assert client.core.data_to_send(client.now) == b""


def request() -> OpenRequest:
    return OpenRequest([plain_auth("guest", "guest")], Prefer("en_US"), "/")


# --- mechanism, locale, properties ---


@pytest.mark.parametrize(
    ("methods", "offered", "chosen"),
    [
        ([plain_auth("a", "b")], b"AMQPLAIN PLAIN", "PLAIN"),
        ([amqplain_auth("a", "b"), plain_auth("a", "b")], b"PLAIN AMQPLAIN", "AMQPLAIN"),
        ([external_auth(), plain_auth("a", "b")], b"PLAIN AMQPLAIN", "PLAIN"),
        ([external_auth(), plain_auth("a", "b")], b"  PLAIN  EXTERNAL ", "EXTERNAL"),
    ],
)
def test_the_clients_order_decides(
    methods: Sequence[AuthMethod], offered: bytes, chosen: str
) -> None:
    client = Client().connect(methods)
    assert start_ok(client, start(offered)).mechanism == chosen


@pytest.mark.parametrize("offered", [b"", b"SCRAM-SHA-256", b"plain", b"XPLAIN PLAINX", b"\xff"])
def test_no_mechanism_in_common(offered: bytes) -> None:
    client = Client().connect()
    client.feed(start(offered))
    assert type(client.error) is NoCommonMechanism
    assert client.error.phase == "start"
    assert "'PLAIN'" in client.error.what
    assert client.event(HangUp).quick
    assert client.sent() == []


@pytest.mark.parametrize(
    ("preference", "offered", "chosen"),
    [
        (Prefer("de_DE"), b"en_US de_DE", "de_DE"),
        (Prefer("fr_FR"), b"en_US de_DE", "en_US"),
        (Select(lambda offered: offered[-1]), b"en_US de_DE", "de_DE"),
        (Prefer("fr_FR"), b"", "fr_FR"),
    ],
)
def test_the_locale(preference: Prefer | Select, offered: bytes, chosen: str) -> None:
    client = Client().connect(locale=preference)
    assert start_ok(client, start(locales=offered)).locale == chosen


def test_client_properties_are_merged_and_capabilities_too() -> None:
    own = {"product": "mine", "capabilities": {"basic.nack": False, "mine": True}}
    client = Client(properties=own, connection_name="name").connect()
    properties = start_ok(client).client_properties
    assert properties["product"] == "mine"
    assert properties["connection_name"] == "name"
    usual = dialect_for("0-9-1").capabilities()
    assert usual["connection.blocked"]
    assert properties["capabilities"] == {**usual, "basic.nack": False, "mine": True}
    assert own["capabilities"] == {"basic.nack": False, "mine": True}


def test_a_mechanism_with_two_rounds() -> None:
    client = Client().connect([Echo()])
    answer = start_ok(client, start(b"X-ECHO"))
    assert (answer.mechanism, answer.response) == ("X-ECHO", b"hello")
    for challenge in (b"one", b"two"):
        client.feed(connection.Secure(challenge))
        assert client.methods() == [connection.SecureOk(b"re: " + challenge)]
        assert client.core.phase == "secure"
    client.feed(TUNE)
    client.feed(connection.OpenOk())
    assert client.core.manager.is_open


def test_a_challenge_that_the_mechanism_does_not_know() -> None:
    client = in_plain_start()
    client.feed(connection.Secure(b"again?"))
    assert type(client.error) is HandshakeFailed
    assert "a challenge of 6 bytes" in client.error.what
    assert client.error.phase == "secure"


def in_plain_start() -> Client:
    client = Client().connect()
    client.feed(START)
    client.sent()
    return client


@pytest.mark.parametrize(("major", "minor"), [(0, 8), (8, 0), (1, 0), (0, 10)])
def test_a_start_for_another_version_is_not_answered(major: int, minor: int) -> None:
    client = Client().connect()
    client.feed(connection.Start(major, minor, {}, b"PLAIN", b"en_US"))
    assert type(client.error) is VersionRefused
    assert f"AMQP {major}-{minor}; asked for was 0-9-1" in client.error.what
    assert client.sent() == []


# --- what users supply may fail ---


class Broken(Echo):
    """A mechanism that does whatever a test wants, where it wants."""

    __slots__ = ("first", "later")

    def __init__(self, first: Callable[[], Any], later: Callable[[], Any] = bytes) -> None:
        super().__init__("PLAIN")
        self.first = first
        self.later = later

    def initial_response(self) -> bytes:
        return self.first()  # type: ignore[no-any-return]

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002 - as the base class has it
        return self.later()  # type: ignore[no-any-return]


def raising(error: Exception) -> Callable[..., Any]:
    def function(*_: object) -> object:
        raise error

    return function


OURS = HandshakeFailed("the token service is down", remedy="start it")


@pytest.mark.parametrize(
    ("auth", "error", "said"),
    [
        (Broken(raising(ValueError("x"))), ValueError, "mechanism PLAIN raised ValueError"),
        (Broken(bytes, raising(OSError("x"))), OSError, "mechanism PLAIN raised OSError"),
        (Broken(lambda: "text"), None, "gave str for connection.start-ok, not bytes or a Secret"),
        (Broken(lambda: None), None, "gave NoneType for connection.start-ok"),
        (Broken(bytes, lambda: 7), None, "gave int for connection.secure-ok"),
    ],
)
def test_mechanisms_that_do_not_work(auth: Any, error: type[Exception] | None, said: str) -> None:
    client = Client().connect([auth])
    client.feed(START)
    if client.core.error is None:
        client.feed(connection.Secure(b"?"))
    assert type(client.error) is CredentialsFailed
    assert said in client.error.what
    assert client.error.retryable is (error is OSError)
    assert type(client.error.__cause__) is (error or NoneType)
    assert client.core.manager.is_closed
    assert client.sent() == []


def test_an_error_of_ours_comes_through_as_it_is() -> None:
    client = Client().connect([Broken(raising(OURS))])
    client.feed(START)
    assert client.error is OURS
    assert client.error.phase == "start"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raising(ZeroDivisionError()), "the locale preference raised ZeroDivisionError"),
        (lambda _: "fr_FR", "returned 'fr_FR', which is not offered"),
    ],
)
def test_a_selection_that_does_not_work(function: Callable[[list[str]], str], said: str) -> None:
    client = Client().connect(locale=Select(function))
    client.feed(START)
    assert type(client.error) is HandshakeFailed
    assert said in client.error.what


def test_a_locale_that_does_not_fit() -> None:
    # Bytes that are no UTF-8 grow when they are read as text, and may fit no more.
    client = Client().connect()
    client.feed(start(locales=b"\xff" * 200))
    assert type(client.error) is HandshakeFailed
    assert "connection.start-ok.locale" in client.error.what


def test_a_virtual_host_that_does_not_fit() -> None:
    client = Client().connect(virtual_host="ä" * 128)
    client.feed(START)
    client.feed(TUNE)
    assert type(client.error) is HandshakeFailed
    assert "connection.open.virtual_host" in client.error.what
    assert client.error.phase == "tune"
    assert client.sent() == []


@pytest.mark.parametrize("is_awaited", [False, True])
@pytest.mark.parametrize("where", ["mechanism", "locale"])
def test_a_user_who_closes_from_inside(where: str, is_awaited: bool) -> None:
    client = Client()

    def close_and_answer(*_: object) -> Any:
        client.core.close(client.now)
        return SomethingToAwait() if is_awaited else "en_US" if where == "locale" else b"answer"

    if where == "locale":
        client.connect(locale=Select(close_and_answer))
    else:
        client.connect([Broken(close_and_answer)])
    client.feed(START)
    assert client.sent() == []
    assert "closed by its user" in client.error.what
    assert [type(event) for event in client.events()] == [HangUp]


class SomethingToAwait:
    """Is not awaited by the core."""

    def __await__(self) -> Any:
        raise AssertionError


# --- the server says no ---


@pytest.mark.parametrize("state", [State.START_OK, State.SECURE_OK])
def test_403_about_the_login(state: State) -> None:
    client = in_state(state)
    text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
    client.feed(connection.Close(403, text))
    assert client.methods() == [connection.CloseOk()]
    assert type(client.error) is AuthenticationRefused
    assert text in str(client.error)
    assert (client.error.reply_code, client.error.reply_text) == (403, text)
    assert client.error.phase == PHASES[state]
    assert "user name and password" in client.error.remedy


def test_530_about_open() -> None:
    client = in_state(State.OPEN)
    client.feed(connection.Close(530, "NOT_ALLOWED - vhost nope not found", 10, 40))
    assert type(client.error) is VirtualHostRefused
    assert "vhost nope not found" in str(client.error)
    assert client.error.failing_method == "connection.open"
    assert client.error.phase == "open"


@pytest.mark.parametrize("method_id", [30, 31], ids=["tune", "tune-ok"])
def test_530_about_the_limits_is_not_about_the_virtual_host(method_id: int) -> None:
    client = in_state(State.OPEN)
    client.feed(connection.Close(530, "negotiated frame_max is too low", 10, method_id))
    assert isinstance(client.error, ConnectionClosed)
    assert isinstance(client.error, NotAllowed)
    assert not isinstance(client.error, VirtualHostRefused)
    assert not client.error.retryable


@pytest.mark.parametrize(
    ("state", "code", "error"),
    [
        (State.HEADER_SENT, 320, ConnectionForced),
        (State.HEADER_SENT, 403, ConnectionClosed),
        (State.START_OK, 530, NotAllowed),
        (State.OPEN, 541, InternalError),
        (State.OPEN, 403, ConnectionClosed),
        (State.OPENED, 530, NotAllowed),
        (State.OPENED, 999, ConnectionClosed),
    ],
)
def test_a_close_is_told_by_reply_code_and_scope(
    state: State, code: int, error: type[Exception]
) -> None:
    client = in_state(state)
    client.feed(connection.Close(code, "text"))
    assert isinstance(client.error, ConnectionClosed)
    assert isinstance(client.error, error)
    assert not isinstance(client.error, HandshakeFailed)
    assert client.methods() == [connection.CloseOk()]


def test_a_frame_max_below_the_minimum() -> None:
    client = in_state(State.START_OK)
    client.feed(connection.Tune(2047, 4095, 60))
    assert type(client.error) is HandshakeFailed
    assert "frame_max 4095" in client.error.what
    assert client.error.phase == "tune"
    assert client.sent() == []


# --- the stream ends ---


@pytest.mark.parametrize(
    ("state", "kind", "cause"),
    [
        (State.HEADER_SENT, HungUpInHeader, "TLS"),
        (State.START, HungUpInStart, "credentials took too long"),
        (State.SECURE, HungUpInSecure, "credentials took too long"),
        (State.START_OK, HungUpInStart, "gave up on the login"),
        (State.SECURE_OK, HungUpInSecure, "gave up on the login"),
        (State.OPEN, HungUpInOpen, "limits .* virtual host"),
        (State.OPENED, HungUpInUse, "killed or restarted"),
    ],
)
def test_the_server_hangs_up(state: State, kind: type[PeerHungUp], cause: str) -> None:
    client = in_state(state)
    client.eof()
    assert type(client.error) is kind
    assert client.error.is_guess
    assert re.search(cause, client.error.cause)
    assert client.error.retryable
    assert client.event(HangUp).quick


@pytest.mark.parametrize(
    "capabilities",
    [None, {}, {"authentication_failure_close": False}, {"authentication_failure_close": 1}],
)
@pytest.mark.parametrize("state", [State.START_OK, State.SECURE_OK])
def test_a_server_that_cannot_say_no_says_it_by_hanging_up(
    capabilities: dict[str, Any] | None, state: State
) -> None:
    client = Client().connect([Echo()])
    client.feed(start(b"X-ECHO", capabilities=capabilities))
    if state is State.SECURE_OK:
        client.feed(connection.Secure(b"?"))
    client.eof()
    assert type(client.error) is AuthenticationRefused
    assert "mechanism X-ECHO" in client.error.what
    assert client.error.cause.startswith("perhaps")
    assert client.error.reply_code is None


def test_capabilities_that_are_no_table_are_none() -> None:
    client = Client().connect()
    client.feed(connection.Start(0, 9, {"capabilities": "all"}, b"PLAIN", b"en_US"))
    client.eof()
    assert type(client.error) is AuthenticationRefused


def login_of(size: int) -> Client:
    """A client whose start-ok has so many bytes."""
    usual = Client().connect([plain_auth("", "")])
    spare = size - len(start_ok(usual).encode_frame(0))
    client = Client().connect([plain_auth("", "t" * spare)])
    assert len(start_ok(client).encode_frame(0)) == size
    return client


def test_a_login_too_large_for_the_server_is_the_likely_cause() -> None:
    client = login_of(FRAME_MIN_SIZE + 1)
    client.eof()
    assert type(client.error) is HungUpInStart
    assert "start-ok had 4097 bytes" in client.error.cause
    assert "shorter token" in client.error.remedy
    client = login_of(FRAME_MIN_SIZE)
    client.eof()
    assert type(client.error) is HungUpInStart
    assert "too large" not in client.error.cause


@pytest.mark.parametrize(
    ("phase", "kind"),
    [("resolve", PeerHungUp), ("connect", HungUpInConnect), ("tls", HungUpInTLS)],
)
def test_the_stream_ends_before_it_was_used(phase: str, kind: type[PeerHungUp]) -> None:
    client = Client()
    client.core.connecting(request(), client.now)
    client.core.enter(phase, client.now)
    client.eof()
    assert type(client.error) is kind
    assert client.error.phase == phase


def test_a_broken_stream_has_the_systems_error_as_its_cause() -> None:
    client, cause = in_state(State.OPEN), ConnectionResetError(104, "reset")
    client.core.lost(cause, client.now)
    assert type(client.error) is HungUpInOpen
    assert client.error.errno == 104
    assert client.error.what.endswith("without closing the connection (reset)")
    assert client.error.__cause__ is cause


def test_the_systems_error_is_the_cause_of_ours_and_not_of_two() -> None:
    client, cause = in_state(State.OPEN), ConnectionResetError(104, "reset")
    said = PeerHungUp("the peer broke the byte stream: reset")
    said.__cause__ = cause
    client.core.lost(said, client.now)
    assert type(client.error) is HungUpInOpen
    assert client.error.__cause__ is cause


@pytest.mark.parametrize("cause", [TLSFailed("certificate required"), TransportError("EIO")])
def test_an_error_that_says_more_is_not_hidden(cause: ConnectionFailed) -> None:
    client = in_state(State.START_OK)
    client.core.lost(cause, client.now)
    assert client.error is cause
    assert client.error.phase == "start"


# --- errors say where, and when ---


def test_an_error_has_the_time_spent_in_each_phase() -> None:
    client = Client(peer="broker:5672")
    client.core.connecting(request(), client.now)
    for phase, seconds in (("resolve", 0.25), ("connect", 0.5), ("tls", 1.0)):
        client.core.enter(phase, client.now)
        client.now += seconds
    client.core.connected(client.now)
    client.now += 2.0
    client.feed(START)
    client.now += 4.0
    client.feed(TUNE)
    client.now += 8.0
    client.feed(connection.Close(530, "no", 10, 40))
    assert client.error.elapsed == {
        "resolve": 0.25,
        "connect": 0.5,
        "tls": 1.0,
        "header": 2.0,
        "start": 4.0,
        "open": 8.0,
    }
    assert str(client.error).endswith(
        "[broker:5672, in phase open; resolve 0.250 s, connect 0.500 s, tls 1.000 s,"
        " header 2.000 s, start 4.000 s, open 8.000 s; last bytes in: 0.000 s ago, out: none]"
    )


def test_a_phase_that_comes_twice_is_one() -> None:
    client = Client()
    client.core.connecting(request(), client.now)
    for phase in ("connect", "tls", "connect"):
        client.core.enter(phase, client.now)
        client.now += 1.0
    assert client.core.elapsed(client.now) == {"connect": 2.0, "tls": 1.0}


@pytest.mark.parametrize(
    ("method", "error"),
    [
        (connection.OpenOk(), UnexpectedMethod),
        (start(b"NONE"), NoCommonMechanism),
    ],
)
def test_after_a_failure_nothing_more_is_read_or_said(
    method: Method, error: type[ConnectionFailed]
) -> None:
    client = Client().connect()
    rest = b"".join(m.encode_frame(0) for m in (START, TUNE, connection.OpenOk()))
    client.feed(MethodFrame(0, method).encode() + rest)
    client.feed(rest)
    assert type(client.error) is error
    assert client.sent() == []
    assert client.core.is_alive
    assert client.core.next_deadline() == EPOCH + 30.0  # only that of opening, which is harmless
    client.wait(60.0)
    assert type(client.error) is error
    assert client.down() is client.error
    hang_up, down = client.events()
    assert isinstance(hang_up, HangUp)
    assert isinstance(down, Down)
    assert down.error is client.error
    assert client.core.state is EndpointState.FAILED


def test_garbage_in_the_middle_of_the_handshake() -> None:
    client = in_state(State.START_OK)
    client.feed(b"\x01\x00\x00\x00\x00\x00\x01\x00\x00")
    assert type(client.error) is MalformedFrame
    assert client.error.phase == "start"
    assert client.sent() == []


def test_the_driver_may_find_that_the_stream_is_closed_by_itself() -> None:
    client = Client().connect()
    assert isinstance(client.down(), PeerHungUp)
    assert client.core.state is EndpointState.FAILED


@pytest.mark.parametrize("phase", ["tls", "header"])
def test_its_error_is_of_the_last_time_that_the_core_knows(phase: str) -> None:
    client = Client()
    client.core.connecting(request(), client.now)
    client.core.enter("connect", client.now)
    client.now += 3.0
    if phase == "tls":
        client.core.enter("tls", client.now)
    else:
        client.core.connected(client.now)
    client.down()
    assert client.error.elapsed == {"connect": 3.0, phase: 0.0}
