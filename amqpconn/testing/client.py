"""One client's socket, towards its session."""

from __future__ import annotations

import socket
from contextlib import suppress
from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.testing.session import Session

# Of ssl, which is not imported for clear text.
_NOT_READY = ("SSLWantReadError", "SSLWantWriteError", "BlockingIOError", "InterruptedError")
_LINGER_AND_RESET = pack("ii", 1, 0)
_READ_SIZE = 65536


class Client:
    """Moves the bytes of a session.

    Attributes:
        wants_to_write: whether there is something that the socket does not take now.
        is_ended: whether our half of the stream is closed; the other half is read to its end, so
            that the client sees an end (FIN) and no reset, whatever it had sent meanwhile.
        is_gone: whether the socket is to be closed.
        deadline: when to `serve` at the latest.
        mask: which events are waited for; whoever waits keeps it here.
    """

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.sock = sock
        self.session = session
        self.is_ended = self.is_gone = False
        self.deadline: float | None = 0.0
        self.mask = 0
        self._unsent = b""

    def is_due(self, now: float) -> bool:
        """Whether to `serve` now."""
        if self.is_gone or self.session.outbox.is_fresh:
            return True
        return self.deadline is not None and self.deadline <= now

    @property
    def wants_to_write(self) -> bool:
        """Whether there is something that the socket does not take now."""
        return bool(self._unsent)

    def read(self, now: float) -> None:
        """Read what there is, as far as the session wants it."""
        try:
            while self.is_ended or self._is_listening():
                size = _READ_SIZE if self.is_ended else self.session.appetite
                data = self.sock.recv(size)
                if not data:
                    self.is_gone = True
                    return
                if not self.is_ended:
                    self.session.receive_data(data, now)
        except OSError as error:
            self.is_gone = type(error).__name__ not in _NOT_READY

    def serve(self, now: float) -> None:
        """Keep the time, and write as much as the socket takes."""
        session = self.session
        if self.is_ended:
            session.outbox.is_fresh = False
            return
        if not session.is_reading and session.heartbeat is not None:
            session.heartbeat.received(now)  # it cannot be held against the client
        session.handle_timer(now)
        self._unsent += session.data_to_send(now)
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except OSError as error:
            self.is_gone = type(error).__name__ not in _NOT_READY
        if session.outbox.ending and not self._unsent and not self.is_gone:
            self._end(session.outbox.ending)
        if self._is_listening() and self._pending():
            self.read(now)  # it reads again; what it answers is served in the next round
        self.deadline = None if self.is_ended else session.next_deadline()

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()
        self.session.end()

    def _pending(self) -> int:
        """How much TLS has decrypted while nothing was read; no selector tells of that."""
        pending = getattr(self.sock, "pending", None)
        return pending() if pending else 0

    def _is_listening(self) -> bool:
        return self.session.is_reading and not self.session.outbox.ending

    def _end(self, how: str) -> None:
        self.session.end()
        self.is_ended = True
        with suppress(OSError):  # the client has gone meanwhile
            if how == "cut":
                self.sock.shutdown(socket.SHUT_WR)
                return
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
        self.is_gone = True
