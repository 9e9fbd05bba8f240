"""The servers that a survey of clients was probed with: what ours says about each of them.

Most clients hang here, name the wrong cause or lose the server's own words. Every scenario must end
long before the deadline (but for silence, which is what the deadline is for), as one class, in one
phase, and with the words that lead a reader to the cause.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from amqpconn import errors
from amqpconn.testing import Cut, Ignore, On, Peer, Refuse, Replace, Send, SentBytes, Silence, Usual
from amqpconn.testing import challenges as challenged
from amqpconn_spec.v0_9_1 import basic, connection
from tests.drivers.adapter import Driver
from tests.drivers.helpers import PATIENCE, Challenged

pytestmark = pytest.mark.usefixtures("leaks")

DENIED = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
NO_VHOST = "NOT_ALLOWED - vhost billing not found"
DOWN = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
TLS_ALERT = bytes.fromhex("15030300020228")
# What the peer would have said from its first byte on, in the way of the probed server.
HEADER_ANSWERED = "protocol-header"


@dataclass(frozen=True)
class Scenario:
    """One server: its script, and what is to be said about it.

    Attributes:
        words: parts of the error's text.
        options: more arguments of the peer.
        timeout: for opening, in seconds.
    """

    script: tuple[Any, ...]
    kind: type[errors.ConnectionFailed]
    phase: str
    words: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    timeout: float = PATIENCE


def answering(data: bytes, *then: Any) -> tuple[Any, ...]:
    """A server that answers our protocol header with these bytes."""
    return (On(HEADER_ANSWERED, Send(data), *then),)


OPENING = {
    "silence": Scenario(
        (SentBytes(0, Silence()),),
        errors.OpenTimeout,
        "header",
        ("0.2 s", "connection.start", "header 0."),
        timeout=0.2,
    ),
    "end of stream after the header": Scenario(
        (On(HEADER_ANSWERED, Cut()),), errors.HungUpInHeader, "header", ("perhaps", "TLS")
    ),
    "header of AMQP 1.0, then the end": Scenario(
        answering(b"AMQP\x03\x01\x00\x00", Cut()), errors.PeerSpeaksAMQP10, "header", ("1.0",)
    ),
    "our own header, and the stream stays open": Scenario(
        answering(b"AMQP\x00\x00\x09\x01"), errors.VersionRefused, "header", ("perhaps", "proxy")
    ),
    "a web server that keeps the stream open": Scenario(
        answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        errors.PeerSpeaksHTTP,
        "header",
        ("web server", "5672", "15672"),
    ),
    "a TLS alert, then the end": Scenario(
        answering(TLS_ALERT, Cut()), errors.PeerSpeaksTLS, "header", ("TLS", "amqps://")
    ),
    "an SSH server": Scenario(
        answering(b"SSH-2.0-OpenSSH_9.2p1\r\n"), errors.PeerSpeaksSSH, "header", ("SSH",)
    ),
    "a Redis server": Scenario(
        answering(b"-ERR unknown command 'AMQP'\r\n"), errors.PeerSpeaksRedis, "header", ("Redis",)
    ),
    "403 after start-ok": Scenario(
        (On(connection.StartOk, Refuse(403, DENIED)),),
        errors.AuthenticationRefused,
        "start",
        (DENIED, "user name and password"),
    ),
    "end of stream after start-ok, from a server that cannot say 403": Scenario(
        (On(connection.StartOk, Cut()),),
        errors.AuthenticationRefused,
        "start",
        ("perhaps", "refused", "user name and password"),
        {"server_properties": {"capabilities": {}}},
    ),
    "530 after open": Scenario(
        (On(connection.Open, Refuse(530, NO_VHOST)),),
        errors.VirtualHostRefused,
        "open",
        (NO_VHOST,),
    ),
    "end of stream after open": Scenario(
        (On(connection.Open, Cut()),), errors.HungUpInOpen, "open", ("perhaps", "virtual host")
    ),
    "only mechanisms that we do not have": Scenario(
        (), errors.NoCommonMechanism, "start", ("SCRAM-SHA-256",), {"mechanisms": ["SCRAM-SHA-256"]}
    ),
    "a wrong end of frame": Scenario(
        (SentBytes(0, Replace(b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\x00")),),
        errors.MalformedFrame,
        "header",
        ("206",),
    ),
    "an announced frame of two gigabytes": Scenario(
        answering(b"\x01\x00\x00\x7f\xff\xff\xff"), errors.FrameTooLargeBeforeTune, "header"
    ),
    "a challenge to a mechanism that has none": Scenario(
        (*challenged(b"who?"),), errors.HandshakeFailed, "secure", ("challenge", "PLAIN")
    ),
}


@pytest.mark.parametrize("name", OPENING)
def test_what_is_said_when_it_does_not_open(name: str, driver: Driver) -> None:
    scenario = OPENING[name]
    with Peer(script=scenario.script, users={"ann": "s3cret"}, **scenario.options) as peer:
        began = time.monotonic()
        with pytest.raises(errors.ConnectionFailed) as caught:
            driver.connect(peer.url("ann:s3cret"), timeout=scenario.timeout)
        if scenario.kind is not errors.OpenTimeout:  # it does not wait for the deadline to say so
            assert time.monotonic() - began < PATIENCE / 2
    error = caught.value
    assert isinstance(error, scenario.kind), error
    assert error.phase == scenario.phase
    assert str(peer.port) in error.peer
    assert [word for word in scenario.words if word not in str(error)] == [], str(error)
    assert "s3cret" not in str(error)


def test_a_challenge_that_is_answered(driver: Driver) -> None:
    with Peer(script=challenged(b"who?"), mechanisms=["ECHO"]) as peer:
        with driver.connect(peer.url(), auth_methods=[Challenged()]) as connected:
            assert connected.mechanism == "ECHO"
        assert peer.received(connection.SecureOk)[0].method.response == b"re: who?"


def test_plain_is_used_for_a_password_although_external_is_offered_first(driver: Driver) -> None:
    with Peer(mechanisms=["EXTERNAL", "PLAIN"]) as peer:
        with driver.connect(peer.url()) as connected:
            assert connected.mechanism == "PLAIN"


def test_a_close_that_is_never_answered(driver: Driver) -> None:
    with Peer(script=[On(connection.Close, Ignore())]) as peer:
        connected = driver.connect(peer.url())
        began = time.monotonic()
        connected.close(timeout=0.2)
        assert 0.2 <= time.monotonic() - began < PATIENCE / 2
        assert not connected.is_open


def test_a_server_that_closes_is_answered_and_quoted(driver: Driver) -> None:
    with Peer(script=[On(basic.Qos, Refuse(320, DOWN), Usual())]) as peer:
        connected = driver.connect(peer.url())
        channel = connected.endpoint.open_channel()
        peer.close_connections(320, DOWN)
        with pytest.raises(errors.ConnectionForced, match="broker forced connection closure"):
            connected.wait_closed()
        peer.wait_for(connection.CloseOk)
        assert not channel.is_open
