"""TLS could not be set up, and whose certificate it is that does not hold."""

from __future__ import annotations

from amqpconn.errors._stream import TransportError


class TLSFailed(TransportError):
    """The TLS handshake failed, for a reason that has no class of its own."""

    retryable = False
    # With TLS 1.3 the peer refuses after the handshake.
    phases: tuple[str, ...] = ("tls", "header")
    remedy = "check the port (5671 is usual for TLS), the certificate authority and the host name"


class TLSNotSpoken(TLSFailed):
    """The peer answered our TLS greeting with something else."""

    phases: tuple[str, ...] = ("tls",)
    cause = "perhaps the port is the one for clear text"
    remedy = "use the TLS port (usually 5671), or amqp:// for clear text"


class TLSRefused(TLSFailed):
    """The peer ended TLS with an alert; the message has its name."""

    remedy = (
        "read the broker's log; where it asks for a certificate, check that the client shows one"
        " and that the broker trusts its authority"
    )


class CertificateRefused(TLSFailed):
    """We do not accept the peer's certificate, for a reason that has no class of its own."""

    phases: tuple[str, ...] = ("tls",)
    remedy = "have a certificate made that holds; the message says what this one lacks"


class CertificateNotTrusted(CertificateRefused):
    """The peer's certificate was signed by nobody that we trust."""

    cause = "perhaps the broker's certificate comes from an authority of your own"
    remedy = "name that authority with ?cafile= in the URL or in the SSLContext"


class CertificateForOtherHost(CertificateRefused):
    """The peer's certificate is for another host name or address."""

    remedy = (
        "connect by a name that is in the certificate, or give that name as server_hostname; or"
        " have the certificate made for this one too"
    )


class CertificateExpired(CertificateRefused):
    """The peer's certificate does not hold today: it has expired, or is not valid yet."""

    remedy = "renew the broker's certificate; look at this machine's clock too"
