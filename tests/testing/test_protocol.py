"""The peer towards clients that are not ours: it keeps to the protocol, and so must they."""

from __future__ import annotations

import random
import socket
import time
from contextlib import suppress

import pytest

from amqpconn import Content
from amqpconn.testing import Peer
from amqpconn_spec._wire import encode_table
from amqpconn_spec.v0_9_1 import basic, channel, connection, frames, queue
from tests.broker.certificates import Certificates
from tests.drivers.helpers import end_in_reset
from tests.testing.raw import HEADER, Raw

pytestmark = pytest.mark.usefixtures("leaks")


@pytest.mark.parametrize("first", [b"GET / HT", b"AMQP\x03\x01\x00\x00", b"AMQP\x00\x00\x0a\x01"])
def test_other_versions_get_the_right_header_and_the_end(peer: Peer, first: bytes) -> None:
    with Raw(peer) as client:
        client.send(first)
        assert client.everything() == HEADER


def test_header_may_come_in_pieces(peer: Peer) -> None:
    with Raw(peer) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(HEADER)):
            client.send(HEADER[at : at + 1])
            time.sleep(0.001)
        assert isinstance(client.method(), connection.Start)


@pytest.mark.parametrize(
    ("mechanism", "response", "let_in"),
    [
        ("PLAIN", b"\0guest\0guest", True),
        ("PLAIN", b"other\0guest\0guest", True),
        ("PLAIN", b"\0guest\0wrong", False),
        ("PLAIN", b"\0nobody\0guest", False),
        ("PLAIN", b"\0guest", False),
        ("PLAIN", b"", False),
        ("PLAIN", b"\0\xff\0\xff", False),
        ("AMQPLAIN", encode_table({"LOGIN": "guest", "PASSWORD": "guest"})[4:], True),
        ("AMQPLAIN", encode_table({"LOGIN": "guest", "PASSWORD": "wrong"})[4:], False),
        ("AMQPLAIN", encode_table({"LOGIN": "guest"})[4:], False),
        ("AMQPLAIN", b"\xff\xff", False),
        ("EXTERNAL", b"", False),
    ],
)
def test_users_are_let_in_by_their_password(
    peer: Peer, mechanism: str, response: bytes, let_in: bool
) -> None:
    with Raw(peer) as client:
        answer = client.log_in(mechanism, response)
        if let_in:
            assert answer == connection.Tune(2047, 131072, 60)
        else:
            assert isinstance(answer, connection.Close)
            assert (answer.reply_code, answer.class_id, answer.method_id) == (403, 10, 11)
            client.send(connection.CloseOk())
            assert client.frame() is None


def test_offered_mechanisms_without_a_password_let_everybody_in() -> None:
    with Peer(mechanisms=("ANONYMOUS",)) as peer, Raw(peer) as client:
        assert isinstance(client.log_in("ANONYMOUS", b""), connection.Tune)


def test_challenges_go_on_until_there_is_a_verdict() -> None:
    said: list[tuple[str, bytes]] = []

    def authenticate(mechanism: str, response: bytes) -> bool | bytes:
        said.append((mechanism, response))
        return b"challenge %d" % len(said) if len(said) < 3 else True

    with Peer(mechanisms=("OWN",), authenticate=authenticate) as peer, Raw(peer) as client:
        assert client.log_in("OWN", b"0") == connection.Secure(b"challenge 1")
        client.send(connection.SecureOk(b"1"))
        assert client.method() == connection.Secure(b"challenge 2")
        client.send(connection.SecureOk(b"2"))
        assert isinstance(client.method(), connection.Tune)
    assert said == [("OWN", b"0"), ("OWN", b"1"), ("OWN", b"2")]


def test_no_limit_in_tune_ok_is_no_limit(peer: Peer) -> None:
    body = bytes(1_000_000)
    with Raw(peer) as client:
        client.open(frame_max=0)
        client.send(channel.Open(), basic.Publish(routing_key="none"), channel=1)
        header = frames.HeaderFrame(1, basic.Publish.CLASS_ID, len(body), basic.Properties())
        client.send(header.encode(), frames.BodyFrame(1, body).encode())
        (received,) = peer.wait_for("basic.publish")
    assert received.content is not None
    assert received.content.body == body


@pytest.mark.parametrize(
    "bad",
    [
        b"\x09 is no frame type",
        b"\x01\0\0\xff\xff\xff\xff",
        channel.Open().encode_frame(1)[:-1] + b"\0",
        frames.BodyFrame(1, b"unannounced").encode(),
        connection.Start(0, 9, {}, b"", b"").encode_frame(0),
    ],
)
def test_what_breaks_the_protocol_is_told_and_the_end(peer: Peer, bad: bytes) -> None:
    with Raw(peer) as client:
        client.open()
        client.send(bad)
        close = client.method()
        assert isinstance(close, connection.Close)
        assert close.reply_code == 501
        assert client.frame() is None


def test_bytes_after_the_end_are_not_taken(peer: Peer) -> None:
    with Raw(peer) as client:
        client.open()
        peer.close_connections()
        assert isinstance(client.method(), connection.Close)
        client.send(channel.Open(), channel=1)
        client.send(connection.CloseOk(), connection.CloseOk())
        assert client.frame() is None


def test_closes_may_cross(peer: Peer) -> None:
    with Raw(peer) as client:
        client.open()
        peer.close_connections()
        client.send(connection.Close(200, "bye", 0, 0))
        assert isinstance(client.method(), connection.Close)
        assert client.method() == connection.CloseOk()
        client.send(connection.CloseOk())
        assert client.frame() is None


def test_client_is_closed_in_the_middle_of_its_handshake(peer: Peer) -> None:
    with Raw(peer) as client:
        assert isinstance(client.log_in(), connection.Tune)
        peer.close_connections()
        assert isinstance(client.method(), connection.Close)
    with Raw(peer) as client:
        client.send(HEADER[:4])
        peer.wait_until(lambda: len(peer.sessions) == 2)
        peer.close_connections()
        assert client.frame() is None


def test_silent_client_is_given_up_and_gets_heartbeats_before(peer: Peer) -> None:
    with Raw(peer) as client:
        client.open(heartbeat=1)
        before = time.monotonic()
        seen = []
        while (frame := client.frame()) is not None:
            seen.append(frame)
        assert 1.5 < time.monotonic() - before < 5
    assert len(seen) >= 2
    assert {type(frame) for frame in seen} == {frames.HeartbeatFrame}


def test_methods_that_want_no_answer_get_none(peer: Peer) -> None:
    with Raw(peer) as client:
        client.open()
        client.send(channel.Open(), channel=1)
        assert client.method() == channel.OpenOk()
        client.send(
            queue.Declare(queue="q", no_wait=True),
            basic.Consume(queue="q", consumer_tag="t", no_wait=True),
            basic.Cancel(consumer_tag="t", no_wait=True),
            queue.Delete(queue="q", no_wait=True),
            queue.Declare(queue="last"),
            channel=1,
        )
        assert client.method() == queue.DeclareOk("last", 0, 0)


def test_what_was_sent_before_the_client_knew_of_a_refusal_is_ignored(peer: Peer) -> None:
    with Raw(peer) as client:
        client.open()
        client.send(channel.Open(), queue.Purge(queue="missing"), queue.Declare(), channel=1)
        assert client.method() == channel.OpenOk()
        assert isinstance(client.method(), channel.Close)
        client.send(channel.CloseOk(), channel.Open(), channel=1)
        assert client.method() == channel.OpenOk()


def test_clear_text_and_resets_do_not_end_a_peer_with_tls(certificates: Certificates) -> None:
    with Peer(ssl=certificates.server.server_context()) as peer:
        with Raw(peer) as client:
            client.send(HEADER)
            with suppress(ConnectionResetError):
                client.everything()
        for _ in range(10):
            client = Raw(peer)
            end_in_reset(client.sock)
            client.sock.close()
        context = certificates.client_context()
        with socket.create_connection((peer.host, peer.port), timeout=10) as sock:
            with context.wrap_socket(sock, server_hostname="localhost") as secure:
                secure.sendall(HEADER)
                assert secure.recv(65536)


@pytest.mark.parametrize("reset", [False, True])
def test_client_that_goes_while_it_is_sent_to_is_let_go(peer: Peer, reset: bool) -> None:
    with Raw(peer) as client:
        client.open()
        peer.send(basic.Deliver(), 1, Content(bytes(8_000_000)))
        assert isinstance(client.method(), basic.Deliver)
        if reset:
            end_in_reset(client.sock)
        client.sock.close()
        peer.wait_until(lambda: not peer.sessions[0].is_open)
    with Raw(peer) as client:
        client.open()


def test_random_bytes_do_not_end_a_peer(peer: Peer) -> None:
    for number in range(20):
        with Raw(peer) as client:
            client.send(HEADER + random.Random(number).randbytes(200))
    with Raw(peer) as client:
        client.open()
