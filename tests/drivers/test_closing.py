"""The end of a connection, by either side, in order or not."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import amqpconn.sync
from amqpconn import EndpointState
from amqpconn.errors import (
    CallTimeout,
    ConnectionClosed,
    ConnectionForced,
    NotOpen,
    OpenAborted,
    PeerHungUp,
)
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from amqpconn_spec.v0_9_1 import connection as connection_class
from tests.drivers.adapter import Driver
from tests.drivers.helpers import (
    GUEST,
    Background,
    dropping,
    end_in_reset,
    eventually,
    hanging_resolver,
    listening,
    message,
)

Connection = amqpconn.sync.Connection
Channel = amqpconn.sync.Channel


def test_close_says_code_and_reason(peer: Peer, connection: Connection) -> None:
    connection.close(reply_code=320, reply_text="enough")
    close = peer.received("connection.close")[0].method
    assert close == connection_class.Close(320, "enough", 0, 0)


def test_close_says_success_unless_told_otherwise(peer: Peer, connection: Connection) -> None:
    connection.close()
    assert peer.received("connection.close")[0].method == connection_class.Close(200, "bye", 0, 0)


def test_close_is_harmless_a_second_time_and_before_opening(
    driver: Driver, peer: Peer, connection: Connection
) -> None:
    for _ in range(3):
        connection.close()
        connection.endpoint.abort()
    assert len(peer.received("connection.close")) == 1
    assert connection.endpoint.state is EndpointState.DISCONNECTED
    unopened = driver.Connection(driver.Endpoint(peer.host, peer.port))
    unopened.close()
    unopened.endpoint.abort()
    unopened.open(GUEST)
    unopened.close()


def test_close_of_several_threads_is_one(peer: Peer, connection: Connection) -> None:
    peer.freeze()
    closers = [Background(connection.close) for _ in range(4)]
    time.sleep(0.02)
    peer.thaw()
    for closer in closers:
        closer.result()
    assert len(peer.received("connection.close")) == 1


def test_close_that_is_not_answered_ends_in_time(peer: Peer, connection: Connection) -> None:
    peer.answer("connection.close", lambda _: None)
    before = time.monotonic()
    connection.close(timeout=0.1)
    assert 0.1 <= time.monotonic() - before < 5
    assert connection.endpoint.state is EndpointState.DISCONNECTED


def test_close_waits_for_the_answer(peer: Peer, connection: Connection) -> None:
    peer.freeze()
    closing = Background(lambda: connection.close(timeout=None))
    time.sleep(0.03)
    assert closing.is_running
    assert connection.endpoint.state is EndpointState.DISCONNECTING
    peer.thaw()
    closing.result()


def test_nothing_can_be_done_after_close(connection: Connection, channel: Channel) -> None:
    connection.close()
    for use in (
        lambda: channel.call(tx.Select()),
        lambda: channel.fetch(basic.Get()),
        lambda: channel.send(basic.Ack(1)),
        lambda: connection.endpoint.call(tx.Select(), 1),
        connection.endpoint.open_channel,
        lambda: connection.update_secret("x"),
        connection.wait_unblocked,
    ):
        with pytest.raises(NotOpen):
            use()


def waits() -> dict[str, Callable[[Connection, Channel], object]]:
    return {
        "call": lambda _, channel: channel.call(queue.Declare()),
        "fetch": lambda _, channel: channel.fetch(basic.Get()),
        "receive": lambda _, channel: channel.receive(),
        "open_channel": lambda connection, _: connection.endpoint.open_channel(),
    }


@pytest.mark.parametrize("name", waits())
@pytest.mark.parametrize("end", ["close", "abort"])
def test_those_who_wait_get_not_open_when_somebody_closes(
    peer: Peer, connection: Connection, channel: Channel, name: str, end: str
) -> None:
    for method in ("queue.declare", "basic.get", "channel.open"):
        peer.answer(method, lambda _: None)
    before = len(peer.received())
    waiting = Background(lambda: waits()[name](connection, channel))
    if name == "receive":
        time.sleep(0.02)
    else:
        eventually(lambda: len(peer.received()) > before)
    connection.close() if end == "close" else connection.endpoint.abort()
    assert type(waiting.error()) is NotOpen
    eventually(lambda: connection.endpoint.state is EndpointState.DISCONNECTED)


@pytest.mark.parametrize("name", waits())
def test_those_who_wait_get_the_reason_when_the_server_closes(
    peer: Peer, connection: Connection, channel: Channel, name: str
) -> None:
    for method in ("queue.declare", "basic.get", "channel.open"):
        peer.answer(method, lambda _: None)
    before = len(peer.received())
    waiting = Background(lambda: waits()[name](connection, channel))
    if name != "receive":
        eventually(lambda: len(peer.received()) > before)
    peer.close_connections(320, "maintenance")
    error = waiting.error()
    assert isinstance(error, ConnectionForced | NotOpen)
    reason = error if isinstance(error, ConnectionForced) else error.__cause__
    assert isinstance(reason, ConnectionForced)


def test_server_that_closes_is_answered_and_its_reason_kept(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    peer.close_connections(320, "maintenance")
    with pytest.raises(ConnectionForced) as raised:
        connection.wait_closed(timeout=10)
    error = raised.value
    assert isinstance(error, ConnectionClosed)
    assert (error.reply_code, error.reply_text) == (320, "maintenance")
    assert error.retryable
    assert peer.received("connection.close-ok")
    assert isinstance(connection.endpoint.error, ConnectionForced)
    assert connection.endpoint.state is EndpointState.FAILED
    with pytest.raises(NotOpen) as later:
        connection.endpoint.open_channel()
    assert isinstance(later.value.__cause__, ConnectionForced)
    assert isinstance(channel.error, ConnectionForced)
    connection.close()


def test_each_waiter_gets_an_error_of_its_own(peer: Peer, connection: Connection) -> None:
    waiting = [Background(connection.wait_closed) for _ in range(3)]
    time.sleep(0.02)
    peer.close_connections()
    errors = [waiter.error() for waiter in waiting]
    assert all(isinstance(error, ConnectionForced) for error in errors)
    assert len({id(error) for error in errors}) == 3


def test_peer_that_hangs_up_is_noticed(
    peer: Peer, connection: Connection, channel: Channel
) -> None:
    peer.answer("queue.declare", lambda _: None)
    waiting = Background(lambda: channel.call(queue.Declare()))
    peer.wait_for("queue.declare")
    peer.drop_connections()
    assert isinstance(waiting.error(), PeerHungUp)
    with pytest.raises(PeerHungUp):
        connection.wait_closed(timeout=10)
    assert not connection.is_open


def test_peer_that_resets_the_stream_is_noticed(peer: Peer, connection: Connection) -> None:
    (client,) = peer._server.clients
    end_in_reset(client.sock)
    peer.drop_connections()
    with pytest.raises(PeerHungUp) as raised:
        connection.wait_closed(timeout=10)
    assert isinstance(raised.value.__cause__, ConnectionResetError | PeerHungUp)


def test_wait_closed_returns_after_an_orderly_close(connection: Connection) -> None:
    waiting = Background(connection.wait_closed)
    with pytest.raises(CallTimeout, match="still there"):
        connection.wait_closed(timeout=0.03)
    connection.close()
    waiting.result()
    connection.wait_closed()


def test_what_was_never_opened_has_no_end_to_wait_for(driver: Driver, peer: Peer) -> None:
    unopened = driver.Connection(driver.Endpoint(peer.host, peer.port))
    for wait in (unopened.wait_closed, unopened.wait_unblocked):
        with pytest.raises(NotOpen):
            wait()
    with pytest.raises(NotOpen, match="never been opened"):
        unopened.wait_closed(timeout=10)


def test_abort_says_nothing_to_the_server(peer: Peer, connection: Connection) -> None:
    connection.endpoint.abort()
    connection.wait_closed(timeout=10)
    peer.wait_until(lambda: peer.sessions[0].machine.state.value == "closed")
    assert not peer.received("connection.close")


def test_close_sends_what_waits_first(driver: Driver, peer: Peer) -> None:
    body = bytes(3_000_000)
    with driver.connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        channel.send(basic.Publish(routing_key="q"), message(body))
    content = peer.received("basic.publish")[0].content
    assert content is not None
    assert content.body == body
    assert connection.endpoint.error is None


# --- while it opens ---


def opening(
    driver: Driver, endpoint: amqpconn.sync.Endpoint
) -> tuple[Connection, Background[None]]:
    connection = driver.Connection(endpoint)
    background = Background(lambda: connection.open(GUEST))
    return connection, background


@pytest.mark.parametrize("silent_from", ["connection.start", "connection.tune"])
@pytest.mark.parametrize("end", ["close", "abort"])
def test_close_during_the_handshake_ends_it(driver: Driver, silent_from: str, end: str) -> None:
    with Peer(silent_from=silent_from) as peer:
        connection, background = opening(driver, driver.Endpoint(peer.host, peer.port))
        before = 1 if silent_from == "connection.tune" else 0
        peer.wait_until(lambda: bool(peer.sessions) and len(peer.received()) >= before)
        for _ in range(2):
            connection.close() if end == "close" else connection.endpoint.abort()
        error = background.error()
        assert isinstance(error, OpenAborted)
        assert error.phase in ("header", "start", "connect")
        with pytest.raises(OpenAborted):
            connection.wait_closed(timeout=10)


def test_close_while_connecting_ends_it(driver: Driver) -> None:
    with dropping() as address:
        endpoint = driver.Endpoint(*address)
        connection, background = opening(driver, endpoint)
        eventually(lambda: endpoint._core.phase == "connect")
        before = time.monotonic()
        connection.close()
        connection.endpoint.abort()
        assert isinstance(background.error(), OpenAborted)
        assert time.monotonic() - before < 5


def test_close_during_the_name_lookup_ends_it(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging_resolver(monkeypatch):
        endpoint = driver.Endpoint("slow.invalid")
        connection, background = opening(driver, endpoint)
        eventually(lambda: endpoint._core.phase == "resolve")
        before = time.monotonic()
        connection.close()
        assert isinstance(background.error(), OpenAborted)
        assert time.monotonic() - before < 5


def test_close_during_the_tls_handshake_ends_it(driver: Driver) -> None:
    with listening() as listener:
        endpoint = driver.Endpoint(*listener.getsockname(), ssl=True)
        connection, background = opening(driver, endpoint)
        eventually(lambda: endpoint._core.phase == "tls")
        time.sleep(0.02)
        connection.close()
        assert isinstance(background.error(), OpenAborted)
