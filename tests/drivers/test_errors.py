"""Every way to fail has its class, in both drivers, and says where, when and what to do."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import pytest

from amqpconn.errors import (
    PHASES,
    AMQPError,
    AuthenticationRefused,
    CallTimeout,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionForced,
    ConnectionLimitReached,
    FrameError,
    FrameTooLargeAfterTune,
    FrameTooLargeBeforeTune,
    HungUpInHeader,
    HungUpInOpen,
    HungUpInSecure,
    HungUpInStart,
    HungUpInUse,
    InternalError,
    LoginTooLarge,
    MalformedFrame,
    NotAllowed,
    NotFound,
    PeerHungUp,
    PeerSpeaksAMQP10,
    PeerSpeaksHTTP,
    PeerSpeaksOther,
    PeerSpeaksRedis,
    PeerSpeaksSSH,
    PeerSpeaksTLS,
    ProcessStalled,
    UnexpectedMethod,
    VersionRefused,
    VirtualHostDown,
    VirtualHostRefused,
    WrongChannel,
)
from amqpconn.testing import Close, Cut, Ignore, On, Peer, Refuse, Reset, Send, Usual, challenges
from amqpconn_spec.v0_9_1 import connection, queue
from tests.broker.waiting import caught
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Challenged
from tests.drivers.stalling import stalled

# Longer than any buffer for messages would be, and not ASCII.
TEXT = "REASON - " + "ä€😀 long" * 17
HEADER, START_OK, OPEN = "protocol-header", "connection.start-ok", "connection.open"
ROUND = challenges(b"?")[0]
OLD_RABBITMQ = {"product": "RabbitMQ", "version": "3.13.7"}


def check(error: AMQPError, kind: type[AMQPError], phase: str, peer: Peer) -> None:
    """What every error has."""
    assert isinstance(error, kind), error
    assert phase in kind.phases
    assert (error.phase, error.peer) == (phase, f"127.0.0.1:{peer.port}")
    assert list(error.elapsed)[-1] == phase
    assert set(error.elapsed) <= set(PHASES)
    assert all(seconds >= 0 for seconds in error.elapsed.values())
    for age in (error.last_in_age_s, error.last_out_age_s):
        assert age is None or 0 <= age < 10
    assert error.last_out_age_s is not None
    assert error.what
    assert error.remedy
    assert f"[127.0.0.1:{peer.port}, in phase {phase}; connect " in str(error)


@pytest.mark.parametrize(
    ("name", "kind", "phase", "rules"),
    [
        (HEADER, HungUpInHeader, "header", []),
        (START_OK, HungUpInStart, "start", []),
        ("connection.secure-ok", HungUpInSecure, "secure", [ROUND]),
        (OPEN, HungUpInOpen, "open", []),
    ],
)
@pytest.mark.parametrize("end", [Cut(), Reset()], ids=["cut", "reset"])
def test_a_peer_that_hangs_up_while_we_open(
    driver: Driver, name: str, kind: type[PeerHungUp], phase: str, rules: list[On], end: Any
) -> None:
    with Peer(mechanisms=("PLAIN", "ECHO"), script=[On(name, end), *rules]) as peer:
        options = {"auth_methods": [Challenged()]} if rules else {}
        with pytest.raises(kind) as raised:
            driver.connect(peer.url(), **options)
        check(raised.value, kind, phase, peer)
        assert raised.value.is_guess
        assert raised.value.retryable


@pytest.mark.parametrize("end", [Cut(), Reset()], ids=["cut", "reset"])
def test_a_peer_that_hangs_up_in_use(driver: Driver, peer: Peer, end: Any) -> None:
    opened = driver.connect(peer.url())
    peer.do(end)
    with pytest.raises(HungUpInUse) as raised:
        opened.wait_closed(10)
    check(raised.value, HungUpInUse, "opened", peer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", PeerSpeaksSSH),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", PeerSpeaksHTTP),
        (b"-DENIED Redis is running in protected mode\r\n", PeerSpeaksRedis),
        (b"220 mail.example ESMTP\r\n", PeerSpeaksOther),
        (b"\x15\x03\x03\x00\x02\x02\x28", PeerSpeaksTLS),
        (b"AMQP\x03\x01\x00\x00", PeerSpeaksAMQP10),
        (b"AMQP\x01\x01\x00\x0a", VersionRefused),
        (b"\x01\x00\x00\x00\xff\xff\xff", FrameTooLargeBeforeTune),
        (b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\x00", MalformedFrame),
        (connection.OpenOk(), UnexpectedMethod),
        (b"\x03\x00\x07\x00\x00\x00\x00\xce", WrongChannel),
    ],
    ids=str,
)
def test_a_peer_that_says_something_else(
    driver: Driver, answer: Any, kind: type[ConnectionFailed]
) -> None:
    for end in ([], [Cut()], [Reset()]):
        with Peer(script=[On(HEADER, Send(answer), *end)]) as peer:
            error = caught(ConnectionFailed, lambda: driver.connect(peer.url()))
            assert type(error) is kind
            check(error, kind, "header", peer)
            assert not error.retryable


def test_a_frame_that_is_too_large_later(driver: Driver, peer: Peer) -> None:
    opened = driver.connect(peer.url(), frame_max=8192)
    peer.do(Send(b"\x03\x00\x01\x00\x00\x1f\xf9"))
    with pytest.raises(FrameTooLargeAfterTune, match="8193 bytes came") as raised:
        opened.wait_closed(10)
    check(raised.value, FrameTooLargeAfterTune, "opened", peer)


# --- refused, in the peer's own words ---


@pytest.mark.parametrize(
    ("name", "code", "text", "kind", "phase"),
    [
        (START_OK, 403, TEXT, AuthenticationRefused, "start"),
        (START_OK, 320, TEXT, ConnectionForced, "start"),
        (OPEN, 530, TEXT, VirtualHostRefused, "open"),
        (OPEN, 530, "node connection limit (3) is reached", ConnectionLimitReached, "open"),
        (OPEN, 541, "vhost 'x' is down", VirtualHostDown, "open"),
        (OPEN, 541, TEXT, InternalError, "open"),
        (OPEN, 999, TEXT, ConnectionClosed, "open"),
    ],
)
def test_a_refusal_keeps_its_words_however_the_stream_ends(
    driver: Driver, name: str, code: int, text: str, kind: type[AMQPError], phase: str
) -> None:
    for end in ([], [Cut()], [Reset()]):
        with Peer(script=[On(name, Refuse(code, text), *end)]) as peer:
            error = caught(ConnectionFailed, lambda: driver.connect(peer.url()))
            check(error, kind, phase, peer)
            assert (error.reply_code, error.reply_text) == (code, text)
            assert error.failing_method == name
            assert text in str(error)


@pytest.mark.parametrize("code", [320, 403, 530, 541])
def test_a_close_in_use_keeps_its_words_however_the_stream_ends(
    driver: Driver, peer: Peer, code: int
) -> None:
    for end in ([], [Cut()], [Reset()]):
        opened = driver.connect(peer.url())
        peer.do(Close(code, TEXT), *end)
        error = caught(ConnectionClosed, lambda: opened.wait_closed(10))  # noqa: B023
        check(error, ConnectionClosed, "opened", peer)
        assert (error.reply_code, error.reply_text) == (code, TEXT)


@pytest.mark.parametrize("rest", [[Usual()], [Cut()], [Reset()]], ids=["in order", "cut", "reset"])
def test_when_both_close_the_peers_reason_is_kept(driver: Driver, rest: list[Any]) -> None:
    said = connection.Close(540, TEXT, 60, 40)
    with Peer(script=[On("connection.close", Send(said), *rest)]) as peer:
        opened = driver.connect(peer.url())
        opened.close()
        error = opened.endpoint.error
        assert error is not None
        check(error, ConnectionClosed, "closing", peer)
        assert (error.reply_code, error.reply_text) == (540, TEXT)
        assert error.failing_method == "basic.publish"
        assert opened.endpoint.state.value == "failed"
        with pytest.raises(ConnectionClosed):
            opened.wait_closed()
        opened.close()


def test_a_login_that_is_too_large_is_not_sent(driver: Driver) -> None:
    with Peer(server_properties=OLD_RABBITMQ) as peer:
        with pytest.raises(LoginTooLarge) as raised:
            driver.connect(peer.url(f"guest:{'S' * 5000}"))
        check(raised.value, LoginTooLarge, "start", peer)
        assert "RabbitMQ 3.13.7 takes no more than 4096 before tuning" in raised.value.what
        assert "SSSS" not in str(raised.value)
        assert peer.received() == []
        with pytest.raises(FrameError, match="login was too large"):  # the peer's own
            driver.connect(peer.url(f"guest:{'S' * 5000}"), initial_frame_max=8192)


# --- what leaves the connection as it is ---


def test_a_channel_that_the_peer_closes(driver: Driver) -> None:
    with (
        Peer(script=[On(queue.Declare, Refuse(404, TEXT))]) as peer,
        driver.connect(peer.url()) as opened,
    ):
        channel = opened.endpoint.open_channel()
        with pytest.raises(NotFound) as raised:
            channel.call(queue.Declare(queue="q"))
        check(raised.value, NotFound, "opened", peer)
        assert (raised.value.reply_text, raised.value.failing_method) == (TEXT, "queue.declare")
        assert opened.is_open


def test_what_takes_too_long(driver: Driver) -> None:
    with (
        Peer(script=[On(queue.Declare, Ignore())]) as peer,
        driver.connect(peer.url()) as opened,
    ):
        channel = opened.endpoint.open_channel()
        with pytest.raises(CallTimeout) as raised:
            channel.call(queue.Declare(queue="q"), timeout=0.05)
        check(raised.value, CallTimeout, "opened", peer)
        assert raised.value.failing_method == "queue.declare"
        for wait in (lambda: channel.receive(0.01), lambda: opened.wait_closed(0.01)):
            check(caught(CallTimeout, wait), CallTimeout, "opened", peer)


# --- our own fault ---


def test_a_stream_that_ended_while_we_stood_still(both_drivers: list[Driver]) -> None:
    with Peer(heartbeat=1) as cut, Peer(heartbeat=1) as reset:
        opened = [
            (peer, driver.connect(peer.url())) for driver in both_drivers for peer in (cut, reset)
        ]
        with ExitStack() as stack:
            for number, driver in enumerate(both_drivers):
                own = [each for _, each in opened[2 * number : 2 * number + 2]]
                stack.enter_context(stalled(driver, own))
            cut.do(Cut())
            reset.do(Reset())
            time.sleep(2.1)
        for peer, each in opened:
            error = caught(ConnectionFailed, lambda: each.wait_closed(10))  # noqa: B023
            check(error, ProcessStalled, "opened", peer)
            assert isinstance(error, ProcessStalled)
            assert error.stalled_s > 1
            assert not isinstance(error, NotAllowed | PeerHungUp)
