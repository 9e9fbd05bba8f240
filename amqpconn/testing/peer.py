"""The peer: a listening socket and one thread that serves all of its sessions."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from time import monotonic

from amqpconn.core.states import State
from amqpconn.testing.queues import Queues
from amqpconn.testing.session import Behaviour, Session
from amqpconn_spec.v0_9_1 import connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Any, Self

    from amqpconn.testing.session import Answer, Received
    from amqpconn_spec._base import Method

_NOT_READY = ("SSLWantReadError", "SSLWantWriteError", "BlockingIOError", "InterruptedError")


class _Served:
    """A client's socket and its session."""

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.sock = sock
        self.session = session
        self.unsent = b""


class Peer:
    """An AMQP server on the loopback, from `with` to the end of it.

    Args:
        behaviour: what it offers and whom it lets in; `options` are arguments of `Behaviour`, for
            example `Peer(users={"ann": "secret"}, heartbeat=0)`.
        ssl: a server's context; then it speaks TLS.

    Attributes:
        host, port: where it listens.
        behaviour: may be changed at any time; it holds for what comes then.
        sessions: of all clients so far, in the order in which they came.
    """

    def __init__(
        self, behaviour: Behaviour | None = None, *, ssl: SSLContext | None = None, **options: Any
    ) -> None:
        self.behaviour = behaviour or Behaviour(**options)
        self.sessions: list[Session] = []
        self.host = "127.0.0.1"
        self.port = 0
        self._ssl = ssl
        self._queues = Queues()
        self._served: list[_Served] = []
        self._changed = threading.Condition(threading.RLock())
        self._stopping = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0), backlog=512)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._drain)
        self._thread = threading.Thread(target=self._run, name="amqpconn-peer", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._wake()
        self._thread.join()

    def url(self, userinfo: str = "guest:guest", virtual_host: str = "", query: str = "") -> str:
        """A URL for `connect`; the parts are written as they stand in a URL (%2F for /)."""
        scheme, place = "amqps" if self._ssl else "amqp", f"{self.host}:{self.port}"
        return f"{scheme}://{userinfo}@{place}/{virtual_host}{'?' if query else ''}{query}"

    def received(self, name: str | None = None) -> list[Received]:
        """What came from all clients so far; with a name such as 'basic.publish' only those
        methods.
        """
        with self._changed:
            return [
                received
                for session in self.sessions
                for received in session.received
                if name in (None, received.method.NAME)
            ]

    def wait_for(self, name: str, number: int = 1, timeout: float = 10.0) -> list[Received]:
        """Wait until that many methods of this name have come. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.received(name)) >= number, timeout):
                raise TimeoutError(
                    f"{len(self.received(name))} of {number} {name} came in {timeout} s"
                )
            return self.received(name)

    def answer(self, name: str, function: Answer) -> None:
        """Answer methods of this name with `function(method)`, or with nothing for None."""
        self.behaviour.answers[name] = function

    def send(self, method: Method, channel: int = 0) -> None:
        """Send a method to all clients."""
        self._to_all(lambda session: session.send(method, channel))

    def block(self, reason: str = "low on memory") -> None:
        """Say connection.blocked to all clients that have told they understand it."""
        self._to_all(lambda session: _when_open(session, connection.Blocked(reason)))

    def unblock(self) -> None:
        """Say connection.unblocked to all clients."""
        self._to_all(lambda session: _when_open(session, connection.Unblocked()))

    def close_connections(self, reply_code: int = 320, reply_text: str = "by the test") -> None:
        """Say connection.close to all clients."""
        self._to_all(lambda session: session.close(reply_code, reply_text))

    def drop_connections(self) -> None:
        """End the byte streams of all clients without a word."""

        def drop(session: Session) -> None:
            session.is_over = True

        self._to_all(drop)

    def _to_all(self, function: Callable[[Session], None]) -> None:
        with self._changed:
            for served in self._served:
                function(served.session)
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # it has ended already
            self._wake_in.send(b"\0")

    # --- the thread ---

    def _run(self) -> None:
        while not self._stopping:
            ready = self._selector.select(self._timeout())
            with self._changed:
                for key, _ in ready:
                    key.data()
                for served in list(self._served):
                    self._serve(served, monotonic())
                self._changed.notify_all()
        for served in list(self._served):
            self._drop(served)
        self._selector.close()
        for sock in (self._listener, self._wake_in, self._wake_out):
            sock.close()

    def _timeout(self) -> float | None:
        deadlines = [served.session.next_deadline() for served in self._served]
        times = [deadline - monotonic() for deadline in deadlines if deadline is not None]
        return max(0.0, min(times)) if times else None

    def _drain(self) -> None:
        self._wake_out.recv(4096)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._ssl is not None:
            sock = self._ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        served = _Served(sock, Session(self.behaviour, self._queues))
        self.sessions.append(served.session)
        self._served.append(served)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read(served))

    def _read(self, served: _Served) -> None:
        try:
            while True:
                data = served.sock.recv(65536)
                if not data:
                    self._drop(served)
                    return
                served.session.receive_data(data, monotonic())
        except OSError as error:
            if type(error).__name__ not in _NOT_READY:
                self._drop(served)

    def _serve(self, served: _Served, now: float) -> None:
        """Keep the time, and write as much as the socket takes."""
        deadline = served.session.next_deadline()
        if deadline is not None and deadline <= now:
            served.session.handle_timer(now)
        served.unsent += served.session.data_to_send(now)
        try:
            while served.unsent:
                served.unsent = served.unsent[served.sock.send(served.unsent) :]
        except OSError as error:
            if type(error).__name__ not in _NOT_READY:
                self._drop(served)
                return
        self._watch(served)
        if served.session.is_over and not served.unsent:
            self._drop(served)

    def _watch(self, served: _Served) -> None:
        key = self._selector.get_key(served.sock)
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if served.unsent else 0)
        if key.events != mask:
            self._selector.modify(served.sock, mask, key.data)

    def _drop(self, served: _Served) -> None:
        if served in self._served:
            self._served.remove(served)
            self._selector.unregister(served.sock)
            served.sock.close()
            served.session.end()


def _when_open(session: Session, method: Method) -> None:
    if session.machine.state is State.OPENED:
        session.send(method)
