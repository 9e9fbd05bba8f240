"""The thread of the blocking driver and its sockets: one connection does not disturb another."""

from __future__ import annotations

import errno
import select
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Any, cast

import pytest

from amqpconn import transport
from amqpconn.errors import ConnectionFailed, NotOpen, OpenAborted, PeerHungUp, TransportError
from amqpconn.sync import Connection, Endpoint, _link, _reactor, connect
from amqpconn.sync._ready import Selector
from amqpconn.testing import Peer
from amqpconn.transport import Target
from amqpconn_spec.v0_9_1 import basic, frames, queue, tx
from tests.drivers.helpers import GUEST, Background, dropping, eventually, message, threads

pytestmark = pytest.mark.usefixtures("reported")


def test_stream_that_its_user_closed_costs_its_own_connection_only(peer: Peer) -> None:
    mine = socket.create_connection((peer.host, peer.port))
    with connect(peer.url()) as other:
        connection = connect("amqp://localhost", connector=lambda _: mine)
        mine.close()
        with suppress(NotOpen, ConnectionFailed):  # it may have been noticed already
            connection.endpoint.open_channel()
        with pytest.raises(TransportError) as raised:
            connection.wait_closed(timeout=10)
        assert isinstance(raised.value.__cause__, OSError)
        assert other.endpoint.open_channel().is_open


@pytest.mark.parametrize("broken", ["_read", "_dispatch", "finish"])
def test_defect_in_one_connection_is_reported_and_costs_that_one_only(
    peer: Peer, reported: list[Any], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    with connect(peer.url()) as other:
        connection = connect(peer.url())
        link = connection.endpoint._link
        whole = getattr(type(link), broken)

        def fail(called: object, *arguments: object) -> Any:
            if called is not link:
                return whole(called, *arguments)
            monkeypatch.setattr(type(link), broken, whole)
            raise LookupError("of the test")

        monkeypatch.setattr(type(link), broken, fail)
        connection.endpoint.abort() if broken == "finish" else peer.block()
        eventually(lambda: reported)
        assert isinstance(reported.pop(), LookupError)
        if broken == "finish":
            link.finish()
        else:
            with pytest.raises(PeerHungUp):
                connection.wait_closed(timeout=10)
        assert other.endpoint.open_channel().is_open


def test_no_thread_can_be_started(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    connection = Connection(Endpoint(peer.host, peer.port))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="start new thread"):
            connection.open(GUEST)
    assert not connection.is_open
    with connect(peer.url()) as other:
        assert other.is_open


def test_no_selector_can_be_made(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "of the test")

    connection = Connection(Endpoint(peer.host, peer.port))
    with monkeypatch.context() as patched:
        patched.setattr(_reactor, "new_ready", fail)
        with pytest.raises(TransportError, match="Too many open files"):
            connect("amqp://localhost", connector=lambda _: peer_socket(peer))
    connection.open(GUEST)
    connection.close()


def peer_socket(peer: Peer) -> socket.socket:
    return socket.create_connection((peer.host, peer.port))


def test_sleeps_are_no_longer_than_selectors_can_wait(peer: Peer) -> None:
    with connect(peer.url(), heartbeat=0) as connection:
        channel = connection.endpoint.open_channel()
        peer.answer("queue.declare", lambda _: None)
        waiting = Background(lambda: channel.call(queue.Declare(), timeout=1e9))
        peer.wait_for("queue.declare")
        peer.send(queue.DeclareOk("q"), channel.id)
        assert waiting.result().queue == "q"


def test_end_that_is_not_read_does_not_keep_the_thread_busy(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocked: close hangs up at once, with bytes that the peer does not take, while it sends."""
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        peer.pause_reading()
        channel.send(basic.Publish(routing_key="none"), message(bytes(8_000_000)))
        served: list[int] = []
        service = _link.Link.service

        def counted(link: _link.Link, ready: int) -> Any:
            served.append(ready)
            return service(link, ready)

        peer.block()
        eventually(lambda: connection.is_blocked)
        monkeypatch.setattr(_link.Link, "service", counted)
        closing = Background(lambda: connection.close(timeout=0.3))
        eventually(lambda: connection.endpoint.state.value == "disconnecting")
        peer.send(basic.Ack(1), channel.id)
        closing.result()
        assert len(served) < 20
        peer.resume_reading()


def test_last_words_of_the_peer_are_read_when_a_write_fails(peer: Peer) -> None:
    """It says why and resets the stream; we find out by writing."""
    with connect(peer.url()) as connection:
        link = connection.endpoint._link
        channel = connection.endpoint.open_channel()
        with link.lock:  # the thread must not read first
            peer.close_connections(320, "last words")
            peer.wait_until(lambda: not peer.sessions[0].is_open)
            stream = link._stream
            assert isinstance(stream, socket.socket)
            assert select.select([stream], [], [], 10)[0]
            stream.shutdown(socket.SHUT_WR)
            channel.send(basic.Ack(1))
            assert "last words" in str(connection.endpoint.error)


def test_settling_does_not_wait_for_a_thread_that_goes_on(peer: Peer) -> None:
    with connect(peer.url()):
        _reactor.settle(10.0)
        assert len(threads()) == 1


def test_wakes_are_not_lost_when_there_are_too_many(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        link = connection.endpoint._link
        with link.lock:  # the thread waits for this and takes no wake-ups
            connection.endpoint.abort()
            reactor = _reactor._current[0]
            for _ in range(5000):
                reactor.attend(link)
        connection.wait_closed(timeout=10)


def test_wakes_that_cannot_be_sent_are_not_needed() -> None:
    """There are too many already, or the thread has ended with its connections."""

    class Finished:
        is_finished = True

    reactor, connection = _reactor.Reactor(), cast("Any", Finished())
    reactor.attend(connection)
    reactor._open()
    for _ in range(10_000):
        reactor.attend(connection)
    assert reactor.is_idle()
    reactor.forget()
    reactor.attend(connection)
    assert reactor.is_idle()


def test_second_thread_for_the_same_work_ends_at_once() -> None:
    reactor = _reactor.Reactor()
    assert reactor._claim.acquire(blocking=False)
    reactor._run()
    assert reactor.thread is None


class Holding:
    """A socket that reads ahead, as TLS does: a selector does not know of what it holds."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:
        self._held = self._held or self._sock.recv(size)
        given, self._held = self._held[:5], self._held[5:]
        return given

    def pending(self) -> int:
        return len(self._held)


def test_what_a_stream_has_read_ahead_is_read(peer: Peer) -> None:
    def connector(_: object) -> Any:
        return Holding(socket.create_connection((peer.host, peer.port)))

    def opened_and_blocked(_: object) -> None:
        peer.sessions[0].say("connection.open-ok")
        peer.sessions[0].say("connection.blocked", reason="in the same piece")

    peer.answer("connection.open", opened_and_blocked)
    with connect("amqp://localhost", connector=connector) as connection:
        eventually(lambda: connection.is_blocked)
        peer.unblock()
        channel = connection.endpoint.open_channel()
        channel.call(queue.Declare(queue="q"))
        channel.send(basic.Publish(routing_key="q"), message(bytes(1000)))
        assert channel.fetch(basic.Get(queue="q"), timeout=10)[1] == message(bytes(1000))


class Flooding:
    """A stream that messages come from, of this size, as many as are asked for."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream = stream
        deliver = basic.Deliver("me", 1).encode_frame(1)
        header = frames.HeaderFrame(1, 60, size, basic.Properties()).encode()
        self._unit = deliver + header + frames.BodyFrame(1, bytes(size)).encode()
        self._at = 0
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def recv(self, size: int) -> bytes:
        self.sizes.append(size)
        begin = self._at % len(self._unit)
        self._at += size
        return (self._unit * (size // len(self._unit) + 2))[begin : begin + size]


@pytest.mark.parametrize(("size", "reads"), [(100, [65536] * 4), (100_000, [65536] + [262144] * 3)])
def test_others_wait_for_as_much_as_takes_little_time(
    peer: Peer, size: int, reads: list[int]
) -> None:
    with connect(peer.url(), heartbeat=0) as connection:
        channel = connection.endpoint.open_channel()
        link = connection.endpoint._link
        stream: Any = link._stream
        flooding: Any = Flooding(stream, size)
        with link.lock:
            link._stream = flooding
            link.service(selectors.EVENT_READ)
            link._stream = stream
        assert flooding.sizes == reads
        assert channel.receive(timeout=10)[1] == message(bytes(size))
        connection.endpoint.abort()


def test_systems_without_poll_and_without_sockets_that_never_block_are_served_too(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amqpconn.sync._waiting._CAN_POLL", False)
    monkeypatch.setattr(transport, "_NONBLOCK", 0)
    with connect(peer.url()) as connection, connection.endpoint.open_channel() as channel:
        stream: Any = connection.endpoint._link._stream
        assert stream.gettimeout() == 0
        assert channel.call(basic.Qos(prefetch_count=1)) == basic.QosOk()


def test_stream_with_nothing_to_read_is_not_lost(peer: Peer) -> None:
    """Selectors may be wrong, and TLS needs a whole record."""
    with connect(peer.url()) as connection:
        connection.endpoint._link.service(selectors.EVENT_READ)
        assert connection.is_open


def test_abort_between_two_steps_of_connecting_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no socket yet that the abort could shut down."""
    with dropping() as address:
        endpoint = Endpoint(*address)
        new_socket = transport.new_socket

        def aborting(info: Any) -> socket.socket:
            endpoint.abort()
            return new_socket(info)

        monkeypatch.setattr(transport, "new_socket", aborting)
        before = time.monotonic()
        with pytest.raises(OpenAborted):
            Connection(endpoint).open(GUEST)
        assert time.monotonic() - before < 5


def test_abort_between_two_hosts_of_a_redirect_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Peer() as there, Peer(redirect_to=f"{there.host}:{there.port}") as here:
        endpoint = Endpoint(here.host, here.port, protocol="0-8")
        elsewhere = Target.elsewhere

        def aborting(target: Target, host: str, port: int | None) -> Target:
            endpoint.abort()
            return elsewhere(target, host, port)

        monkeypatch.setattr(Target, "elsewhere", aborting)
        with pytest.raises(OpenAborted):
            Connection(endpoint).open(GUEST)
        assert there.received() == []


def test_selectors_serve_where_there_is_no_epoll(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large message waits for room to write, so all that a selector is asked comes to pass."""
    _reactor.settle()  # so that a new thread begins
    monkeypatch.setattr(_reactor, "new_ready", Selector)
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        channel.send(basic.Publish(routing_key="q"), message(bytes(1 << 22)))
        assert channel.call(tx.Select()) == tx.SelectOk()
        waits = _reactor._current[0]._waits
        assert isinstance(waits, Selector)
        waits.remove(9999, connection)  # which it does not know
    assert not _reactor._current[0]._served
