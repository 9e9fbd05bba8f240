"""The channel that is asked for with the connection: when its request goes out, and how it ends."""

from __future__ import annotations

import pytest

from amqpconn import plain_auth
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Call, ChannelState, Event, Opened
from amqpconn.core.handshake import OpenRequest
from amqpconn.errors import (
    CallTimeout,
    ChannelClosed,
    HungUpInUse,
    NotAllowed,
    NotOpen,
    OpenTimeout,
    VirtualHostRefused,
    WrongChannel,
)
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import channel, connection
from tests.core.server import HEADER, START, TUNE, Client

RABBITMQ = connection.Start(0, 9, {"product": "RabbitMQ"}, b"PLAIN", b"en_US")
OTHERS = [
    START,
    connection.Start(0, 9, {}, b"PLAIN", b"en_US"),
    connection.Start(0, 9, {"product": "LavinMQ"}, b"PLAIN", b"en_US"),
    connection.Start(0, 9, {"product": "rabbitmq"}, b"PLAIN", b"en_US"),
    connection.Start(0, 9, {"product": ["RabbitMQ"]}, b"PLAIN", b"en_US"),
]


def tuned(start: connection.Start = RABBITMQ, tune: connection.Tune = TUNE) -> Client:
    """A client that wants a channel, when tune has come; what it says then is yet to be sent."""
    client = Client()
    request = OpenRequest([plain_auth("guest", "guest")], "en_US", "/", first_channel=True)
    client.core.connecting(request, client.now)
    client.core.connected(client.now)
    assert client.core.data_to_send(client.now) == HEADER
    client.feed(start)
    client.sent()
    client.feed(tune)
    return client


def first(client: Client) -> Call:
    assert client.core.first is not None
    return client.core.first


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def names(methods: list[Method]) -> list[str]:
    return [method.NAME for method in methods]


def test_a_rabbitmq_is_asked_in_the_same_breath_as_for_the_virtual_host() -> None:
    client = tuned()
    assert names(client.methods()) == ["connection.tune-ok", "connection.open", "channel.open"]
    client.feed(connection.OpenOk())
    assert kinds(client.events()) == [Opened]
    assert client.sent() == []
    client.feed(channel.OpenOk(), 1)
    assert client.events() == [first(client)]
    assert first(client).reply == channel.OpenOk()
    assert first(client).channel.state is ChannelState.OPEN


@pytest.mark.parametrize("start", OTHERS, ids=lambda start: str(start.server_properties))
def test_any_other_server_is_asked_when_the_connection_is_open(start: connection.Start) -> None:
    client = tuned(start)
    assert names(client.methods()) == ["connection.tune-ok", "connection.open"]
    client.feed(connection.OpenOk())
    assert names(client.methods()) == ["channel.open"]
    client.feed(channel.OpenOk(), 1)
    assert first(client).reply == channel.OpenOk()


def test_both_answers_at_once_are_told_in_order() -> None:
    client = tuned()
    client.feed(connection.OpenOk().encode_frame(0) + channel.OpenOk().encode_frame(1))
    assert kinds(client.events()) == [Opened, Call]


def test_without_being_asked_for_there_is_none() -> None:
    client = Client().connect()
    for method in (RABBITMQ, TUNE, connection.OpenOk()):
        client.feed(method)
    assert "channel.open" not in names(client.methods())
    assert client.core.first is None


def test_a_single_channel_is_enough() -> None:
    client = tuned(tune=connection.Tune(1, 131072, 60))
    client.feed(connection.OpenOk())
    client.feed(channel.OpenOk(), 1)
    assert first(client).channel.id == 1


def test_a_refused_virtual_host_is_the_reason_for_both() -> None:
    client = tuned()
    client.feed(connection.Close(530, "NOT_ALLOWED - vhost / not found", 10, 40))
    assert isinstance(client.down(), VirtualHostRefused)
    assert isinstance(first(client).error, VirtualHostRefused)
    assert first(client).error is not client.core.error  # each caller has its own


def test_the_end_of_the_stream_while_it_is_waited_for() -> None:
    client = tuned()
    client.feed(connection.OpenOk())
    client.eof()
    assert isinstance(client.down(), HungUpInUse)
    assert isinstance(first(client).error, HungUpInUse)


def test_a_close_of_the_server_while_it_is_waited_for() -> None:
    client = tuned()
    client.feed(connection.OpenOk())
    client.feed(connection.Close(530, "NOT_ALLOWED - number of channels", 20, 10))
    error = client.down()
    assert isinstance(error, NotAllowed)
    assert error.failing_method == "channel.open"
    assert isinstance(first(client).error, NotAllowed)


def test_a_refused_channel_leaves_the_connection_open() -> None:
    client = tuned()
    client.feed(connection.OpenOk())
    client.feed(channel.Close(504, "CHANNEL_ERROR - no", 20, 10), 1)
    assert isinstance(first(client).error, ChannelClosed)
    assert client.core.state is EndpointState.CONNECTED


def test_an_answer_for_it_before_the_connection_is_open_is_wrong() -> None:
    client = tuned()
    client.feed(channel.OpenOk(), 1)
    assert isinstance(client.error, WrongChannel)


def test_it_has_what_is_left_of_the_deadline() -> None:
    client = tuned()
    client.wait(29.0)
    client.feed(connection.OpenOk())
    client.wait(0.9)
    assert not first(client).done
    client.wait(0.2)
    assert isinstance(first(client).error, CallTimeout)
    assert client.core.error is None


def test_before_open_ok_the_deadline_is_the_connections() -> None:
    client = tuned()
    client.wait(31.0)
    assert isinstance(client.down(), OpenTimeout)
    assert isinstance(first(client).error, OpenTimeout)


def test_a_user_who_closes_meanwhile_gets_neither() -> None:
    client = tuned()
    client.feed(connection.OpenOk())
    client.core.close(client.now)
    client.feed(connection.CloseOk())
    assert client.down() is None
    assert isinstance(first(client).error, NotOpen)


def test_it_is_asked_for_again_where_the_server_sends_us_on() -> None:
    client = Client(protocol="0-9")
    request = OpenRequest([plain_auth("guest", "guest")], "en_US", "/", first_channel=True)
    client.core.connecting(request, client.now)
    spec = client.core.dialect.package.connection
    for product in ("RabbitMQ", "RabbitMQ"):
        client.core.connected(client.now)
        client.core.receive_data(
            spec.Start(0, 9, {"product": product}, b"PLAIN", b"en_US").encode_frame(0), client.now
        )
        client.core.receive_data(spec.Tune(9, 131072, 60).encode_frame(0), client.now)
        asked = first(client)
        assert not asked.done
        client.core.receive_data(spec.Redirect(host="other").encode_frame(0), client.now)
        assert asked.done
        assert client.core.first is None
    assert client.core.next_deadline() is not None  # the deadline for opening runs on
