"""From an endpoint to an open connection, and what both show on the way."""

from __future__ import annotations

from typing import Any

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import EndpointState, Prefer, Select, anonymous_auth, external_auth, plain_auth
from amqpconn.errors import (
    AlreadyOpen,
    AuthenticationRefused,
    ConnectionFailed,
    HandshakeFailed,
    InvalidParameter,
    NoCommonMechanism,
    NotOpen,
    VirtualHostRefused,
)
from amqpconn.testing import After, Close, On, Peer, Usual, Wait
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, Challenged

SHOWN_WHEN_OPEN = {
    "protocol_version": "0-9-1",
    "mechanism": "PLAIN",
    "locale": "en_US",
    "offered_mechanisms": ["PLAIN", "AMQPLAIN"],
    "offered_locales": ["en_US"],
}


def test_connection_opens_and_closes(driver: Driver, peer: Peer) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    connection = driver.Connection(endpoint)
    assert not connection.is_open
    assert endpoint.state is EndpointState.OFF
    connection.open(GUEST)
    assert connection.is_open
    assert endpoint.state is EndpointState.CONNECTED
    connection.close()
    assert not connection.is_open
    assert endpoint.state is EndpointState.DISCONNECTED
    assert endpoint.error is None
    assert [received.method.NAME for received in peer.received()] == [
        "connection.start-ok",
        "connection.tune-ok",
        "connection.open",
        "connection.close",
    ]


def test_connect_gives_an_open_connection(driver: Driver, peer: Peer) -> None:
    connection = driver.connect(peer.url())
    assert connection.is_open
    connection.close()


def test_with_block_closes_when_its_body_raises(driver: Driver, peer: Peer) -> None:
    with pytest.raises(ZeroDivisionError), driver.connect(peer.url()) as connection:
        raise ZeroDivisionError
    assert not connection.is_open
    assert peer.received("connection.close")


def test_open_connection_can_be_used_with_a_with_block(driver: Driver, peer: Peer) -> None:
    connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
    connection.open(GUEST)
    with connection as same:
        assert same.is_open
    assert not connection.is_open


def test_endpoint_opens_once(driver: Driver, peer: Peer) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    connection, other = driver.Connection(endpoint), driver.Connection(endpoint)
    connection.open(GUEST)
    for again in (connection, other):
        with pytest.raises(AlreadyOpen):
            again.open(GUEST)
    assert connection.is_open
    connection.close()
    with pytest.raises(AlreadyOpen):
        connection.open(GUEST)


@pytest.mark.parametrize(
    "name",
    [*SHOWN_WHEN_OPEN, "server_properties", "client_properties", "tuning"],
)
def test_what_is_negotiated_is_not_there_before(driver: Driver, name: str) -> None:
    connection = driver.Connection(driver.Endpoint())
    with pytest.raises(NotOpen):
        getattr(connection, name)


def test_tuning_is_not_there_when_the_login_fails(driver: Driver, peer: Peer) -> None:
    connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
    with pytest.raises(AuthenticationRefused):
        connection.open(plain_auth("guest", "wrong"))
    assert connection.mechanism == "PLAIN"
    with pytest.raises(NotOpen) as raised:
        _ = connection.tuning
    assert isinstance(raised.value.__cause__, AuthenticationRefused)


@pytest.mark.parametrize("name", SHOWN_WHEN_OPEN)
def test_what_is_negotiated_is_shown(driver: Driver, peer: Peer, name: str) -> None:
    with driver.connect(peer.url()) as connection:
        assert getattr(connection, name) == SHOWN_WHEN_OPEN[name]
    assert getattr(connection, name) == SHOWN_WHEN_OPEN[name]


def test_negotiation_is_reported(driver: Driver) -> None:
    with (
        Peer(channel_max=7, frame_max=8192, heartbeat=30) as peer,
        driver.connect(peer.url(), channel_max=9, heartbeat=20) as connection,
    ):
        tuning = connection.tuning
        assert (tuning.channel_max, tuning.frame_max, tuning.heartbeat) == (7, 8192, 20)
        agreed = [(line.requested, line.offered, line.agreed) for line in tuning.report]
        assert agreed == [(9, 7, 7), (0, 8192, 8192), (20, 30, 20)]


def test_properties_of_both_sides_are_shown(driver: Driver) -> None:
    own = {"product": "mine", "team": "x", "capabilities": {"own": True}}
    with (
        Peer(server_properties={"version": "1.2"}) as peer,
        driver.connect(peer.url(), client_properties=own, connection_name="c") as connection,
    ):
        assert connection.server_properties["version"] == "1.2"
        shown = connection.client_properties
        assert shown == peer.sessions[0].client_properties
    assert (shown["product"], shown["team"], shown["connection_name"]) == ("mine", "x", "c")
    assert shown["platform"]
    assert isinstance(shown["capabilities"], dict)
    assert shown["capabilities"]["own"] is True
    assert shown["capabilities"]["authentication_failure_close"] is True


def test_what_is_shown_may_be_changed_and_is_nobody_elses(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url()) as first, driver.connect(peer.url()) as second:
        for shown in (first.server_properties, first.client_properties):
            shown["product"] = "changed"
            shown["capabilities"].clear()  # type: ignore[union-attr]
        for shown in (first.server_properties, second.server_properties, second.client_properties):
            assert shown["product"] != "changed"
            assert shown["capabilities"]
        first.offered_mechanisms.clear()
        first.offered_locales.clear()
        assert second.offered_mechanisms
        assert second.offered_locales


def test_arguments_of_open_reach_the_server(driver: Driver) -> None:
    with Peer(virtual_hosts=("deep",), locales=("en_US", "de_DE")) as peer:
        connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
        connection.open([external_auth(), GUEST], Prefer("de_DE"), "deep")
        assert (connection.locale, connection.mechanism) == ("de_DE", "PLAIN")
        assert peer.sessions[0].virtual_host == "deep"
        connection.close()


def test_locale_may_be_selected_or_named(driver: Driver) -> None:
    with Peer(locales=("en_US", "de_DE", "fr_FR")) as peer:
        with driver.connect(peer.url(), locale=Select(lambda offered: offered[-1])) as connection:
            assert connection.locale == "fr_FR"
        with driver.connect(peer.url(), locale="de_DE") as connection:
            assert connection.locale == "de_DE"


def test_challenges_are_answered(driver: Driver) -> None:
    answers = {b"hello": b"who?", b"re: who?": True}
    with (
        Peer(mechanisms=("ECHO",), authenticate=lambda _, said: answers[said]) as peer,
        driver.connect(peer.url(), auth_methods=[Challenged()]) as connection,
    ):
        assert connection.mechanism == "ECHO"


@pytest.mark.parametrize(
    ("options", "peculiar", "error", "phase"),
    [
        ({"auth_methods": plain_auth("guest", "no")}, {}, AuthenticationRefused, "start"),
        ({"auth_methods": anonymous_auth()}, {}, NoCommonMechanism, "start"),
        ({}, {"virtual_hosts": ()}, VirtualHostRefused, "open"),
        ({}, {"frame_max": 4095}, HandshakeFailed, "tune"),
    ],
)
def test_refusals_have_their_class_and_leave_nothing(
    driver: Driver,
    options: dict[str, object],
    peculiar: dict[str, Any],
    error: type[ConnectionFailed],
    phase: str,
) -> None:
    with Peer(**peculiar) as peer:
        with pytest.raises(error) as raised:
            driver.connect(peer.url(), **options)
        assert raised.value.phase == phase
        assert raised.value.peer == f"127.0.0.1:{peer.port}"
        assert list(raised.value.elapsed)[:2] == ["connect", "header"]


@pytest.mark.parametrize("methods", [[], (), [object()]])
def test_methods_that_cannot_work_are_refused_and_leave_the_endpoint_as_it_was(
    driver: Driver, peer: Peer, methods: list[object]
) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    connection = driver.Connection(endpoint)
    with pytest.raises(InvalidParameter):
        connection.open(methods)  # type: ignore[arg-type]
    assert endpoint.state is EndpointState.OFF
    assert not peer.sessions


def test_virtual_host_that_does_not_fit_is_refused_before_anything_is_sent(
    driver: Driver, peer: Peer
) -> None:
    connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
    with pytest.raises(InvalidParameter, match="virtual_host"):
        connection.open(GUEST, None, "ü" * 128)
    with pytest.raises(InvalidParameter, match="virtual_host"):
        connection.open(GUEST, None, "\ud800")
    assert not peer.sessions
    connection.open(GUEST)
    connection.close()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("host", ""),
        ("host", None),
        ("host", "localhost\0.invalid"),  # the system would look up what is in front
        ("ssl", "yes"),
        ("server_hostname", ""),
        ("server_hostname", ".example.com"),
        ("server_hostname", "a..b"),
        ("server_hostname", "a\0.b"),
        ("server_hostname", 5),
        ("port", 0),
        ("port", 65536),
        ("port", "5672"),
        ("port", True),
        ("protocol", "1-0"),
        ("timeout", 0),
        ("timeout", "3"),
        ("channel_max", -1),
        ("frame_max", 100),
        ("heartbeat", 70000),
        ("initial_frame_max", -1),
        ("client_properties", {"capabilities": "all"}),
    ],
)
def test_endpoint_refuses_what_can_never_work(driver: Driver, argument: str, value: object) -> None:
    with pytest.raises(InvalidParameter, match=argument):
        driver.Endpoint(**{argument: value})  # type: ignore[arg-type]


def test_endpoint_shows_what_it_was_told(driver: Driver) -> None:
    endpoint = driver.Endpoint("::1", timeout=7)
    assert (endpoint.timeout, endpoint.protocol, endpoint.error) == (7.0, "0-9-1", None)
    assert str(endpoint.target) == "[::1]:5672"
    assert driver.Endpoint(timeout=None).timeout is None


def test_reprs_say_what_and_how_and_no_credentials(driver: Driver) -> None:
    secret = "Tr0ub4dor"
    with Peer(users={"ann": secret}) as peer:
        with driver.connect(peer.url(f"ann:{secret}")) as connection:
            channel = connection.endpoint.open_channel()
            shown = [repr(connection), repr(connection.endpoint), repr(channel)]
    assert f"{driver.name}.connection.Connection 127.0.0.1:{peer.port} opened" in shown[0]
    assert f"{driver.name}.endpoint.Endpoint 127.0.0.1:{peer.port} connected" in shown[1]
    assert f"{driver.name}.channel.Channel 1 open" in shown[2]
    assert secret not in "".join(shown)


@pytest.mark.usefixtures("leaks")
def test_both_drivers_have_the_same_names() -> None:
    """The loop is asyncio's own, and there `open_channel` gives what can be awaited."""
    for name in ("Endpoint", "Connection", "Channel"):
        ours, theirs = (
            {word for word in dir(getattr(module, name)) if not word.startswith("_")}
            for module in (amqpconn.asyncio, amqpconn.sync)
        )
        assert ours - theirs <= {"loop"}
        assert theirs - ours == set()


def test_nothing_is_left_of_a_connection_that_is_closed_as_soon_as_it_is_open(
    driver: Driver, peer: Peer
) -> None:
    peer.behaviour.script = [
        After("connection.open-ok", Close(320, "of the test")),  # both in one piece
        On("connection.close-ok", Wait(0.05), Usual()),
    ]
    endpoint = driver.Endpoint(peer.host, peer.port)
    with pytest.raises(ConnectionFailed, match="of the test"):
        driver.Connection(endpoint).open(GUEST)
    assert endpoint.state is EndpointState.FAILED
    assert len(peer.received("connection.close-ok")) == 1
