"""One blocking byte stream with the core behind it, from the attempt to open it to its end.

Everything that touches the core holds `lock`. The stream is driven by the thread that opens until
open-ok has come, and by the reactor from then on; users' threads write what fits at once.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic

from amqpconn import transport
from amqpconn.errors import ConnectionFailed
from amqpconn.sync import _reactor
from amqpconn.sync._dial import Dial, is_ours
from amqpconn.sync._flow import NOTHING, Flow
from amqpconn.sync._waiting import LOOK_AGAIN_S, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Event, Redial, SecretWanted
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.sync._dial import Connector, Stream
    from amqpconn.transport import Target

# A timeout of the system may end this much before the time that we take for the deadline.
_CLOCKS_DIFFER_S = 0.01
_NEVER = float("inf")


class Link(Flow):
    """The life of a stream: dialled, opened, served, closed."""

    __slots__ = (
        "_armed",
        "_attempt",
        "_connector",
        "_dial",
        "_reactor",
        "_server",
    )

    def __init__(
        self,
        core: EndpointCore,
        target: Target,
        connector: Connector | None,
        on_event: Callable[[Event], None],
    ) -> None:
        super().__init__(core, target, on_event)
        self._connector = connector
        self._dial = Dial(target, core, connector)
        self._reactor: _reactor.Reactor | None = None
        self._armed: float | None = None
        self._attempt: object = None  # the first one
        self._server = 0  # the thread that serves it while the reactor does not

    # --- opening and closing, on users' threads ---

    def open(self, request: OpenRequest) -> None:
        """Connect and shake hands. Raises ConnectionFailed; nothing stays open after an error."""
        self.own()
        attempt = object()
        try:
            self._begin(request, attempt)
            self._connect()
            while self._redial is not None and not self._hung_up:
                self._detour(self._redial)
                self._connect()
            self._hand_over()
        except BaseException:
            if self._attempt is attempt:
                self._give_up()
            raise
        if self._core.error is not None:
            self.wait_down()  # it may have been closed again as soon as it was open
            raise self._core.error.clone()  # whose traceback has the core

    def abort(self) -> None:
        """Close the stream at once; in the child of a fork this process's copy of it."""
        if self.is_inherited:
            self.forked()
            return
        with self.lock, self:
            self._core.abort(monotonic())
            self.pump()

    def close(self, timeout: float | None, reply_code: int, reply_text: str) -> None:
        """Close in order, on this thread; or wait while another one does, or breaks it off."""
        self.check_process()
        try:
            with self.lock, self:
                self._core.close(monotonic(), timeout, reply_code, reply_text)
                stream = self._take_back()
                if stream is None:
                    self.pump()
            if stream is not None:
                self._serve_here(stream, _never)
                self.finish()
                return
        except BaseException:
            if self._is_served_here():
                self._give_up()
            raise
        self.wait_down()

    def wait_down(self) -> None:
        """Wait for the end of the stream, and make it end when the wait is interrupted."""
        if self._is_served_here():
            return  # this is a signal's handler, above whoever brings it about
        try:
            with self.lock:
                self.changed.wait_for(lambda: self.is_down or not self._core.is_alive)
        except BaseException:
            self.abort()
            raise

    def _is_served_here(self) -> bool:
        return self._reactor is None and self._server == threading.get_ident()

    def wait_writable(self, timeout: float | None) -> float | None:
        """Wait until the stream takes more, so that a slow peer slows its users down; what is left
        of `timeout`. The lock is held, and released meanwhile.
        """
        if not self._unsent:
            return timeout
        began = monotonic()
        if not self.wait_for(lambda: not self._unsent, timeout):
            what = f"the stream was full for {timeout} s; nothing was sent"
            raise self._core.timed_out(what, monotonic())
        return None if timeout is None else timeout - (monotonic() - began)

    def pump(self) -> None:
        """After anything that may have changed the core: write, tell, wake whoever must know."""
        with self.lock:
            try:
                self._flush(monotonic())
            finally:
                self._dispatch()
                self._wake()

    def post(self) -> None:
        """Something was queued that is not answered, so that no deadline has come nearer: write it.
        The lock is held.
        """
        try:
            self._flush(monotonic())
        finally:
            self._dispatch()
            if self._unsent or self._hung_up:
                self._wake()

    def _connect(self) -> None:
        """Get the stream and shake hands; what goes wrong with it is the core's error then."""
        try:
            stream = self._dial.run()
        except ConnectionFailed as error:
            with self.lock:
                self._core.fail(error, monotonic())
                self.pump()
        except OSError as error:
            self._failed(error)
        else:
            with self.lock:
                self._stream = stream
                self._core.connected(monotonic())
            self._serve_here(stream, self._is_settled)

    def _serve_here(self, stream: Stream, is_over: Callable[[], bool]) -> None:
        """Do on this thread what the reactor does for an open stream, until it is to be closed."""
        waiting, following = Waiting(stream), self.service(0)
        while following is not None and self._stream is not None and not is_over():
            mask, deadline = following
            if self._core.manager.question is not None:
                # What is to be waited for may change when the answer comes, on a thread of its own.
                deadline = min(deadline or _NEVER, monotonic() + LOOK_AGAIN_S)
            timeout = None if deadline is None else deadline - monotonic()
            following = self.service(waiting.ready(mask, timeout))

    def _on_secret_wanted(self, wanted: SecretWanted) -> None:
        from amqpconn.sync import _asking  # late: few have functions to ask

        _asking.ask(wanted, lambda given, error: self._answered(wanted, given, error))

    def _answered(self, wanted: SecretWanted, given: object, error: BaseException | None) -> None:
        with self.lock:
            if error is None:
                self._core.take_secret(wanted, given, monotonic())
            else:
                self._core.no_secret(wanted, error, monotonic())
            self.pump()

    def _detour(self, redial: Redial) -> None:
        """Drop this stream, whose end concerns nobody, and get ready for another one."""
        with self.lock:
            if self._stream is not None:
                self._stream.close()
            self._stream, self._unsent, self._redial = None, NOTHING, None
            if redial.host is not None:
                self._target = self._target.elsewhere(redial.host, redial.port)
                self._core.peer = str(self._target)
            self._dial = Dial(self._target, self._core, self._connector)
            if self._hung_up:  # by another thread, which interrupted the one before
                self._dial.interrupt()

    def _is_settled(self) -> bool:
        if self._hung_up or self._redial is not None:
            return True
        first = self._core.first
        return self._opened and (first is None or first.done)

    def _failed(self, error: OSError) -> None:
        """There is no stream, or it broke; unless it was our deadline that passed."""
        with self.lock:
            now, deadline = monotonic(), self._core.next_deadline()
            if is_ours(error) and deadline is not None and now > deadline - _CLOCKS_DIFFER_S:
                self._core.handle_timer(max(now, deadline))
            elif self._stream is None:
                self._core.fail(transport.failed(error, self._target), now)
            else:
                self._core.lost(transport.failed(error, self._target), now)
            self.pump()

    def _begin(self, request: OpenRequest, attempt: object) -> None:
        """Raises AlreadyOpen; then it is not this attempt's stream."""
        with self.lock:
            self._attempt = self._attempt or attempt
            self._core.connecting(request, monotonic())
            self._server = threading.get_ident()
            if self._core.news:
                self._dispatch()

    def _hand_over(self) -> None:
        """An open stream goes to the reactor; one that failed is closed here."""
        with self.lock:
            try:
                if self._opened and not self._hung_up and self._stream is not None:
                    mask = EVENT_READ | EVENT_WRITE if self._unsent else EVENT_READ
                    self._armed = self._core.next_deadline()
                    self._reactor = _reactor.adopt(self, mask, self._armed)
            except OSError as error:
                self._core.fail(transport.failed(error, self._target), monotonic())
            if self._reactor is None:
                self._finish_here()

    def _take_back(self) -> Stream | None:
        """Have this thread serve the stream to its end. None when the reactor does not have it."""
        if self._reactor is None or self._stream is None:
            return None
        self._server, reactor = threading.get_ident(), self._reactor
        self._reactor = None  # before it is released: interrupted, it is to be ended here
        reactor.release(self)
        return self._stream

    def _give_up(self) -> None:
        """Whatever was interrupted here: nobody serves the stream any more."""
        with self.lock:
            self._reactor = None
            self.break_off()
            self._finish_here()

    def _finish_here(self) -> None:
        _reactor.release(self)  # it may have got it, whatever came of that
        self._stream = self._dial.stream
        self.finish()

    def forked(self) -> None:
        """In the child of a fork: `close` of a socket says nothing to the peer, TLS or not."""
        self.lock = threading.RLock()  # a thread of the parent may have held it
        self._changed = None
        for stream in (self._stream, self._dial.stream):
            if isinstance(stream, socket.socket):
                stream.close()

    # --- for the reactor (its `Serviced`) ---

    def fileno(self) -> int:
        """The number of the socket, -1 when it is closed."""
        return -1 if self._stream is None else self._stream.fileno()

    def service(self, ready: int) -> tuple[int, float | None] | None:
        """Read, write, keep the time. None when the stream is to be closed."""
        with self.lock:
            now = monotonic()
            if ready & EVENT_READ:
                is_news = self._read(now)
                if not (is_news or self._hung_up or self._unsent) and self._armed is not None:
                    return EVENT_READ, self._armed
            elif self.fileno() < 0:  # its user has closed it
                closed = OSError(errno.EBADF, os.strerror(errno.EBADF))
                self._core.lost(transport.failed(closed, self._target), now)
            deadline = self._core.next_deadline()
            if deadline is not None and deadline <= now:
                self._core.handle_timer(now)
                deadline = self._core.next_deadline()
            if self._unsent or self._core.output.size:
                self._flush(now)
            if self._core.news:
                self._dispatch()
            self._armed = deadline  # or later, if something has been written
            if self._hung_up:  # what comes after the end would wake the thread again and again
                return None if self._quick or not self._unsent else (EVENT_WRITE, deadline)
            return EVENT_READ | EVENT_WRITE if self._unsent else EVENT_READ, deadline

    def finish(self) -> None:
        """Close the stream and tell everybody. Harmless a second time."""
        with self.lock:
            try:
                self._close()
            finally:
                self._core.disconnected()
                self._dispatch()

    # --- what the flow asks ---

    def break_off(self) -> None:
        """End the stream at once, in whatever state things are."""
        self._core.abort(monotonic())
        self._hung_up = self._quick = True
        self._wake()

    def _wake(self) -> None:
        """Whoever waits for the stream, where it is not to wait any longer."""
        if self._reactor is None:
            if self._quick:
                self._dial.interrupt()
        elif self._stream is not None and self._wants_thread():
            # Once it is finished nobody serves it, and the thread may be gone.
            self._reactor.attend(self)

    def _wants_thread(self) -> bool:
        deadline = self._core.next_deadline()
        sooner = deadline is not None and (self._armed is None or deadline < self._armed)
        return self._hung_up or bool(self._unsent) or sooner


def _never() -> bool:
    return False
