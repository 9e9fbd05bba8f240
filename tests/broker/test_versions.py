"""A real broker in each version of the protocol that it speaks, in both drivers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from amqpconn import Content
from amqpconn.errors import AuthenticationRefused, ChannelClosed, NotFound, VirtualHostRefused
from amqpconn_spec import VERSIONS
from tests.broker.rabbitmq import RabbitMQNode
from tests.drivers.adapter import Driver

BODY = bytes(range(256)) * 1200


@pytest.mark.parametrize("protocol", [*VERSIONS, "auto"])
def test_open_declare_publish_get_and_close(
    broker: RabbitMQNode, driver: Driver, protocol: str
) -> None:
    spoken = "0-9-1" if protocol == "auto" else protocol
    spec: Any = import_module(f"amqpconn_spec.{VERSIONS[spoken]}")
    with driver.connect(broker.url(), protocol=protocol) as connection:
        assert connection.protocol_version == spoken
        with connection.endpoint.open_channel() as channel:
            name = channel.call(spec.queue.Declare(exclusive=True)).queue
            properties = spec.basic.Properties(content_type="text/plain", headers={"n": 1})
            channel.send(spec.basic.Publish(routing_key=name), Content(BODY, properties))
            reply, content = channel.fetch(spec.basic.Get(queue=name, no_ack=True))
            assert isinstance(reply, spec.basic.GetOk)
            assert content == Content(BODY, properties)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_refusals_say_the_same_in_every_version(
    broker: RabbitMQNode, driver: Driver, protocol: str
) -> None:
    spec: Any = import_module(f"amqpconn_spec.{VERSIONS[protocol]}")
    with pytest.raises(AuthenticationRefused, match="ACCESS_REFUSED"):
        driver.connect(broker.url("guest", "wrong"), protocol=protocol)
    with pytest.raises(VirtualHostRefused, match="vhost nowhere not found"):
        driver.connect(broker.url(virtual_host="nowhere"), protocol=protocol)
    with driver.connect(broker.url(), protocol=protocol) as connection:
        channel = connection.endpoint.open_channel()
        with pytest.raises(NotFound) as caught:
            channel.call(spec.queue.Declare(queue="missing", passive=True))
        assert isinstance(caught.value, ChannelClosed)
