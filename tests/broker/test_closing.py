"""A real broker closes a connection or a channel: who is told, and what they are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from amqpconn import Content
from amqpconn.core.endpoint import EndpointState
from amqpconn.errors import (
    ChannelClosed,
    ConnectionClosed,
    ConnectionForced,
    NoFreeChannel,
    NotFound,
    NotImplementedByPeer,
    NotOpen,
    PreconditionFailed,
    ResourceLocked,
)
from amqpconn_spec.v0_9_1 import basic, queue
from amqpconn_spec.v0_9_1.connection import CloseOk
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.broker.waiting import caught, eventually
from tests.drivers.adapter import Driver


@pytest.fixture
def alarmed(broker: RabbitMQNode) -> Iterator[RabbitMQNode]:
    """The broker, short of memory until the end of the test."""
    broker.set_memory_alarm()
    yield broker
    broker.clear_memory_alarm()


@pytest.fixture
def relay(broker: RabbitMQNode) -> Iterator[Relay]:
    """A way to the broker that shows the bytes of one connection."""
    with Relay(broker.host, broker.port) as started:
        yield started


def test_an_operators_close_reaches_everybody_who_waits(
    alarmed: RabbitMQNode, relay: Relay, driver: Driver
) -> None:
    # A blocked broker answers no call, so there is one that waits.
    name, states = f"forced-{driver.name}", list[EndpointState]()
    connection = driver.connect(f"amqp://127.0.0.1:{relay.port}/", connection_name=name)
    connection.endpoint.on_state_change(lambda _, new: states.append(new))
    channel = connection.endpoint.open_channel()
    channel.send(basic.Publish(routing_key="nowhere"), Content(b"this one blocks"))
    eventually(lambda: connection.is_blocked)
    waiting: list[Callable[[], object]] = [
        lambda: channel.call(queue.Declare(exclusive=True), timeout=10),
        lambda: channel.receive(10),
        lambda: connection.wait_closed(10),
    ]
    with ThreadPoolExecutor(len(waiting)) as threads:
        errors = [threads.submit(caught, ConnectionClosed, wait) for wait in waiting]
        time.sleep(0.2)  # until they wait
        alarmed.close_connection(name, "the operator says so")
    for error in (*(future.result() for future in errors), connection.endpoint.error):
        assert isinstance(error, ConnectionForced)
        assert isinstance(error, ConnectionClosed)
        assert error.reply_code == 320
        assert error.reply_text == "CONNECTION_FORCED - the operator says so"
        assert error.retryable
    assert len({id(error.result()) for error in errors}) == len(errors)
    eventually(lambda: states[-2:] == [EndpointState.DISCONNECTING, EndpointState.FAILED])
    assert not connection.is_open
    with pytest.raises(ConnectionForced):
        connection.wait_closed()
    connection.close()
    with pytest.raises(NotOpen) as raised:
        connection.endpoint.open_channel()
    assert isinstance(raised.value.__cause__, ConnectionForced)
    assert relay.sent.endswith(CloseOk().encode_frame(0))
    eventually(lambda: "closing AMQP connection" in alarmed.log_of(name))
    assert "unexpectedly" not in alarmed.log_of(name)


def test_all_connections_are_closed_at_once(broker: RabbitMQNode, driver: Driver) -> None:
    connections = [driver.connect(broker.url()) for _ in range(5)]
    broker.close_connections("maintenance")
    for connection in connections:
        with pytest.raises(ConnectionForced, match="CONNECTION_FORCED - maintenance"):
            connection.wait_closed(10)
        assert connection.endpoint.state is EndpointState.FAILED


def test_a_hard_error_closes_the_connection_and_names_the_method(
    broker: RabbitMQNode, driver: Driver
) -> None:
    connection = driver.connect(broker.url())
    guilty, innocent = (connection.endpoint.open_channel() for _ in range(2))
    guilty.send(basic.Publish(routing_key="q", immediate=True), Content())
    with pytest.raises(NotImplementedByPeer) as raised:
        innocent.receive(10)
    assert isinstance(raised.value, ConnectionClosed)
    assert (raised.value.reply_code, raised.value.failing_method) == (540, "basic.publish")
    with pytest.raises(NotImplementedByPeer):
        connection.wait_closed(10)
    assert isinstance(guilty.error, NotImplementedByPeer)
    connection.close()


def test_a_missing_queue_fails_its_channel_and_no_other(
    broker: RabbitMQNode, driver: Driver
) -> None:
    with driver.connect(broker.url()) as connection:
        guilty, innocent = (connection.endpoint.open_channel() for _ in range(2))
        with ThreadPoolExecutor(1) as thread:
            calls = thread.submit(
                lambda: [innocent.call(queue.Declare(exclusive=True)) for _ in range(50)]
            )
            with pytest.raises(NotFound) as raised:
                guilty.call(queue.Declare(queue="no such queue", passive=True))
            assert len({declared.queue for declared in calls.result()}) == 50
        error = raised.value
        assert isinstance(error, ChannelClosed)
        assert (error.reply_code, error.failing_method, error.channel) == (404, "queue.declare", 1)
        assert error.reply_text == "NOT_FOUND - no queue 'no such queue' in vhost '/'"
        assert not guilty.is_open
        assert isinstance(guilty.error, NotFound)
        with pytest.raises(NotOpen) as again:
            guilty.call(queue.Declare(exclusive=True))
        assert isinstance(again.value.__cause__, NotFound)
        with pytest.raises(NotFound):
            guilty.receive()
        assert innocent.is_open
        assert connection.is_open
        guilty.close()
        with connection.endpoint.open_channel() as successor:
            assert successor.id == 1
            assert successor.call(queue.Declare(exclusive=True)).message_count == 0
        assert not guilty.is_open


def test_a_channel_that_nobody_calls_on_learns_why_it_was_closed(
    broker: RabbitMQNode, driver: Driver
) -> None:
    with (
        driver.connect(broker.url()) as connection,
        connection.endpoint.open_channel() as channel,
    ):
        channel.send(basic.Ack(delivery_tag=99))
        with pytest.raises(PreconditionFailed, match="unknown delivery tag 99") as raised:
            channel.receive(10)
        assert isinstance(raised.value, ChannelClosed)
        assert raised.value.reply_code == 406
        assert connection.is_open


def test_a_queue_of_another_connection_is_locked(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(broker.url()) as one, driver.connect(broker.url()) as other:
        name = f"mine-{driver.name}"
        one.endpoint.open_channel().call(queue.Declare(queue=name, exclusive=True))
        with pytest.raises(ResourceLocked) as raised:
            other.endpoint.open_channel().call(queue.Declare(queue=name))
        assert isinstance(raised.value, ChannelClosed)
        assert raised.value.reply_code == 405


def test_channel_max_is_kept_and_ids_are_used_again(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(broker.url(), channel_max=3) as connection:
        channels = [connection.endpoint.open_channel() for _ in range(3)]
        assert [channel.id for channel in channels] == [1, 2, 3]
        with pytest.raises(NoFreeChannel, match="all 3 channels"):
            connection.endpoint.open_channel()
        channels[1].close()
        again = connection.endpoint.open_channel()
        assert again.id == 2
        for channel in (channels[0], again, channels[2]):
            assert channel.call(queue.Declare(exclusive=True)).consumer_count == 0


def test_channels_one_after_the_other_need_one_id(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(broker.url(), channel_max=1) as connection:
        for _ in range(100):
            with connection.endpoint.open_channel() as channel:
                assert channel.id == 1
