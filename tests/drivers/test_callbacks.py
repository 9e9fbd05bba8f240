"""Functions of the user that are called: handlers, state changes, blocked and unblocked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

import amqpconn.asyncio.endpoint
import amqpconn.sync.endpoint
from amqpconn import EndpointState
from amqpconn.core import events
from amqpconn.errors import ConnectRefused
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, Background, eventually, message, refusing

Connection = amqpconn.sync.Connection
Channel = amqpconn.sync.Channel
OFF, CONNECTING, CONNECTED, DISCONNECTING, DISCONNECTED, FAILED = EndpointState


def consume(channel: Channel) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(basic.Consume(queue="q"))


def publish(channel: Channel, *bodies: bytes) -> None:
    for body in bodies:
        channel.send(basic.Publish(routing_key="q"), message(body))


@pytest.mark.parametrize("endpoint", [amqpconn.asyncio.endpoint, amqpconn.sync.endpoint])
def test_there_is_something_to_do_about_every_event(endpoint: ModuleType) -> None:
    of_streams = {events.HangUp, events.Redial, events.SecretWanted}
    assert set(endpoint._HANDLERS) == set(events.Event.__subclasses__()) - of_streams


def test_handler_gets_methods_of_its_class_in_order(channel: Channel) -> None:
    got: list[bytes] = []
    consume(channel)
    channel.on(basic.Deliver, lambda _, content: got.append(content.body if content else b""))
    bodies = [b"%d" % number for number in range(50)]
    publish(channel, *bodies)
    channel.send(basic.Publish(routing_key="nowhere", mandatory=True), message())
    eventually(lambda: len(got) == 50)
    assert got == bodies
    assert isinstance(channel.receive(timeout=10)[0], basic.Return)


def test_handler_is_given_what_has_arrived_before(channel: Channel) -> None:
    got: list[bytes] = []
    consume(channel)
    channel.send(basic.Publish(routing_key="nowhere", mandatory=True), message())
    publish(channel, b"1", b"2")
    channel.call(tx.Select())
    channel.on(basic.Deliver, lambda _, content: got.append(content.body if content else b""))
    eventually(lambda: got == [b"1", b"2"])
    assert isinstance(channel.receive(timeout=10)[0], basic.Return)


def test_handler_may_be_set_when_the_connection_is_gone(
    connection: Connection, channel: Channel
) -> None:
    got: list[bytes] = []
    consume(channel)
    publish(channel, b"1")
    channel.call(tx.Select())
    connection.close()
    channel.on(basic.Deliver, lambda _, content: got.append(content.body if content else b""))
    eventually(lambda: got == [b"1"])


def test_exception_of_a_handler_is_reported_and_the_connection_lives_on(
    driver: Driver, channel: Channel
) -> None:
    got: list[bytes] = []

    def handle(_: object, content: Any) -> None:
        if content.body == b"bad":
            raise LookupError("of the test")
        got.append(content.body)

    consume(channel)
    channel.on(basic.Deliver, handle)
    publish(channel, b"1", b"bad", b"2")
    eventually(lambda: got == [b"1", b"2"])
    assert channel.call(tx.Select()) == tx.SelectOk()
    reported = driver.reported.pop()
    assert isinstance(reported, LookupError)
    assert driver.reported == []


class States:
    """Notes changes of state; what it was called with, in order."""

    def __init__(self, endpoint: amqpconn.sync.Endpoint) -> None:
        self.changes: list[tuple[EndpointState, EndpointState]] = []
        endpoint.on_state_change(lambda old, new: self.changes.append((old, new)))

    def became(self, *states: EndpointState) -> bool:
        return self.changes == list(pairwise(states))


def test_changes_of_state_are_seen_in_order(driver: Driver, peer: Peer) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    states = States(endpoint)
    connection = driver.Connection(endpoint)
    connection.open(GUEST)
    eventually(lambda: states.became(OFF, CONNECTING, CONNECTED))
    connection.close()
    eventually(lambda: states.became(OFF, CONNECTING, CONNECTED, DISCONNECTING, DISCONNECTED))


def test_changes_of_state_end_with_failed(driver: Driver) -> None:
    endpoint = driver.Endpoint(*refusing())
    states = States(endpoint)
    with pytest.raises(ConnectRefused):
        driver.Connection(endpoint).open(GUEST)
    eventually(lambda: states.became(OFF, CONNECTING, DISCONNECTING, FAILED))
    assert endpoint.state is FAILED
    assert isinstance(endpoint.error, ConnectRefused)


def test_connecting_is_told_while_it_is_so(driver: Driver, peer: Peer) -> None:
    seen = threading.Event()
    endpoint = driver.Endpoint(peer.host, peer.port)
    endpoint.on_state_change(lambda _, new: seen.set() if new is CONNECTING else None)
    connection = driver.Connection(endpoint)
    peer.freeze()
    opening = Background(lambda: connection.open(GUEST))
    assert seen.wait(10)
    assert opening.is_running
    peer.thaw()
    opening.result()
    connection.close()


def test_abort_in_a_callback_does_not_change_the_order_for_others(
    driver: Driver, peer: Peer
) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    # The endpoint itself, and not a proxy, which must not be called where the driver runs.
    real = getattr(endpoint, "_target", endpoint)
    endpoint.on_state_change(lambda _, new: real.abort() if new is CONNECTED else None)
    states = States(endpoint)
    connection = driver.Connection(endpoint)
    try:
        connection.open(GUEST)
    finally:
        eventually(lambda: states.became(OFF, CONNECTING, CONNECTED, DISCONNECTING, DISCONNECTED))


def test_blocked_and_unblocked_are_told(peer: Peer, connection: Connection) -> None:
    told: list[str | None] = []
    connection.endpoint.on_blocked(told.append)
    assert not connection.is_blocked
    assert connection.blocked_reason is None
    peer.block("low on memory")
    eventually(lambda: connection.is_blocked)
    assert connection.blocked_reason == "low on memory"
    peer.unblock()
    eventually(lambda: not connection.is_blocked)
    eventually(lambda: told == ["low on memory", None])


@pytest.mark.parametrize(("what", "times"), [("state", 4), ("blocked", 1)])
def test_exception_of_a_callback_is_reported_and_others_are_called(
    driver: Driver, peer: Peer, what: str, times: int
) -> None:
    called: list[object] = []

    def fail(*_: object) -> None:
        raise LookupError("of the test")

    endpoint = driver.Endpoint(peer.host, peer.port)
    register: Callable[[Any], None] = (
        endpoint.on_state_change if what == "state" else endpoint.on_blocked
    )
    register(fail)
    register(lambda *args: called.append(args))
    connection = driver.Connection(endpoint)
    connection.open(GUEST)
    peer.block()
    eventually(lambda: called)
    assert connection.is_open
    connection.close()
    eventually(lambda: len(called) == times)
    assert [type(error) for error in driver.reported] == [LookupError] * times
    driver.reported.clear()
