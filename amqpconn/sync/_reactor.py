"""The one thread of the sync driver, for all connections of the process.

It reads, writes what did not fit into the socket, and keeps the time. It starts with the first open
connection and ends soon after the last, so nothing is left behind; whoever opens one connection
after the other keeps one thread. User code never runs on it.

Connections come and go without waking it: a selector takes them while it is being waited for.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from selectors import EVENT_READ
from time import monotonic

from amqpconn._alarms import Alarms
from amqpconn.sync._ready import new_ready
from amqpconn.sync._worker import report_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Final, Protocol

    from amqpconn.sync._ready import Ready

    class Serviced(Protocol):
        """What the thread needs of a connection; none of these blocks."""

        @property
        def lock(self) -> AbstractContextManager[bool]:
            """Held by whoever serves it."""

        def fileno(self) -> int:
            """The number of its socket."""

        def service(self, ready: int) -> tuple[int, float | None] | None:
            """Handle `ready` (a mask of selectors) and what is due by now.

            Returns the mask to wait for and the next deadline, or None when the socket is to go.
            """

        def finish(self) -> None:
            """Close the socket; nobody watches it any more."""


# How long the thread stays when it has nothing to serve.
IDLE_S: Final = 0.1
_NEVER: Final = float("inf")


class Reactor:
    """A selector, alarms, and a thread that lives as long as there is something to serve.

    Locks are taken in this order: a connection's, that of the module, the reactor's own.
    """

    def __init__(self) -> None:
        self.is_started = False
        self.thread: threading.Thread | None = None
        self._claim = threading.Lock()
        self._ready = threading.Event()
        self._error: OSError | None = None
        self._lock = threading.Lock()  # held by whoever touches the next four
        self._served: dict[Serviced, tuple[int, int]] = {}  # file number, mask that is waited for
        self._alarms = Alarms()
        self._ends_at = monotonic() + IDLE_S  # unless it has something to serve by then
        self._wakes_at = -_NEVER  # the thread, by itself; it is awake until it says when
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
        self.is_started = True

    def serve(self, connection: Serviced, mask: int, deadline: float | None) -> None:
        """Serve it from now on, when one of `mask` is ready, and at `deadline` at the latest.

        Its lock is held. Raises OSError.
        """
        with self._lock:
            number = connection.fileno()
            self._served[connection] = number, mask  # first, because `release` goes by it
            self._waits.add(number, mask, connection)
            self._alarms.set(connection, deadline)
            is_late = deadline is not None and deadline < self._wakes_at
        if is_late or not self._waits.TAKES_MORE:
            self._wake()

    def release(self, connection: Serviced) -> None:
        """Serve it no longer: its lock is held, and whoever holds it does so. Harmless again."""
        with self._lock:
            number, _ = self._served.pop(connection, (-1, 0))
            self._alarms.remove(connection)
            if number >= 0:
                self._waits.remove(number, connection)
            is_late = not self._served and self._wakes_at > self._end_in(IDLE_S)
        if is_late:
            self._wake()

    def attend(self, connection: Serviced) -> None:
        """Serve this connection soon: something about it has changed.

        Any thread may ask, as long as the connection has not been finished.
        """
        self._requests.append(connection)
        self._wake()

    def is_idle(self) -> bool:
        """Whether nothing is served."""
        return not self._served

    def end(self) -> None:
        """End the thread as soon as it has nothing to serve, and not a moment later."""
        with self._lock:
            self._end_in(0.0)
        self._wake()

    def forget(self) -> None:
        """In the child of a fork: close our copies of what the parent's thread uses."""
        if self._wake_in is not None:
            self._close()

    def _end_in(self, idle_s: float) -> float:
        self._ends_at = monotonic() + idle_s
        return self._ends_at

    def _wake(self) -> None:
        wake = self._wake_in
        if wake is not None:  # otherwise the thread will look at everything when it starts
            try:
                wake.send(b"\0")
            except BlockingIOError:
                pass  # it is full of wake-ups already
            except OSError:
                pass  # closed: the child of a fork, which does not serve its parent's connections

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
        while not _retire(self):
            ready = self._waits.wait(self._sleep_s())
            self._wakes_at = -_NEVER
            for connection, mask in ready:
                if connection is self:
                    self._wake_out.recv(4096)
                    self._serve_requests()
                else:
                    self._serve(connection, mask)
            with self._lock:
                ringing = self._alarms.ringing(monotonic())
            for connection in ringing:
                self._serve(connection, 0)
        self._close()

    def _sleep_s(self) -> float | None:
        with self._lock:
            now = monotonic()
            sleep = self._alarms.sleep_s(now)
            if not self._served:
                sleep = max(self._ends_at - now, 0.0)
            self._wakes_at = _NEVER if sleep is None else now + sleep
            return sleep

    def _open(self) -> None:
        """Here and not in `__init__`, because signals do not interrupt this thread."""
        wake_in, self._wake_out = socket.socketpair()
        try:
            self._waits: Ready = new_ready()
        except OSError:
            wake_in.close()
            self._wake_out.close()
            raise
        wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._waits.add(self._wake_out.fileno(), EVENT_READ, self)
        self._wake_in = wake_in

    def _close(self) -> None:
        self._waits.close()
        self._wake_out.close()
        if self._wake_in is not None:
            self._wake_in.close()

    def _serve_requests(self) -> None:
        for _ in range(len(self._requests)):
            self._serve(self._requests.popleft(), 0)

    def _serve(self, connection: Serviced, ready: int) -> None:
        with connection.lock:
            if connection not in self._served:  # somebody else serves it by now, or nobody
                return
            try:
                following = connection.service(ready)
                if following is not None:
                    self._go_on(connection, *following)
                    return
            except Exception:  # noqa: BLE001 - reported; others' connections must not end with it
                report_exception()
            self._let_go(connection)

    def _go_on(self, connection: Serviced, mask: int, deadline: float | None) -> None:
        """Here, so that nobody else has to be woken for it."""
        with self._lock:
            number, before = self._served[connection]
            if mask != before:
                self._served[connection] = number, mask
                self._waits.change(number, mask, connection)
            self._alarms.set(connection, deadline)

    def _let_go(self, connection: Serviced) -> None:
        self.release(connection)
        try:
            connection.finish()
        except Exception:  # noqa: BLE001 - as above
            report_exception()


_lock = threading.Lock()
_current: list[Reactor] = []


def adopt(connection: Serviced, mask: int, deadline: float | None) -> Reactor:
    """Hand an open connection, whose lock is held, to the thread; it is started when there is none.

    Raises RuntimeError, OSError when the system gives no thread, or nothing to wait with.
    """
    with _lock:
        if not _current:
            _current.append(Reactor())
        reactor = _current[0]
        try:
            if not reactor.is_started:
                reactor.start()
        except (RuntimeError, OSError):
            _current.remove(reactor)
            raise
        reactor.serve(connection, mask, deadline)
        return reactor


def release(connection: Serviced) -> None:
    """Take a connection, whose lock is held, from the thread, should it have got it."""
    for reactor in _current[:]:
        reactor.release(connection)


def settle(timeout_s: float = 1.0) -> None:
    """End the thread now, and wait for that, when it has nothing to serve."""
    for reactor in _current[:]:
        if reactor.is_idle():
            reactor.end()
            thread, deadline = reactor.thread, monotonic() + timeout_s
            while reactor.is_idle() and thread and thread.is_alive() and monotonic() < deadline:
                thread.join(0.01)  # in pieces, because it may be given new work


def _retire(reactor: Reactor) -> bool:
    with _lock:
        if not reactor.is_idle() or reactor._ends_at > monotonic():
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
    os.register_at_fork(before=settle, after_in_child=_after_fork)
