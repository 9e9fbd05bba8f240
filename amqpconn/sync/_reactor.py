"""The one thread of the sync driver, for all connections of the process.

It reads, writes what did not fit into the socket, and keeps the time. It starts with the first open
connection and ends with the last, so nothing is left behind. User code never runs on it.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from heapq import heappop, heappush
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Serviced(Protocol):
        """What the thread needs of a connection; none of these raises or blocks."""

        def fileno(self) -> int:
            """The number of its socket."""

        def service(self, ready: int, now: float) -> tuple[int, float | None] | None:
            """Handle `ready` (a mask of selectors) and what is due at `now`.

            Returns the mask to wait for and the next deadline, or None when the socket is to go.
            """

        def finish(self) -> None:
            """Close the socket; nobody watches it any more."""


class Reactor:
    """A selector, a heap of deadlines, and a thread that lives as long as there is something to
    serve.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._served: dict[Serviced, int] = {}  # and the mask that each one waits for
        self._deadlines: list[tuple[float, int, Serviced]] = []
        self._armed: dict[Serviced, float] = {}
        self._serial = 0
        self._requests: deque[Serviced] = deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, name="amqpconn-io", daemon=True)

    def attend(self, connection: Serviced) -> None:
        """Serve this connection soon: it is new, or something about it has changed. Any thread may
        ask.
        """
        self._requests.append(connection)
        try:
            self._wake_in.send(b"\0")
        except BlockingIOError:
            pass  # it is full of wake-ups already
        except OSError:
            pass  # the thread has ended, and with it all of its connections

    def is_idle(self) -> bool:
        """Whether nothing is served or waits to be."""
        return not self._served and not self._requests

    def _run(self) -> None:
        while not _retire(self):
            timeout = max(0.0, self._deadlines[0][0] - monotonic()) if self._deadlines else None
            ready = self._selector.select(timeout)
            now = monotonic()
            for key, mask in ready:
                if key.data is None:
                    self._serve_requests(now)
                else:
                    self._serve(key.data, mask, now)
            self._serve_due(now)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _serve_requests(self, now: float) -> None:
        self._wake_out.recv(4096)
        for _ in range(len(self._requests)):
            connection = self._requests.popleft()
            if connection in self._served or connection.fileno() >= 0:
                self._serve(connection, 0, now)

    def _serve_due(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] <= now:
            connection = heappop(self._deadlines)[2]
            if connection in self._served:
                self._armed.pop(connection, None)
                self._serve(connection, 0, now)

    def _serve(self, connection: Serviced, ready: int, now: float) -> None:
        following = connection.service(ready, now)
        if following is None:
            self._wait_for(connection, 0)
            self._served.pop(connection, None)
            self._armed.pop(connection, None)
            connection.finish()
        else:
            self._wait_for(connection, following[0])
            self._arm(connection, following[1])

    def _wait_for(self, connection: Serviced, mask: int) -> None:
        before = self._served.get(connection, 0)
        self._served[connection] = mask
        if mask == before:
            return
        if not mask:
            self._selector.unregister(connection.fileno())
        elif not before:
            self._selector.register(connection.fileno(), mask, connection)
        else:
            self._selector.modify(connection.fileno(), mask, connection)

    def _arm(self, connection: Serviced, deadline: float | None) -> None:
        """Deadlines that move away are found out when they come; only an earlier one is worth a new
        entry.
        """
        if deadline is not None and deadline < self._armed.get(connection, float("inf")):
            self._serial += 1
            self._armed[connection] = deadline
            heappush(self._deadlines, (deadline, self._serial, connection))


_lock = threading.Lock()
_current: list[Reactor] = []


def adopt(connection: Serviced) -> Reactor:
    """Hand an open connection to the thread, which is started when there is none."""
    with _lock:
        if not _current:
            _current.append(Reactor())
            _current[0].attend(connection)
            _current[0].thread.start()
        else:
            _current[0].attend(connection)
        return _current[0]


def settle(reactor: Reactor, timeout_s: float) -> None:
    """Wait for the end of the thread when it has nothing left to do."""
    if reactor.is_idle() and threading.current_thread() is not reactor.thread:
        reactor.thread.join(timeout_s)


def _retire(reactor: Reactor) -> bool:
    with _lock:
        if not reactor.is_idle():
            return False
        _current.remove(reactor)
        return True
