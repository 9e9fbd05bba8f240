"""What a real broker refuses, in its own words, and what becomes of those whom it gives up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from amqpconn.errors import (
    ConnectionFailed,
    ConnectionLimitReached,
    HungUpInStart,
    LoginTooLarge,
    PeerHungUp,
    ProcessStalled,
    VirtualHostDown,
    VirtualHostRefused,
)
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import caught, eventually, together
from tests.drivers.adapter import Driver
from tests.drivers.stalling import stalled

# A user and a virtual host of their own: the broker may go on counting a connection that was closed
# as soon as it was open (it notes the opening and the closing in two processes, in any order).
MAY_ENTER = '<<"limited">>, <<"limited">>, <<>>, <<>>, <<>>, <<"test">>'
LIMITED = (
    'rabbit_auth_backend_internal:add_user(<<"limited">>, <<"guest">>, <<"test">>)',
    'rabbit_vhost:add(<<"limited">>, <<"test">>)',
    f"rabbit_auth_backend_internal:set_permissions({MAY_ENTER})",
)
NO_MORE_LIMITED = (
    'rabbit_vhost:delete(<<"limited">>, <<"test">>),'
    ' rabbit_auth_backend_internal:delete_user(<<"limited">>, <<"test">>)'
)
COUNTED = 'rabbit_connection_tracking:count_tracked_items_in({user, <<"limited">>})'
ONE = '<<"{\\"max-connections\\":1}">>'
# What rabbitmqctl's set_user_limits and set_vhost_limits do, in a hundredth of the time, and what
# the broker says with one connection allowed.
LIMITS = {
    "user": (
        f'rabbit_auth_backend_internal:set_user_limits(<<"limited">>, {ONE}, <<"test">>)',
        "connection refused for user 'limited': user connection limit (1) is reached",
    ),
    "virtual host": (
        f'rabbit_vhost_limit:parse_set(<<"limited">>, {ONE}, <<"test">>)',
        "access to vhost 'limited' refused for user 'limited': connection limit (1) is reached",
    ),
}


@contextmanager
def evaluated(broker: RabbitMQNode, *expressions: str, after: str) -> Iterator[None]:
    """Have the broker do something, and undo it in the end."""
    try:
        for expression in expressions:
            broker.eval(expression)
        yield
    finally:
        broker.eval(after)


@pytest.mark.parametrize("whose", LIMITS)
def test_a_connection_limit_is_told_apart_from_a_refused_virtual_host(
    broker: RabbitMQNode, driver: Driver, whose: str
) -> None:
    limit, text = LIMITS[whose]
    said = f"NOT_ALLOWED - {text}"
    url = broker.url(user="limited", virtual_host="limited")
    with evaluated(broker, *LIMITED, limit, after=NO_MORE_LIMITED):
        with driver.connect(url) as first:
            eventually(lambda: broker.eval(COUNTED) == "1")
            with pytest.raises(ConnectionLimitReached) as raised:
                driver.connect(url)
            assert first.is_open
        error = raised.value
        assert (error.reply_code, error.failing_method) == (530, "connection.open")
        assert error.reply_text == said
        assert (error.phase, error.retryable) == ("open", True)
        assert not isinstance(error, VirtualHostRefused)
        assert said in str(error)


def test_a_virtual_host_that_is_down_is_told_apart_from_a_missing_one(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    allowed = '<<"guest">>, <<"crashed">>, <<>>, <<>>, <<>>, <<"test">>'
    made = (
        'rabbit_vhost:add(<<"crashed">>, <<"test">>)',
        f"rabbit_auth_backend_internal:set_permissions({allowed})",
        'rabbit_vhost_sup_sup:stop_and_delete_vhost(<<"crashed">>)',
    )
    with evaluated(broker, *made, after='rabbit_vhost:delete(<<"crashed">>, <<"test">>)'):
        for driver in both_drivers:
            with pytest.raises(VirtualHostDown) as raised:
                driver.connect(broker.url(virtual_host="crashed"))
            error = raised.value
            assert (error.reply_code, error.phase, error.retryable) == (541, "open", True)
            assert error.reply_text == (
                "INTERNAL_ERROR - access to vhost 'crashed' refused for user 'guest':"
                " vhost 'crashed' is down"
            )
    for driver in both_drivers:
        with pytest.raises(VirtualHostRefused, match="vhost crashed not found"):
            driver.connect(broker.url(virtual_host="crashed"))


def test_a_login_that_is_too_large_is_not_sent(broker: RabbitMQNode, driver: Driver) -> None:
    began = time.monotonic()
    with pytest.raises(LoginTooLarge, match=r"RabbitMQ 3\..* takes no more than 4096") as raised:
        driver.connect(broker.url(password="t" * 5000))
    assert time.monotonic() - began < 2.5  # the broker would have waited for three seconds
    assert "are for the response of mechanism PLAIN" in raised.value.what
    assert raised.value.phase == "start"
    assert "ttt" not in str(raised.value)


def test_a_login_that_is_too_large_is_what_the_broker_hangs_up_for(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    large = {"token": "t" * 5000}

    def hung_up(driver: Driver) -> HungUpInStart:
        options = {"client_properties": large, "initial_frame_max": 16384}
        return caught(HungUpInStart, lambda: driver.connect(broker.url(), **options))

    for error in together(hung_up, both_drivers):
        assert "perhaps the login was too large: start-ok had 5" in error.cause
        assert error.elapsed["start"] > 2.5


def test_a_larger_login_is_sent_where_the_operator_lets_it_in(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    raised = "application:set_env(rabbit, initial_frame_max, 16384)"
    with evaluated(broker, raised, after="application:unset_env(rabbit, initial_frame_max)"):
        for driver in both_drivers:
            options = {"client_properties": {"x": "t" * 15000}, "initial_frame_max": 16384}
            with driver.connect(broker.url(), **options) as connection:
                assert connection.is_open


def test_a_process_that_stood_still_blames_itself_and_not_the_broker(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    connections = [driver.connect(broker.url(), heartbeat=1) for driver in both_drivers]
    waits: list[Callable[[], ConnectionFailed]] = [
        lambda connection=connection: caught(  # type: ignore[misc]
            ConnectionFailed, lambda: connection.wait_closed(20)
        )
        for connection in connections
    ]
    with ExitStack() as stack:  # the broker looks every second, and gives up at the third look
        for driver, connection in zip(both_drivers, connections, strict=True):
            stack.enter_context(stalled(driver, [connection]))
        time.sleep(4.2)
    for error in together(lambda wait: wait(), waits):
        assert isinstance(error, ProcessStalled)
        assert not isinstance(error, PeerHungUp)
        assert error.stalled_s > 2.5
        assert "this process was stalled for" in str(error)
        assert "perhaps the peer gave us up" in str(error)
        assert (error.phase, error.retryable) == ("opened", True)
