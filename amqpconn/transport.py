"""The seam between the drivers and the world: where to connect. What the system's errors mean is in
`_failures`, whose functions are here too; it is loaded when something has gone wrong.

Only this module and the two drivers know sockets. A driver needs of a byte stream: bytes in, bytes
out, its end, and that it can be closed at once. Users supply their own through `connector` (see the
drivers' Endpoint).
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from sys import intern

from amqpconn import errors
from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from ssl import SSLContext, SSLSocket
    from typing import Any, Final

    from amqpconn._failures import attempt_failed as attempt_failed
    from amqpconn._failures import failed as failed
    from amqpconn._failures import several as several
    from amqpconn.core.detour import Detour
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.servers import Route
    from amqpconn.errors import ConnectionFailed

    # (family, type, protocol, canonical name, address), as getaddrinfo gives them.
    AddressInfo = tuple[int, int, int, str, Any]

STREAM: Final = socket.SOCK_STREAM
PORT: Final = 5672
PORT_TLS: Final = 5671
IN_PROGRESS: Final = errno.EINPROGRESS
_GOES_ON: Final = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)
# Linux has connected to a server on the same machine by the time it says that it goes on, and says
# so when it is asked again. Other systems answer that in other ways.
TELLS_AGAIN: Final = sys.platform == "linux"
# Some systems make a socket that does not block at once.
_NONBLOCK: Final[int] = getattr(socket, "SOCK_NONBLOCK", 0)
_LABEL: Final = 64  # what is between two dots of a name is shorter
_UNIX: Final = getattr(socket, "AF_UNIX", None)


class Target:
    """Where to connect, and whether with TLS.

    Attributes:
        host, port: of a TCP connection; host may be a name or an address.
        path: of a Unix socket, instead of host and port.
        ssl: the context, None for clear text.
        server_hostname: what the certificate must be for, and the name in the TLS greeting (SNI).
        known_addresses: the address where none has to be looked up: a Unix path, or figures.
    """

    __slots__ = (
        "_certificate_name",
        "host",
        "known_addresses",
        "path",
        "port",
        "server_hostname",
        "ssl",
    )

    def __init__(
        self,
        host: str = "localhost",
        port: int | None = None,
        *,
        path: str | PathLike[str] | None = None,
        ssl: SSLContext | bool | None = None,
        server_hostname: str | None = None,
    ) -> None:
        if not isinstance(host, str) or not host or "\0" in host:
            raise InvalidParameter(f"host is {host!r}; it is a name or an address")
        self.ssl = _context(ssl)
        self.host = intern(str(host))  # thousands of connections may go to one
        self.port = _port(port, self.ssl is not None)
        self.path = None if path is None else os.fspath(path)
        self._certificate_name = _certificate_name(server_hostname)
        self.server_hostname = server_hostname or host if self.ssl is not None else None
        self.known_addresses = _known_addresses(self)

    def elsewhere(self, host: str, port: int | None) -> Target:
        """Another host, reached in the same way: with TLS if this one is."""
        return Target(host, port, ssl=self.ssl, server_hostname=self._certificate_name)

    def __str__(self) -> str:
        if self.path is not None:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return intern(f"{host}:{self.port}")


def look_up(
    target: Target, tell: Callable[[list[AddressInfo], ConnectionFailed | None], object]
) -> None:
    """Look the target's name up and `tell` its addresses, or why there are none.

    On a thread of its own: the system's resolver cannot be interrupted, and a pool of threads would
    have the end of the process wait for it.
    """

    def run() -> None:
        try:
            found = socket.getaddrinfo(_name(target.host), target.port, type=STREAM)
        except Exception as error:  # noqa: BLE001 - told to those who wait
            from amqpconn._failures import unresolved

            tell([], unresolved(error, target))
        else:
            tell(list(found), None)

    threading.Thread(target=run, name="amqpconn-resolver", daemon=True).start()


def _name(host: str) -> str | bytes:
    """A host for the resolver: as bytes where they are the same, because for a str Python loads its
    codec of international names, which takes longer than most of what opens a connection. It says
    what is wrong with those that can be no name.
    """
    is_plain = host.isascii() and all(0 < len(label) < _LABEL for label in host.split("."))
    return host.encode() if is_plain else host


def default_context(
    cafile: str | None = None, certfile: str | None = None, keyfile: str | None = None
) -> SSLContext:
    """A context that verifies certificate and host name; with `certfile` it also shows one of its
    own.

    Raises InvalidParameter when a file cannot be read or holds something else.
    """
    from ssl import SSLError, create_default_context

    try:
        context = create_default_context(cafile=cafile)
        if certfile is not None:
            context.load_cert_chain(certfile, keyfile)
    except (OSError, SSLError) as error:
        files = ", ".join(name for name in (cafile, certfile, keyfile) if name)
        raise InvalidParameter(f"TLS files cannot be used ({files}): {error}") from error
    return context


def new_socket(info: AddressInfo) -> socket.socket:
    """A socket for this address that does not block, without Nagle's delay: handshake frames are
    small and wait for each other.
    """
    sock = socket.socket(info[0], info[1] | _NONBLOCK, info[2])
    if not _NONBLOCK:
        sock.setblocking(False)
    if info[0] != _UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def begin(sock: socket.socket, address: AddressInfo) -> int:
    """Begin to connect a socket that does not block: 0 when it is connected already, the number of
    an error, or `IN_PROGRESS`.
    """
    code = sock.connect_ex(address[4])
    if code == errno.EINPROGRESS and TELLS_AGAIN:
        code = sock.connect_ex(address[4])
    return IN_PROGRESS if code in _GOES_ON else code


def secured(sock: socket.socket, context: SSLContext, **options: Any) -> SSLSocket:
    """The socket with TLS put on it, which takes it over. `options` are those of `wrap_socket`.

    Raises OSError when the peer has reset the connection already; nothing is left open then.
    """
    try:
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        return context.wrap_socket(sock, do_handshake_on_connect=False, **options)
    except OSError as error:
        sock.close()
        _close_what_was_made(error)
        raise


def _close_what_was_made(error: OSError) -> None:
    """Close the socket that `wrap_socket` had made; before Python 3.13 it forgets to."""
    trace = error.__traceback__
    while trace is not None:
        made = trace.tb_frame.f_locals.get("self")
        if isinstance(made, socket.socket):
            made.close()
        trace = trace.tb_next


def reached(core: EndpointCore, target: Target, address: AddressInfo) -> None:
    """Note where a stream has led to; `core.peer` has the target's own words already."""
    place: Any = address[4]
    if not isinstance(place, str) and place[0] != target.host:
        core.peer = place_of(target, address)
    if core.fast_open is not None:
        core.fast_open.route = _route(target, address)


def _route(target: Target, address: AddressInfo) -> Route:
    """The way to this address of a target, with what its TLS is set to demand."""
    from amqpconn.core.servers import Route  # late: most do not open fast

    context, place = target.ssl, (target.host, address[0], address[4])
    if context is None:
        return Route(place, (0, 0, 0, 0), None)
    demands = (context.verify_mode, context.check_hostname, context.minimum_version)
    return Route(place, (1, *map(int, demands)), target.server_hostname)


def place_of(target: Target, address: AddressInfo) -> str:
    """The target in words, with the address behind a name."""
    place: Any = address[4]
    if isinstance(place, str) or place[0] == target.host:
        return str(target)
    return f"{target} ({place[0]})"


def share(remaining_s: float | None, addresses_left: int) -> float | None:
    """Seconds for one of several addresses, so that one that drops packets does not use up the time
    of the others.

    None for the last one: it may take all that is left.
    """
    if remaining_s is None or addresses_left < 2:
        return None
    return max(remaining_s, 0.0) / addresses_left


def check_not_redirected(detours: Sequence[Detour]) -> None:
    """Raises RedirectRefused: a stream of the user's own leads where it leads."""
    if detours and detours[-1].is_redirect:
        raise errors.RedirectRefused(
            f"{detours[-1].reason} cannot be followed on a stream of your own"
        )


def __getattr__(name: str) -> object:
    """A function of `_failures`."""
    if name not in ("attempt_failed", "failed", "several"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from amqpconn import _failures

    return getattr(_failures, name)


def _known_addresses(target: Target) -> list[AddressInfo]:
    if target.path is not None:
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", target.path)]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, target.host)
        except (OSError, ValueError):
            continue
        return [(family, STREAM, socket.IPPROTO_TCP, "", (target.host, target.port))]
    return []


def _context(ssl: SSLContext | bool | None) -> SSLContext | None:
    if isinstance(ssl, bool) or ssl is None:
        return default_context() if ssl else None
    if not hasattr(ssl, "wrap_bio"):  # without importing ssl for those who do not use it
        raise InvalidParameter(f"ssl is {ssl!r}; it is an ssl.SSLContext, True or None")
    return ssl


def _certificate_name(name: str | None) -> str | None:
    """The name, when a certificate may be for it; ssl itself raises ValueError, and late."""
    try:
        if name is None or (name.encode("idna") and not name.startswith(".") and "\0" not in name):
            return name
    except (AttributeError, UnicodeError):
        pass
    raise InvalidParameter(f"server_hostname is {name!r}, which no certificate can be for")


def _port(port: int | None, tls: bool) -> int:
    if port is None:
        return PORT_TLS if tls else PORT
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise InvalidParameter(f"port is {port!r}; it is a number from 1 to 65535")
    return port
