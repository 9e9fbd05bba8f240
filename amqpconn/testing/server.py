"""The sockets of a peer, and the one thread that serves all of its sessions."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from functools import partial
from time import monotonic

from amqpconn.transport import check_connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from amqpconn.testing.session import Session

# Of ssl, which is not imported for clear text.
_NOT_READY = ("SSLWantReadError", "SSLWantWriteError", "BlockingIOError", "InterruptedError")


class Client:
    """A client's socket and its session."""

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.sock = sock
        self.session = session
        self.unsent = b""
        self.mask = 0


class Server:
    """A listening socket, a selector and a thread.

    Attributes:
        changed: held by whoever touches sessions; notified after every round of the thread.
        clients: those that are connected.
        errors: what functions of tests raised; the session concerned was ended.
        is_reading: whether clients are read from.
    """

    def __init__(
        self, listener: socket.socket, ssl: SSLContext | None, session: Callable[[], Session]
    ) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.clients: list[Client] = []
        self.errors: list[BaseException] = []
        self.is_reading = True
        self._listener = listener
        self._ssl = ssl
        self._new_session = session
        self._awake = threading.Event()
        self._awake.set()
        self._stopping = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._drain)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._thread = threading.Thread(target=self._run, name="amqpconn-peer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all connections and the thread."""
        self._stopping = True
        self.thaw()
        self._thread.join()

    def wake(self) -> None:
        """Have the thread look at everything again."""
        with suppress(OSError):  # it has ended already, or will wake anyway
            self._wake_in.send(b"\0")

    def freeze(self) -> None:
        """Do nothing more when this returns, as a process that was stopped."""
        with self.changed:
            self._awake.clear()
        self.wake()

    def thaw(self) -> None:
        """Go on."""
        self._awake.set()
        self.wake()

    def end(self, client: Client) -> None:
        """Close a client's stream."""
        if client in self.clients:
            self.clients.remove(client)
            self._watch(client, 0)
            client.sock.close()
            client.session.end()

    # --- the thread ---

    def _run(self) -> None:
        while not self._stopping:
            self._awake.wait()
            ready = self._selector.select(self._timeout())
            with self.changed:
                if self._awake.is_set():
                    self._round([key.data for key, _ in ready])
                    self.changed.notify_all()
        for client in list(self.clients):
            self.end(client)
        self._selector.close()
        for sock in (self._listener, self._wake_in, self._wake_out):
            sock.close()

    def _round(self, ready: list[Callable[[], None]]) -> None:
        for function in ready:
            function()
        now = monotonic()
        for client in list(self.clients):
            self._guarded(client, partial(self._serve, client, now))

    def _timeout(self) -> float | None:
        deadlines = [client.session.next_deadline() for client in self.clients]
        times = [deadline - monotonic() for deadline in deadlines if deadline is not None]
        return max(0.0, min(times)) if times else None

    def _drain(self) -> None:
        self._wake_out.recv(4096)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        try:
            sock.setblocking(False)
            if sock.family != getattr(socket, "AF_UNIX", None):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl is not None:
                check_connected(sock)
                sock = self._ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            sock.close()
            return
        client = Client(sock, self._new_session())
        self.clients.append(client)

    def _read(self, client: Client) -> None:
        try:
            while client in self.clients and self.is_reading:
                data = client.sock.recv(65536)
                if not data:
                    self.end(client)
                    return
                client.session.receive_data(data, monotonic())
        except OSError as error:
            if type(error).__name__ not in _NOT_READY:
                self.end(client)

    def _serve(self, client: Client, now: float) -> None:
        """Keep the time, and write as much as the socket takes."""
        session = client.session
        if not self.is_reading:
            session.heartbeat.received(now)  # it cannot be held against the client
        deadline = session.next_deadline()
        if deadline is not None and deadline <= now:
            session.handle_timer(now)
        client.unsent += session.data_to_send(now)
        try:
            while client.unsent:
                client.unsent = client.unsent[client.sock.send(client.unsent) :]
        except OSError as error:
            if type(error).__name__ not in _NOT_READY:
                self.end(client)
                return
        if session.is_over and not client.unsent:
            self.end(client)
            return
        reading = selectors.EVENT_READ if self.is_reading else 0
        self._watch(client, reading | (selectors.EVENT_WRITE if client.unsent else 0))

    def _watch(self, client: Client, mask: int) -> None:
        before, client.mask = client.mask, mask
        if mask == before:
            return
        if not mask:
            self._selector.unregister(client.sock)
        elif not before:
            self._selector.register(client.sock, mask, partial(self._ready, client))
        else:
            self._selector.modify(client.sock, mask, partial(self._ready, client))

    def _ready(self, client: Client) -> None:
        self._guarded(client, partial(self._read, client))

    def _guarded(self, client: Client, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised where the peer is stopped
            self.errors.append(error)
            self.end(client)
