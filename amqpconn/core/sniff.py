"""Who is it that answers? From the first bytes of a peer that does not send AMQP frames."""

from __future__ import annotations

from amqpconn.errors import (
    PeerSpeaksAMQP10,
    PeerSpeaksHTTP,
    PeerSpeaksOther,
    PeerSpeaksTLS,
    VersionRefused,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.core.dialect import Dialect
    from amqpconn.errors import HandshakeFailed

_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
_KNOWN = (
    (b"SSH-", "an SSH server"),
    (b"-ERR", "Redis"),
    (b"-DENIED", "Redis"),
    (b"+OK", "Redis or a mail server"),
    (b"220 ", "a mail or FTP server"),
    (b"* OK", "an IMAP server"),
)


def recognise(first: bytes) -> HandshakeFailed:
    """The error that names the peer behind `first`, its first bytes (some, not necessarily all)."""
    if first[:2] in _TLS_RECORDS:
        return PeerSpeaksTLS(
            "the peer answered with a TLS record: it wants TLS, and this is clear text"
        )
    if first.startswith((b"HTTP/", b"<!DOC", b"<html", b"<HTML")):
        return PeerSpeaksHTTP("the peer answered as a web server does")
    for beginning, name in _KNOWN:
        if first.startswith(beginning):
            return PeerSpeaksOther(f"the peer is {name}, not an AMQP broker")
    if b"AMQP".startswith(first[:4]):
        return VersionRefused(
            f"the server answered our header with a part of another one, {first!r}, and hung up"
        )
    return PeerSpeaksOther(f"the peer's first bytes are not AMQP: {first[:16]!r}")


def counter_offer(header: bytes, dialect: Dialect) -> HandshakeFailed:
    """The error for a protocol header (8 bytes) in answer to ours (specification 4.2.2)."""
    if header[5:] == b"\x01\x00\x00":  # behind 0, or 2 for TLS, or 3 for SASL
        return PeerSpeaksAMQP10(
            f"the server answered our header with that of AMQP 1.0 ({_readable(header)})"
        )
    if header == dialect.protocol_header:
        return VersionRefused(
            f"the server answered our header with the same one ({_readable(header)})",
            cause="perhaps something in between changed our first bytes, or the server wants"
            " others before them (PROXY protocol)",
            remedy="look for a proxy or load balancer in between",
        )
    refused = VersionRefused(
        f"the server does not speak AMQP {dialect.protocol};"
        f" it offers AMQP {_version(header)} ({_readable(header)})"
    )
    refused.header = header
    return refused


def _version(header: bytes) -> str:
    """Before 0-9-1 two octets of 1 stood in front of the version (0-8, 0-9, 0-10), and 0-8 has its
    numbers the other way.
    """
    octets = sorted(header[6:]) if header[4] == 1 else header[5:]
    return "-".join(str(octet) for octet in octets)


def _readable(header: bytes) -> str:
    return "AMQP " + " ".join(str(octet) for octet in header[4:8])
