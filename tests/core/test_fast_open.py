"""Fast open: what goes out ahead of the server's answers, when it may, and what happens when they
are not as they were.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amqpconn import forget_servers
from amqpconn.auth import AuthMethod, amqplain_auth, external_auth, plain_auth
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Event, HangUp, Opened, Redial, SecretWanted
from amqpconn.core.fast_open import LONGEST_S
from amqpconn.core.handshake import OpenRequest
from amqpconn.core.servers import MOST, REMEMBERED, Offer, Route, Servers
from amqpconn.core.states import State
from amqpconn.errors import (
    AuthenticationRefused,
    CredentialsFailed,
    HungUpInHeader,
    LoginTooLarge,
    NoCommonMechanism,
    OpenAborted,
    OpenTimeout,
    VersionRefused,
)
from amqpconn.locale import LocalePreference, Select
from amqpconn.observer import Observer
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import basic, channel, connection
from amqpconn_spec.v0_9_1.frames import BodyFrame
from tests.core.server import HEADER, Client, Echo, SlowToStart

if TYPE_CHECKING:
    from amqpconn_spec._wire import Table

CANARY = "c4n4ry"
GUEST = plain_auth("guest", CANARY)
CLEAR = Route(("broker", 5672), (0, 0, 0, 0), None)
TLS = Route(("broker", 5672), (1, 2, 1, 771), "broker")
RABBITMQ: Table = {
    "product": "RabbitMQ",
    "version": "3.10.8",
    "capabilities": {"authentication_failure_close": True},
}
START = connection.Start(0, 9, RABBITMQ, b"PLAIN AMQPLAIN", b"en_US")
TUNE = connection.Tune(channel_max=2047, frame_max=131072, heartbeat=60)
OPEN_OK = connection.OpenOk()
AHEAD = ["protocol-header", "connection.start-ok", "connection.tune-ok", "connection.open"]


class Fast(Client):
    """A client with a memory."""

    def begin(
        self,
        route: Route | None = CLEAR,
        auth: Sequence[AuthMethod] = (GUEST,),
        virtual_host: str = "/",
        first_channel: bool = False,
        locale: LocalePreference = "en_US",
    ) -> Fast:
        """Up to where the stream is there."""
        request = OpenRequest(list(auth), locale, virtual_host, first_channel)
        self.core.connecting(request, self.now)
        self.on_stream(route)
        return self

    def on_stream(self, route: Route | None = CLEAR) -> None:
        """The driver has got one."""
        if self.core.fast_open is not None:
            self.core.fast_open.route = route
        self.core.enter("connect", self.now)
        self.core.connected(self.now)

    def said(self) -> list[str]:
        """The names of what goes out now, in one write."""
        data = self.core.data_to_send(self.now)
        names, at = [], 0
        if data.startswith(b"AMQP"):
            names, at = ["protocol-header"], 8
        while at < len(data):
            frame, at = self.core.dialect.package.frames.decode_frame(data, at)
            names.append(frame.method.NAME)
        return names

    def answer(self, *methods: Method) -> None:
        for method in methods:
            self.feed(method)
            self.core.data_to_send(self.now)


@pytest.fixture
def servers() -> Servers:
    return Servers()


def opened(servers: Servers, *said: Method, protocol: str = "0-9-1", **begin: Any) -> Fast:
    """Open in the ordinary way, so that it is remembered."""
    client = Fast(servers=servers, protocol=protocol).begin(**begin)
    client.said()
    client.answer(*(said or (START, TUNE)), OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED
    return client


def ahead(servers: Servers, settings: dict[str, Any] | None = None, **begin: Any) -> Fast:
    """A client that has sent all ahead."""
    opened(servers, **begin)
    client = Fast(servers=servers, **(settings or {})).begin(**begin)
    assert client.said()[:4] == AHEAD
    return client


def fell_back(client: Fast) -> str:
    """The client has left that stream, and opens in the ordinary way; why it did."""
    assert [type(event) for event in client.events()] == [Redial]
    assert client.core.data_to_send(client.now) == b""
    assert client.core.error is None
    detour = client.core.detours[-1]
    assert detour.was_fast
    client.on_stream()
    assert client.said() == ["protocol-header"]
    return detour.reason


# --- all at once ---


def test_all_goes_out_in_one_write_and_is_confirmed_answer_by_answer(servers: Servers) -> None:
    client, states, heartbeats = ahead(servers), [], []
    for answer in (START, TUNE, OPEN_OK):
        states.append(client.state)
        heartbeats.append(client.core.heartbeat is not None)
        client.feed(answer)
    assert states == [State.AHEAD, State.CONFIRMED, State.OPEN]
    assert heartbeats == [False, False, True]
    assert [type(event) for event in client.events()] == [Opened]
    assert client.said() == []
    agreement = client.core.manager.agreement
    assert agreement is not None
    assert agreement.opened_fast
    assert agreement.mechanism == "PLAIN"
    assert client.core.detours == ()
    assert client.core.next_deadline() == client.now + 30.0  # the heartbeat's, nothing of opening


def test_it_is_just_what_the_ordinary_handshake_says(servers: Servers) -> None:
    ordinary, data = Fast(servers=servers).begin(), b""
    for answer in (START, TUNE, OPEN_OK):
        data += ordinary.core.data_to_send(ordinary.now)
        ordinary.feed(answer)
    assert Fast(servers=servers).begin().core.data_to_send(0.0) == data


def test_the_first_channel_goes_along(servers: Servers) -> None:
    opened(servers)
    client = Fast(servers=servers).begin(first_channel=True)
    assert client.said() == [*AHEAD, "channel.open"]
    client.answer(START, TUNE, OPEN_OK)
    client.feed(channel.OpenOk(), 1)
    assert client.core.first is not None
    assert client.core.first.reply == channel.OpenOk()
    assert client.said() == []


def test_the_ordinary_handshake_says_that_it_was_one(servers: Servers) -> None:
    agreement = opened(servers).core.manager.agreement
    assert agreement is not None
    assert not agreement.opened_fast


def test_it_works_again_and_again(servers: Servers) -> None:
    opened(servers)
    for _ in range(3):
        client = Fast(servers=servers).begin()
        assert client.said() == AHEAD
        client.answer(START, TUNE, OPEN_OK)
        assert client.core.state is EndpointState.CONNECTED


def test_phases_are_those_of_the_answers_that_are_waited_for(servers: Servers) -> None:
    told: list[str] = []

    class Phases(Observer):
        def phase_entered(self, phase: str) -> None:
            told.append(phase)

    client = ahead(servers, {"observers": [Phases()]})
    client.answer(START, TUNE, OPEN_OK)
    assert told == ["connect", "header", "start", "open", "opened"]


def test_every_frame_of_the_one_write_is_recorded_without_the_secret(servers: Servers) -> None:
    client = ahead(servers, {"flight_recorder": 20})
    assert client.core.transcript is not None
    text = str(client.core.transcript)
    assert CANARY not in text
    for name in ("connection.start-ok", "connection.tune-ok", "connection.open"):
        assert name in text


# --- when it may ---


def test_never_without_being_asked_for(servers: Servers) -> None:
    opened(servers)
    assert Fast().begin().said() == ["protocol-header"]


@pytest.mark.parametrize("product", ["LavinMQ", "rabbitmq", b"RabbitMQ", None])
def test_never_to_what_was_not_a_rabbitmq(servers: Servers, product: Any) -> None:
    opened(servers, route=TLS)
    start = connection.Start(0, 9, {"product": product}, b"PLAIN", b"en_US")
    opened(servers, start, TUNE)  # by a route that protects less, so in the ordinary way
    assert len(servers) == 0
    assert Fast(servers=servers).begin().said() == ["protocol-header"]


def test_never_to_one_that_did_not_let_us_in(servers: Servers) -> None:
    client = Fast(servers=servers).begin()
    client.answer(START, TUNE, connection.Close(530, "NOT_ALLOWED - vhost / not found"))
    assert len(servers) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"virtual_host": "other"},
        {"auth": [plain_auth("ann", CANARY)]},
        {"auth": [GUEST, external_auth()]},
        {"route": Route(("broker", 5673), (0, 0, 0, 0), None)},
        {"route": None},
    ],
    ids=["virtual host", "user", "users", "address", "no address"],
)
def test_never_for_anything_else_than_that_time(servers: Servers, other: dict[str, Any]) -> None:
    opened(servers)
    assert Fast(servers=servers).begin(**other).said() == ["protocol-header"]


def test_nothing_is_remembered_of_a_stream_that_leads_nobody_knows_where(servers: Servers) -> None:
    opened(servers, route=None)
    assert len(servers) == 0


def test_never_in_another_version(servers: Servers) -> None:
    opened(servers)
    assert Fast(servers=servers, protocol="0-9").begin().said() == ["protocol-header"]


WEAKER = [
    CLEAR,
    Route(TLS.address, (1, 0, 0, 771), "broker"),
    Route(TLS.address, (1, 2, 0, 771), "broker"),
    Route(TLS.address, (1, 2, 1, 769), "broker"),
    Route(TLS.address, (1, 2, 1, 771), "other"),
]


@pytest.mark.parametrize("weaker", WEAKER, ids=lambda route: f"{route.protection} {route.address}")
def test_never_by_a_route_that_protects_less(servers: Servers, weaker: Route) -> None:
    opened(servers, route=TLS)
    assert Fast(servers=servers).begin(route=weaker).said() == ["protocol-header"]


@pytest.mark.parametrize("then", [*WEAKER[:-1], TLS])
def test_by_a_route_that_protects_no_less_and_then_that_is_the_least(
    servers: Servers, then: Route
) -> None:
    opened(servers, route=then)
    client = Fast(servers=servers).begin(route=TLS)
    assert client.said() == AHEAD
    client.answer(START, TUNE, OPEN_OK)
    assert Fast(servers=servers).begin(route=CLEAR).said() == ["protocol-header"]


def test_never_a_secret_for_a_mechanism_that_was_not_offered(servers: Servers) -> None:
    start = connection.Start(0, 9, {"product": "RabbitMQ"}, b"AMQPLAIN", b"en_US")
    amqplain = amqplain_auth("guest", CANARY)
    opened(servers, start, TUNE, auth=[amqplain])
    client = Fast(servers=servers).begin(auth=[GUEST])  # the same user
    assert client.said() == ["protocol-header"]
    client.feed(start)
    assert isinstance(client.error, NoCommonMechanism)
    assert Fast(servers=servers).begin(auth=[amqplain]).said() == AHEAD


def test_never_with_a_mechanism_that_may_be_asked_back(servers: Servers) -> None:
    opened(servers, auth=[Echo("PLAIN")])
    assert len(servers) == 1
    client = Fast(servers=servers).begin(auth=[Echo("PLAIN")])
    assert client.said() == ["protocol-header"]
    client.answer(START, TUNE, OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED


def test_a_server_that_asks_back_is_not_remembered(servers: Servers) -> None:
    opened(servers, START, connection.Secure(b"?"), TUNE, auth=[Echo("PLAIN")])
    assert len(servers) == 0


# --- credentials ---


def test_credentials_are_fetched_before_anything_is_sent(servers: Servers) -> None:
    auth = [SlowToStart("PLAIN")]
    first = Fast(servers=servers).begin(auth=auth)
    first.said()
    first.feed(START)
    first.core.take_secret(first.event(SecretWanted), b"token", first.now)
    first.answer(TUNE, OPEN_OK)
    client = Fast(servers=servers).begin(auth=auth)
    wanted = client.event(SecretWanted)
    assert client.said() == []
    assert client.core.phase == "start"
    client.core.connected(client.now)  # harmless a second time
    client.wait(1.0)
    client.core.take_secret(wanted, b"token", client.now)
    assert client.said() == AHEAD
    assert client.core.phase == "header"
    client.answer(START, TUNE, OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED


def waiting_for_credentials(servers: Servers) -> tuple[Fast, SecretWanted]:
    opened(servers, auth=[Echo("PLAIN")])
    client = Fast(servers=servers).begin(auth=[SlowToStart("PLAIN")])
    return client, client.event(SecretWanted)


def test_what_the_function_raises_ends_the_attempt(servers: Servers) -> None:
    client, wanted = waiting_for_credentials(servers)
    client.core.no_secret(wanted, LookupError("no token"), client.now)
    assert isinstance(client.error, CredentialsFailed)
    assert client.error.phase == "start"
    assert client.core.detours == ()


def test_a_function_that_takes_too_long_is_named(servers: Servers) -> None:
    client, _ = waiting_for_credentials(servers)
    client.wait(31.0)
    assert isinstance(client.error, OpenTimeout)
    assert "waiting for the credentials" in str(client.error)


def test_a_stream_that_ends_meanwhile_ends_the_attempt(servers: Servers) -> None:
    client, _ = waiting_for_credentials(servers)
    client.eof()
    assert isinstance(client.down(), Exception)
    assert client.core.detours == ()


def test_what_a_function_raises_at_once_ends_the_attempt(servers: Servers) -> None:
    class Raising(AuthMethod):
        name = "PLAIN"

        def initial_response(self) -> bytes:
            raise LookupError

    opened(servers, auth=[Echo("PLAIN")])
    client = Fast(servers=servers).begin(auth=[Raising()])
    assert isinstance(client.error, CredentialsFailed)
    assert client.error.phase == "start"
    assert client.said() == []


def test_a_login_that_is_too_large_is_not_sent(servers: Servers) -> None:
    opened(servers)
    client = Fast(servers=servers).begin(auth=[plain_auth("guest", "x" * 4000)])
    assert isinstance(client.error, LoginTooLarge)  # RabbitMQ 3.10 takes 4096 bytes
    assert client.said() == []


def test_a_function_of_the_users_may_close_meanwhile(servers: Servers) -> None:
    opened(servers)
    client = Fast(servers=servers)

    def choose(offered: Sequence[str]) -> str:
        client.core.abort(client.now)
        return offered[0]

    client.begin(locale=Select(choose))
    assert isinstance(client.down(), OpenAborted)
    assert client.said() == []


# --- when it comes otherwise ---

CLOSE = connection.Close(403, "ACCESS_REFUSED - no", 10, 11)
STARTS = {
    "mechanisms": connection.Start(0, 9, START.server_properties, b"PLAIN", b"en_US"),
    "locales": connection.Start(0, 9, START.server_properties, b"PLAIN AMQPLAIN", b"de_DE"),
    "version_minor": connection.Start(
        0, 8, START.server_properties, START.mechanisms, START.locales
    ),
    "server_properties": connection.Start(
        0, 9, {"product": "Other", "version": "3.10.8"}, START.mechanisms, START.locales
    ),
}
TUNES = {
    "channel_max": connection.Tune(2046, 131072, 60),
    "frame_max": connection.Tune(2047, 131071, 60),
    "heartbeat": connection.Tune(2047, 131072, 0),
}
OTHERWISE: dict[str, tuple[list[Method], Callable[[Fast], None], str]] = {
    **{
        f"start: {name}": ([], lambda client, said=said: client.feed(said), name)  # type: ignore[misc]
        for name, said in STARTS.items()
    },
    **{
        f"tune: {name}": ([START], lambda client, said=said: client.feed(said), name)  # type: ignore[misc]
        for name, said in TUNES.items()
    },
    "end": ([], Fast.eof, "the peer ended the byte stream"),
    "end after start": ([START], Fast.eof, "the peer ended the byte stream"),
    "end after tune": ([START, TUNE], Fast.eof, "the peer ended the byte stream"),
    "reset": (
        [],
        lambda client: client.core.lost(ConnectionResetError(104, "reset"), client.now),
        "reset",
    ),
    "close": ([], lambda client: client.feed(CLOSE), "ACCESS_REFUSED"),
    "close after start": ([START], lambda client: client.feed(CLOSE), "ACCESS_REFUSED"),
    "close after tune": ([START, TUNE], lambda client: client.feed(CLOSE), "ACCESS_REFUSED"),
    "secure": ([START], lambda client: client.feed(connection.Secure(b"?")), "connection.secure"),
    "tune at first": ([], lambda client: client.feed(TUNE), "connection.tune came in state"),
    "start twice": ([START], lambda client: client.feed(START), "connection.start came in state"),
    "a channel": ([START], lambda client: client.feed(basic.QosOk(), 1), "channel 1"),
    "content": ([START], lambda client: client.feed(BodyFrame(0, b"x")), "content"),
    "another header": ([], lambda client: client.feed(b"AMQP\x03\x01\x00\x00"), "AMQP 1.0"),
    "HTTP": ([], lambda client: client.feed(b"HTTP/1.1 400 Bad Request\r\n"), "HTTP"),
    "garbage": ([START], lambda client: client.feed(b"garbage!"), "no frame type"),
    "too large": ([START], lambda client: client.feed(b"\1\0\0\0\0\x20\0"), "the limit is 4096"),
    "silence": ([], lambda client: client.wait(LONGEST_S), "no answer in phase header"),
    "silence after start": ([START], lambda client: client.wait(LONGEST_S), "in phase start"),
    "silence after tune": ([START, TUNE], lambda client: client.wait(LONGEST_S), "in phase open"),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_whatever_else_comes_the_ordinary_handshake_begins_anew(
    servers: Servers, case: str
) -> None:
    before, happens, reason = OTHERWISE[case]
    client = ahead(servers)
    client.answer(*before)
    client.events()
    happens(client)
    assert len(servers) == 0
    assert reason in fell_back(client)
    client.answer(START, TUNE, OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED
    agreement = client.core.manager.agreement
    assert agreement is not None
    assert not agreement.opened_fast
    assert len(client.core.detours) == 1


@pytest.mark.parametrize("how", ["heartbeats", "timer"])
def test_heartbeats_that_are_missed_are_silence_too(servers: Servers, how: str) -> None:
    opened(servers)
    client = Fast(servers=servers, timeout=None, heartbeat=1).begin()
    client.said()
    client.answer(START, TUNE)
    client.wait(4.0 if how == "heartbeats" else 2.4)
    if how == "heartbeats":
        assert "nothing came" in client.core.detours[0].reason
    else:
        assert client.core.detours == ()


def test_a_channel_that_went_along_is_asked_for_again(servers: Servers) -> None:
    client = ahead(servers, first_channel=True)
    asked = client.core.first
    client.eof()
    assert asked is not None
    assert asked.done
    fell_back(client)
    assert client.core.first is None
    client.feed(START)
    client.feed(TUNE)
    assert client.said() == [
        "connection.start-ok",
        "connection.tune-ok",
        "connection.open",
        "channel.open",
    ]
    client.answer(OPEN_OK)
    client.feed(channel.OpenOk(), 1)
    assert client.core.first is not None
    assert client.core.first.error is None


def test_what_happens_to_the_stream_that_was_left_is_nothing_to_us(servers: Servers) -> None:
    client = ahead(servers)
    data = STARTS["mechanisms"].encode_frame(0) + CLOSE.encode_frame(0)
    client.core.receive_data(data, client.now)
    client.core.receive_data(START.encode_frame(0), client.now)
    client.core.lost(ConnectionResetError(104, "reset"), client.now)
    fell_back(client)
    client.answer(START, TUNE, OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED


@pytest.mark.parametrize("how", ["failed", "without a word"])
def test_no_other_stream_to_be_had_is_the_end(servers: Servers, how: str) -> None:
    client = ahead(servers)
    client.eof()
    client.events()
    if how == "failed":
        client.core.fail(HungUpInHeader("gone"), client.now)
        assert isinstance(client.event(HangUp), HangUp)
    assert isinstance(client.down(), HungUpInHeader)


CONVERSATION = b"".join(method.encode_frame(0) for method in (START, TUNE, OPEN_OK))


@given(st.integers(0, len(CONVERSATION) - 1), st.integers(0, 255), st.integers(1, 99))
@example(0, CONVERSATION[0], 1)
def test_whatever_octet_is_another_it_opens_or_begins_anew(at: int, octet: int, size: int) -> None:
    client = ahead(Servers())
    data = CONVERSATION[:at] + bytes([octet]) + CONVERSATION[at + 1 :]
    for start in range(0, len(data), size):
        client.core.receive_data(data[start : start + size], client.now)
    if client.core.state is EndpointState.CONNECTED:
        agreement = client.core.manager.agreement
        assert agreement is not None
        assert agreement.opened_fast
        return
    assert data != CONVERSATION
    client.eof()
    fell_back(client)


# --- time ---


@pytest.mark.parametrize(
    ("timeout", "waits"), [(30.0, LONGEST_S), (9.0, 3.0), (0.3, 0.1), (None, LONGEST_S)]
)
def test_silence_takes_a_part_of_the_time_only(
    servers: Servers, timeout: float | None, waits: float
) -> None:
    client = ahead(servers, {"timeout": timeout})
    client.wait(waits * 0.99)
    assert client.events() == []
    client.wait(waits * 0.02)
    assert "no answer" in fell_back(client)


def test_the_deadline_is_one_for_both(servers: Servers) -> None:
    client = ahead(servers, {"timeout": 9.0})
    client.wait(3.0)
    fell_back(client)
    client.wait(5.9)
    assert client.core.error is None
    client.wait(0.2)
    assert isinstance(client.down(), OpenTimeout)


@pytest.mark.parametrize("happens", ["abort", "close"])
def test_a_user_who_gives_up_meanwhile_is_not_kept(servers: Servers, happens: str) -> None:
    client = ahead(servers)
    getattr(client.core, happens)(client.now)
    assert [type(event) for event in client.events()] == [HangUp]
    assert isinstance(client.down(), OpenAborted)
    assert client.core.detours == ()


# --- once, and not again where it is not taken ---


def test_it_is_tried_once_in_an_attempt_whatever_others_remember(servers: Servers) -> None:
    client = ahead(servers)
    client.eof()
    opened(servers)  # another connection of this process
    fell_back(client)


def test_what_is_not_taken_with_the_same_offer_is_not_tried_again(servers: Servers) -> None:
    client = ahead(servers)
    client.eof()
    fell_back(client)
    client.answer(START, TUNE, OPEN_OK)
    for _ in range(2):
        client = Fast(servers=servers).begin()
        assert client.said() == ["protocol-header"]
        client.answer(START, TUNE, OPEN_OK)
    opened(servers, START, TUNES["heartbeat"])  # it is another server by now
    assert Fast(servers=servers).begin().said() == AHEAD


def test_a_new_offer_is_remembered_in_the_place_of_the_old(servers: Servers) -> None:
    client = ahead(servers)
    client.feed(STARTS["mechanisms"])
    fell_back(client)
    client.answer(STARTS["mechanisms"], TUNES["frame_max"], OPEN_OK)
    client = Fast(servers=servers).begin()
    assert client.said() == AHEAD
    client.answer(STARTS["mechanisms"], TUNES["frame_max"], OPEN_OK)
    assert client.core.state is EndpointState.CONNECTED


def test_a_wrong_password_has_its_ordinary_error_and_spoils_nothing(servers: Servers) -> None:
    client = ahead(servers)
    client.answer(START)
    client.feed(CLOSE)
    assert "403" in fell_back(client)
    client.answer(START)
    client.feed(CLOSE)
    assert isinstance(client.down(), AuthenticationRefused)
    opened(servers)
    assert Fast(servers=servers).begin().said() == AHEAD


# --- other versions, other hosts ---


def test_auto_goes_on_with_the_version_that_is_offered(servers: Servers) -> None:
    client = ahead(servers, {"protocol": "auto"})
    client.feed(b"AMQP\x01\x01\x08\x00")
    assert isinstance(client.core.next_event(), Event)
    client.all_events()
    assert client.core.dialect.protocol == "0-8"
    assert client.core.detours[0].was_fast
    assert len(servers) == 0


def test_a_version_that_is_refused_is_tried_in_the_ordinary_way(servers: Servers) -> None:
    client = ahead(servers)
    client.feed(b"AMQP\x01\x01\x08\x00")
    fell_back(client)
    client.feed(b"AMQP\x01\x01\x08\x00")
    assert isinstance(client.down(), VersionRefused)


def test_auto_opens_fast_in_the_version_that_it_came_to(servers: Servers) -> None:
    def attempt() -> Fast:
        client = Fast(servers=servers, protocol="auto").begin()
        assert client.said() == ["protocol-header"]
        client.feed(b"AMQP\x01\x01\x08\x00")
        client.on_stream()
        return client

    client = attempt()
    spec = client.core.dialect.package.connection
    start = spec.Start(8, 0, START.server_properties, b"PLAIN", b"en_US")
    client.said()
    client.answer(start, spec.Tune(9, 131072, 60), spec.OpenOk())
    assert client.core.state is EndpointState.CONNECTED
    assert attempt().said() == AHEAD


def test_a_redirect_is_an_answer_and_followed(servers: Servers) -> None:
    client = Fast(servers=servers, protocol="0-9").begin()
    spec = client.core.dialect.package.connection
    start, tune = (
        spec.Start(0, 9, START.server_properties, b"PLAIN", b"en_US"),
        spec.Tune(9, 131072, 60),
    )
    client.said()
    client.answer(start, tune, spec.OpenOk())
    client = Fast(servers=servers, protocol="0-9").begin()
    assert client.said() == AHEAD
    client.answer(start, tune)
    client.feed(spec.Redirect(host="other"))
    redial = client.event(Redial)
    assert redial.host == "other"
    client.on_stream(Route("other", (0, 0, 0, 0), None))
    assert client.said() == ["protocol-header"]


# --- the memory ---


def key(number: int) -> tuple[object, str, tuple[int, ...]]:
    return number, "/", (0,)


def offer() -> Offer:
    return Offer("0-9-1", CLEAR, START, TUNE)


def test_it_keeps_those_that_were_used_last() -> None:
    servers = Servers(most=2)
    for number in (1, 2):
        servers.remember(key(number), offer())
    assert servers.recall(key(1)) is not None
    servers.remember(key(3), offer())
    assert servers.recall(key(2)) is None
    assert servers.recall(key(1)) is not None
    assert len(servers) == 2
    servers.forget(key(1))
    servers.forget(key(1))
    assert len(servers) == 1


def test_the_memory_of_the_process_is_bounded_and_can_be_cleared() -> None:
    forget_servers()
    for number in range(MOST + 10):
        REMEMBERED.remember(key(number), offer())
    assert len(REMEMBERED) == MOST
    forget_servers()
    assert len(REMEMBERED) == 0


def test_threads_may_share_it() -> None:
    servers, errors = Servers(most=3), []

    def work(number: int) -> None:
        try:
            for turn in range(300):
                mine = key((number + turn) % 5)
                servers.remember(mine, offer())
                servers.recall(mine)
                servers.forget(key(turn % 5))
        except Exception as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(servers) <= 3


def test_another_thread_may_have_made_room(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers(most=1)
    servers.remember(key(1), offer())
    offers: Any = servers._offers

    class Taken(type(offers)):  # type: ignore[misc]
        def popitem(self, last: bool = True) -> Any:
            self.clear()
            return super().popitem(last)

    monkeypatch.setattr(servers, "_offers", Taken(offers))
    servers.remember(key(2), offer())
    assert len(servers) == 0


def test_no_secret_is_in_it(servers: Servers) -> None:
    opened(servers)
    seen: list[object] = []
    found: list[object] = [servers]
    while found:
        each = found.pop()
        if any(each is other for other in seen) or isinstance(each, type):
            continue
        seen.append(each)
        found += gc.get_referents(each)
    assert CANARY not in repr(seen)
    assert "guest" not in repr(seen)
    assert "RabbitMQ" in repr(seen)
    assert HEADER not in seen
