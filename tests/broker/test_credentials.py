"""Credentials that change, on a real broker: a password between two attempts, tokens (JWT) that are
renewed before they expire, refused, or not renewed.

RabbitMQ 3.10 does not end a connection whose token has expired: it refuses what is asked for then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import time
from collections.abc import Iterator

import pytest

from amqpconn import Content, Credentials, plain_auth
from amqpconn.errors import AccessRefused, AMQPError, AuthenticationRefused, SecretRefused
from amqpconn_spec.v0_9_1 import basic, queue
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import eventually
from tests.drivers.adapter import Driver

KEY = b"a key that only these tests know"
SCOPE = ["rabbitmq.configure:*/*", "rabbitmq.read:*/*", "rabbitmq.write:*/*"]


@pytest.fixture(scope="module", autouse=True)
def signing_key(broker: RabbitMQNode) -> Iterator[None]:
    """The broker believes tokens that are signed with KEY."""
    key = {"kty": "oct", "alg": "HS256", "k": encoded(KEY).decode()}
    fields = ", ".join(f'<<"{name}">> => <<"{value}">>' for name, value in key.items())
    broker.eval(f'uaa_jwt:add_signing_key(<<"tests">>, map, #{{{fields}}})')
    yield
    broker.eval('uaa_jwt:remove_signing_key(<<"tests">>)')


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(expires_at: int) -> str:
    """A token for ann, who may do everything until then."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "tests"}
    claims = {"sub": "ann", "aud": ["rabbitmq"], "scope": SCOPE, "exp": expires_at}
    signed = b".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    signature = encoded(hmac.new(KEY, signed, hashlib.sha256).digest())
    return (signed + b"." + signature).decode()


class TokenServer:
    """Gives tokens for two to three seconds; they end with a whole second."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Credentials:
        self.asked += 1
        now = time.time()
        expires_at = math.ceil(now) + 2
        return Credentials("", token(expires_at), expires_at - now)


class Given:
    """Gives what it was made with, one after the other; each for so many seconds."""

    def __init__(self, life: float | None, *passwords: str, user: str = "") -> None:
        self.asked = 0
        self._life = life
        self._user = user
        self._passwords = passwords

    def __call__(self) -> Credentials:
        self.asked += 1
        password = self._passwords[min(self.asked, len(self._passwords)) - 1]
        return Credentials(self._user, password, self._life)


def test_a_changed_password_is_found_at_the_next_attempt(
    broker: RabbitMQNode, driver: Driver
) -> None:
    user = f"ann-{driver.name}"
    module = "rabbit_auth_backend_internal"
    broker.eval(f'{module}:add_user(<<"{user}">>, <<"one">>, <<"a test">>)')
    everything = '<<".*">>, <<".*">>, <<".*">>, <<"a test">>'
    broker.eval(f'{module}:set_permissions(<<"{user}">>, <<"/">>, {everything})')
    vault = Given(None, "one", "one", "two", user=user)
    with driver.connect(broker.url(), credentials=vault):
        broker.eval(f'{module}:change_password(<<"{user}">>, <<"two">>, <<"a test">>)')
    with pytest.raises(AuthenticationRefused):
        driver.connect(broker.url(), credentials=vault)
    with driver.connect(broker.url(), credentials=vault) as connection:
        assert connection.is_open
    assert vault.asked == 3
    broker.eval(f'{module}:delete_user(<<"{user}">>, <<"a test">>)')


def test_a_connection_outlives_its_first_token_if_that_is_renewed(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    first, second = both_drivers
    servers, told = [TokenServer(), TokenServer()], list[AMQPError]()
    expires_at = math.ceil(time.time()) + 2
    with (
        first.connect(broker.url(), credentials=servers[0]) as one,
        second.connect(broker.url(), credentials=servers[1]) as other,
        first.connect(broker.url(), auth_methods=plain_auth("", token(expires_at))) as without,
    ):
        for connection in (one, other):
            connection.endpoint.on_secret_error(told.append)
        eventually(lambda: all(server.asked >= 3 for server in servers))
        eventually(lambda: time.time() > expires_at)
        for connection in (one, other):
            with connection.endpoint.open_channel() as channel:
                channel.call(queue.Declare(exclusive=True))
        channel = without.endpoint.open_channel()
        with pytest.raises(AccessRefused, match="token has expired"):
            channel.call(queue.Declare(exclusive=True))
    assert told == []


def test_a_token_that_the_broker_does_not_take(broker: RabbitMQNode, driver: Driver) -> None:
    vault = Given(0.4, token(int(time.time()) + 60), "nonsense")
    connection = driver.connect(broker.url(), credentials=vault)
    with pytest.raises(SecretRefused) as raised:
        connection.wait_closed(10.0)
    error = raised.value
    assert (error.reply_code, error.failing_method) == (530, "connection.update-secret")
    assert error.reply_text == "NOT_ALLOWED - New secret was refused by one of the backends"
    assert "renewed without being asked to" in error.cause
    assert "nonsense" not in f"{error} {error!r} {error.__dict__}"


def test_a_user_of_the_brokers_own_needs_no_renewal_and_may_have_one(
    broker: RabbitMQNode, driver: Driver
) -> None:
    name = f"renewed-{driver.name}"
    vault = Given(0.4, "guest", user="guest")
    with driver.connect(broker.url(), credentials=vault, connection_name=name) as connection:
        eventually(lambda: "updated secret, reason: renewed before" in broker.log_of(name))
        assert connection.is_open


def test_a_blocked_broker_is_asked_when_it_reads_again(
    broker: RabbitMQNode, driver: Driver
) -> None:
    name, told = f"renewed-later-{driver.name}", list[AMQPError]()
    vault = Given(0.8, "guest", user="guest")
    broker.set_memory_alarm()
    try:
        with driver.connect(broker.url(), credentials=vault, connection_name=name) as connection:
            connection.endpoint.on_secret_error(told.append)
            with connection.endpoint.open_channel() as channel:
                channel.send(basic.Publish(routing_key="nowhere"), Content(b""))
                eventually(lambda: connection.is_blocked)
                eventually(lambda: told)
                assert (vault.asked, connection.is_open) == (1, True)
                assert "the server is blocked and reads no new ones" in str(told[0])
                broker.clear_memory_alarm()
                eventually(lambda: "updated secret" in broker.log_of(name))
                assert connection.is_open
    finally:
        broker.clear_memory_alarm()
