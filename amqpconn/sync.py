"""The blocking driver: the same names and meaning as `amqpconn.asyncio`, without coroutines.

    with amqpconn.sync.connect("amqp://guest:guest@localhost/") as connection:
        with connection.endpoint.open_channel() as channel:
            declared = channel.call(queue.Declare(queue="tasks"))

The handshake runs on the caller's thread. From then on one thread of the library serves all
connections of the process, so heartbeats go on while callers compute or sleep. Connections,
channels and endpoints may be used from several threads. All decisions are made in `amqpconn.core`.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from contextlib import suppress
from time import monotonic

from amqpconn import _reactor, transport
from amqpconn._facade import (
    DEFAULT_CALL_TIMEOUT_S,
    ChannelFacade,
    ConnectionFacade,
    EndpointFacade,
    Plan,
    check_plain_reply,
    open_request,
    secret_bytes,
)
from amqpconn._typing import cast
from amqpconn._worker import Worker
from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S
from amqpconn.core import events
from amqpconn.core.channels import ChannelState
from amqpconn.errors import CallTimeout, ConnectionFailed, NotOpen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, Self

    from amqpconn.auth import AuthMethod
    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.locale import LocalePreference
    from amqpconn_spec._base import Method

    class Stream(Protocol):
        """A byte stream with a file number: a socket, an SSLSocket, or what behaves like one."""

        def fileno(self) -> int:
            """Its number for selectors."""

        def settimeout(self, timeout: float | None, /) -> None:
            """Seconds that recv and send may block; None: for ever."""

        def recv(self, size: int, /) -> bytes:
            """Some bytes; none at the end."""

        def send(self, data: memoryview, /) -> int:
            """Write some of it and tell how much."""

        def close(self) -> None:
            """Close it."""

    # Makes a connected stream of the user's own; it is given the seconds that are left, or None.
    Connector = Callable[[float | None], Stream]
    Handler = Callable[[Method, Content | None], object]

_READ_SIZE = 65536


class Endpoint(EndpointFacade):
    """One AMQP client on one byte stream; opens once. It may be used from several threads."""

    def _prepare(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._sock: Stream | None = None
        self._unsent = memoryview(b"")
        self._opened = self._hung_up = self._quick = self._is_down = False
        self._armed: float | None = None
        self._again: tuple[type[BaseException], ...] = (
            BlockingIOError,
            InterruptedError,
            TimeoutError,
        )
        self._reactor: _reactor.Reactor | None = None
        self._worker = Worker()
        self._wake_resolver: Callable[[], None] | None = None

    def open_channel(self, timeout: float | None = DEFAULT_CALL_TIMEOUT_S) -> Channel:
        """Open a channel; with `with` it is closed again.

        Raises NotOpen, NoFreeChannel, CallTimeout.
        """
        with self._lock:
            call = self._core.open_channel(monotonic(), timeout)
            channel = Channel(self, call.channel)
        self._answer(call)
        return channel

    def call(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> Method:
        """Send a method and wait for its reply, one of `method.REPLIES`.

        Raises NotOpen, InvalidParameter, CallTimeout after `timeout` seconds, ChannelClosed when
        the server refuses, ConnectionFailed when the connection ends first; EncodeError (of
        amqpconn_spec) for a value that does not fit. For replies with content use `fetch`.
        """
        check_plain_reply(method)
        return self.fetch(method, channel, content, timeout)[0]

    def fetch(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[Method, Content | None]:
        """As `call`, for methods such as basic.get: the reply and the content that came with it, or
        None.
        """
        with self._lock:
            core = self._channel_core(channel)
            self._wait_writable(timeout)
            call = self._core.call(method, core, content, monotonic(), timeout)
        return self._answer(call)

    def send(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Send a method that is not answered, with its content.

        Waits while the stream takes nothing.

        Raises NotOpen, InvalidParameter, EncodeError, CallTimeout when it took nothing for
        `timeout` seconds.
        """
        with self._lock:
            core = self._channel_core(channel)
            self._wait_writable(timeout)
            self._core.send(method, core, content)
            self._pump()

    def abort(self) -> None:
        """Close the byte stream without a word to the server; whoever waits gets NotOpen."""
        with self._lock:
            self._core.abort(monotonic())
            self._pump()

    # --- opening and closing, for the connection ---

    def _open(self, request: OpenRequest) -> None:
        with self._lock:
            self._core.connecting(request, monotonic())
        try:
            self._dial()
            self._shake_hands()
        except ConnectionFailed as error:
            with self._lock:
                self._core.fail(error, monotonic())
        except BaseException:
            self.abort()
            raise
        finally:
            self._hand_over()
        if self._core.error is not None:
            raise self._core.error

    def _close(self, timeout: float | None, reply_code: int, reply_text: str) -> None:
        with self._lock:
            self._core.close(monotonic(), timeout, reply_code, reply_text)
            self._pump()
        try:
            with self._lock:
                while self._core.is_alive and not self._is_down:
                    self._changed.wait()
        except BaseException:
            self.abort()
            raise
        if self._reactor is not None:
            _reactor.settle(self._reactor, 1.0)

    def _dial(self) -> None:
        """Set the stream up within the deadline. Raises ConnectionFailed."""
        try:
            if self._connector is not None:
                self._enter("connect")
                self._take(self._connector(self._remaining()))
            else:
                self._reach(self.target.known_addresses() or self._resolve())
                self._start_tls()
        except TimeoutError as error:
            self._time_over(error)
        except OSError as error:
            raise transport.failed(error, self.target) from error

    def _reach(self, addresses: list[transport.AddressInfo]) -> None:
        self._enter("connect")
        errors: list[ConnectionFailed] = []
        for left, info in zip(range(len(addresses), 0, -1), addresses, strict=True):
            if self._hung_up:
                return
            sock = transport.new_socket(info)
            try:
                sock.settimeout(transport.share(self._remaining(), left) or self._remaining())
                self._take(sock)
                sock.connect(info[4])
                return
            except OSError as error:
                sock.close()
                if left == 1 and isinstance(error, TimeoutError) and error.errno is None:
                    raise
                errors.append(transport.failed(error, self.target))
        raise transport.several(errors, self.target)

    def _resolve(self) -> list[transport.AddressInfo]:
        """Look the name up on a thread of its own: the system's resolver can neither be interrupted
        nor hurried.
        """
        self._enter("resolve")
        found: list[transport.AddressInfo | OSError] = []
        done = threading.Event()

        def look_up() -> None:
            try:
                host, port = self.target.host, self.target.port
                found.extend(socket.getaddrinfo(host, port, type=transport.STREAM))
            except OSError as error:
                found.append(error)
            done.set()

        self._wake_resolver = done.set
        threading.Thread(target=look_up, name="amqpconn-resolver", daemon=True).start()
        if not done.wait(self._remaining()):
            raise TimeoutError("the resolver did not answer")
        for item in found:
            if isinstance(item, OSError):
                raise item
        return [item for item in found if not isinstance(item, OSError)]

    def _start_tls(self) -> None:
        context, sock = self.target.ssl, self._sock
        if context is None or not isinstance(sock, socket.socket) or self._hung_up:
            return
        from ssl import SSLWantReadError, SSLWantWriteError

        self._enter("tls")
        self._again = (*self._again, SSLWantReadError, SSLWantWriteError)
        sock.settimeout(self._remaining())
        self._take(context.wrap_socket(sock, server_hostname=self.target.server_hostname))

    def _shake_hands(self) -> None:
        """Drive the core with blocking reads until it is open or has given up."""
        with self._lock:
            self._core.connected(monotonic())
            self._pump()
        while not self._opened and not self._hung_up:
            self._step()

    def _step(self) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            sock.settimeout(self._remaining())
            data = sock.recv(_READ_SIZE)
        except TimeoutError as error:
            self._time_over(error)
            return
        except OSError as error:
            with self._lock:
                self._core.lost(transport.failed(error, self.target), monotonic())
                self._pump()
            return
        with self._lock:
            self._take_in(data, monotonic())
            self._pump()

    def _time_over(self, error: TimeoutError) -> None:
        """A deadline has passed; if it was the system's and not the core's, it is an error like
        others.
        """
        with self._lock:
            deadline = self._core.next_deadline()
            if error.errno is not None or deadline is None:
                raise transport.failed(error, self.target)
            self._core.handle_timer(max(monotonic(), deadline))
            self._pump()

    def _hand_over(self) -> None:
        """An open stream goes to the thread, and one that failed is closed here."""
        with self._lock:
            if self._opened and not self._hung_up and self._sock is not None:
                self._sock.settimeout(0)
                self._reactor = _reactor.adopt(self)
            else:
                self.finish()

    def _take(self, stream: Stream) -> None:
        with self._lock:
            self._sock = stream

    def _remaining(self) -> float | None:
        with self._lock:
            deadline = self._core.next_deadline()
        return None if deadline is None else max(deadline - monotonic(), 0.001)

    def _enter(self, phase: str) -> None:
        with self._lock:
            self._core.enter(phase, monotonic())

    # --- for the thread (its `Serviced`) ---

    def fileno(self) -> int:
        """The number of the socket, -1 without one."""
        return -1 if self._sock is None else self._sock.fileno()

    def service(self, ready: int, now: float) -> tuple[int, float | None] | None:
        """Read, write, keep the time. None when the socket is to be closed."""
        with self._lock:
            if ready & selectors.EVENT_READ:
                self._read(now)
            deadline = self._core.next_deadline()
            if deadline is not None and deadline <= now:
                self._core.handle_timer(now)
            self._flush(now)
            self._dispatch()
            if self._hung_up and (self._quick or not self._unsent):
                return None
            self._armed = self._core.next_deadline()
            return (
                selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0),
                self._armed,
            )

    def finish(self) -> None:
        """Close the socket and tell everybody. Harmless a second time."""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
            self._sock, self._unsent = None, memoryview(b"")
            self._core.disconnected()
            self._dispatch()

    # --- moving bytes and events; the lock is held ---

    def _pump(self) -> None:
        """After anything that a user's thread did: write, tell, and call the thread for what is
        left.
        """
        self._flush(monotonic())
        self._dispatch()
        if self._reactor is not None and self._wants_thread():
            self._reactor.attend(self)

    def _wants_thread(self) -> bool:
        deadline = self._core.next_deadline()
        sooner = deadline is not None and (self._armed is None or deadline < self._armed)
        return self._hung_up or bool(self._unsent) or sooner

    def _read(self, now: float) -> None:
        try:
            while self._sock is not None and not self._hung_up:
                self._take_in(self._sock.recv(_READ_SIZE), now)
                if not getattr(self._sock, "pending", _nothing)():
                    return
        except self._again:
            return
        except OSError as error:
            self._core.lost(transport.failed(error, self.target), now)

    def _take_in(self, data: bytes, now: float) -> None:
        if data:
            self._core.receive_data(data, now)
        else:
            self._core.receive_eof(now)

    def _flush(self, now: float) -> None:
        """Write what there is until the socket takes no more; the thread goes on when it does."""
        try:
            while self._sock is not None and (self._unsent or self._core.output.size):
                if not self._unsent:
                    self._unsent = memoryview(self._core.data_to_send(now))
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
            self._changed.notify_all()
        except self._again:
            return
        except OSError as error:
            self._unsent = memoryview(b"")
            self._core.lost(transport.failed(error, self.target), now)

    def _dispatch(self) -> None:
        while (event := self._core.next_event()) is not None:
            _DISPATCH[type(event)](self, event)

    def _wait_writable(self, timeout: float | None) -> None:
        """Wait until the stream takes more, so that a slow peer slows its users down and fills no
        memory.
        """
        if self._unsent and not self._changed.wait_for(lambda: not self._unsent, timeout):
            raise CallTimeout(f"the peer took no bytes for {timeout} s; nothing was sent")

    # --- events of the core ---

    def _on_opened(self, _: events.Opened) -> None:
        self._opened = True

    def _on_call(self, call: events.Call) -> None:
        if call.waiter is not None:
            cast("threading.Event", call.waiter).set()

    def _on_arrived(self, event: events.Arrived) -> None:
        cast("Channel", event.channel.owner)._arrive(event.method, event.content)

    def _on_channel_down(self, _: events.ChannelDown) -> None:
        self._changed.notify_all()

    def _on_block(self, event: events.Blocked) -> None:
        self._changed.notify_all()
        for callback in self._on_blocked:
            self._worker.run(callback, event.reason)

    def _on_state_changed(self, event: events.StateChanged) -> None:
        for callback in self._on_state:
            self._worker.run(callback, event.old, event.new)

    def _on_hang_up(self, event: events.HangUp) -> None:
        self._hung_up, self._quick = True, self._quick or event.quick
        if self._reactor is None:
            self._interrupt_opening()

    def _interrupt_opening(self) -> None:
        """Wake the thread that opens, whatever it waits for."""
        if self._wake_resolver is not None:
            self._wake_resolver()
        if isinstance(self._sock, socket.socket):
            with suppress(OSError):  # it may not be connected yet, or no longer
                self._sock.shutdown(socket.SHUT_RDWR)

    def _on_down(self, _: events.Down) -> None:
        self._is_down = True
        self._changed.notify_all()
        self._worker.stop()

    # --- calls ---

    def _answer(self, call: events.Call) -> tuple[Method, Content | None]:
        """Wait for the end of a call that is queued already."""
        waiter = threading.Event()
        with self._lock:
            call.waiter = waiter
            self._pump()
            if call.done:
                waiter.set()
        try:
            waiter.wait()
        except BaseException:
            with self._lock:
                self._core.abandon(call)
            raise
        if call.reply is None:
            raise call.error or NotOpen("the call has no answer")
        return call.reply, call.content


class Channel(ChannelFacade):
    """One open channel. Its `id` is used again after a close; this object is not."""

    def __init__(self, endpoint: Endpoint, core: ChannelCore) -> None:
        super().__init__(core)
        self._endpoint = endpoint
        self._inbox: deque[tuple[Method, Content | None]] = deque()
        self._handlers: dict[type[Method], Handler] = {}

    def call(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> Method:
        """Send a method on this channel and wait for its reply; see `Endpoint.call`."""
        return self._endpoint.call(method, self, content, timeout)

    def fetch(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[Method, Content | None]:
        """Send a method whose reply may have content; see `Endpoint.fetch`."""
        return self._endpoint.fetch(method, self, content, timeout)

    def send(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Send a method that is not answered; see `Endpoint.send`."""
        self._endpoint.send(method, self, content, timeout)

    def receive(self, timeout: float | None = None) -> tuple[Method, Content | None]:
        """The next method from the server that is no reply (delivery, return, cancel, confirm),
        with its content.

        Raises CallTimeout after `timeout` seconds, and when all that had arrived is taken and the
        channel is closed, why it was closed or NotOpen.
        """
        with self._endpoint._lock:
            if not self._endpoint._changed.wait_for(self._has_news, timeout):
                raise CallTimeout(f"nothing arrived on channel {self.id} in {timeout} s")
            if not self._inbox:
                self._check_open()
            return self._inbox.popleft()

    def on(self, method: type[Method], handler: Handler) -> None:
        """Call `handler(method, content)` for methods of this class from the server, instead of
        `receive`.

        Handlers of one connection run in order on a thread of their own, and may block. What has
        arrived already is handed over at once.
        """
        with self._endpoint._lock:
            self._handlers[method] = handler
            kept, self._inbox = self._inbox, deque()
            for arrived in kept:
                self._arrive(*arrived)

    def close(
        self,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close the channel in order. Harmless when it is closed already."""
        endpoint = self._endpoint
        with endpoint._lock:
            call = endpoint._core.close_channel(
                self._core, monotonic(), timeout, reply_code, reply_text
            )
        if call is not None:
            endpoint._answer(call)

    def _arrive(self, method: Method, content: Content | None) -> None:
        handler = self._handlers.get(type(method))
        if handler is not None:
            self._endpoint._worker.run(handler, method, content)
        else:
            self._inbox.append((method, content))
            self._endpoint._changed.notify_all()

    def _has_news(self) -> bool:
        return bool(self._inbox) or self._core.state is ChannelState.CLOSED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connection(ConnectionFacade):
    """The connection of one endpoint: opens once, closes once."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint

    def open(
        self,
        auth_methods: AuthMethod | Sequence[AuthMethod],
        locale: LocalePreference | str | None = None,
        virtual_host: str = "/",
    ) -> None:
        """Connect, negotiate, authenticate and open the virtual host, all within the endpoint's
        timeout.

        Args:
            auth_methods: in order of preference; the first one that the server offers is used.
            locale: of the server's messages: Prefer, Select or a name; en_US where offered unless
                given.
            virtual_host: for example "/".

        Raises ConnectionFailed (its subclasses say what went wrong and in which phase),
        AlreadyOpen, InvalidParameter. After any error, KeyboardInterrupt included, nothing is left
        open.
        """
        self.endpoint._open(open_request(auth_methods, locale, virtual_host))

    def close(
        self,
        timeout: float | None = DEFAULT_CLOSE_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close in order, for at most `timeout` seconds; then the byte stream is closed in any
        case.

        Harmless when it is closed already. `reply_code` 0 is the specification's reply-success.
        """
        self.endpoint._close(timeout, reply_code, reply_text)

    def update_secret(
        self, secret: str | bytes, reason: str = "", timeout: float | None = DEFAULT_CALL_TIMEOUT_S
    ) -> None:
        """Give the broker a new credential for this connection, before the old one expires
        (RabbitMQ).

        Raises NotOpen, CallTimeout; a refusal closes the connection (NotAllowed).
        """
        endpoint = self.endpoint
        with endpoint._lock:
            call = endpoint._core.update_secret(secret_bytes(secret), reason, monotonic(), timeout)
        endpoint._answer(call)

    def wait_unblocked(self, timeout: float | None = None) -> None:
        """Wait until the broker takes messages again.

        Raises CallTimeout after `timeout` seconds, NotOpen.
        """
        endpoint = self.endpoint
        with endpoint._lock:
            if not endpoint._changed.wait_for(
                lambda: not self.is_blocked or endpoint._is_down, timeout
            ):
                raise CallTimeout(
                    f"the broker is still blocked after {timeout} s: {self.blocked_reason}"
                )
            self._core.check_open()

    def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is gone, by whichever side.

        Raises ConnectionFailed when it failed, CallTimeout when it is still there after `timeout`
        seconds.
        """
        with self.endpoint._lock:
            if not self.endpoint._changed.wait_for(lambda: self.endpoint._is_down, timeout):
                raise CallTimeout(f"the connection is still there after {timeout} s")
        if self._core.error is not None:
            raise self._core.error.clone()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_DISPATCH: dict[type[events.Event], Callable[[Endpoint, Any], None]] = {
    events.Opened: Endpoint._on_opened,
    events.Call: Endpoint._on_call,
    events.Arrived: Endpoint._on_arrived,
    events.ChannelDown: Endpoint._on_channel_down,
    events.Blocked: Endpoint._on_block,
    events.StateChanged: Endpoint._on_state_changed,
    events.HangUp: Endpoint._on_hang_up,
    events.Down: Endpoint._on_down,
}


def connect(url: str, **options: Any) -> Connection:
    """Connect by URL: `connection = connect(url)`, or `with connect(url) as connection`.

    Args:
        url: amqp:// or amqps://; see `amqpconn.uri`.
        options: of `Endpoint`, over those in the URL; and `auth_methods` and `locale` of
            `Connection.open`.

    Raises InvalidURL, InvalidParameter, and what `Connection.open` raises.
    """
    plan = Plan(url, dict(options))
    connection = Connection(Endpoint(**plan.endpoint))
    connection.open(plan.auth_methods, plan.locale, plan.virtual_host)
    return connection


def _nothing() -> int:
    return 0
