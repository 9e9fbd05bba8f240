"""The asyncio driver: the same names and meaning as `amqpconn.sync`, with coroutines.

    async with amqpconn.asyncio.connect("amqp://guest:guest@localhost/") as connection:
        async with connection.endpoint.open_channel() as channel:
            declared = await channel.call(queue.Declare(queue="tasks"))

A connection is one protocol object of the event loop and one timer; no task keeps it alive. All
decisions are made in `amqpconn.core`; here is only waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from amqpconn import transport
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
from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S
from amqpconn.core import events
from amqpconn.errors import CallTimeout, ConnectionFailed, NotOpen

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
    from typing import Any, Self

    from amqpconn.auth import AuthMethod
    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.locale import LocalePreference
    from amqpconn_spec._base import Method

    # Makes a byte stream of the user's own, as loop.create_connection does: it is called with a
    # protocol factory and gives a connected transport, for example
    # `lambda factory: loop.create_connection(factory, sock=my_socket)`.
    Connector = Callable[
        [Callable[[], asyncio.Protocol]],
        Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol]],
    ]
    Handler = Callable[[Method, Content | None], object]

T = TypeVar("T", bound="Connection | Channel")


class _Wire(asyncio.Protocol):
    """What the event loop calls; everything goes to the endpoint and its core."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._endpoint._made(transport)

    def data_received(self, data: bytes) -> None:
        endpoint = self._endpoint
        endpoint._core.receive_data(data, endpoint.loop.time())
        endpoint._pump()

    def eof_received(self) -> None:
        endpoint = self._endpoint
        endpoint._core.receive_eof(endpoint.loop.time())
        endpoint._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        self._endpoint._lost(exc)

    def pause_writing(self) -> None:
        self._endpoint._can_write.clear()

    def resume_writing(self) -> None:
        self._endpoint._can_write.set()
        self._endpoint._pump()


class Opening(Generic[T]):
    """What `connect` and `open_channel` give: await it, or use it with `async with`, which closes
    again.
    """

    def __init__(self, opening: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._opening = opening
        self._opened: T | None = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._opening().__await__()

    async def __aenter__(self) -> T:
        self._opened = await self._opening()
        return self._opened

    async def __aexit__(self, *_: object) -> None:
        if self._opened is not None:
            await self._opened.close()


class Endpoint(EndpointFacade):
    """One AMQP client on one byte stream; opens once, in the event loop that it belongs to."""

    def _prepare(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._dialing: asyncio.Timeout | None = None
        self._settled = asyncio.Event()  # open, or never
        self._down = asyncio.Event()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._unblocked = asyncio.Event()
        self._unblocked.set()
        self._tasks: set[asyncio.Future[object]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        if self._loop is None:
            raise NotOpen("the endpoint belongs to no event loop yet")
        return self._loop

    def open_channel(self, timeout: float | None = DEFAULT_CALL_TIMEOUT_S) -> Opening[Channel]:
        """Open a channel: await it, or `async with` it.

        Raises NotOpen, NoFreeChannel, CallTimeout.
        """
        return Opening(lambda: self._open_channel(timeout))

    async def call(
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
        return (await self.fetch(method, channel, content, timeout))[0]

    async def fetch(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[Method, Content | None]:
        """As `call`, for methods such as basic.get: the reply and the content that came with it, or
        None.
        """
        core = self._channel_core(channel)
        await self._writable(timeout)
        call = self._core.call(method, core, content, self.loop.time(), timeout)
        return await self._answer(call)

    async def send(
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
        core = self._channel_core(channel)
        await self._writable(timeout)
        self._core.send(method, core, content)
        self._pump()

    def abort(self) -> None:
        """Close the byte stream without a word to the server; whoever waits gets NotOpen."""
        if self._loop is not None:
            self._core.abort(self._loop.time())
            self._pump()

    # --- opening and closing, for the connection ---

    async def _open(self, request: OpenRequest) -> None:
        loop = asyncio.get_running_loop()
        self._core.connecting(request, loop.time())
        self._loop = loop
        try:
            await self._dial()
            await self._settled.wait()
        except ConnectionFailed as error:
            self._core.fail(error, loop.time())
        except BaseException:
            self.abort()
            raise
        finally:
            self._finish_dialing()
        if self._core.error is not None:
            raise self._core.error

    async def _close(self, timeout: float | None, reply_code: int, reply_text: str) -> None:
        if self._loop is None:
            return
        self._core.close(self._loop.time(), timeout, reply_code, reply_text)
        self._pump()
        try:
            await self._down.wait()
        except BaseException:
            self.abort()
            raise

    async def _dial(self) -> None:
        """Set the stream up within the deadline. Raises ConnectionFailed."""
        deadline = self._core.next_deadline()
        try:
            async with asyncio.timeout_at(deadline) as self._dialing:
                await self._connect()
        except TimeoutError:
            self._core.handle_timer(max(self.loop.time(), deadline or 0.0))
        except OSError as error:
            raise transport.failed(error, self.target) from error
        finally:
            self._dialing = None

    async def _connect(self) -> None:
        if self._connector is not None:
            self._enter("connect")
            await self._connector(lambda: _Wire(self))
            return
        sock = await self._reach(self.target.known_addresses() or await self._resolve())
        try:
            await self._adopt(sock)
        except BaseException:
            sock.close()
            raise

    async def _resolve(self) -> list[transport.AddressInfo]:
        self._enter("resolve")
        host, port = self.target.host, self.target.port
        return list(await self.loop.getaddrinfo(host, port, type=transport.STREAM))

    async def _reach(self, addresses: list[transport.AddressInfo]) -> socket.socket:
        self._enter("connect")
        errors: list[ConnectionFailed] = []
        for left, info in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                return await self._connect_socket(info, transport.share(self._remaining(), left))
            except OSError as error:
                errors.append(transport.failed(error, self.target))
        raise transport.several(errors, self.target)

    async def _connect_socket(
        self, info: transport.AddressInfo, timeout: float | None
    ) -> socket.socket:
        sock = transport.new_socket(info)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(timeout):
                await self.loop.sock_connect(sock, info[4])
        except BaseException:
            sock.close()
            raise
        return sock

    async def _adopt(self, sock: socket.socket) -> None:
        if self.target.ssl is not None:
            self._enter("tls")
        await self.loop.create_connection(
            lambda: _Wire(self),
            sock=sock,
            ssl=self.target.ssl,
            server_hostname=self.target.server_hostname,
        )

    def _finish_dialing(self) -> None:
        """When there is no stream to report its own end, report it."""
        self._pump()
        if self._core.error is not None and self._transport is None:
            self._core.disconnected()
            self._pump()

    def _remaining(self) -> float | None:
        deadline = self._core.next_deadline()
        return None if deadline is None else deadline - self.loop.time()

    def _enter(self, phase: str) -> None:
        self._core.enter(phase, self.loop.time())

    # --- what the stream reports ---

    def _made(self, stream: asyncio.BaseTransport) -> None:
        self._transport = stream  # type: ignore[assignment]  # asyncio's own interface is this loose
        self._core.connected(self.loop.time())
        self._pump()

    def _lost(self, error: Exception | None) -> None:
        now = self.loop.time()
        ours = transport.failed(error, self.target) if isinstance(error, OSError) else None
        self._core.lost(ours or error, now)
        self._core.disconnected()
        self._transport = None
        self._pump()

    # --- moving bytes, events and time ---

    def _pump(self) -> None:
        core = self._core
        if self._transport is not None and self._can_write.is_set():
            data = core.data_to_send(self.loop.time())
            if data:
                self._transport.write(data)
        while (event := core.next_event()) is not None:
            _DISPATCH[type(event)](self, event)
        self._arm()

    def _arm(self) -> None:
        deadline = self._core.next_deadline()
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._transport is not None:
            self._timer = self.loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._core.handle_timer(self.loop.time())
        self._pump()

    # --- events of the core ---

    def _on_opened(self, _: events.Opened) -> None:
        self._settled.set()

    def _on_call(self, call: events.Call) -> None:
        waiter = call.waiter
        if isinstance(waiter, asyncio.Future) and not waiter.done():
            waiter.set_result(None)

    def _on_arrived(self, event: events.Arrived) -> None:
        if isinstance(event.channel.owner, Channel):
            event.channel.owner._arrive(event.method, event.content)

    def _on_channel_down(self, event: events.ChannelDown) -> None:
        if isinstance(event.channel.owner, Channel):
            event.channel.owner._arrived.set()

    def _on_block(self, event: events.Blocked) -> None:
        if event.reason is None:
            self._unblocked.set()
        else:
            self._unblocked.clear()
        for callback in self._on_blocked:
            self._run(callback, event.reason)

    def _on_state_changed(self, event: events.StateChanged) -> None:
        for callback in self._on_state:
            self._run(callback, event.old, event.new)

    def _on_hang_up(self, event: events.HangUp) -> None:
        if self._dialing is not None:
            self._dialing.reschedule(self.loop.time())
        if self._transport is None:
            return
        if event.quick:
            self._transport.abort()
        else:
            self._transport.write(self._core.data_to_send(self.loop.time()))
            self._transport.close()

    def _on_down(self, _: events.Down) -> None:
        for waiting in (self._settled, self._down, self._can_write, self._unblocked):
            waiting.set()

    def _run(self, function: Callable[..., object], *args: object) -> None:
        """Call the user's function; what it raises goes to the event loop's exception handler."""
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001 - reported, not swallowed
            self.loop.call_exception_handler(
                {"message": f"{function!r} raised", "exception": error}
            )
            return
        if asyncio.iscoroutine(result):
            task = self.loop.create_task(result)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- calls ---

    async def _open_channel(self, timeout: float | None) -> Channel:
        call = self._core.open_channel(self.loop.time(), timeout)
        channel = Channel(self, call.channel)
        await self._answer(call)
        return channel

    async def _answer(self, call: events.Call) -> tuple[Method, Content | None]:
        """Wait for the end of a call."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        call.waiter = waiter
        self._pump()
        try:
            await waiter
        except BaseException:
            self._core.abandon(call)
            raise
        if call.reply is None:
            raise call.error or NotOpen("the call has no answer")
        return call.reply, call.content

    async def _writable(self, timeout: float | None) -> None:
        """Wait until the stream takes more, so that a slow peer slows its users down and fills no
        memory.
        """
        if self._can_write.is_set():
            return
        try:
            async with asyncio.timeout(timeout):
                while not self._can_write.is_set():
                    await self._can_write.wait()
        except TimeoutError:
            raise CallTimeout(f"the peer took no bytes for {timeout} s; nothing was sent") from None


class Channel(ChannelFacade):
    """One open channel. Its `id` is used again after a close; this object is not."""

    def __init__(self, endpoint: Endpoint, core: ChannelCore) -> None:
        super().__init__(core)
        self._endpoint = endpoint
        self._inbox: deque[tuple[Method, Content | None]] = deque()
        self._arrived = asyncio.Event()
        self._handlers: dict[type[Method], Handler] = {}

    async def call(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> Method:
        """Send a method on this channel and wait for its reply; see `Endpoint.call`."""
        return await self._endpoint.call(method, self, content, timeout)

    async def fetch(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[Method, Content | None]:
        """Send a method whose reply may have content; see `Endpoint.fetch`."""
        return await self._endpoint.fetch(method, self, content, timeout)

    async def send(
        self,
        method: Method,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Send a method that is not answered; see `Endpoint.send`."""
        await self._endpoint.send(method, self, content, timeout)

    async def receive(self, timeout: float | None = None) -> tuple[Method, Content | None]:
        """The next method from the server that is no reply (delivery, return, cancel, confirm),
        with its content.

        Raises CallTimeout after `timeout` seconds, and when all that had arrived is taken and the
        channel is closed, why it was closed or NotOpen.
        """
        try:
            async with asyncio.timeout(timeout):
                while not self._inbox:
                    self._check_open()
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise CallTimeout(f"nothing arrived on channel {self.id} in {timeout} s") from None
        return self._inbox.popleft()

    def on(self, method: type[Method], handler: Handler) -> None:
        """Call `handler(method, content)` for methods of this class from the server, instead of
        `receive`.

        The handler may be a coroutine function. What has arrived already is handed to it at once.
        """
        self._handlers[method] = handler
        kept, self._inbox = self._inbox, deque()
        for arrived in kept:
            self._arrive(*arrived)

    async def close(
        self,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close the channel in order. Harmless when it is closed already."""
        endpoint = self._endpoint
        call = endpoint._core.close_channel(
            self._core, endpoint.loop.time(), timeout, reply_code, reply_text
        )
        if call is not None:
            await endpoint._answer(call)

    def _arrive(self, method: Method, content: Content | None) -> None:
        handler = self._handlers.get(type(method))
        if handler is not None:
            self._endpoint._run(handler, method, content)
        else:
            self._inbox.append((method, content))
            self._arrived.set()


class Connection(ConnectionFacade):
    """The connection of one endpoint: opens once, closes once."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        return self.endpoint.loop

    async def open(
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
        AlreadyOpen, InvalidParameter. After any error, cancellation included, nothing is left open.
        """
        await self.endpoint._open(open_request(auth_methods, locale, virtual_host))

    async def close(
        self,
        timeout: float | None = DEFAULT_CLOSE_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close in order, for at most `timeout` seconds; then the byte stream is closed in any
        case.

        Harmless when it is closed already. `reply_code` 0 is the specification's reply-success.
        """
        await self.endpoint._close(timeout, reply_code, reply_text)

    async def update_secret(
        self, secret: str | bytes, reason: str = "", timeout: float | None = DEFAULT_CALL_TIMEOUT_S
    ) -> None:
        """Give the broker a new credential for this connection, before the old one expires
        (RabbitMQ).

        Raises NotOpen, CallTimeout; a refusal closes the connection (NotAllowed).
        """
        core, now = self.endpoint._core, self.loop.time()
        await self.endpoint._answer(core.update_secret(secret_bytes(secret), reason, now, timeout))

    async def wait_unblocked(self, timeout: float | None = None) -> None:
        """Wait until the broker takes messages again.

        Raises CallTimeout after `timeout` seconds, NotOpen.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.endpoint._unblocked.wait()
        except TimeoutError:
            raise CallTimeout(
                f"the broker is still blocked after {timeout} s: {self.blocked_reason}"
            ) from None
        self._core.check_open()

    async def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is gone, by whichever side.

        Raises ConnectionFailed when it failed, CallTimeout when it is still there after `timeout`
        seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.endpoint._down.wait()
        except TimeoutError:
            raise CallTimeout(f"the connection is still there after {timeout} s") from None
        if self._core.error is not None:
            raise self._core.error.clone()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


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


def connect(url: str, **options: Any) -> Opening[Connection]:
    """Connect by URL: `connection = await connect(url)`, or `async with connect(url) as
    connection`.

    Args:
        url: amqp:// or amqps://; see `amqpconn.uri`.
        options: of `Endpoint`, over those in the URL; and `auth_methods` and `locale` of
            `Connection.open`.

    Raises InvalidURL, InvalidParameter at once, and when awaited what `Connection.open` raises.
    """
    return Opening(lambda: _connect(Plan(url, dict(options))))


async def _connect(plan: Plan) -> Connection:
    connection = Connection(Endpoint(**plan.endpoint))
    await connection.open(plan.auth_methods, plan.locale, plan.virtual_host)
    return connection
