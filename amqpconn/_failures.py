"""Our errors for what the system and TLS report, and for the addresses of a host together."""

from __future__ import annotations

import errno
import os
import socket
import sys

from amqpconn.errors import (
    CertificateExpired,
    CertificateForOtherHost,
    CertificateNotTrusted,
    CertificateRefused,
    ConnectRefused,
    HostUnreachable,
    HungUpInConnect,
    HungUpInTLS,
    NameNotResolved,
    PeerHungUp,
    TLSFailed,
    TLSNotSpoken,
    TLSRefused,
    TransportError,
)
from amqpconn.transport import place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.errors import ConnectionFailed
    from amqpconn.transport import AddressInfo, Target

_UNREACHABLE: Final = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EADDRNOTAVAIL}
)
_HUNG_UP: Final = frozenset(
    {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
)
# OpenSSL's names for an answer that is no TLS.
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
# Why a certificate does not hold, by OpenSSL's number (X509_V_ERR_...; the names are stable).
_CERTIFICATES: Final[dict[int, type[CertificateRefused]]] = {
    **dict.fromkeys((9, 10), CertificateExpired),  # not yet valid, has expired
    # No issuer, self-signed, self-signed in the chain, no local issuer, leaf not verified, not
    # trusted, rejected.
    **dict.fromkeys((2, 18, 19, 20, 21, 27, 28), CertificateNotTrusted),
    **dict.fromkeys((62, 64), CertificateForOtherHost),  # by name, by address
}


def failed(error: OSError, target: Target | str) -> ConnectionFailed:
    """Our error for one of the system's, with it as `__cause__`."""
    ours = _translated(error, target)
    ours.__cause__ = error
    ours.errno = error.errno
    return ours


def unresolved(error: Exception, target: Target) -> ConnectionFailed:
    """Our error for what a resolver raised: OSError, or ValueError for what cannot be a name."""
    if isinstance(error, OSError):
        return failed(error, target)
    ours = NameNotResolved(
        f"the host name {target.host!r} cannot be looked up: {error}",
        remedy="write the name as it is; this one can belong to no host",
    )
    ours.retryable = False
    ours.__cause__ = error
    return ours


def attempt_failed(
    error: OSError, target: Target, address: AddressInfo, seconds: float
) -> ConnectionFailed:
    """Our error for one address of a host, stamped by itself: it took so many seconds."""
    place = place_of(target, address)
    ours = failed(error, place)
    if type(ours) is PeerHungUp:
        exact = HungUpInConnect(ours.what)
        exact.__cause__, exact.errno = error, error.errno
        ours = exact
    ours.peer, ours.phase, ours.elapsed = place, "connect", {"connect": seconds}
    return ours


def several(errors: list[ConnectionFailed], target: Target) -> ConnectionFailed:
    """One error for all addresses of a host: the only one, or the last with all of them as its
    cause.
    """
    if len(errors) == 1:
        return errors[0]
    error = errors[-1].clone()
    error.what = f"none of the {len(errors)} addresses of {target} answers; the last: {error.what}"
    error.__cause__ = ExceptionGroup(f"attempts to reach {target}", errors)
    return error


def _translated(error: OSError, target: Target | str) -> TransportError:
    if isinstance(error, socket.gaierror):
        host = getattr(target, "host", "")
        is_late = error.errno == socket.EAI_AGAIN
        return NameNotResolved(
            f"the host name {host!r} has no address: {error.strerror}",
            cause="perhaps a name server does not answer at this time" if is_late else None,
        )
    if _is_tls(error):
        return _tls_ended(error) or _tls_failed(error, target)
    no_such_path = isinstance(error, FileNotFoundError) and (
        isinstance(target, str) or (target is not None and target.path is not None)
    )
    if no_such_path or isinstance(error, ConnectionRefusedError):
        return ConnectRefused(f"nothing accepts connections at {target}: {_reason(error)}")
    if error.errno in _HUNG_UP or isinstance(error, ConnectionError):
        return PeerHungUp(_ending(error))
    if isinstance(error, TimeoutError) or error.errno in _UNREACHABLE:
        return HostUnreachable(f"{target} does not answer: {_reason(error) or 'time over'}")
    return TransportError(f"the byte stream to {target} failed: {_reason(error)}")


def _ending(error: OSError) -> str:
    """How the peer ended the stream. Without words it is asyncio's, for an end in the middle of
    TLS.
    """
    said = error.strerror or str(error)
    return f"the peer broke the byte stream: {said}" if said else "the peer ended the byte stream"


def _is_no_path(error: OSError, target: Target | str) -> bool:
    """Whether there is no such Unix socket (of places in words, only a path can be missing)."""
    is_path = isinstance(target, str) or target.path is not None
    return isinstance(error, FileNotFoundError) and is_path


def _reason(error: OSError) -> str:
    """The system's words; asyncio puts its own in their place, without the reason."""
    return os.strerror(error.errno) if error.errno else str(error)


def _tls_ended(error: OSError) -> PeerHungUp | None:
    """OpenSSL's words for a stream that ends early; for one that fails while writing, too."""
    from ssl import SSLEOFError, SSLZeroReturnError

    if not isinstance(error, SSLEOFError | SSLZeroReturnError):
        return None
    return HungUpInTLS("the peer ended the byte stream in the middle of TLS")


def _tls_failed(error: OSError, target: Target | str) -> TLSFailed:
    from ssl import SSLCertVerificationError

    code = getattr(error, "reason", "") or ""
    if isinstance(error, SSLCertVerificationError):
        return _certificate(error.verify_code, error.verify_message or str(error), target)
    if code in _NO_TLS:
        return TLSNotSpoken(f"the peer at {target} does not speak TLS ({code})")
    if "_ALERT_" in code:
        alert = code.partition("_ALERT_")[2].replace("_", " ").lower()
        return TLSRefused(f"the peer at {target} ended TLS with the alert '{alert}'")
    return TLSFailed(f"no TLS with {target}: {code or error}")


def _certificate(number: int, reason: str, target: Target | str) -> CertificateRefused:
    kind = _CERTIFICATES.get(number, CertificateRefused)
    return kind(f"the certificate of {target} does not hold: {reason}")


def _is_tls(error: OSError) -> bool:
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLError)
