"""What a stream still holds when the event loop has given it up."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

from amqpconn.asyncio._guard import file_number

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_SIZE = 65536
_LAST = 4096
_PIECE = 16


def unread(transport: asyncio.Transport | None) -> Iterator[bytes]:
    """The bytes that have come and nobody has read; of TLS there are none to be had here."""
    if transport is None or transport.get_extra_info("ssl_object") is not None:
        return
    number = file_number(transport)
    if number < 0:
        return
    try:
        with socket.socket(fileno=os.dup(number)) as sock:
            sock.setblocking(False)
            while data := sock.recv(_READ_SIZE):
                yield data
    except OSError:  # that was all
        return


def read_rest_of_tls(transport: asyncio.BaseTransport) -> None:
    """Should a write fail, have TLS read what has come before it hears of that.

    Afterwards its keys are gone. An event loop that is built in another way is left as it is: then
    the error says that the stream broke, and not why.
    """
    tls: Any = getattr(transport, "_ssl_protocol", None)
    below = getattr(tls, "_transport", None)
    if isinstance(below, asyncio.Transport) and isinstance(tls, asyncio.BufferedProtocol):
        below.set_protocol(_BelowTLS(below, tls))


class _BelowTLS(asyncio.BufferedProtocol):
    """Between a transport and its TLS: hands everything on, and an error last."""

    def __init__(self, below: asyncio.Transport, tls: asyncio.BufferedProtocol) -> None:
        self.get_buffer = tls.get_buffer  # type: ignore[method-assign]
        self.buffer_updated = tls.buffer_updated  # type: ignore[method-assign]
        self.eof_received = tls.eof_received  # type: ignore[method-assign]
        self.pause_writing = tls.pause_writing  # type: ignore[method-assign]
        self.resume_writing = tls.resume_writing  # type: ignore[method-assign]
        self._below = below
        self._tls = tls

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is about to close its socket."""
        if isinstance(exc, OSError):
            self._take(memoryview(b"".join(unread(self._below))))
        self._tls.connection_lost(exc)

    def _take(self, data: memoryview) -> None:
        """TLS forgets what it has read when it comes to an alert in the same piece. Alerts come
        last, and the pieces there are smaller than any alert.
        """
        while data:
            size = len(data) - _LAST if len(data) > _LAST else _PIECE
            room = memoryview(self._tls.get_buffer(size))
            size = min(size, len(room), len(data))
            room[:size] = data[:size]
            self._tls.buffer_updated(size)
            data = data[size:]
