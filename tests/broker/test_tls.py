"""TLS to a real broker: what holds, what does not, and who is told what."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from amqpconn import external_auth
from amqpconn.errors import (
    AuthenticationRefused,
    CertificateExpired,
    CertificateForOtherHost,
    CertificateNotTrusted,
    CertificateRefused,
    PeerSpeaksTLS,
    TLSNotSpoken,
    TLSRefused,
)
from tests.broker.certificates import CLIENT_NAME, Certificate, Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.broker.waiting import eventually, together
from tests.drivers.adapter import Driver


@contextlib.contextmanager
def showing(certificate: Certificate) -> Iterator[int]:
    """Listen, on the port that this gives, with another certificate than the broker's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain = listener.accept()[0]
            with plain, contextlib.suppress(OSError):  # our client does not go on
                certificate.server_context().wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_the_url_names_the_authority(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    with driver.connect(f"{broker.url(tls=True)}?cafile={certificates.authority}") as connection:
        assert connection.mechanism == "PLAIN"
        (listed,) = broker.list_connections("ssl", "ssl_protocol")
    assert listed["ssl"] is True
    assert "tlsv1." in str(listed["ssl_protocol"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_context_of_the_users_own_is_used(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    context = certificates.client_context()
    context.minimum_version = context.maximum_version = version
    with driver.connect(broker.url(tls=True), ssl=context) as connection:
        assert connection.is_open


def test_the_broker_lets_go_of_closed_connections_at_once(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    # It keeps one in twenty for half a minute when they end without TLS's close_notify.
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for _ in range(5):
        together(lambda url: driver.connect(url, ssl=context).close(), [broker.url(tls=True)] * 8)
    eventually(lambda: broker.connection_count() == 0, timeout=5)


def test_the_greeting_names_the_host(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    context = certificates.client_context()
    with Relay(broker.host, broker.tls_port) as relay:
        url = f"amqps://guest:guest@127.0.0.1:{relay.port}/"
        with driver.connect(url, ssl=context, server_hostname="localhost") as connection:
            assert connection.is_open
        # The extension server_name (RFC 6066): its list, a host name, its length, the name.
        assert b"\x00\x00\x0e\x00\x0c\x00\x00\x09localhost" in relay.sent


@pytest.mark.parametrize("options", [{}, {"ssl": True}], ids=["by URL", "ssl=True"])
def test_an_unknown_authority_is_not_trusted(
    broker: RabbitMQNode, driver: Driver, options: dict[str, bool]
) -> None:
    said = "self-signed certificate in certificate chain"
    with pytest.raises(CertificateNotTrusted, match=said) as raised:
        driver.connect(broker.url(tls=True), **options)
    assert raised.value.phase == "tls"
    assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)


def test_a_certificate_for_another_host_does_not_hold(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    url = f"{broker.url(tls=True)}?cafile={certificates.authority}"
    said = r"not valid for 'elsewhere\.invalid'"
    with pytest.raises(CertificateForOtherHost, match=said) as raised:
        driver.connect(f"{url}&server_hostname=elsewhere.invalid")
    assert raised.value.phase == "tls"


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        (
            "wrong_host",
            CertificateForOtherHost,
            "IP address mismatch, certificate is not valid for '127.0.0.1'",
        ),
        ("expired", CertificateExpired, "certificate has expired"),
        ("untrusted", CertificateNotTrusted, "unable to get local issuer certificate"),
    ],
)
def test_a_server_certificate_that_does_not_hold_is_named_with_the_reason(
    driver: Driver,
    certificates: Certificates,
    name: str,
    kind: type[CertificateRefused],
    reason: str,
) -> None:
    with (
        showing(getattr(certificates, name)) as port,
        pytest.raises(kind, match=reason) as raised,
    ):
        driver.connect(f"amqps://127.0.0.1:{port}/?cafile={certificates.authority}")
    assert (raised.value.phase, raised.value.retryable) == ("tls", False)


def test_tls_to_the_port_for_clear_text_is_told_so(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    with pytest.raises(TLSNotSpoken, match="does not speak TLS"):
        driver.connect(f"amqps://127.0.0.1:{broker.port}/?cafile={certificates.authority}")


def test_clear_text_to_the_port_for_tls_is_told_so(broker: RabbitMQNode, driver: Driver) -> None:
    with pytest.raises(PeerSpeaksTLS, match="use amqps://") as raised:
        driver.connect(f"amqp://127.0.0.1:{broker.tls_port}/")
    assert raised.value.phase == "header"


def test_the_clients_certificate_is_its_login(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    ours = certificates.client
    url = (
        f"amqps://localhost:{broker.tls_port}/?auth_mechanism=EXTERNAL"
        f"&cafile={certificates.authority}&certfile={ours.chain}&keyfile={ours.key}"
    )
    with driver.connect(url) as connection:
        assert connection.mechanism == "EXTERNAL"
        (listed,) = broker.list_connections("user", "auth_mechanism", "peer_cert_subject")
    assert (listed["user"], listed["auth_mechanism"]) == (CLIENT_NAME, "EXTERNAL")
    assert f"CN={CLIENT_NAME}" in listed["peer_cert_subject"]


def test_without_a_certificate_there_is_no_login_by_it(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates
) -> None:
    with pytest.raises(AuthenticationRefused, match="EXTERNAL") as raised:
        driver.connect(
            broker.url(tls=True), ssl=certificates.client_context(), auth_methods=external_auth()
        )
    assert raised.value.reply_code == 403


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_refused_client_certificate_is_a_matter_of_tls(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    # TLS 1.3 tells the client after its handshake, when it has written its first bytes or not yet.
    context = certificates.client_context(certificates.untrusted_client)
    context.minimum_version = context.maximum_version = version
    with pytest.raises(TLSRefused, match="alert 'unknown ca'") as raised:
        driver.connect(broker.url(tls=True), ssl=context, auth_methods=external_auth())
    assert raised.value.phase in ("tls", "header")
    assert not raised.value.retryable
