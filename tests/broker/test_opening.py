"""Opening and closing on a real broker: what it grants, what it refuses, and what it says of us."""

from __future__ import annotations

import platform
import time

import pytest

from amqpconn import AuthMethod, amqplain_auth, anonymous_auth, external_auth, plain_auth
from amqpconn.config import __version__
from amqpconn.errors import AuthenticationRefused, NoCommonMechanism, VirtualHostRefused
from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import caught, eventually, together
from tests.drivers.adapter import Driver


class CRDemo(AuthMethod):
    """RabbitMQ's demonstration of a challenge, as a user of the library would write it."""

    name = "RABBIT-CR-DEMO"

    def __init__(self, username: str, password: str) -> None:
        self.challenges: list[bytes] = []
        self._username = username
        self._password = password

    def initial_response(self) -> bytes:
        return self._username.encode()

    def respond(self, challenge: bytes) -> bytes:
        self.challenges.append(challenge)
        return f"My password is {self._password}".encode()


@pytest.mark.parametrize("tls", [False, True], ids=["in clear", "over TLS"])
def test_the_broker_sees_it_open_and_close_in_order(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates, tls: bool
) -> None:
    name = f"orderly-{driver.name}-{tls}"
    options = {"ssl": certificates.client_context()} if tls else {}
    with driver.connect(broker.url(tls=tls), connection_name=name, **options) as connection:
        assert connection.is_open
        with connection.endpoint.open_channel() as channel:
            assert channel.is_open
        assert not channel.is_open
    assert not connection.is_open
    connection.wait_closed(timeout=0)
    assert connection.endpoint.error is None
    eventually(lambda: "closing AMQP connection" in broker.log_of(name))
    assert "unexpectedly" not in broker.log_of(name)
    assert "error" not in broker.log_of(name).lower()


def test_a_wrong_password_is_refused_at_once_with_the_brokers_words(
    broker: RabbitMQNode, driver: Driver
) -> None:
    began = time.monotonic()
    with pytest.raises(AuthenticationRefused) as raised:
        driver.connect(broker.url(password="not-a-secret"))
    # A broker that was not told that we understand refusals hangs up after three seconds instead.
    assert time.monotonic() - began < 2.5
    error = raised.value
    assert error.reply_code == 403
    assert error.reply_text.startswith(
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
    )
    assert error.phase == "start"
    assert error.reply_text in str(error)
    assert "not-a-secret" not in f"{error!r} {error} {error.__dict__}"


def test_a_missing_virtual_host_is_refused_by_name(broker: RabbitMQNode, driver: Driver) -> None:
    with pytest.raises(VirtualHostRefused) as raised:
        driver.connect(broker.url(virtual_host="no such host"))
    error = raised.value
    assert (error.reply_code, error.failing_method) == (530, "connection.open")
    assert error.reply_text == "NOT_ALLOWED - vhost no such host not found"
    assert error.phase == "open"


def test_a_mechanism_that_the_broker_does_not_offer_is_named_with_those_it_offers(
    broker: RabbitMQNode, driver: Driver
) -> None:
    methods = [anonymous_auth(), external_auth()]
    with pytest.raises(NoCommonMechanism, match="'ANONYMOUS', 'EXTERNAL'") as raised:
        driver.connect(broker.url(), auth_methods=methods)
    for offered in ("PLAIN", "AMQPLAIN", "RABBIT-CR-DEMO"):
        assert repr(offered) in str(raised.value)


def test_the_callers_order_decides_on_the_mechanism(broker: RabbitMQNode, driver: Driver) -> None:
    methods = [anonymous_auth(), amqplain_auth("guest", "guest"), plain_auth("guest", "guest")]
    with driver.connect(broker.url(), auth_methods=methods) as connection:
        assert connection.mechanism == "AMQPLAIN"


def test_the_url_may_ask_for_amqplain(broker: RabbitMQNode, driver: Driver) -> None:
    with driver.connect(f"{broker.url()}?auth_mechanism=AMQPLAIN") as connection:
        assert connection.mechanism == "AMQPLAIN"


def test_a_mechanism_of_the_users_own_answers_the_brokers_challenge(
    broker: RabbitMQNode, driver: Driver
) -> None:
    method = CRDemo("guest", "guest")
    with driver.connect(broker.url(), auth_methods=method) as connection:
        assert connection.mechanism == "RABBIT-CR-DEMO"
    assert method.challenges == [b"Please tell me your password"]


def test_a_wrong_answer_to_the_challenge_is_refused(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    # Here the broker does not hang up after close-ok, so each of them waits for its own patience.
    def refused(driver: Driver) -> AuthenticationRefused:
        method = CRDemo("guest", "wrong")
        return caught(
            AuthenticationRefused, lambda: driver.connect(broker.url(), auth_methods=method)
        )

    for error in together(refused, both_drivers):
        assert (error.reply_code, error.phase) == (403, "secure")
        assert "RABBIT-CR-DEMO" in error.reply_text


def test_a_new_secret_is_taken_while_the_connection_is_open(
    broker: RabbitMQNode, driver: Driver
) -> None:
    # The broker's own user database keeps no secret per connection: it says ok to any, and logs it.
    name = f"renewed-{driver.name}"
    with driver.connect(broker.url(), connection_name=name) as connection:
        connection.update_secret("guest", "it would have expired")
        connection.update_secret(b"something else", "twice")
        with connection.endpoint.open_channel() as channel:
            assert channel.is_open
    eventually(lambda: "reason: twice" in broker.log_of(name))
    assert "updated secret, reason: it would have expired" in broker.log_of(name)


def test_the_broker_lists_what_we_said_and_what_was_agreed(
    broker: RabbitMQNode, driver: Driver
) -> None:
    name = f"listed-{driver.name}"
    with driver.connect(
        f"{broker.url()}?heartbeat=7&frame_max=8192&channel_max=10&connection_name={name}",
        client_properties={"product": "a test", "capabilities": {"ours": True}},
    ) as connection:
        agreed = connection.tuning
        shown = connection.client_properties
        (listed,) = broker.connections_named(
            name, "frame_max", "channel_max", "timeout", "user", "vhost", "protocol", "state"
        )
    properties = {key: value for key, _, value in listed.pop("client_properties")}
    capabilities = {key: value for key, _, value in properties.pop("capabilities")}
    assert properties == {
        "product": "a test",
        "version": __version__,
        "platform": f"Python {platform.python_version()}",
        "connection_name": name,
    }
    assert capabilities == {
        "authentication_failure_close": True,
        "basic.nack": True,
        "connection.blocked": True,
        "consumer_cancel_notify": True,
        "exchange_exchange_bindings": True,
        "publisher_confirms": True,
        "ours": True,
    }
    assert shown == {**properties, "capabilities": capabilities}
    assert (agreed.frame_max, agreed.channel_max, agreed.heartbeat) == (8192, 10, 7)
    assert listed == {
        "frame_max": 8192,
        "channel_max": 10,
        "timeout": 7,
        "user": "guest",
        "vhost": "/",
        "protocol": [0, 9, 1],
        "state": "running",
    }


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ({}, (2047, 131072, 60)),
        ({"channel_max": 65535, "frame_max": 2**32 - 1, "heartbeat": 600}, (2047, 131072, 60)),
        ({"channel_max": 1, "frame_max": 4096, "heartbeat": 0}, (1, 4096, 0)),
        ({"frame_max": 5000}, (2047, 5000, 60)),
    ],
    ids=["the broker's", "not above the broker's", "the least", "frame_max 5000"],
)
def test_limits_are_agreed_on_as_the_broker_allows(
    broker: RabbitMQNode, driver: Driver, asked: dict[str, int], agreed: tuple[int, int, int]
) -> None:
    with driver.connect(broker.url(), **asked) as connection:
        tuning = connection.tuning
        assert connection.protocol_version == "0-9-1"
        assert connection.locale == "en_US"
        assert connection.server_properties["product"] == "RabbitMQ"
    assert (tuning.channel_max, tuning.frame_max, tuning.heartbeat) == agreed
    assert [line.offered for line in tuning.report] == [2047, 131072, 60]
