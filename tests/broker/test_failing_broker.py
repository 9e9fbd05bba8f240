"""A real broker that is killed, frozen and started again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from amqpconn import Content
from amqpconn.core.endpoint import EndpointState
from amqpconn.errors import (
    CallTimeout,
    ConnectionFailed,
    ConnectionForced,
    ConnectRefused,
    HeartbeatsMissed,
    NotOpen,
    OpenTimeout,
    PeerHungUp,
)
from amqpconn.sync import Channel, Connection
from amqpconn_spec.v0_9_1 import basic, queue
from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import HOW_TO_GET, SERVER, RabbitMQNode
from tests.broker.waiting import caught, eventually, together
from tests.conftest import Require
from tests.drivers.adapter import Driver

Timed = tuple[Connection, ConnectionFailed, float]


@pytest.fixture(scope="module")
def fragile(
    require: Require, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RabbitMQNode]:
    """A node for the tests of this module; after each of them it runs."""
    require(SERVER, HOW_TO_GET)
    folder = tmp_path_factory.mktemp("fragile") / "node"
    with RabbitMQNode(folder, certificates=certificates) as node:
        yield node


@pytest.fixture
def opened(
    fragile: RabbitMQNode, certificates: Certificates, both_drivers: list[Driver]
) -> list[Connection]:
    """Connections of both drivers, with heartbeats of a second; in clear, then over TLS."""
    context = certificates.client_context()
    return [
        driver.connect(fragile.url(tls=tls), ssl=context if tls else None, heartbeat=1)
        for tls in (False, True)
        for driver in both_drivers
    ]


def ends_of(connections: list[Connection], cause: Callable[[], object]) -> list[Timed]:
    """Cause the end of connections, and tell how each of them ended and after how many seconds."""

    def end(connection: Connection) -> Timed:
        error = caught(ConnectionFailed, lambda: connection.wait_closed(20))
        return connection, error, time.monotonic() - began

    began = time.monotonic()
    cause()
    return together(end, connections)


def check_use(driver: Driver, fragile: RabbitMQNode) -> None:
    """Open a connection, use it and close it."""
    with driver.connect(fragile.url()) as connection, connection.endpoint.open_channel() as channel:
        assert channel.call(queue.Declare(exclusive=True)).message_count == 0


class Watched:
    """A connection with a channel, and the changes of its state that its user was told."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.changes: list[EndpointState] = []
        connection.endpoint.on_state_change(lambda _, state: self.changes.append(state))
        self.channel = connection.endpoint.open_channel()


@pytest.fixture
def fifty(
    fragile: RabbitMQNode, certificates: Certificates, both_drivers: list[Driver]
) -> list[Watched]:
    """Connections of both drivers, of each a few over TLS."""
    context = certificates.client_context()

    def connect(number: int) -> Watched:
        driver, tls = both_drivers[number % 2], number < 10
        return Watched(driver.connect(fragile.url(tls=tls), ssl=context if tls else None))

    return together(connect, range(50))


def check_failed_once(
    fifty: list[Watched], drivers: list[Driver], cause: Callable[[], object]
) -> list[ConnectionFailed]:
    """Have all of them fail: each is told once, with one reason for all who ask. The reasons."""
    ends = ends_of([watched.connection for watched in fifty], cause)
    for watched, (connection, error, seconds) in zip(fifty, ends, strict=True):
        endpoint = connection.endpoint
        assert error.retryable
        assert error.phase == "opened"
        assert seconds < 5
        reasons: list[BaseException | None] = [endpoint.error, watched.channel.error]
        reasons += [caught(NotOpen, endpoint.open_channel).__cause__]
        reasons += [caught(type(error), connection.wait_closed)]
        assert [str(reason) for reason in reasons] == [str(error)] * 4
        connection.close()
        eventually(lambda: watched.changes[-1] is EndpointState.FAILED)  # noqa: B023
        assert watched.changes == [EndpointState.DISCONNECTING, EndpointState.FAILED]
    for driver in drivers:
        eventually(lambda: not driver.held())  # noqa: B023
    return [error for _, error, _ in ends]


def test_killed_under_fifty_connections_each_fails_once_and_at_once(
    fragile: RabbitMQNode, both_drivers: list[Driver], fifty: list[Watched]
) -> None:
    for error in check_failed_once(fifty, both_drivers, fragile.kill):
        assert isinstance(error, PeerHungUp)
        assert isinstance(error, OSError)
    for driver in both_drivers:
        with pytest.raises(ConnectRefused, match=f"127.0.0.1:{fragile.port}"):
            driver.connect(fragile.url())
    fragile.start()
    for driver in both_drivers:
        check_use(driver, fragile)


def test_restarted_under_fifty_connections_each_fails_once_with_the_brokers_reason(
    fragile: RabbitMQNode, both_drivers: list[Driver], fifty: list[Watched]
) -> None:
    for driver in both_drivers:
        driver.connect(fragile.url(), fast_open=True).close()
    try:
        for error in check_failed_once(fifty, both_drivers, lambda: fragile.eval("rabbit:stop()")):
            assert isinstance(error, ConnectionForced)
            assert error.reply_code == 320
            assert "shutdown" in error.reply_text
    finally:
        fragile.eval("rabbit:start()")
    for driver in both_drivers:
        check_use(driver, fragile)
        with driver.connect(fragile.url(), fast_open=True) as connection:  # it is what it was
            assert connection.opened_fast
            assert connection.detours == []


def test_a_frozen_broker_is_given_up_between_two_and_three_heartbeats(
    fragile: RabbitMQNode, opened: list[Connection]
) -> None:
    time.sleep(1.2)  # so that heartbeats, and not the handshake, came last
    try:
        for _, error, seconds in ends_of(opened, fragile.freeze):
            assert isinstance(error, HeartbeatsMissed)
            assert "the agreed heartbeat is 1 s" in str(error)
            assert 2.0 < (error.last_in_age_s or 0.0) < 3.0
            assert 1.4 < seconds < 3.5  # the broker's last byte came up to a second before
    finally:
        fragile.thaw()


def test_a_frozen_broker_holds_no_close_up(fragile: RabbitMQNode, opened: list[Connection]) -> None:
    def closing_time(connection: Connection) -> float:
        began = time.monotonic()
        connection.close(timeout=0.5)
        return time.monotonic() - began

    with fragile.frozen():
        for seconds in together(closing_time, opened):
            assert 0.4 < seconds < 3
    for connection in opened:
        assert connection.endpoint.state is EndpointState.DISCONNECTED
        assert connection.endpoint.error is None


def test_a_frozen_broker_makes_calls_and_opening_late_and_no_more(
    fragile: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    connections = [driver.connect(fragile.url(), heartbeat=0) for driver in both_drivers]
    channels = [connection.endpoint.open_channel() for connection in connections]
    with fragile.frozen():
        for channel in channels:
            with pytest.raises(CallTimeout, match=r"queue\.declare"):
                channel.call(queue.Declare(exclusive=True), timeout=0.2)
        for driver in both_drivers:
            with pytest.raises(OpenTimeout, match=r"waiting for connection\.start") as raised:
                driver.connect(f"{fragile.url()}?connection_timeout=1")
            assert raised.value.phase == "header"
    for channel in channels:  # the late answer is not taken for that of the next call
        declared = channel.call(queue.Declare(queue=f"late-{id(channel)}", exclusive=True))
        assert declared.queue == f"late-{id(channel)}"
    for connection in connections:
        connection.close()


def test_a_frozen_broker_slows_publishers_down_and_loses_nothing(
    fragile: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    def fill(channel: Channel) -> tuple[Channel, str, int]:
        """Publish until the stream takes no more; tell how many messages it took."""
        name, sent = f"filled-{id(channel)}", 0
        while True:
            try:
                channel.send(basic.Publish(routing_key=name), Content(bytes(300_000)), timeout=0.3)
            except CallTimeout:
                return channel, name, sent
            sent += 1

    def depth(channel: Channel, name: str) -> int:
        return channel.call(queue.Declare(queue=name, passive=True)).message_count

    connections = [driver.connect(fragile.url(), heartbeat=0) for driver in both_drivers]
    channels = [connection.endpoint.open_channel() for connection in connections]
    for channel in channels:
        channel.call(queue.Declare(queue=f"filled-{id(channel)}", exclusive=True))
    with fragile.frozen():
        filled = together(fill, channels)
    for channel, name, sent in filled:
        assert sent > 0
        # The question for the number overtakes messages inside the broker.
        eventually(lambda: depth(channel, name) >= sent)  # noqa: B023
        assert depth(channel, name) == sent
    for connection in connections:
        connection.close()
