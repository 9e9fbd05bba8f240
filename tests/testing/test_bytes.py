"""What a peer does after an exact number of bytes, sent or received."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from amqpconn.errors import ConnectionFailed
from amqpconn.testing import (
    Cut,
    Drip,
    Moment,
    Peer,
    ReceivedBytes,
    Replace,
    Reset,
    ResumeReading,
    Send,
    SentBytes,
    Silence,
    StopReading,
    Wait,
)
from amqpconn_spec.v0_9_1 import connection
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background
from tests.testing.raw import HEADER, Raw

Action = Callable[[Moment], object]
pytestmark = pytest.mark.usefixtures("leaks")


def say_everything(client: Raw) -> None:
    """All that a client says from its header to its close, without waiting for answers."""
    login = connection.StartOk({}, "PLAIN", b"\0guest\0guest", "en_US")
    client.send(HEADER, login, connection.TuneOk(10, 131072, 0), connection.Open("/"))
    client.send(connection.Close(200, "bye", 0, 0))


def said(peer: Peer) -> bytes:
    """All that a peer says to such a client, from start to close-ok."""
    with Raw(peer) as client:
        say_everything(client)
        return client.everything()


def said_before_reset(peer: Peer) -> bytes:
    """The same from a peer that must break the stream; with no byte said, connecting may fail."""
    data: list[bytes] = []
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        read_until_reset(peer, data)
    return b"".join(data)


def read_until_reset(peer: Peer, data: list[bytes]) -> None:
    broken = None
    with Raw(peer) as client:
        try:
            say_everything(client)
        except OSError as error:
            broken = error  # what had come can still be read
        while more := client.sock.recv(4096):
            data.append(more)
    raise broken or AssertionError("an end and no reset")


@pytest.fixture
def whole(peer: Peer) -> bytes:
    return said(peer)


def test_sessions_count_their_bytes(peer: Peer, driver: Driver) -> None:
    driver.connect(peer.url()).close()
    with Raw(peer) as client:
        client.send(HEADER)
        client.method()
    sizes = [(session.bytes_sent, session.bytes_received) for session in peer.sessions]
    start, header = sizes[1]
    assert header == len(HEADER)
    assert sizes[0][0] == start + len(
        connection.Tune(2047, 131072, 60).encode_frame(0)
        + connection.OpenOk().encode_frame(0)
        + connection.CloseOk().encode_frame(0)
    )


def test_stream_is_cut_after_each_byte(peer: Peer, whole: bytes) -> None:
    for number in range(len(whole) + 1):
        peer.behaviour.script = [SentBytes(number, Cut())]
        assert said(peer) == whole[:number]
    assert len(peer.sessions) == len(whole) + 2


def test_stream_is_reset_after_each_byte(peer: Peer, whole: bytes) -> None:
    peer.behaviour.script = lambda number: [SentBytes(number - 1, Reset())]
    for number in range(len(whole)):
        assert said_before_reset(peer) == whole[:number]


def test_one_byte_is_too_much(peer: Peer, whole: bytes) -> None:
    for number in range(0, len(whole) + 1, 7):
        peer.behaviour.script = [SentBytes(number, Send(b"\xaa"))]
        assert said(peer) == whole[:number] + b"\xaa" + whole[number:]


def test_bytes_are_replaced(peer: Peer, whole: bytes) -> None:
    for number in range(0, len(whole) - 2, 7):
        peer.behaviour.script = [SentBytes(number, Replace(b"\xaa\xab"))]
        assert said(peer) == whole[:number] + b"\xaa\xab" + whole[number + 2 :]


def test_silence_begins_after_a_byte(peer: Peer, whole: bytes) -> None:
    for count, number in enumerate((0, 1, len(whole) - 1), 2):
        peer.behaviour.script = [SentBytes(number, Silence())]
        with Raw(peer) as client:
            say_everything(client)
            peer.wait_for("connection.close", count)
            client.sock.shutdown(socket.SHUT_WR)
            assert client.everything() == whole[:number]


def test_bytes_come_one_by_one_and_late(peer: Peer, whole: bytes) -> None:
    peer.behaviour.script = [SentBytes(0, Drip(), Wait(0.01))]
    assert said(peer) == whole


@pytest.mark.parametrize("action", [Cut(), Reset(), Silence(), Send(b"\0")])
def test_attempts_fail_in_time(peer: Peer, driver: Driver, action: Action) -> None:
    driver.connect(peer.url()).close()
    total = peer.sessions[0].bytes_sent
    for number in range(0, total - 12, 29):  # as far as open-ok
        peer.behaviour.script = [SentBytes(number, action)]
        with pytest.raises(ConnectionFailed):
            driver.connect(peer.url(), timeout=0.02 if isinstance(action, Silence) else 10)


@pytest.mark.parametrize("action", [Cut, Reset])
def test_stream_ends_after_bytes_that_came(
    peer: Peer, driver: Driver, action: Callable[[], Action]
) -> None:
    for number in (1, 8, 9, 100):
        peer.behaviour.script = [ReceivedBytes(number, action())]
        with pytest.raises(ConnectionFailed):
            driver.connect(peer.url())
        assert peer.sessions[-1].bytes_received == number


def test_bytes_inside_tls_are_counted(driver: Driver, certificates: Certificates) -> None:
    with Peer(ssl=certificates.server.server_context()) as peer:
        trusted = {"ssl": certificates.client_context(), "timeout": 10.0}
        peer.behaviour.script = [ReceivedBytes(20, StopReading())]
        opening = Background(lambda: driver.connect(peer.url(), **trusted))
        peer.wait_until(lambda: [each.bytes_received for each in peer.sessions] == [20])
        peer.do(ResumeReading())
        opening.result().close()
        for fault in (Cut(), Send(b"\0")):
            peer.behaviour.script = [SentBytes(150, fault)]
            with pytest.raises(ConnectionFailed):
                driver.connect(peer.url(), **trusted)
