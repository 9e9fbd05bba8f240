"""Other ways to a real broker than TCP: a Unix socket, and a byte stream of the user's own."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from amqpconn import Content, plain_auth
from amqpconn.sync import Connection
from amqpconn_spec.v0_9_1 import basic, queue
from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.drivers.adapter import Driver


def check_use(connection: Connection) -> None:
    """Open it, and send a message through the broker and back."""
    body = random.Random(3).randbytes(300_000)
    connection.open(plain_auth("guest", "guest"))
    with connection, connection.endpoint.open_channel() as channel:
        name = channel.call(queue.Declare(exclusive=True)).queue
        channel.send(basic.Publish(routing_key=name), Content(body))
        _, content = channel.fetch(basic.Get(queue=name))
        assert content is not None
        assert content.body == body


def test_a_unix_socket_leads_to_the_broker(
    broker: RabbitMQNode, driver: Driver, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with Relay(broker.host, broker.port, path):
        endpoint = driver.Endpoint(path=str(path))
        check_use(driver.Connection(endpoint))
        assert str(path) in repr(endpoint)


def test_tls_is_spoken_through_a_unix_socket(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates, tmp_path: Path
) -> None:
    path, context = tmp_path / "socket", certificates.client_context()
    with Relay(broker.host, broker.tls_port, path):
        check_use(driver.Connection(driver.Endpoint(path=str(path), ssl=context)))


def test_a_socket_of_the_users_own_leads_to_the_broker(
    broker: RabbitMQNode, driver: Driver
) -> None:
    def dial() -> socket.socket:
        return socket.create_connection((broker.host, broker.port), source_address=("127.0.0.3", 0))

    check_use(driver.Connection(driver.Endpoint(connector=driver.connector(dial))))


def test_a_name_is_looked_up(broker: RabbitMQNode, driver: Driver) -> None:
    check_use(driver.Connection(driver.Endpoint("localhost", broker.port)))
