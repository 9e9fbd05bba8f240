"""From a name to a byte stream: lookups, several addresses, Unix sockets, streams of the user's."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from amqpconn import transport
from amqpconn.errors import (
    ConnectionFailed,
    ConnectRefused,
    HostUnreachable,
    NameNotResolved,
    OpenTimeout,
    ProtocolViolation,
    TransportError,
)
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import queue
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, dropping, refusing, resolving, url_of


def test_port_where_nothing_listens(driver: Driver) -> None:
    address = refusing()
    with pytest.raises(ConnectRefused, match=f"127.0.0.1:{address[1]}") as raised:
        driver.connect(url_of(address))
    error = raised.value
    assert (error.errno, error.phase, error.retryable) == (errno.ECONNREFUSED, "connect", True)
    assert "Connection refused" in str(error)
    assert isinstance(error, OSError)
    assert isinstance(error.__cause__, ConnectionRefusedError)


def test_what_does_not_connect_at_once_is_waited_for(
    driver: Driver, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems other than Linux, and as with servers that are far away."""
    monkeypatch.setattr(transport, "TELLS_AGAIN", False)
    with driver.connect(peer.url()) as connection:
        assert connection.is_open
    with pytest.raises(ConnectRefused, match="Connection refused"):
        driver.connect(url_of(refusing()))


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (socket.EAI_NONAME, ""),
        (socket.EAI_AGAIN, "perhaps a name server does not answer at this time"),
    ],
)
def test_name_without_address(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, code: int, cause: str
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NameNotResolved, match=r"nowhere\.invalid") as raised:
        driver.connect("amqp://nowhere.invalid")
    assert (raised.value.phase, raised.value.errno) == ("resolve", code)
    assert (raised.value.cause, raised.value.retryable) == (cause, True)


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("Nowhere.invalid", b"Nowhere.invalid"),
        ("nowhere.", "nowhere."),
        ("n\u00f6.de", "n\u00f6.de"),
    ],
)
def test_a_plain_name_needs_no_codec(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, host: str, asked: str | bytes
) -> None:
    names: list[object] = []

    def unknown(name: object, *_: object, **__: object) -> None:
        names.append(name)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NameNotResolved):
        driver.Connection(driver.Endpoint(host)).open(GUEST)
    assert names == [asked]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid"])
def test_what_cannot_be_a_name(driver: Driver, host: str) -> None:
    with pytest.raises(NameNotResolved) as raised:
        driver.Connection(driver.Endpoint(host)).open(GUEST)
    assert isinstance(raised.value.__cause__, ValueError)
    assert (raised.value.phase, raised.value.retryable) == ("resolve", False)


def test_second_address_is_used_when_the_first_refuses(
    driver: Driver, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving(refusing(), (peer.host, peer.port)))
    with driver.connect("amqp://several.invalid") as connection:
        assert connection.is_open


def test_second_address_is_used_when_the_first_drops_packets(
    driver: Driver, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dropping() as address:
        monkeypatch.setattr(socket, "getaddrinfo", resolving(address, (peer.host, peer.port)))
        for deadline in (0.8, 6.4):  # the first is enough, unless the machine is too busy
            before = time.monotonic()
            with suppress(OpenTimeout):
                driver.connect("amqp://several.invalid", timeout=deadline).close()
                assert time.monotonic() - before >= deadline / 2 - 0.05
                return
    pytest.fail("it never came to the second address")


def test_all_addresses_are_told_when_none_answers(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dropping() as silent:
        monkeypatch.setattr(socket, "getaddrinfo", resolving(silent, refusing(), refusing()))
        with pytest.raises(ConnectRefused, match="none of the 3 addresses") as raised:
            driver.connect("amqp://several.invalid", timeout=1.2)
    causes = raised.value.__cause__
    assert isinstance(causes, ExceptionGroup)
    attempts = raised.value.attempts
    assert attempts == causes.exceptions
    kinds = [type(error) for error in attempts]
    assert kinds == [HostUnreachable, ConnectRefused, ConnectRefused]
    assert raised.value.phase == "connect"
    assert raised.value.peer == "several.invalid:5672"


def test_each_address_has_an_error_of_its_own(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dropping() as silent:
        found = resolving(silent, ("127.0.0.1", refusing()[1]), ("127.0.0.2", refusing()[1]))
        monkeypatch.setattr(socket, "getaddrinfo", found)
        refused: list[ConnectRefused] = []
        unreachable: list[HostUnreachable] = []
        try:
            try:
                driver.connect("amqp://several.invalid", timeout=0.9)
            except ConnectRefused as last:
                raise ExceptionGroup("one by one", last.attempts) from None
        except* ConnectRefused as group:
            refused += group.exceptions  # type: ignore[arg-type]
        except* HostUnreachable as group:
            unreachable += group.exceptions  # type: ignore[arg-type]
    name = "several.invalid:5672"
    assert [error.peer for error in refused] == [f"{name} (127.0.0.1)", f"{name} (127.0.0.2)"]
    assert [error.peer for error in unreachable] == [f"{name} (127.0.0.1)"]
    for error in (*refused, *unreachable):
        assert error.peer in error.what
        assert (error.phase, list(error.elapsed)) == ("connect", ["connect"])
        assert isinstance(error.__cause__, OSError)
    assert unreachable[0].elapsed["connect"] > 0.25


def test_the_address_behind_a_name_is_told(
    driver: Driver, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving((peer.host, peer.port)))
    opened = driver.connect("amqp://named.invalid")
    peer.drop_connections()
    with pytest.raises(ConnectionFailed) as raised:
        opened.wait_closed(10)
    assert raised.value.peer == "named.invalid:5672 (127.0.0.1)"


def test_deadline_holds_for_all_addresses_together(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dropping() as silent:
        monkeypatch.setattr(socket, "getaddrinfo", resolving(silent, silent))
        before = time.monotonic()
        with pytest.raises(OpenTimeout) as raised:
            driver.connect("amqp://several.invalid", timeout=0.2)
        assert time.monotonic() - before < 1.2
    assert raised.value.phase == "connect"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EHOSTUNREACH, HostUnreachable),
        (errno.ENETUNREACH, HostUnreachable),
        (errno.ETIMEDOUT, HostUnreachable),
        (errno.EACCES, TransportError),
    ],
)
def test_errors_of_the_system_have_a_class_that_says_what_to_do(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[ConnectionFailed]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, "of the test")

    monkeypatch.setattr("amqpconn.transport.new_socket", fail)
    with pytest.raises(kind) as raised:
        driver.connect("amqp://127.0.0.1")
    assert type(raised.value) is kind
    assert isinstance(raised.value, OSError)
    assert raised.value.errno == code


def test_redirect_to_what_is_no_host_is_the_peers_error(driver: Driver) -> None:
    with Peer(redirect_to="local\0host") as peer, pytest.raises(ProtocolViolation):
        driver.connect(peer.url(), protocol="0-8")


# --- Unix sockets ---


def test_unix_sockets_are_reached(driver: Driver, tmp_path: Path) -> None:
    with Peer(path=tmp_path / "amqp.sock") as peer:
        with driver.connect(peer.url(), path=tmp_path / "amqp.sock") as connection:
            assert str(connection.endpoint.target) == str(tmp_path / "amqp.sock")
            channel = connection.endpoint.open_channel()
            assert channel.call(queue.Declare(queue="q")).queue == "q"


def test_path_where_nothing_listens(driver: Driver, tmp_path: Path) -> None:
    with pytest.raises(ConnectRefused, match=r"missing\.sock"):
        driver.connect("amqp://", path=str(tmp_path / "missing.sock"))


def test_path_whose_server_has_gone(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "old.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
    with pytest.raises(ConnectRefused):
        driver.connect("amqp://", path=path)


def test_path_that_is_too_long(driver: Driver) -> None:
    with pytest.raises(TransportError, match="too long"):
        driver.connect("amqp://", path="/" + "x" * 200)


# --- streams of the user's own ---


def test_connected_socket_of_the_user_is_used(driver: Driver, peer: Peer) -> None:
    connector = driver.connector(lambda: socket.create_connection((peer.host, peer.port)))
    with driver.connect("amqp://elsewhere.invalid", connector=connector) as connection:
        channel = connection.endpoint.open_channel()
        assert channel.call(queue.Declare(queue="q")).queue == "q"


def test_what_a_connector_raises_of_the_system_is_a_connection_failure(driver: Driver) -> None:
    def refuse() -> socket.socket:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "of the test")

    with pytest.raises(ConnectRefused):
        driver.connect("amqp://localhost", connector=driver.connector(refuse))


@pytest.mark.parametrize("timeout", [30.0, None])
def test_timeout_of_a_connector_is_not_the_deadline(driver: Driver, timeout: float | None) -> None:
    def late() -> socket.socket:
        raise TimeoutError("of a proxy")

    with pytest.raises(HostUnreachable, match="of a proxy"):
        driver.connect("amqp://localhost", connector=driver.connector(late), timeout=timeout)


def test_other_exceptions_of_a_connector_are_the_callers(driver: Driver) -> None:
    def fail() -> socket.socket:
        raise LookupError("of the test")

    endpoint = driver.Endpoint(connector=driver.connector(fail))
    with pytest.raises(LookupError, match="of the test"):
        driver.Connection(endpoint).open(GUEST)
    assert endpoint.state.value == "failed"


def test_stream_that_ends_at_once_is_told(driver: Driver) -> None:
    def ended() -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours

    with pytest.raises(ConnectionFailed) as raised:
        driver.connect("amqp://localhost", connector=driver.connector(ended))
    assert raised.value.phase in ("connect", "header")
