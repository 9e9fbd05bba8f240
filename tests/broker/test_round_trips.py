"""How often the network is crossed before there is a channel: counted in a relay, not timed."""

from __future__ import annotations

from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.drivers.adapter import Driver


def test_the_first_channel_costs_no_round_trip_of_its_own(
    broker: RabbitMQNode, driver: Driver
) -> None:
    with Relay(broker.host, broker.port) as relay:
        url = f"amqp://guest:guest@127.0.0.1:{relay.port}"
        with driver.connect(url, first_channel=True) as connection:
            assert connection.first_channel.is_open
            assert relay.turns == ["><><><"]
        with driver.connect(url) as connection, connection.endpoint.open_channel():
            assert relay.turns[1] == "><><><><"
