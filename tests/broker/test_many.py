"""Two hundred connections to a real broker, all at the same time."""

from __future__ import annotations

from amqpconn.sync import Connection
from amqpconn_spec.v0_9_1 import queue
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import together
from tests.drivers.adapter import Driver

COUNT = 200


def test_two_hundred_connections_open_work_and_close_together(
    broker: RabbitMQNode, driver: Driver
) -> None:
    def use(connection: Connection) -> str:
        with connection.endpoint.open_channel() as channel:
            return channel.call(queue.Declare(exclusive=True)).queue

    connections = together(driver.connect, [broker.url()] * COUNT)
    assert broker.connection_count() == COUNT
    assert len(set(together(use, connections))) == COUNT
    assert all(connection.is_open for connection in connections)
    together(lambda connection: connection.close(), connections)
    assert not any(connection.is_open for connection in connections)
    assert all(connection.endpoint.error is None for connection in connections)
