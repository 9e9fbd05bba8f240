"""The one thread of the sync driver, for all connections of the process.

It reads, writes what did not fit into the socket, and keeps the time. It starts with the first open
connection and ends with the last, so nothing is left behind. User code never runs on it.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections import deque
from time import monotonic

from amqpconn.sync._alarms import Alarms
from amqpconn.sync._worker import report_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Serviced(Protocol):
        """What the thread needs of a connection; none of these blocks."""

        @property
        def is_finished(self) -> bool:
            """Whether `finish` has been called."""

        def fileno(self) -> int:
            """The number of its socket."""

        def service(self, ready: int, now: float) -> tuple[int, float | None] | None:
            """Handle `ready` (a mask of selectors) and what is due at `now`.

            Returns the mask to wait for and the next deadline, or None when the socket is to go.
            """

        def finish(self) -> None:
            """Close the socket; nobody watches it any more."""


class Reactor:
    """A selector, alarms, and a thread that lives as long as there is something to serve."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._claim = threading.Lock()
        self._ready = threading.Event()
        self._error: OSError | None = None
        self._served: dict[Serviced, tuple[int, int]] = {}  # file number, mask that is waited for
        self._alarms = Alarms()
        self._requests: deque[Serviced] = deque()
        self._wake_in: socket.socket | None = None

    def start(self) -> None:
        """Start the thread, unless that is known to be done. Raises RuntimeError, OSError.

        Whoever was interrupted here does not know, so it may be tried again: the first thread
        claims the work, and a second one finds nothing to do.
        """
        if self.thread is None:
            thread = threading.Thread(target=self._run, name="amqpconn-io", daemon=True)
            thread.start()
            self.thread = self.thread or thread
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def attend(self, connection: Serviced) -> None:
        """Serve this connection soon: it is new, or something about it has changed.

        Any thread may ask, as long as the connection has not been finished.
        """
        self._requests.append(connection)
        wake = self._wake_in
        if wake is not None:  # otherwise the thread will look at the requests when it starts
            try:
                wake.send(b"\0")
            except BlockingIOError:
                pass  # it is full of wake-ups already
            except OSError:
                pass  # closed: the child of a fork, which does not serve its parent's connections

    def is_idle(self) -> bool:
        """Whether nothing is served or waits to be; requests may be older than the end."""
        waiting = self._requests.copy()
        return not self._served and all(connection.is_finished for connection in waiting)

    def forget(self) -> None:
        """In the child of a fork: close our copies of what the parent's thread uses."""
        if self._wake_in is not None:
            self._close()

    def _run(self) -> None:
        if not self._claim.acquire(blocking=False):
            return
        self.thread = threading.current_thread()
        try:
            self._open()
        except OSError as error:
            self._error = error
        self._ready.set()
        if self._error is None:
            self._work()

    def _work(self) -> None:
        self._serve_requests(monotonic())
        while not _retire(self):
            ready = self._selector.select(self._alarms.sleep_s(monotonic()))
            now = monotonic()
            for key, mask in ready:
                if key.data is None:
                    self._wake_out.recv(4096)
                    self._serve_requests(now)
                elif key.data in self._served:
                    self._serve(key.data, mask, now)
            for connection in self._alarms.ringing(now):
                self._serve(connection, 0, now)
        self._close()

    def _open(self) -> None:
        """Here and not in `__init__`, because signals do not interrupt this thread."""
        wake_in, self._wake_out = socket.socketpair()
        try:
            self._selector = selectors.DefaultSelector()
        except OSError:
            wake_in.close()
            self._wake_out.close()
            raise
        wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._wake_in = wake_in

    def _close(self) -> None:
        self._selector.close()
        self._wake_out.close()
        if self._wake_in is not None:
            self._wake_in.close()

    def _serve_requests(self, now: float) -> None:
        for _ in range(len(self._requests)):
            connection = self._requests.popleft()
            if not connection.is_finished:
                self._serve(connection, 0, now)

    def _serve(self, connection: Serviced, ready: int, now: float) -> None:
        try:
            following = connection.service(ready, now)
            if following is not None:
                self._wait_for(connection, following[0])
                self._alarms.set(connection, following[1])
                return
        except Exception:  # noqa: BLE001 - reported; others' connections must not end with this one
            report_exception()
        self._let_go(connection)

    def _wait_for(self, connection: Serviced, mask: int) -> None:
        number, before = self._served.get(connection, (-1, 0))
        if not before:
            number = connection.fileno()
            self._selector.register(number, mask, connection)
        elif mask != before:
            self._selector.modify(number, mask, connection)
        self._served[connection] = number, mask

    def _let_go(self, connection: Serviced) -> None:
        number, _ = self._served.pop(connection, (-1, 0))
        self._alarms.remove(connection)
        try:
            if number >= 0:
                self._selector.unregister(number)
            connection.finish()
        except Exception:  # noqa: BLE001 - as above
            report_exception()


_lock = threading.Lock()
_current: list[Reactor] = []


def adopt(connection: Serviced) -> Reactor:
    """Hand an open connection to the thread, which is started when there is none.

    Raises RuntimeError, OSError when the system gives no thread, or nothing to wait with.
    """
    with _lock:
        if not _current:
            _current.append(Reactor())
        reactor = _current[0]
        reactor.attend(connection)
        try:
            reactor.start()
        except (RuntimeError, OSError):
            _current.remove(reactor)
            raise
        return reactor


def settle(reactor: Reactor, timeout_s: float) -> None:
    """Wait for the end of the thread when it has nothing left to do."""
    thread, deadline = reactor.thread, monotonic() + timeout_s
    while reactor.is_idle() and thread and thread.is_alive() and monotonic() < deadline:
        thread.join(0.01)  # in pieces, because it may be given new work


def _retire(reactor: Reactor) -> bool:
    with _lock:
        if not reactor.is_idle():
            return False
        _current.remove(reactor)
        return True


def _after_fork() -> None:
    """The thread and its connections are the parent's; the child starts its own."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    while _current:
        _current.pop().forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
