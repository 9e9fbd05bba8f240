"""What the flight recorder has of conversations with a real broker."""

from __future__ import annotations

import pytest

from amqpconn.errors import AMQPError, AuthenticationRefused, NotFound
from amqpconn_spec.v0_9_1 import queue
from tests.broker.rabbitmq import RabbitMQNode
from tests.drivers.adapter import Driver


def names(error: AMQPError) -> list[str]:
    assert error.transcript is not None
    return [f"{'>' if frame.is_sent else '<'} {frame.name}" for frame in error.transcript]


def test_of_a_refused_login(broker: RabbitMQNode, driver: Driver) -> None:
    with pytest.raises(AuthenticationRefused) as raised:
        driver.connect(broker.url(password="not-a-secret"), flight_recorder=100)
    assert names(raised.value) == [
        "> protocol header",
        "< connection.start",
        "> connection.start-ok",
        "< connection.close",
    ]
    text = str(raised.value.transcript)
    assert "server_properties={'capabilities': {'publisher_confirms': True" in text
    assert "mechanism='PLAIN', response=<secret>, locale='en_US'" in text
    assert "reply_code=403, reply_text='ACCESS_REFUSED - Login was refused" in text
    assert "not-a-secret" not in text


def test_of_a_channel_that_the_broker_closed(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(f"{broker.url()}?flight_recorder=4") as connection:
        channel = connection.endpoint.open_channel()
        with pytest.raises(NotFound) as raised:
            channel.call(queue.Declare(queue="no-such-queue", passive=True))
        assert names(raised.value) == [
            "> channel.open",
            "< channel.open-ok",
            "> queue.declare",
            "< channel.close",
        ]
        *_, declare, close = str(raised.value.transcript).splitlines()
        assert "->     1 queue.declare(queue='no-such-queue', passive=True" in declare
        assert '<-     1 channel.close(reply_code=404, reply_text="NOT_FOUND - no queue' in close
        assert connection.is_open
