"""TLS: verified by default, with the user's context, with certificates on both sides."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from amqpconn import external_auth
from amqpconn.core.endpoint import EndpointCore
from amqpconn.errors import (
    CertificateExpired,
    CertificateForOtherHost,
    CertificateNotTrusted,
    CertificateRefused,
    ConnectionFailed,
    HungUpInTLS,
    InvalidParameter,
    PeerHungUp,
    PeerSpeaksTLS,
    TLSFailed,
    TLSNotSpoken,
    TLSRefused,
)
from amqpconn.testing import Peer
from amqpconn.transport import secured
from amqpconn_spec.v0_9_1 import basic, queue
from tests.broker.certificates import Certificate, Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, end_in_reset, listening, message, url_of


@pytest.fixture
def secure(leaks: None, certificates: Certificates) -> Iterator[Peer]:  # noqa: ARG001
    """A peer with a certificate for localhost."""
    with Peer(ssl=certificates.server.server_context()) as peer:
        yield peer


def trusting(certificates: Certificates, more: str = "") -> str:
    return f"cafile={certificates.authority}{more}"


def test_authority_of_the_url_is_trusted(
    driver: Driver, secure: Peer, certificates: Certificates
) -> None:
    with driver.connect(secure.url(query=trusting(certificates))) as connection:
        channel = connection.endpoint.open_channel()
        channel.call(queue.Declare(queue="q"))
        body = os.urandom(1_000_000)
        channel.send(basic.Publish(routing_key="q"), message(body))
        assert channel.fetch(basic.Get(queue="q"))[1] == message(body)


def test_context_of_the_user_is_used(
    driver: Driver, secure: Peer, certificates: Certificates
) -> None:
    context = certificates.client_context()
    endpoint = driver.Endpoint(secure.host, secure.port, ssl=context)
    connection = driver.Connection(endpoint)
    connection.open(GUEST)
    connection.close()
    with driver.connect(secure.url(query="cafile=/missing"), ssl=context) as connection:
        assert connection.is_open


def test_authorities_of_the_system_are_used_by_default(
    driver: Driver, secure: Peer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CertificateNotTrusted, match="certificate"):
        driver.connect(secure.url())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with driver.connect(secure.url()) as connection:
        assert connection.is_open
    endpoint = driver.Endpoint(secure.host, secure.port, ssl=True)
    connection = driver.Connection(endpoint)
    connection.open(GUEST)
    connection.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wrong_host", CertificateForOtherHost),
        ("expired", CertificateExpired),
        ("untrusted", CertificateNotTrusted),
    ],
)
def test_certificates_that_do_not_hold_are_refused(
    driver: Driver, certificates: Certificates, name: str, kind: type[CertificateRefused]
) -> None:
    certificate: Certificate = getattr(certificates, name)
    with Peer(ssl=certificate.server_context()) as peer:
        with pytest.raises(kind) as raised:
            driver.connect(peer.url(query=trusting(certificates)))
        assert raised.value.phase == "tls"
        assert raised.value.remedy
        assert not raised.value.retryable
        assert peer.received() == []


def test_name_in_the_certificate_may_be_another_than_the_host(
    driver: Driver, certificates: Certificates
) -> None:
    seen: list[str] = []
    context = certificates.wrong_host.server_context()
    context.sni_callback = lambda _, name, __: seen.append(name)
    with Peer(ssl=context) as peer:
        name = "elsewhere.invalid"
        query = trusting(certificates, f"&server_hostname={name}")
        with driver.connect(peer.url(query=query)) as connection:
            assert connection.endpoint.target.server_hostname == name
        with driver.connect(peer.url(query=trusting(certificates)), server_hostname=name):
            pass
    assert seen == [name, name]


def test_host_is_sent_in_the_tls_greeting(driver: Driver, certificates: Certificates) -> None:
    seen: list[str] = []
    context = certificates.server.server_context()
    context.sni_callback = lambda _, name, __: seen.append(name)
    with Peer(ssl=context) as peer:
        url = f"amqps://localhost:{peer.port}/?{trusting(certificates)}"
        with driver.connect(url):
            assert seen == ["localhost"]


def test_own_certificate_is_shown(driver: Driver, certificates: Certificates) -> None:
    context = certificates.server.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.authority)
    client = certificates.client
    files = f"&certfile={client.chain}&keyfile={client.key}"
    with Peer(ssl=context, mechanisms=("EXTERNAL",)) as peer:
        query = trusting(certificates, f"{files}&auth_mechanism=EXTERNAL")
        with driver.connect(peer.url(query=query)) as connection:
            assert connection.mechanism == "EXTERNAL"
        options = {
            "ssl": certificates.client_context(client),
            "auth_methods": [external_auth()],
        }
        with driver.connect(peer.url(), **options) as connection:
            assert connection.mechanism == "EXTERNAL"
        with pytest.raises((TLSRefused, PeerHungUp)):
            driver.connect(peer.url(query=trusting(certificates)))


@pytest.mark.parametrize("key", ["cafile", "certfile"])
def test_files_that_cannot_be_used_are_named(driver: Driver, tmp_path: Path, key: str) -> None:
    for content in (None, "no certificate"):
        path = tmp_path / f"{key}.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(InvalidParameter, match=str(path)):
            driver.connect(f"amqps://localhost/?{key}={path}")


def test_tls_to_a_clear_port_says_so(
    driver: Driver, peer: Peer, certificates: Certificates
) -> None:
    with pytest.raises(TLSNotSpoken, match="does not speak TLS") as raised:
        driver.connect(peer.url(), ssl=certificates.client_context())
    assert "amqp://" in raised.value.remedy


def test_clear_text_to_a_tls_port_says_so(driver: Driver, secure: Peer) -> None:
    with pytest.raises((PeerSpeaksTLS, PeerHungUp)) as raised:
        driver.connect(f"amqp://{secure.host}:{secure.port}")
    assert "amqps" in str(raised.value) or "TLS" in str(raised.value)


def test_peer_that_resets_before_tls_is_told(
    driver: Driver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = EndpointCore.enter

    def resetting(core: EndpointCore, phase: str, now: float) -> None:
        enter(core, phase, now)
        if phase == "tls":
            accepted, _ = listener.accept()
            end_in_reset(accepted)
            accepted.close()

    monkeypatch.setattr(EndpointCore, "enter", resetting)
    with listening() as listener, pytest.raises(HungUpInTLS) as raised:
        driver.connect(url_of(listener.getsockname()), ssl=certificates.client_context())
    assert raised.value.phase == "tls"


class ResettingLate(ssl.SSLContext):
    """Puts TLS on a connection that the other side resets at this very moment."""

    peer: socket.socket

    def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
        """Put TLS on a socket."""
        end_in_reset(self.peer)
        self.peer.close()
        return super().wrap_socket(sock, **options)


@pytest.mark.parametrize("server_side", [False, True])
def test_socket_whose_peer_resets_while_tls_is_put_on_it_is_closed(server_side: bool) -> None:
    context = ResettingLate(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    options = {"server_side": True} if server_side else {"server_hostname": "localhost"}
    with listening() as listener:
        sock = socket.create_connection(listener.getsockname())
        context.peer, _ = listener.accept()
        sock.setblocking(False)
        with (
            pytest.raises(OSError, match=r"reset|connected") as raised,
            secured(sock, context, **options) as made,
        ):
            made.do_handshake()
    held = [frame.frame.f_locals.get("self") for frame in raised.traceback]
    left = {each.fileno() for each in held if isinstance(each, ssl.SSLSocket)}
    assert (sock.fileno(), left) == (-1, {-1})


def test_socket_whose_peer_has_reset_before_tls_is_put_on_it_is_closed() -> None:
    with listening() as listener:
        sock = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        end_in_reset(accepted)
        accepted.close()
        with pytest.raises(ConnectionResetError):
            secured(sock, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), server_hostname="localhost")
    assert sock.fileno() == -1


def answering(listener: socket.socket, answer: bytes | None) -> None:
    """Take a connection and its TLS greeting, answer it, and end the stream; reset it for None."""
    accepted, _ = listener.accept()
    with accepted:
        accepted.recv(4096)
        if answer is None:
            end_in_reset(accepted)
        else:
            accepted.sendall(answer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", HungUpInTLS),
        (None, HungUpInTLS),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", TLSNotSpoken),
        (b"AMQP\x00\x00\x09\x01", TLSNotSpoken),
        (b"\x15\x03\x03\x00\x02\x02\x28", TLSRefused),
        (b"\x16\x03\x03\x00\x04\x63\x00\x00\x00", TLSFailed),
    ],
    ids=["end", "reset", "http", "amqp", "alert", "garbage"],
)
def test_peer_that_does_not_do_tls_is_told(
    driver: Driver, certificates: Certificates, answer: bytes | None, kind: type[ConnectionFailed]
) -> None:
    with listening() as listener, ThreadPoolExecutor(1) as thread:
        served = thread.submit(answering, listener, answer)
        with pytest.raises(kind) as raised:
            driver.connect(url_of(listener.getsockname()), ssl=certificates.client_context())
        served.result()
    error = raised.value
    assert type(error) is kind
    assert (error.phase, list(error.elapsed)) == ("tls", ["connect", "tls"])
    assert (error.last_in_age_s, error.last_out_age_s) == (None, None)  # none of AMQP
    assert isinstance(error.__cause__, OSError)
    assert error.remedy


@contextmanager
def took_less_than(seconds: float) -> Iterator[None]:
    before = time.monotonic()
    yield
    assert time.monotonic() - before < seconds


def test_close_ends_in_time_although_the_peer_does_not_end_its_tls(
    driver: Driver, secure: Peer, certificates: Certificates
) -> None:
    connection = driver.connect(secure.url(query=trusting(certificates)))
    secure.freeze()
    with took_less_than(5):
        connection.close(timeout=0.1)
    assert connection.endpoint.state.value == "disconnected"
    secure.thaw()


def test_abort_and_hang_ups_end_tls_too(
    driver: Driver, secure: Peer, certificates: Certificates
) -> None:
    url = secure.url(query=trusting(certificates))
    with driver.connect(url) as connection:
        secure.drop_connections()
        with pytest.raises(PeerHungUp):
            connection.wait_closed(timeout=10)
    with driver.connect(url) as connection:
        connection.endpoint.abort()
        connection.wait_closed(timeout=10)
    with driver.connect(url) as connection:
        secure.close_connections()
        with pytest.raises(Exception, match="by the test"):
            connection.wait_closed(timeout=10)
