"""KeyboardInterrupt in the blocking driver: wherever it comes, nothing is left, the rest works."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from amqpconn.sync import Channel, Connection, Endpoint, connect
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, channel, queue, tx
from tests.broker.certificates import Certificates
from tests.drivers.helpers import (
    GUEST,
    Background,
    dropping,
    eventually,
    hanging_resolver,
    listening,
    message,
)

pytestmark = pytest.mark.usefixtures("leaks")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """SIGUSR1 is what Ctrl-C is elsewhere."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


@contextmanager
def interrupted(when: Callable[[], object], pause: float = 0.03) -> Iterator[None]:
    """The block is interrupted a moment after `when` is true, and raises KeyboardInterrupt."""
    main = threading.main_thread().ident
    assert main == threading.get_ident()

    def interrupt() -> None:
        eventually(when)
        time.sleep(pause)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    background = Background(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        background.wait()


def opening(endpoint: Endpoint, when: Callable[[], object]) -> None:
    connection = Connection(endpoint)
    with interrupted(when):
        connection.open(GUEST)
    assert not connection.is_open
    assert endpoint.state.value == "failed"
    connection.close()


def in_phase(endpoint: Endpoint, phase: str) -> Callable[[], bool]:
    return lambda: endpoint._core.phase == phase


def test_in_the_name_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging_resolver(monkeypatch):
        endpoint = Endpoint("slow.invalid")
        opening(endpoint, in_phase(endpoint, "resolve"))


def test_while_connecting() -> None:
    with dropping() as address:
        endpoint = Endpoint(*address)
        opening(endpoint, in_phase(endpoint, "connect"))


def test_in_the_tls_handshake(certificates: Certificates) -> None:
    with listening() as listener:
        endpoint = Endpoint(*listener.getsockname(), ssl=certificates.client_context())
        opening(endpoint, in_phase(endpoint, "tls"))


@pytest.mark.parametrize("silent_from", ["connection.start", "connection.tune"])
def test_in_the_handshake(silent_from: str) -> None:
    with Peer(silent_from=silent_from) as peer:
        endpoint = Endpoint(peer.host, peer.port)
        phase = "header" if silent_from == "connection.start" else "start"
        opening(endpoint, in_phase(endpoint, phase))


def test_in_a_connector(peer: Peer) -> None:
    """It goes on by itself, and what it makes in vain is closed."""
    started, go = threading.Event(), threading.Event()

    def connector(_: object) -> socket.socket:
        started.set()
        go.wait(10)
        return socket.create_connection((peer.host, peer.port))

    opening(Endpoint(connector=connector), started.is_set)
    go.set()


Wait = Callable[[Connection, Channel], object]
WAITS: dict[str, tuple[str, Wait]] = {
    "call": ("queue.declare", lambda _, channel: channel.call(queue.Declare(queue="q"))),
    "fetch": ("basic.get", lambda _, channel: channel.fetch(basic.Get(queue="q"))),
    "channel.close": ("channel.close", lambda _, channel: channel.close()),
    "update_secret": (
        "connection.update-secret",
        lambda connection, _: connection.update_secret("new"),
    ),
    "open_channel": ("channel.open", lambda connection, _: connection.endpoint.open_channel()),
    "receive": ("", lambda _, channel: channel.receive()),
    "wait_closed": ("", lambda connection, _: connection.wait_closed()),
}


@pytest.mark.parametrize("name", WAITS)
def test_in_a_wait_the_connection_goes_on(peer: Peer, name: str) -> None:
    method, wait = WAITS[name]
    with connect(peer.url()) as connection:
        channel, other = (connection.endpoint.open_channel() for _ in range(2))
        peer.answer(method, lambda _: None)
        before = len(peer.received(method))
        with interrupted(lambda: not method or len(peer.received(method)) > before):
            wait(connection, channel)
        del peer.behaviour.answers[method]
        assert other.call(tx.Select()) == tx.SelectOk()


def test_in_wait_unblocked(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        peer.block()
        eventually(lambda: connection.is_blocked)
        with interrupted(lambda: True):
            connection.wait_unblocked()
        peer.unblock()
        connection.wait_unblocked(timeout=10)


def test_while_the_stream_is_full(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        peer.pause_reading()
        publish = basic.Publish(routing_key="none")
        channel.send(publish, message(bytes(8_000_000)))
        with interrupted(lambda: True):
            channel.send(publish, message(b"x"))
        peer.resume_reading()
        channel.send(publish, message(b"last"))
        received = peer.wait_for("basic.publish", 2)
        assert [len(it.content.body) for it in received if it.content] == [8_000_000, 4]


def test_in_close_the_stream_is_closed_at_once(peer: Peer) -> None:
    connection = connect(peer.url())
    peer.answer("connection.close", lambda _: None)
    with interrupted(lambda: peer.received("connection.close")):
        connection.close(timeout=None)
    connection.wait_closed(timeout=10)
    assert connection.endpoint.state.value == "disconnected"


def test_handler_of_a_signal_may_close_what_is_being_closed(peer: Peer) -> None:
    connection = connect(peer.url())
    peer.answer("connection.close", lambda _: None)
    signal.signal(signal.SIGUSR1, lambda *_: connection.close())
    main = threading.get_ident()

    def interrupt() -> None:
        peer.wait_for("connection.close")
        signal.pthread_kill(main, signal.SIGUSR1)

    background = Background(interrupt)
    connection.close(timeout=0.1)
    background.result()
    assert connection.endpoint.state.value == "disconnected"


def test_late_answer_of_an_interrupted_call_is_nobody_elses(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        channel = connection.endpoint.open_channel()
        peer.answer("queue.declare", lambda _: None)
        with interrupted(lambda: peer.received("queue.declare")):
            channel.call(queue.Declare(queue="old"))
        peer.send(queue.DeclareOk("old"), channel.id)
        peer.answer("queue.declare", lambda declare: queue.DeclareOk(declare.queue))
        assert channel.call(queue.Declare(queue="new")).queue == "new"


def test_channel_of_an_interrupted_opening_is_closed_when_it_comes(peer: Peer) -> None:
    with connect(peer.url()) as connection:
        peer.answer("channel.open", lambda _: None)
        with interrupted(lambda: peer.received("channel.open")):
            connection.endpoint.open_channel()
        peer.send(channel.OpenOk(), 1)
        assert peer.wait_for("channel.close")[0].channel == 1


def test_interrupt_between_a_write_and_its_note_ends_the_connection(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether bytes went out is not known then, and the same bytes must not go out twice."""
    connection = connect(peer.url())
    channel = connection.endpoint.open_channel()
    link = connection.endpoint._link

    class Interrupting:
        """The stream of the link, whose next write is interrupted behind it."""

        def __init__(self) -> None:
            self._stream = link._stream

        def __getattr__(self, name: str) -> object:
            return getattr(self._stream, name)

        def send(self, data: bytes | memoryview) -> int:
            assert self._stream is not None
            self._stream.send(data)
            raise KeyboardInterrupt

    monkeypatch.setattr(link, "_stream", Interrupting())
    with pytest.raises(KeyboardInterrupt):
        channel.send(basic.Ack(1))
    connection.wait_closed(timeout=10)
    assert len(peer.received("basic.ack")) <= 1
    assert not connection.is_open


# Between the system's call that makes a socket and the note of it nobody can close it but the
# collector, which does, and warns.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", range(40))
def test_at_any_moment_of_opening_and_closing(peer: Peer, number: int) -> None:
    endpoint = Endpoint(peer.host, peer.port)
    connection = Connection(endpoint)
    began = threading.Event()

    def interrupt() -> None:
        began.wait()
        time.sleep(number * 0.00005)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    background = Background(interrupt)
    try:
        began.set()
        connection.open(GUEST)
        connection.close()
        background.wait()
    except KeyboardInterrupt:
        endpoint.abort()
    background.wait()
    eventually(lambda: endpoint.state.value in ("off", "disconnected", "failed"))
