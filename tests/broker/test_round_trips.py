"""How often the network is crossed before there is a channel: counted in a relay, not timed. And
what a broker makes of all that comes at once (fast open).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from amqpconn import Credentials, forget_servers, plain_auth
from amqpconn.errors import AuthenticationRefused, VirtualHostRefused
from amqpconn_spec.v0_9_1 import queue
from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.drivers.adapter import Driver


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    forget_servers()
    yield
    forget_servers()


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


def test_fast_open_takes_one_round_trip(broker: RabbitMQNode, driver: Driver) -> None:
    with Relay(broker.host, broker.port) as relay:
        url = f"amqp://guest:guest@127.0.0.1:{relay.port}"
        for trips in (3, 1, 1):
            with driver.connect(url, first_channel=True, fast_open=True) as connection:
                assert connection.first_channel.is_open
                assert relay.turns[-1] == "><" * trips
                assert connection.opened_fast is (trips == 1)
                assert connection.detours == []
                connection.first_channel.call(queue.Declare(exclusive=True))


def test_fast_open_takes_one_round_trip_beside_those_of_tls(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # which takes turns; 1.3 talks in between
    options = {"ssl": context, "server_hostname": "localhost", "fast_open": True}
    with Relay(broker.host, broker.tls_port) as relay:
        url = f"amqps://guest:guest@127.0.0.1:{relay.port}"
        for trips in (3, 1):
            with driver.connect(url, first_channel=True, **options) as connection:
                assert relay.turns[-1] == "><><" + "><" * trips
                assert connection.opened_fast is (trips == 1)


def test_fast_open_with_credentials_that_are_fetched_and_another_mechanism(
    broker: RabbitMQNode, driver: Driver
) -> None:
    url = f"{broker.url()}?auth_mechanism=AMQPLAIN"
    for is_fast in (False, True):
        with driver.connect(
            url, credentials=lambda: Credentials("guest", "guest"), fast_open=True
        ) as connection:
            assert connection.opened_fast is is_fast
            assert connection.mechanism == "AMQPLAIN"


def test_a_wrong_password_after_a_right_one_is_refused_as_ever(
    broker: RabbitMQNode, driver: Driver
) -> None:
    driver.connect(broker.url(), fast_open=True).close()
    with pytest.raises(AuthenticationRefused) as raised:
        driver.connect(broker.url(password="not-it"), fast_open=True)
    assert (raised.value.reply_code, raised.value.phase) == (403, "start")
    connection = driver.Connection(driver.Endpoint(broker.host, broker.port, fast_open=True))
    connection.open(plain_auth("guest", "guest"))
    assert not connection.opened_fast
    connection.close()


def test_a_virtual_host_that_is_gone_is_refused_as_ever(
    broker: RabbitMQNode, driver: Driver
) -> None:
    name = f"gone-{driver.name}"
    allowed = f'<<"guest">>, <<"{name}">>, <<>>, <<>>, <<>>, <<"test">>'
    broker.eval(f'rabbit_vhost:add(<<"{name}">>, <<"test">>)')
    broker.eval(f"rabbit_auth_backend_internal:set_permissions({allowed})")
    try:
        url = broker.url(virtual_host=name)
        driver.connect(url, fast_open=True).close()
        with driver.connect(url, fast_open=True) as connection:
            assert connection.opened_fast
    finally:
        broker.eval(f'rabbit_vhost:delete(<<"{name}">>, <<"test">>)')
    with pytest.raises(VirtualHostRefused, match=f"vhost {name} not found"):
        driver.connect(url, first_channel=True, fast_open=True)
