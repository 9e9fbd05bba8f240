"""What a URL says, and what the options of `connect` say over it, reaches its place."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

import amqpconn.sync
from amqpconn import _plan, amqplain_auth
from amqpconn.errors import AuthenticationRefused, InvalidURL
from amqpconn.testing import Peer
from tests.drivers.adapter import Driver
from tests.secrets.search import in_reach

Connection = amqpconn.sync.Connection
Look = Callable[[Connection, Peer], object]

LOOKS: dict[str, Look] = {
    "heartbeat": lambda connection, _: connection.tuning.heartbeat,
    "frame_max": lambda connection, _: connection.tuning.frame_max,
    "channel_max": lambda connection, _: connection.tuning.channel_max,
    "flight_recorder": lambda connection, _: connection.transcript and len(connection.transcript),
    "connection_timeout": lambda connection, _: connection.endpoint.timeout,
    "auth_mechanism": lambda connection, _: connection.mechanism,
    "locale": lambda connection, _: connection.locale,
    "connection_name": lambda _, peer: peer.sessions[0].client_properties["connection_name"],
}
GIVEN = [
    ("heartbeat", "7", 7),
    ("heartbeat", "0", 0),
    ("frame_max", "8192", 8192),
    ("channel_max", "5", 5),
    ("connection_timeout", "1.5", 1.5),
    ("flight_recorder", "3", 3),
    ("flight_recorder", "0", None),
    ("auth_mechanism", "amqplain", "AMQPLAIN"),
    ("auth_mechanism", "EXTERNAL&auth_mechanism=PLAIN", "PLAIN"),
    ("auth_mechanism", "anonymous", "ANONYMOUS"),
    ("locale", "de_DE", "de_DE"),
    ("connection_name", "a%20name", "a name"),
]
PEER: dict[str, Any] = {
    "mechanisms": ("PLAIN", "AMQPLAIN", "ANONYMOUS"),
    "locales": ("en_US", "de_DE"),
    "virtual_hosts": ("/", "a/b"),
    "users": {"guest": "guest", "ann": "p@ss/word"},
}


@pytest.mark.parametrize(("key", "text", "value"), GIVEN)
def test_every_key_of_the_query_has_its_effect(
    driver: Driver, key: str, text: str, value: object
) -> None:
    with Peer(**PEER) as peer, driver.connect(peer.url(query=f"{key}={text}")) as connection:
        assert LOOKS[key](connection, peer) == value


@pytest.mark.parametrize(
    ("query", "option", "given", "key", "value"),
    [
        ("heartbeat=7", "heartbeat", 9, "heartbeat", 9),
        ("frame_max=8192", "frame_max", 16384, "frame_max", 16384),
        ("channel_max=5", "channel_max", 6, "channel_max", 6),
        ("connection_timeout=5", "timeout", 6, "connection_timeout", 6.0),
        ("connection_timeout=5", "timeout", None, "connection_timeout", None),
        ("locale=de_DE", "locale", "en_US", "locale", "en_US"),
        ("connection_name=x", "connection_name", "y", "connection_name", "y"),
        (
            "auth_mechanism=PLAIN",
            "auth_methods",
            amqplain_auth("guest", "guest"),
            "auth_mechanism",
            "AMQPLAIN",
        ),
    ],
)
def test_options_win_over_the_url(
    driver: Driver, query: str, option: str, given: object, key: str, value: object
) -> None:
    options = {option: given}
    with Peer(**PEER) as peer, driver.connect(peer.url(query=query), **options) as connection:
        assert LOOKS[key](connection, peer) == value


def test_without_a_query_the_server_decides(driver: Driver) -> None:
    with Peer(channel_max=11, frame_max=9000, heartbeat=0) as peer:
        with driver.connect(peer.url()) as connection:
            tuning = connection.tuning
            assert (tuning.channel_max, tuning.frame_max, tuning.heartbeat) == (11, 9000, 0)
            assert connection.endpoint.timeout == 30.0


def test_user_password_and_virtual_host_are_decoded(driver: Driver) -> None:
    with Peer(**PEER) as peer:
        with driver.connect(peer.url("ann:p%40ss%2Fword", "a%2Fb")):
            assert peer.sessions[0].virtual_host == "a/b"


def test_ipv6_addresses_are_reached(driver: Driver) -> None:
    with Peer(host="::1") as peer, driver.connect(peer.url()) as connection:
        assert str(connection.endpoint.target) == f"[::1]:{peer.port}"


def test_names_are_looked_up(driver: Driver, peer: Peer) -> None:
    with driver.connect(f"amqp://localhost:{peer.port}") as connection:
        assert connection.is_open


@pytest.mark.parametrize("url", ["http://localhost", "amqp://h/?colour=red", "amqp://h:0/"])
def test_wrong_urls_are_told_when_the_connection_is_to_be_made(driver: Driver, url: str) -> None:
    with pytest.raises(InvalidURL):
        driver.connect(url)


def test_unknown_options_are_errors(driver: Driver, peer: Peer) -> None:
    with pytest.raises(TypeError, match="colour"):
        driver.connect(peer.url(), colour="red")
    assert not peer.sessions


def test_connections_to_a_place_share_what_describes_it_and_not_their_users(
    driver: Driver,
) -> None:
    with (
        Peer(**PEER) as peer,
        driver.connect(peer.url()) as first,
        driver.connect(peer.url("ann:p%40ss%2Fword")) as second,
        driver.connect(peer.url(), heartbeat=7) as third,
        driver.connect(peer.url()) as fourth,
    ):
        assert first.endpoint.target is second.endpoint.target is fourth.endpoint.target
        heartbeats = [each.tuning.heartbeat for each in (first, third, fourth)]
        assert heartbeats[1] == 7
        assert heartbeats[0] == heartbeats[2] != 7
        with pytest.raises(AuthenticationRefused):
            driver.connect(peer.url("ann:guest"))


def test_no_user_and_no_password_is_kept_with_a_place() -> None:
    _plan._known.cache_clear()
    for url in (
        "amqp://c4n4ry-u53r:c4n4ry-p455@localhost/",
        "amqp://c4n4ry-u53r@localhost/?locale=a",
    ):
        for _ in range(3):
            _plan.planned(amqpconn.sync.Endpoint, url)
    assert "localhost/?locale=a" in repr(gc.get_referents(_plan._known))
    assert in_reach([_plan._known]) == []
