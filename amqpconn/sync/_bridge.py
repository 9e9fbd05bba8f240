"""A socket in front of a byte stream that has no file number, so that selectors can watch it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class ByteStream(Protocol):
        """A blocking byte stream of any kind. `close` must wake a `read` that waits."""

        def read(self, size: int, /) -> bytes:
            """Some bytes, at most `size`; none at the end."""

        def write(self, data: bytes, /) -> object:
            """Write all of it."""

        def close(self) -> None:
            """Close it."""


_READ_SIZE = 65536


def bridged(stream: ByteStream) -> socket.socket:
    """A connected socket for `stream`; two threads copy until either side ends."""
    ours, theirs = socket.socketpair()
    try:
        threading.Thread(
            target=_outward, args=(stream, theirs), name="amqpconn-bridge", daemon=True
        ).start()
    except BaseException:  # no thread, or interrupted: then it finds its other end closed
        ours.close()
        stream.close()
        raise
    return ours


def _inward(stream: ByteStream, sock: socket.socket) -> None:
    # What the stream raises at its end, or because it was closed, is its own business: it ends.
    with suppress(Exception):
        while data := stream.read(_READ_SIZE):
            sock.sendall(data)
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _outward(stream: ByteStream, sock: socket.socket) -> None:
    inward = threading.Thread(
        target=_inward, args=(stream, sock), name="amqpconn-bridge", daemon=True
    )
    with suppress(Exception):
        inward.start()
        while data := sock.recv(_READ_SIZE):
            stream.write(data)
    with suppress(Exception):
        stream.close()
    if inward.ident is not None:
        inward.join()  # a number that is closed while it is in use may be another socket's by then
    sock.close()
