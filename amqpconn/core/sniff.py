"""Who is it that answers? From the first bytes of a peer that does not send AMQP frames."""

from __future__ import annotations

from amqpconn.errors import (
    PeerSpeaksAMQP10,
    PeerSpeaksHTTP,
    PeerSpeaksOther,
    PeerSpeaksRedis,
    PeerSpeaksSSH,
    PeerSpeaksTLS,
    VersionRefused,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.core.dialect import Dialect
    from amqpconn.errors import HandshakeFailed, WrongPeer

# What answers begin with, and what is said about them; `{}` stands for these first bytes.
_PEERS: Final[tuple[tuple[type[WrongPeer], tuple[bytes, ...], str], ...]] = (
    (
        PeerSpeaksTLS,
        (b"\x15\x03", b"\x16\x03"),
        "the peer answered with a TLS record: it wants TLS, and this is clear text",
    ),
    (
        PeerSpeaksHTTP,
        (b"HTTP/", b"<!DOC", b"<html", b"<HTML"),
        "the peer answered as a web server does: {!r}",
    ),
    (PeerSpeaksSSH, (b"SSH-",), "the peer is an SSH server: {!r}"),
    # What Redis says to those whom it does not let in, or whose command it does not know.
    (
        PeerSpeaksRedis,
        (b"-ERR", b"-DENIED", b"-NOAUTH", b"-WRONGPASS", b"-LOADING", b"-MISCONF"),
        "the peer is Redis: {!r}",
    ),
    (PeerSpeaksOther, (b"+OK", b"* OK"), "the peer is a mail server, not an AMQP broker: {!r}"),
    (PeerSpeaksOther, (b"220 ",), "the peer is a mail or FTP server, not an AMQP broker: {!r}"),
    (PeerSpeaksOther, (b"INFO {",), "the peer is NATS, not an AMQP broker: {!r}"),
    (PeerSpeaksOther, (b"RFB ",), "the peer is a VNC server, not an AMQP broker: {!r}"),
)
# HTTP/2 begins with its settings (RFC 9113, 6.5): behind the frame's length its type, no flags, and
# stream 0.
_HTTP2_SETTINGS: Final = b"\x04\x00\x00\x00"


def recognise(first: bytes) -> HandshakeFailed:
    """The error that names the peer behind `first`, its first bytes (some, not necessarily all)."""
    for kind, beginnings, said in _PEERS:
        if first.startswith(beginnings):
            return kind(said.format(first[:64]))
    if first[3:7] == _HTTP2_SETTINGS:
        return PeerSpeaksHTTP("the peer answered as a server of HTTP/2 does")
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
