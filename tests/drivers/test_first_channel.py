"""A channel with the connection, in both drivers."""

from __future__ import annotations

import pytest

from amqpconn.errors import (
    CallTimeout,
    ChannelClosed,
    NotAllowed,
    NotOpen,
    PeerHungUp,
    VirtualHostRefused,
)
from amqpconn.testing import Close, Cut, Ignore, On, Peer, Refuse, Wait
from amqpconn.testing.rules import Rule
from amqpconn_spec.v0_9_1 import queue
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, Background, eventually

PRODUCTS = pytest.mark.parametrize("product", ["RabbitMQ", "another"])


def peer_of(product: str, *script: Rule) -> Peer:
    return Peer(server_properties={"product": product}, script=list(script))


@PRODUCTS
def test_it_is_open_and_of_use(driver: Driver, product: str) -> None:
    with peer_of(product) as peer, driver.connect(peer.url(), first_channel=True) as connection:
        channel = connection.first_channel
        assert channel.is_open
        assert channel is not connection.endpoint.open_channel()
        channel.call(queue.Declare(queue="q"))
        assert [each.channel for each in peer.received(queue.Declare)] == [1]
        channel.close()
        assert not connection.first_channel.is_open


@PRODUCTS
def test_an_answer_that_takes_its_time_is_waited_for(driver: Driver, product: str) -> None:
    slow = On("channel.open", Wait(0.02), lambda moment: moment.usual())
    with (
        peer_of(product, slow) as peer,
        driver.connect(peer.url(), first_channel=True) as connection,
    ):
        assert connection.first_channel.is_open


def test_without_asking_there_is_none(driver: Driver, peer: Peer) -> None:
    connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
    with pytest.raises(NotOpen, match="first_channel=True"):
        _ = connection.first_channel
    connection.open(GUEST)
    with pytest.raises(NotOpen, match="first_channel=True"):
        _ = connection.first_channel
    connection.close()


@PRODUCTS
@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (On("connection.open", Refuse(530, "NOT_ALLOWED - vhost / not found")), VirtualHostRefused),
        (On("channel.open", Refuse(504, "CHANNEL_ERROR - no")), ChannelClosed),
        (On("channel.open", Close(530, "NOT_ALLOWED - number of channels")), NotAllowed),
        (On("channel.open", Cut()), PeerHungUp),
    ],
    ids=["virtual host", "channel", "limit", "end"],
)
def test_whatever_goes_wrong_has_its_error_and_leaves_nothing(
    driver: Driver, product: str, rule: Rule, error: type[Exception]
) -> None:
    with peer_of(product, rule) as peer:
        endpoint = driver.Endpoint(peer.host, peer.port)
        connection = driver.Connection(endpoint)
        with pytest.raises(error):
            connection.open(GUEST, first_channel=True)
        assert not connection.is_open
        assert endpoint.state.value in ("disconnected", "failed")
        peer.wait_until(lambda: not peer._server.clients)


def test_silence_ends_at_the_deadline(driver: Driver) -> None:
    with (
        peer_of("RabbitMQ", On("channel.open", Ignore())) as peer,
        pytest.raises(CallTimeout, match=r"no answer to channel\.open"),
    ):
        driver.connect(peer.url(), first_channel=True, timeout=0.3)


def test_whoever_closes_meanwhile_is_not_waited_for(driver: Driver) -> None:
    with peer_of("RabbitMQ", On("channel.open", Ignore())) as peer:
        connection = driver.Connection(driver.Endpoint(peer.host, peer.port))
        opening = Background(lambda: connection.open(GUEST, first_channel=True))
        eventually(lambda: connection.is_open)
        connection.close()
        assert isinstance(opening.error(), NotOpen)
