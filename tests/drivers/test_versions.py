"""Older versions, the one that the server offers, and redirects, in both drivers."""

from __future__ import annotations

import socket
from importlib import import_module
from typing import Any

import pytest

from amqpconn import Content
from amqpconn.errors import ConnectRefused, RedirectRefused, VersionRefused
from amqpconn.testing import Peer
from amqpconn_spec import VERSIONS
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_message_goes_there_and_back_in_every_version(
    driver: Driver, peer: Peer, protocol: str
) -> None:
    spec: Any = import_module(f"amqpconn_spec.{VERSIONS[protocol]}")
    with driver.connect(peer.url(), protocol=protocol) as connection:
        assert connection.protocol_version == protocol
        with connection.endpoint.open_channel() as channel:
            channel.call(spec.queue.Declare(queue="q"))
            properties = spec.basic.Properties(message_id="1")
            channel.send(spec.basic.Publish(routing_key="q"), Content(b"hello", properties))
            reply, content = channel.fetch(spec.basic.Get(queue="q"))
    assert isinstance(reply, spec.basic.GetOk)
    assert content == Content(b"hello", properties)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_auto_takes_what_the_server_offers(driver: Driver, protocol: str) -> None:
    with Peer(protocols=[protocol]) as peer:
        with driver.connect(peer.url(), protocol="auto") as connection:
            assert connection.protocol_version == protocol
            assert len(connection.detours) == (protocol != "0-9-1")
            assert connection.endpoint.protocol == protocol
        assert len(peer.sessions) == 1 + (protocol != "0-9-1")


def test_auto_gives_up_on_a_version_that_we_do_not_have(driver: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> socket.socket:
            sock = socket.create_connection(listener.getsockname())
            accepted, _ = listener.accept()
            accepted.sendall(b"AMQP\x01\x01\x00\x0a")
            accepted.close()
            return sock

        endpoint = driver.Endpoint(protocol="auto", connector=driver.connector(answer))
        with pytest.raises(VersionRefused, match="AMQP 0-10"):
            driver.Connection(endpoint).open(GUEST)


def test_a_redirect_is_followed(driver: Driver) -> None:
    with Peer() as there, Peer(redirect_to=f"{there.host}:{there.port}") as here:
        with driver.connect(here.url(), protocol="0-8") as connection:
            assert f":{there.port} " in repr(connection)
            (detour,) = connection.detours
            assert detour.peer == f"{here.host}:{here.port}"
        there.wait_for("connection.close")
        assert not here.received("connection.close")


def test_the_version_is_found_and_then_a_redirect_followed(driver: Driver) -> None:
    with Peer(protocols=["0-8"]) as there:
        target = f"{there.host}:{there.port}"
        with (
            Peer(protocols=["0-8"], redirect_to=target) as here,
            driver.connect(here.url(), protocol="auto") as connection,
        ):
            assert [detour.is_redirect for detour in connection.detours] == [False, True]


def test_redirects_are_bounded(driver: Driver, peer: Peer) -> None:
    peer.behaviour.redirect_to = f"{peer.host}:{peer.port}"
    with pytest.raises(RedirectRefused, match="2 redirects are followed"):
        driver.connect(peer.url(), protocol="0-9", max_redirects=2)
    assert len(peer.sessions) == 3


def test_a_client_that_insists_is_not_redirected(driver: Driver, peer: Peer) -> None:
    peer.behaviour.redirect_to = "nowhere.invalid"
    with driver.connect(peer.url(), protocol="0-8", max_redirects=0) as connection:
        assert connection.detours == []


def test_a_stream_of_ones_own_cannot_be_redirected(driver: Driver, peer: Peer) -> None:
    peer.behaviour.redirect_to = "elsewhere"
    connector = driver.connector(lambda: socket.create_connection((peer.host, peer.port)))
    with pytest.raises(RedirectRefused, match="stream of your own"):
        driver.connect(peer.url(), protocol="0-8", connector=connector)


def test_a_stream_of_ones_own_is_made_again_for_another_version(driver: Driver) -> None:
    with Peer(protocols=["0-8"]) as peer:
        connector = driver.connector(lambda: socket.create_connection((peer.host, peer.port)))
        with driver.connect(peer.url(), protocol="auto", connector=connector) as connection:
            assert connection.protocol_version == "0-8"


def test_a_redirect_to_nowhere_is_told_with_the_new_address(driver: Driver, peer: Peer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    peer.behaviour.redirect_to = f"127.0.0.1:{port}"
    with pytest.raises(ConnectRefused, match=f"127.0.0.1:{port}"):
        driver.connect(peer.url(), protocol="0-8")
