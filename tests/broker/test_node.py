"""The private broker itself: it runs, answers, halts and ends as the tests of the library need.

Bytes are written by hand here, all but once, so that a fault of the library cannot pass for one of
the broker.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amqpconn.errors import ConnectionClosed, ConnectionForced
from tests.broker.certificates import CLIENT_NAME, Certificates
from tests.broker.rabbitmq import NodeError, RabbitMQNode
from tests.broker.waiting import eventually
from tests.drivers.adapter import Driver

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
# Class 10 is connection; the method's number follows.
START, START_OK = b"\x00\x0a\x00\x0a", b"\x00\x0a\x00\x0b"
TUNE, TUNE_OK = b"\x00\x0a\x00\x1e", b"\x00\x0a\x00\x1f"
OPEN, OPEN_OK = b"\x00\x0a\x00\x28", b"\x00\x0a\x00\x29"
CLOSE, CLOSE_OK = b"\x00\x0a\x00\x32", b"\x00\x0a\x00\x33"


def read(connection: socket.socket, count: int) -> bytes:
    """Read `count` bytes, or fewer if the broker closes before."""
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def receive(connection: socket.socket) -> bytes:
    """Read one frame, which must be a method frame on channel 0, and return its payload."""
    header = read(connection, 7)
    assert header[:3] == b"\x01\x00\x00"
    *payload, end = read(connection, int.from_bytes(header[3:]) + 1)
    assert end == 0xCE
    return bytes(payload)


def send(connection: socket.socket, payload: bytes) -> None:
    """Send a method frame on channel 0."""
    connection.sendall(b"\x01\x00\x00" + len(payload).to_bytes(4) + payload + b"\xce")


def greet(node: RabbitMQNode) -> socket.socket:
    """Connect and send the protocol header."""
    connection = socket.create_connection((node.host, node.port), timeout=10)
    connection.sendall(PROTOCOL_HEADER)
    return connection


@contextlib.contextmanager
def greet_over_tls(node: RabbitMQNode, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Do the same over TLS."""
    with (
        socket.create_connection((node.host, node.tls_port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(PROTOCOL_HEADER)
        yield connection
        # The node keeps some of those for long that end without TLS's own farewell.
        with contextlib.suppress(OSError):
            connection.unwrap()


def log_in(connection: socket.socket, mechanism: bytes, response: bytes) -> None:
    """Go on to connection.open-ok, with all that the broker proposes."""
    assert receive(connection).startswith(START)
    texts = bytes([len(mechanism)]) + mechanism + len(response).to_bytes(4) + response
    send(connection, START_OK + b"\0\0\0\0" + texts + b"\x05en_US")
    tune = receive(connection)
    assert tune.startswith(TUNE)
    send(connection, TUNE_OK + tune[4:])
    send(connection, OPEN + b"\x01/\0\0")
    assert receive(connection).startswith(OPEN_OK)


def guest(node: RabbitMQNode) -> socket.socket:
    """Open a connection as guest."""
    connection = greet(node)
    log_in(connection, b"PLAIN", b"\0guest\0guest")
    return connection


def listed(node: RabbitMQNode, connection: socket.socket) -> dict[str, Any]:
    """Return what the node tells of our connection."""
    port = connection.getsockname()[1]
    columns = ("peer_port", "user", "state", "auth_mechanism", "ssl")
    (found,) = (row for row in node.list_connections(*columns) if row.pop("peer_port") == port)
    return found


def mechanisms(start: bytes) -> set[bytes]:
    """Return what a connection.start offers; its order differs from node to node."""
    # The payload ends in two long strings, mechanisms and locales, each shorter than 256 bytes.
    return set(start.rsplit(b"\0\0\0", 2)[1][1:].split())


def assert_closed(connection: socket.socket) -> None:
    """Read the end of the stream; the broker resets it when it leaves something unread."""
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""


def test_it_answers_the_protocol_header_with_connection_start(broker: RabbitMQNode) -> None:
    with greet(broker) as connection:
        payload = receive(connection)
    assert payload.startswith(START)
    assert mechanisms(payload) == {b"PLAIN", b"AMQPLAIN", b"RABBIT-CR-DEMO"}


@pytest.mark.parametrize("certified", [False, True])
def test_over_tls_it_offers_external_too(
    broker: RabbitMQNode, certificates: Certificates, certified: bool
) -> None:
    context = certificates.client_context(certificates.client if certified else None)
    with greet_over_tls(broker, context) as connection:
        payload = receive(connection)
    assert mechanisms(payload) == {b"PLAIN", b"AMQPLAIN", b"RABBIT-CR-DEMO", b"EXTERNAL"}


def test_the_certificate_names_the_user(broker: RabbitMQNode, certificates: Certificates) -> None:
    context = certificates.client_context(certificates.client)
    with greet_over_tls(broker, context) as connection:
        log_in(connection, b"EXTERNAL", b"")
        assert listed(broker, connection) == {
            "user": CLIENT_NAME,
            "state": "running",
            "auth_mechanism": "EXTERNAL",
            "ssl": True,
        }


def test_it_takes_no_certificate_of_another_authority(
    broker: RabbitMQNode, certificates: Certificates
) -> None:
    context = certificates.client_context(certificates.untrusted_client)
    # With TLS 1.3 a client learns of the refusal only after its handshake: when it writes or reads.
    with (
        pytest.raises((ssl.SSLError, ConnectionResetError)),
        greet_over_tls(broker, context) as connection,
    ):
        receive(connection)


def test_a_frozen_node_is_silent_and_goes_on_when_thawed(broker: RabbitMQNode) -> None:
    with broker.frozen():
        connection = greet(broker)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with connection:
        connection.settimeout(10)
        assert receive(connection).startswith(START)


def test_connections_are_listed_counted_and_closed(broker: RabbitMQNode) -> None:
    with guest(broker) as connection:
        assert listed(broker, connection) == {
            "user": "guest",
            "state": "running",
            "auth_mechanism": "PLAIN",
            "ssl": False,
        }
        assert broker.connection_count() >= 1
        broker.close_connections("a test says so")
        payload = receive(connection)
        assert payload.startswith(CLOSE + (320).to_bytes(2))
        assert b"a test says so" in payload
        send(connection, CLOSE_OK)
        assert_closed(connection)


def test_the_memory_alarm_goes_on_and_off(broker: RabbitMQNode) -> None:
    broker.set_memory_alarm()
    try:
        assert "memory" in broker.eval("rabbit_alarm:get_alarms()")
    finally:
        broker.clear_memory_alarm()
    assert broker.eval("rabbit_alarm:get_alarms()") == "[]"


def test_commands_report_what_went_wrong(broker: RabbitMQNode) -> None:
    assert broker.eval("1 + 1") == "2"
    with pytest.raises(NodeError, match="boom"):
        broker.eval("erlang:error(boom)")
    with pytest.raises(NodeError, match='"nobody" does not exist'):
        broker.ctl("delete_user", "nobody")


def test_the_url_is_percent_encoded(broker: RabbitMQNode) -> None:
    url = broker.url("a@b", "p/w", "/", tls=True, host="localhost")
    assert url == f"amqps://a%40b:p%2Fw@localhost:{broker.tls_port}/%2F"


def test_a_second_node_stops_and_leaves_nothing(
    broker: RabbitMQNode, node_factory: Callable[..., RabbitMQNode], both_drivers: list[Driver]
) -> None:
    # test_failing_broker kills nodes, and starts them again.
    other = node_factory(virtual_hosts=["/", "elsewhere"])
    assert "elsewhere" in other.ctl("list_vhosts")
    session = os.getsid(other.pid)
    connections = [driver.connect(other.url(virtual_host="elsewhere")) for driver in both_drivers]
    other.stop()
    for connection in connections:
        with pytest.raises(ConnectionForced, match="reason 'shutdown'") as raised:
            connection.wait_closed(10)
        assert isinstance(raised.value, ConnectionClosed)
        assert raised.value.reply_code == 320
    with pytest.raises(NodeError, match="does not run"):
        other.ctl("status")
    guest(broker).close()
    other.close()
    eventually(lambda: not processes_of(session))


def test_a_node_that_cannot_start_says_why(node_factory: Callable[..., RabbitMQNode]) -> None:
    with pytest.raises(NodeError, match="no_such_setting"):
        node_factory(config="no_such_setting = 1")


def processes_of(session: int) -> list[str]:
    """Return the command lines of the processes in a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                found.append((folder / "cmdline").read_text())
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found
