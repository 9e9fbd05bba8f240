"""A transport over a socket that the event loop watches, for streams without TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from amqpconn._gathering import gather

if TYPE_CHECKING:
    import socket

_NOTHING = memoryview(b"")
# So much is read at once, and when that has come, more: that is memory which the system maps anew
# for each read, six times the work for a heartbeat.
_READ_SIZE = 65536
_READ_MORE = 262144


class SocketTransport(asyncio.Transport):
    """What the event loop would make of a socket, but that nothing is put off to its next turn: so
    opening and closing wait for the peer only.

    The protocol is told at once that the stream is made, and that it is closed or aborted; only of
    a break it is told later, because it may be in the middle of a write. What the system does not
    take waits here, and the protocol is paused until it is gone.
    """

    __slots__ = ("_is_closing", "_loop", "_number", "_protocol", "_read_size", "_sock", "_unsent")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, protocol: asyncio.Protocol
    ) -> None:
        self._read_size = _READ_SIZE
        self._loop = loop
        self._sock = sock
        self._number = sock.fileno()
        self._protocol = protocol
        self._unsent = _NOTHING
        self._is_closing = False

    def begin(self) -> bool:
        """Serve the stream. False for an event loop that watches no sockets, as Windows' usual one;
        then nothing has happened.
        """
        try:
            self._loop.add_reader(self._number, self._read)
        except NotImplementedError:
            return False
        self._protocol.connection_made(self)
        return True

    def get_extra_info(self, name: str, default: object = None) -> object:
        """The socket."""
        return self._sock if name == "socket" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell another protocol from now on."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_write_buffer_size(self) -> int:
        """Bytes that the system has not taken."""
        return len(self._unsent)

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._is_closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Give the system what it takes; the rest follows when it takes more."""
        if self._unsent:
            self._unsent = memoryview(b"".join((self._unsent, data)))
        elif data and not self._is_closing:
            try:
                sent = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._break(error)
                return
            if sent < len(data):
                self._unsent = memoryview(data)[sent:]
                self._loop.add_writer(self._number, self._write_rest)
                self._protocol.pause_writing()

    def write_parts(self, parts: list[bytes | memoryview], size: int) -> None:
        """As `write`, for parts of `size` bytes; large ones are not joined before they go."""
        sent = 0
        if not (self._unsent or self._is_closing):
            try:
                sent = gather(self._sock, parts, size)
            except OSError as error:
                self._break(error)
        if sent < size:
            self.write(memoryview(b"".join(parts))[sent:])

    def close(self) -> None:
        """Write what is left, then close."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.remove_reader(self._number)
            if not self._unsent:
                self._end(None)

    def abort(self) -> None:
        """Close without waiting for anything."""
        self._forget()
        self._end(None)

    # --- what the event loop calls ---

    def _read(self) -> None:
        try:
            data = self._sock.recv(self._read_size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._break(error)
            return
        self._read_size = _READ_MORE if len(data) >= _READ_SIZE else _READ_SIZE
        try:
            if data:
                self._protocol.data_received(data)
            else:
                self._protocol.eof_received()
                self.close()
        except Exception as error:  # noqa: BLE001 - reported, and the end of the stream
            what = f"{self._protocol!r} failed"
            self._loop.call_exception_handler({"message": what, "exception": error})
            self._break(error)

    def _write_rest(self) -> None:
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._break(error)
            return
        if not self._unsent:
            self._loop.remove_writer(self._number)
            if self._is_closing:
                self._end(None)
            else:
                self._protocol.resume_writing()

    # --- inside ---

    def _break(self, error: Exception) -> None:
        self._forget()
        self._loop.call_soon(self._end, error)

    def _forget(self) -> None:
        """Serve the stream no more."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.remove_reader(self._number)
        if self._unsent:
            self._unsent = _NOTHING
            self._loop.remove_writer(self._number)

    def _end(self, error: Exception | None) -> None:
        """Once: the protocol may want to look at the socket once more, and may come back here."""
        if self._number < 0:
            return
        self._number = -1
        try:
            self._protocol.connection_lost(error)
        finally:
            self._sock.close()
