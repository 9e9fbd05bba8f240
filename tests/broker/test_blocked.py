"""A real broker that is short of memory: it blocks those who publish, and says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from amqpconn import Content
from amqpconn.errors import CallTimeout
from amqpconn.sync import Channel
from amqpconn_spec.v0_9_1 import basic, confirm, queue
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import eventually
from tests.drivers.adapter import Driver

REASON = "low on memory"


@contextmanager
def alarm(broker: RabbitMQNode) -> Iterator[None]:
    """Keep the broker short of memory for the length of a `with` block."""
    broker.set_memory_alarm()
    try:
        yield
    finally:
        broker.clear_memory_alarm()


def test_who_publishes_is_blocked_and_unblocked(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(broker.url()) as publisher, driver.connect(broker.url()) as consumer:
        told = list[str | None]()
        publisher.endpoint.on_blocked(told.append)
        channel = publisher.endpoint.open_channel()
        name = channel.call(queue.Declare(exclusive=True)).queue
        channel.call(confirm.Select())
        with alarm(broker):
            assert not publisher.is_blocked
            channel.send(basic.Publish(routing_key=name), Content(b"first"))
            eventually(lambda: publisher.is_blocked)
            assert publisher.blocked_reason == REASON
            channel.send(basic.Publish(routing_key=name), Content(b"second"))
            with pytest.raises(CallTimeout, match=f"still blocked after 0.1 s: {REASON}"):
                publisher.wait_unblocked(timeout=0.1)
            # Who only takes messages is not blocked.
            consumer.wait_unblocked(timeout=0)
            with consumer.endpoint.open_channel() as other:
                assert other.call(queue.Declare(exclusive=True)).message_count == 0
            assert not consumer.is_blocked
        publisher.wait_unblocked(timeout=10)
        assert not publisher.is_blocked
        assert publisher.blocked_reason is None
        tag = 0
        while tag < 2:
            ack, _ = channel.receive(10)
            assert isinstance(ack, basic.Ack)
            tag = ack.delivery_tag
        assert channel.call(queue.Purge(queue=name)).message_count == 2
        eventually(lambda: told == [REASON, None])


def test_a_blocked_connection_closes_without_waiting_for_the_broker(
    broker: RabbitMQNode, driver: Driver
) -> None:
    with alarm(broker):
        connection = driver.connect(broker.url())
        channel = connection.endpoint.open_channel()
        channel.send(basic.Publish(routing_key="nowhere"), Content(b"x"))
        eventually(lambda: connection.is_blocked)
        began = time.monotonic()
        connection.close(timeout=20)
        assert time.monotonic() - began < 3
        assert not connection.is_open
        assert connection.endpoint.error is None
    connection.wait_closed(timeout=0)


def fill(channel: Channel) -> None:
    """Publish until the stream takes no more, which is a CallTimeout."""
    for _ in range(100):
        channel.send(basic.Publish(routing_key="nowhere"), Content(bytes(1_000_000)), timeout=0.2)


def test_a_blocked_connection_whose_stream_is_full_closes_as_quickly(
    broker: RabbitMQNode, driver: Driver
) -> None:
    """The broker reads no more, so neither what waits nor the close gets there, nor an answer."""
    with alarm(broker):
        connection = driver.connect(broker.url(), heartbeat=0)
        channel = connection.endpoint.open_channel()
        with pytest.raises(CallTimeout):
            fill(channel)
        eventually(lambda: connection.is_blocked)
        began = time.monotonic()
        connection.close(timeout=20)
        assert time.monotonic() - began < 2
        assert connection.endpoint.error is None
    connection.wait_closed(timeout=0)
