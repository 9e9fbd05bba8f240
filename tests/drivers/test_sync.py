"""What only the blocking driver has: one thread for all, and any number of users' threads."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from amqpconn.errors import NotOpen, OpenAborted, OpenTimeout, PeerHungUp
from amqpconn.sync import Channel, Connection, Endpoint, _reactor, connect
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from tests.drivers.helpers import GUEST, Background, eventually, message, threads

pytestmark = pytest.mark.usefixtures("reported")


def consume(channel: Channel, *bodies: bytes) -> None:
    channel.call(queue.Declare(queue="q"))
    channel.call(basic.Consume(queue="q"))
    for body in bodies:
        channel.send(basic.Publish(routing_key="q"), message(body))


def test_one_thread_serves_all_connections_and_ends_with_the_last(peer: Peer) -> None:
    assert threads() == []
    connections = [connect(peer.url()) for _ in range(50)]
    (thread,) = threads()
    channels = [connection.endpoint.open_channel() for connection in connections]
    assert all(channel.call(tx.Select()) == tx.SelectOk() for channel in channels)
    for connection in connections[1:]:
        connection.close()
    assert threads() == [thread]
    assert connections[0].endpoint.open_channel().is_open
    connections[0].close()
    eventually(lambda: threads() == [])
    with connect(peer.url()):
        assert len(threads()) == 1
    eventually(lambda: threads() == [])


def test_connections_one_after_the_other_keep_one_thread(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_reactor, "IDLE_S", 10.0)
    served: set[int | None] = set()
    for _ in range(5):
        with connect(peer.url()):
            served.update(thread.ident for thread in threads())
    assert len(served) == 1
    _reactor.settle()  # as before a fork
    assert threads() == []


def test_thread_is_not_woken_for_connections_that_come_and_go(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    with connect(peer.url()), monkeypatch.context() as patched:
        patched.setattr(_reactor.Reactor, "_wake", woken.append)
        connect(peer.url(), heartbeat=0).close()
    assert woken == []


def test_thread_ends_when_the_peer_hangs_up(peer: Peer) -> None:
    connection = connect(peer.url())
    peer.drop_connections()
    with pytest.raises(PeerHungUp):
        connection.wait_closed(timeout=10)
    eventually(lambda: threads() == [])


def test_connections_come_and_go_from_many_threads(peer: Peer) -> None:
    def work() -> None:
        for _ in range(10):
            with connect(peer.url()) as connection, connection.endpoint.open_channel() as channel:
                assert channel.call(tx.Select()) == tx.SelectOk()

    for worker in [Background(work) for _ in range(8)]:
        worker.result()
    eventually(lambda: threads() == [])


def test_threads_share_a_connection_and_a_channel(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        shared = connection.endpoint.open_channel()

        def work(number: int) -> None:
            with connection.endpoint.open_channel() as own:
                for turn in range(10):
                    name = f"q{number}-{turn}"
                    for channel in (own, shared):
                        assert channel.call(queue.Declare(queue=name)).queue == name
                        channel.send(basic.Publish(routing_key=name), message(name.encode()))
                        got = channel.fetch(basic.Get(queue=name, no_ack=True))[1]
                        assert got == message(name.encode())

        for worker in [Background(partial(work, number)) for number in range(16)]:
            worker.result()


def test_messages_go_to_one_of_the_threads_that_wait(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        waiting = [Background(partial(channel.receive, 10)) for _ in range(8)]
        consume(channel, *(b"%d" % number for number in range(8)))
        received = [content.body for _, content in (it.result() for it in waiting) if content]
        assert sorted(received) == [b"%d" % number for number in range(8)]


def test_what_has_arrived_is_received_while_the_stream_is_being_read(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        consume(channel, b"1", b"2")
        channel.call(tx.Select())
        with connection.endpoint._link.lock:  # as the thread that reads has it most of the time
            received = [Background(partial(channel.receive, 10)).result() for _ in range(2)]
        assert [content.body for _, content in received if content] == [b"1", b"2"]


def test_all_threads_that_wait_are_told_that_the_channel_is_closed(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        waiting = [Background(channel.receive) for _ in range(5)]
        channel.close()
        channel.on(basic.Deliver, print)
        assert all(isinstance(it.error(), NotOpen) for it in waiting)
        with pytest.raises(NotOpen):
            channel.receive()


def test_handlers_may_block_and_use_the_connection(peer: Peer) -> None:
    done: list[object] = []
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()

        def handle(deliver: Any, _: object) -> None:
            channel.send(basic.Ack(deliver.delivery_tag))
            with connection.endpoint.open_channel() as other:
                done.append(other.call(tx.Select()))

        channel.on(basic.Deliver, handle)
        consume(channel, b"1", b"2")
        eventually(lambda: done == [tx.SelectOk()] * 2)
        assert len(threads("amqpconn-callbacks")) == 1
    eventually(lambda: threads("amqpconn-callbacks") == [])


def test_handler_may_close_the_connection(peer: Peer) -> None:
    connection = connect(peer.url())
    channel = connection.endpoint.open_channel()
    channel.on(basic.Deliver, lambda *_: connection.close())
    consume(channel, b"1")
    connection.wait_closed(timeout=10)
    eventually(lambda: threads() == [])


class Slow:
    """A connector that gives a socket when it is allowed to."""

    def __init__(self, peer: Peer) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self._peer = peer

    def __call__(self, _: object) -> socket.socket:
        self.started.set()
        self.go.wait(10)
        return socket.create_connection((self._peer.host, self._peer.port))


def test_close_while_a_connector_works_does_not_wait_for_it(peer: Peer) -> None:
    connector = Slow(peer)
    connection = Connection(Endpoint(connector=connector))
    opening = Background(lambda: connection.open(GUEST))
    connector.started.wait(10)
    connection.close()
    assert isinstance(opening.error(), OpenAborted)
    assert threads("amqpconn-connector") != []
    connector.go.set()
    eventually(lambda: threads("amqpconn-connector") == [])
    assert peer.received() == []


def test_deadline_does_not_wait_for_a_connector(peer: Peer) -> None:
    connector = Slow(peer)
    with pytest.raises(OpenTimeout) as raised:
        connect("amqp://localhost", connector=connector, timeout=0.05)
    assert raised.value.phase == "connect"
    assert threads("amqpconn-connector") != []
    connector.go.set()
    eventually(lambda: threads("amqpconn-connector") == [])


def test_what_a_connector_raises_comes_out_of_open() -> None:
    def connector(_: object) -> socket.socket:
        raise LookupError("of the test")

    with pytest.raises(LookupError, match="of the test"):
        connect("amqp://localhost", connector=connector)


def test_connector_is_told_how_much_time_is_left(peer: Peer) -> None:
    given: list[float | None] = []

    def connector(timeout: float | None) -> socket.socket:
        given.append(timeout)
        return socket.create_connection((peer.host, peer.port))

    for timeout in (5.0, None):
        connect("amqp://localhost", connector=connector, timeout=timeout).close()
    assert given[0] is not None
    assert 4 < given[0] <= 5
    assert given[1] is None


def test_nothing_is_printed_by_the_driver(peer: Peer, capfd: pytest.CaptureFixture[str]) -> None:
    with connect(peer.url()) as connection:
        peer.drop_connections()
        with pytest.raises(PeerHungUp):
            connection.wait_closed(timeout=10)
    assert capfd.readouterr() == ("", "")


def test_many_connections_open_at_once(peer: Peer) -> None:
    with ExitStack() as stack:
        opening = [Background(partial(connect, peer.url())) for _ in range(30)]
        for each in opening:
            stack.enter_context(each.result())
        assert len(threads()) == 1
