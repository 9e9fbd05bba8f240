"""Several versions of the protocol, one core: what differs is told from the generated classes."""

from __future__ import annotations

from typing import Any

import pytest

from amqpconn.auth import plain_auth
from amqpconn.config import Settings
from amqpconn.core.detour import parse_host
from amqpconn.core.dialect import Dialect, dialect_for, dialect_of_header
from amqpconn.core.endpoint import EndpointCore, EndpointState
from amqpconn.core.events import Down, HangUp, Opened, Redial
from amqpconn.core.handshake import OpenRequest
from amqpconn.errors import (
    InvalidParameter,
    OpenTimeout,
    ProtocolViolation,
    RedirectRefused,
    UnexpectedMethod,
    VersionRefused,
)
from amqpconn_spec import VERSIONS
from amqpconn_spec._base import Method
from tests.core.server import EPOCH

OLDER = ["0-8", "0-9"]


class Side:
    """A client of any version, and the server's methods for it."""

    def __init__(self, protocol: str, **settings: Any) -> None:
        self.core = EndpointCore(Settings(protocol=protocol, **settings))
        self.core.connecting(OpenRequest([plain_auth("u", "p")], "en_US", "/"), EPOCH)
        self.core.connected(EPOCH)

    @property
    def dialect(self) -> Dialect:
        return self.core.dialect

    def make(self, name: str, **fields: object) -> Method:
        made: Any = self.dialect.by_name[name]
        method: Method = made(**fields)
        return method

    def feed(self, name: str, channel: int = 0, **fields: object) -> None:
        self.core.receive_data(self.make(name, **fields).encode_frame(channel), EPOCH)

    def sent(self) -> list[Any]:
        """Methods that went out."""
        data, at, methods = self.core.data_to_send(EPOCH), 0, []
        while at < len(data):
            frame, at = self.dialect.package.frames.decode_frame(data, at)
            methods.append(frame.method)
        return methods

    def events(self, kind: type) -> list[Any]:
        found = []
        while (event := self.core.next_event()) is not None:
            if isinstance(event, kind):
                found.append(event)
        return found

    def start(self) -> None:
        assert self.core.data_to_send(EPOCH) == self.dialect.protocol_header
        major, minor = self.dialect.version
        self.feed(
            "connection.start",
            version_major=major,
            version_minor=minor,
            mechanisms=b"PLAIN",
            locales=b"en_US",
        )

    def up_to_open(self) -> list[Any]:
        """The handshake but for open-ok; what the client said."""
        self.start()
        said = self.sent()
        self.feed("connection.tune", channel_max=10, frame_max=8192, heartbeat=0)
        return said + self.sent()


@pytest.mark.parametrize("protocol", VERSIONS)
def test_every_version_opens_calls_and_closes(protocol: str) -> None:
    side = Side(protocol)
    said = side.up_to_open()
    assert [method.NAME for method in said] == [
        "connection.start-ok",
        "connection.tune-ok",
        "connection.open",
    ]
    side.feed("connection.open-ok")
    assert side.events(Opened)
    opening = side.core.open_channel(EPOCH, None)
    side.feed("channel.open-ok", 1)
    call = side.core.call(side.make("queue.declare"), opening.channel, None, EPOCH, None)
    side.feed("queue.declare-ok", 1, queue="q")
    assert call.reply == side.make("queue.declare-ok", queue="q")
    side.core.close(EPOCH)
    side.feed("connection.close-ok")
    side.core.disconnected()
    assert side.core.state is EndpointState.DISCONNECTED


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_promise_is_made_only_about_methods_that_the_version_has(protocol: str) -> None:
    side = Side(protocol)
    side.start()
    (start_ok,) = side.sent()
    promised = start_ok.client_properties["capabilities"]
    names = side.dialect.by_name
    assert promised["authentication_failure_close"] is True
    assert ("connection.blocked" in promised) is ("connection.blocked" in names)
    assert ("basic.nack" in promised) is ("basic.nack" in names)
    assert ("publisher_confirms" in promised) is ("confirm.select" in names)
    assert ("exchange_exchange_bindings" in promised) is ("exchange.bind" in names)


@pytest.mark.parametrize("protocol", OLDER)
def test_nowait_means_that_no_answer_comes(protocol: str) -> None:
    side = Side(protocol)
    side.up_to_open()
    side.feed("connection.open-ok")
    channel = side.core.open_channel(EPOCH, None).channel
    side.feed("channel.open-ok", 1)
    declare = side.make("queue.declare", nowait=True)
    with pytest.raises(InvalidParameter, match="use send"):
        side.core.call(declare, channel, None, EPOCH, None)
    side.core.send(declare, channel)


def test_a_version_without_update_secret_says_so() -> None:
    side = Side("0-8")
    side.up_to_open()
    side.feed("connection.open-ok")
    with pytest.raises(InvalidParameter, match=r"AMQP 0-8 has no connection\.update-secret"):
        side.core.update_secret(b"new", "", EPOCH, None)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_what_the_server_did_wrong_has_a_code_in_every_version(protocol: str) -> None:
    dialect = dialect_for(protocol)
    assert dialect.close_code("command-invalid") == 503
    assert dialect.close_code("no such code") == dialect.reply_codes["syntax-error"]


# --- the version that the server offers ---


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_header_tells_its_version(protocol: str) -> None:
    dialect = dialect_for(protocol)
    assert dialect_of_header(dialect.protocol_header) is dialect


def test_auto_begins_with_the_newest() -> None:
    assert dialect_for("auto") is dialect_for("0-9-1")
    assert Side("auto").core.data_to_send(EPOCH) == b"AMQP\x00\x00\x09\x01"


@pytest.mark.parametrize("protocol", OLDER)
def test_auto_takes_the_version_that_the_server_offers(protocol: str) -> None:
    side = Side("auto")
    side.core.receive_data(dialect_for(protocol).protocol_header, EPOCH)
    (redial,) = side.events(Redial)
    assert (redial.host, redial.port) == (None, None)
    (detour,) = side.core.detours
    assert detour.protocol == "0-9-1"
    assert not detour.is_redirect
    assert f"it offers AMQP {protocol}" in repr(detour)
    side.core.connected(EPOCH)
    side.up_to_open()
    side.feed("connection.open-ok")
    assert side.events(Opened)
    assert side.core.manager.agreement is not None
    assert side.core.manager.agreement.protocol_version == protocol


def test_auto_does_not_go_in_circles() -> None:
    side = Side("auto")
    for protocol in ("0-8", "0-9"):
        side.core.receive_data(dialect_for(protocol).protocol_header, EPOCH)
        side.core.connected(EPOCH)
    side.core.receive_data(dialect_for("0-8").protocol_header, EPOCH)
    assert isinstance(side.core.error, VersionRefused)
    assert [detour.protocol for detour in side.core.detours] == ["0-9-1", "0-8"]


@pytest.mark.parametrize("header", [b"AMQP\x01\x01\x00\x0a", b"AMQP\x00\x00\x09\x09"])
def test_auto_cannot_take_a_version_that_we_do_not_have(header: bytes) -> None:
    side = Side("auto")
    side.core.receive_data(header, EPOCH)
    assert isinstance(side.core.error, VersionRefused)
    assert not side.events(Redial)


def test_a_version_that_was_asked_for_is_not_left() -> None:
    side = Side("0-9-1")
    side.core.receive_data(dialect_for("0-8").protocol_header, EPOCH)
    assert isinstance(side.core.error, VersionRefused)
    assert "auto" in side.core.error.remedy


def test_the_deadline_holds_over_all_detours() -> None:
    side = Side("auto", timeout=10)
    side.core.receive_data(dialect_for("0-8").protocol_header, EPOCH + 6)
    side.core.connected(EPOCH + 6)
    assert side.core.next_deadline() == EPOCH + 10
    side.core.handle_timer(EPOCH + 10)
    assert isinstance(side.core.error, OpenTimeout)


# --- connection.redirect ---


@pytest.mark.parametrize("protocol", OLDER)
def test_a_redirect_is_followed_and_can_be_seen(protocol: str) -> None:
    side = Side(protocol, peer="here:5672")
    said = side.up_to_open()
    assert said[-1].insist is False
    side.feed("connection.redirect", host="there:5673", known_hosts="there:5673")
    (redial,) = side.events(Redial)
    assert (redial.host, redial.port) == ("there", 5673)
    side.core.peer = "there:5673"
    side.core.connected(EPOCH)
    side.up_to_open()
    side.feed("connection.open-ok")
    assert side.events(Opened)
    (detour,) = side.core.detours
    assert (detour.peer, detour.protocol, detour.is_redirect) == ("here:5672", protocol, True)


def test_a_stream_that_is_left_needs_no_heartbeats() -> None:
    side = Side("0-8", timeout=30)
    side.start()
    side.feed("connection.tune", frame_max=8192, heartbeat=1)
    assert side.core.next_deadline() == EPOCH + 0.5
    side.feed("connection.redirect", host="there")
    assert side.core.next_deadline() == EPOCH + 30
    assert side.core.data_to_send(EPOCH) == b""


def test_redirects_are_bounded() -> None:
    side = Side("0-8", max_redirects=2)
    for _ in range(2):
        side.up_to_open()
        side.feed("connection.redirect", host="there")
        side.core.connected(EPOCH)
    side.up_to_open()
    side.feed("connection.redirect", host="there")
    assert isinstance(side.core.error, RedirectRefused)
    assert side.core.error.phase == "open"
    assert side.events(HangUp)


def test_who_follows_no_redirect_insists() -> None:
    side = Side("0-8", max_redirects=0)
    assert side.up_to_open()[-1].insist is True
    side.feed("connection.redirect", host="there")
    assert isinstance(side.core.error, RedirectRefused)


def test_a_redirect_comes_in_answer_to_open_only() -> None:
    side = Side("0-8")
    side.start()
    side.feed("connection.redirect", host="there")
    assert isinstance(side.core.error, UnexpectedMethod)
    side.core.disconnected()
    assert side.events(Down)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("there", "there", None),
        ("there:1", "there", 1),
        ("10.0.0.1:65535", "10.0.0.1", 65535),
        ("::1", "::1", None),
        ("2001:db8::", "2001:db8::", None),
        ("[::1]", "::1", None),
        ("[::1]:5673", "::1", 5673),
    ],
)
def test_hosts_of_redirects(text: str, host: str, port: int | None) -> None:
    assert parse_host(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":5672",
        "there:",
        "there:x",
        "there:0",
        "there:65536",
        "[::1]:",
        "[::1]5",
        "[::1",
        "there:²",
    ],
)
def test_hosts_that_are_none(text: str) -> None:
    with pytest.raises(ProtocolViolation, match="redirects to"):
        parse_host(text)


@pytest.mark.parametrize("number", [-1, 1.5, True, "3", None])
def test_max_redirects_is_a_number(number: Any) -> None:
    with pytest.raises(InvalidParameter, match="max_redirects is"):
        Settings(max_redirects=number)
