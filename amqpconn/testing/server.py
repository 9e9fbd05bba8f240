"""The sockets of a peer, and the one thread that serves all of its sessions."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic

from amqpconn.testing.client import Client
from amqpconn.transport import secured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ssl import SSLContext

    from amqpconn.testing.session import Session

PATIENCE_S = 5.0


class Server:
    """A listening socket, a selector and a thread.

    Attributes:
        clients: those that are connected.
        errors: what functions of tests raised; the session concerned was ended.
    """

    def __init__(
        self, listener: socket.socket, ssl: SSLContext | None, session: Callable[[], Session]
    ) -> None:
        self.clients: list[Client] = []
        self.errors: list[BaseException] = []
        self._lock = threading.RLock()
        self._watchers: list[Callable[[], object]] = []
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

    def ask_to_stop(self) -> None:
        """Have the thread end all connections and itself; `stop` waits for that."""
        self._stopping = True
        self.thaw()

    def stop(self, timeout: float = PATIENCE_S) -> None:
        """End all connections and the thread. Raises TimeoutError when something holds it."""
        self.ask_to_stop()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise self._held(timeout)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the thread from touching the sessions. Raises TimeoutError when it does not let go
        of them.
        """
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise self._held(PATIENCE_S)
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def watched(self, watcher: Callable[[], object]) -> Iterator[None]:
        """Have a function called in the thread whenever something may have changed."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    def _held(self, timeout: float) -> TimeoutError:
        frame = sys._current_frames().get(self._thread.ident or 0)
        where = (
            f"line {frame.f_lineno} of {frame.f_code.co_filename}" if frame else "another thread"
        )
        return TimeoutError(
            f"the peer did not react for {timeout} s; it is held up in {where}."
            " What to do: functions that are given to a peer must return soon"
        )

    def wake(self) -> None:
        """Have the thread look at everything again."""
        with suppress(OSError):  # it has ended already, or will wake anyway
            self._wake_in.send(b"\0")

    def freeze(self) -> None:
        """Do nothing more when this returns, as a process that was stopped."""
        with self.locked():
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
            client.close()

    def touch(self) -> None:
        """Have the thread serve all clients, whose sessions were given something to do."""
        for client in self.clients:
            client.deadline = 0.0
        self.wake()

    # --- the thread ---

    def _run(self) -> None:
        while not self._stopping:
            self._awake.wait()
            ready = self._selector.select(self._timeout())
            with self._lock:
                if self._awake.is_set():
                    self._round([key.data for key, _ in ready])
            for watcher in list(self._watchers):
                watcher()
        for client in list(self.clients):
            self.end(client)
        self._selector.close()
        for sock in (self._listener, self._wake_in, self._wake_out):
            sock.close()

    def _round(self, ready: list[Callable[[], None]]) -> None:
        for function in ready:
            function()
        now = monotonic()
        due = [client for client in self.clients if client.is_due(now)]
        for client in due:
            self._guarded(client, partial(self._serve, client, now))

    def _timeout(self) -> float | None:
        now = monotonic()
        if any(client.is_due(now) for client in self.clients):
            return 0.0  # one session has spoken to another, as for its consumers
        deadlines = [client.deadline for client in self.clients if client.deadline is not None]
        return min(deadlines) - now if deadlines else None

    def _drain(self) -> None:
        self._wake_out.recv(4096)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        try:
            self.clients.append(Client(self._prepared(sock), self._new_session()))
        except OSError:
            sock.close()
        except BaseException as error:  # noqa: BLE001 - raised where the peer is stopped
            self.errors.append(error)
            sock.close()

    def _prepared(self, sock: socket.socket) -> socket.socket:
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._ssl is None:
            return sock
        return secured(sock, self._ssl, server_side=True)

    def _serve(self, client: Client, now: float) -> None:
        client.serve(now)
        if client.is_gone:
            self.end(client)
            return
        is_read = client.is_ended or client.session.is_reading
        reading = selectors.EVENT_READ if is_read else 0
        self._watch(client, reading | (selectors.EVENT_WRITE if client.wants_to_write else 0))

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
        client.deadline = 0.0
        self._guarded(client, partial(client.read, monotonic()))

    def _guarded(self, client: Client, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised where the peer is stopped
            self.errors.append(error)
            self.end(client)
