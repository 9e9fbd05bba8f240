"""One byte stream of the event loop, and the core behind it: what moves bytes, events and time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from amqpconn import transport
from amqpconn.asyncio._clock import clock_of
from amqpconn.asyncio._dial import connected_socket
from amqpconn.asyncio._guard import Guarded, disown, read_next
from amqpconn.core.events import Arrived, HangUp, Opened, Redial, SecretWanted
from amqpconn.errors import ConnectionFailed, NotOpen

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from amqpconn.asyncio._asking import Asking
    from amqpconn.asyncio._clock import Clock
    from amqpconn.asyncio._stream import Reader, Writer
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Event
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.transport import Target

    # Makes a byte stream of the user's own, as loop.create_connection does: it is called with a
    # protocol factory and gives a connected transport, for example
    # `lambda factory: loop.create_connection(factory, sock=my_socket)`. Or it leaves the factory
    # alone and gives a StreamReader and a StreamWriter, or what behaves like them.
    Connector = Callable[
        [Callable[[], asyncio.Protocol]],
        Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol] | tuple["Reader", "Writer"]],
    ]

_NEVER_S = 1e8
# So many bytes are worth a write of their own; fewer wait for the rest of the loop's turn.
_WORTH_A_WRITE = 16384
# No more is given to the event loop at once: it copies what the socket does not take.
_PIECE = 262144
_NOTHING = memoryview(b"")


class Link(asyncio.Protocol, Guarded):
    """What the event loop calls, and what moves things between it, the core and the endpoint.

    Attributes:
        is_down: whether the stream is gone and everybody has been told.
    """

    __slots__ = (
        "_asking",
        "_can_write",
        "_clock",
        "_connector",
        "_dialing",
        "_hung_up",
        "_is_posted",
        "_on_event",
        "_opened",
        "_redial",
        "_target",
        "_telling",
        "_transport",
        "_unsent",
        "_waiters",
        "_was_made",
        "is_down",
    )

    def __init__(
        self,
        core: EndpointCore,
        target: Target,
        connector: Connector | None,
        on_event: Callable[[Event], None],
    ) -> None:
        super().__init__(core)
        self.is_down = False
        self._target = target
        self._connector = connector
        self._on_event = on_event
        self._asking: Asking | None = None  # made when there is something to ask
        self._transport: asyncio.Transport | None = None
        self._clock: Clock | None = None  # since it has a loop
        self._dialing: asyncio.Timeout | None = None  # never expires by itself; see _hang_up
        self._was_made = self._opened = self._hung_up = self._telling = False
        self._redial: Redial | None = None
        self._can_write = True
        self._waiters: list[asyncio.Future[None]] = []
        self._is_posted = False
        self._unsent = _NOTHING

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        if self._loop is None:
            raise NotOpen("the endpoint belongs to no event loop yet")
        return self._loop

    def now(self) -> float:
        """The event loop's time, which is the core's clock."""
        return self.loop.time()

    # --- opening and closing ---

    async def open(self, request: OpenRequest) -> None:
        """Connect and shake hands. Raises ConnectionFailed; nothing stays open after an error."""
        self.check_caller()
        loop = asyncio.get_running_loop()
        self._core.connecting(request, loop.time())
        self._loop, self._clock = loop, clock_of(loop)
        self.own()
        try:
            self.pump()
            await self._dial()
            await self.wait_for(self._is_settled)
            while self._redial is not None and self._core.is_alive:
                self._detour(self._redial)
                await self._dial()
                await self.wait_for(self._is_settled)
            if self._core.error is not None:  # closed again as soon as it was open
                await self.wait_down()
        except BaseException:
            self.abort()
            raise
        if self._core.error is not None:
            raise self._core.error

    def abort(self) -> None:
        """Close the stream at once; in the child of a fork this process's copy of it."""
        if self.is_inherited:
            self.forked()
        elif self._loop is not None:
            if self._is_posted:  # it was sent before
                self._write()
            self._core.abort(self.now())
            self.pump()

    def forked(self) -> None:
        """In the child of a fork: whatever the event loop still does here, the stream is spared."""
        if self._clock is not None:
            self._clock.stop()
        if self._transport is not None:
            disown(self._transport)

    async def wait_down(self) -> None:
        """Wait for the end of the stream, and make it end when the wait is cancelled."""
        try:
            await self.wait_for(lambda: self.is_down or not self._core.is_alive)
        except BaseException:
            self.abort()
            raise

    async def writable(self, timeout: float | None) -> float | None:
        """Wait until the stream takes more, so that a slow peer slows its users down; what is left
        of `timeout`.
        """
        if self._can_write:
            return timeout
        began = self.now()
        try:
            async with asyncio.timeout(timeout):
                await self.wait_for(lambda: self._can_write)
        except TimeoutError:
            what = f"the stream was full for {timeout} s; nothing was sent"
            raise self._core.timed_out(what, self.now()) from None
        return None if timeout is None else timeout - (self.now() - began)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until this is true; it is asked again when anything has changed."""
        while not condition():
            waiter: asyncio.Future[None] = self.loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)

    def _changed(self) -> None:
        """Wake whoever waits for something else than an answer."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _is_settled(self) -> bool:
        return self._opened or self._redial is not None or not self._core.is_alive

    async def _dial(self) -> None:
        """Set the stream up; what goes wrong is the core's error then. `_hang_up` breaks it off."""
        try:
            async with asyncio.timeout(None) as self._dialing:
                await self._connect()
        except ConnectionFailed as error:
            self._core.fail(error, self.now())
        except OSError as error:  # the TimeoutError of a hang-up too, whose reason is there already
            self._core.fail(transport.failed(error, self._target), self.now())
        finally:
            self._dialing = None
            if self._hung_up and self._transport is None:
                self._core.disconnected()
            self.pump()

    async def _connect(self) -> None:
        if self._connector is not None:
            transport.check_not_redirected(self._core.detours)
            self._core.enter("connect", self.now())
            first, second = await self._connector(lambda: self)
            if not self._was_made:
                from amqpconn.asyncio._stream import StreamTransport

                StreamTransport(cast("Reader", first), cast("Writer", second), self)
            return
        sock = await connected_socket(self._target, self._core)
        try:
            await self._adopt(sock)
        except BaseException:
            if self._transport is None:
                sock.close()
            else:  # the event loop still watches it
                self._transport.abort()
            raise

    async def _adopt(self, sock: socket.socket) -> None:
        target = self._target
        if target.ssl is not None:
            self._core.enter("tls", self.now())
        await self.loop.create_connection(
            lambda: self,
            sock=sock,
            ssl=target.ssl,
            server_hostname=target.server_hostname,
            # The deadline is ours; the event loop's own would be another.
            ssl_handshake_timeout=None if target.ssl is None else _NEVER_S,
        )

    # --- what the event loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The stream is there."""
        self._was_made = True
        self._transport = cast("asyncio.Transport", transport)
        if self.is_inherited:
            self.forked()
        elif self._hung_up:  # it was given up before it came
            self._transport.abort()
        else:
            if transport.get_extra_info("ssl_object") is not None:
                from amqpconn.asyncio._rest import read_rest_of_tls

                read_rest_of_tls(transport)
            read_next(transport, 0)
            self._core.connected(self.now())
            self.pump()

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
        if self._transport is not None:
            read_next(self._transport, len(data))
        if self._core.receive_data(data, self.now()):
            self.pump()

    def eof_received(self) -> None:
        """No more bytes will come; returning None lets the event loop close the stream."""
        self._core.receive_eof(self.now())
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is closed."""
        if isinstance(exc, OSError):
            self._read_rest()
            self._core.lost(transport.failed(exc, self._target), self.now())
        else:
            self._core.lost(exc, self.now())
        if not self._core.is_leaving:  # what was read last may have sent us on
            self._core.disconnected()
        self._transport, self._unsent = None, _NOTHING
        self.pump()

    def _read_rest(self) -> None:
        """A write failed, and the event loop reads no more. Why may be there to be read still: the
        peer's close.
        """
        from amqpconn.asyncio._rest import unread

        for data in unread(self._transport):
            self._core.receive_data(data, self.now())

    def pause_writing(self) -> None:
        """The peer is slower than we are."""
        self._can_write = False

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._can_write = True
        self._changed()
        self.pump()

    # --- moving bytes, events and time ---

    def pump(self) -> None:
        """After anything that may have changed the core: write, tell, and set the timer."""
        self._write()
        if self._telling:  # a callback called us; whoever called it goes on telling, in order
            return
        self._telling = True
        try:
            while (event := self._core.next_event()) is not None:
                self._tell(event)
        finally:
            self._telling = False
        self._arm()

    def post(self) -> None:
        """Something was queued that is not answered: it goes out in one write with all else that
        this turn of the event loop brings, unless there is much of it.
        """
        if self._core.output.size >= _WORTH_A_WRITE:
            self.pump()
        elif not self._is_posted:
            self._is_posted = True
            self.loop.call_soon(self._pump_posted)

    def _pump_posted(self) -> None:
        self._is_posted = False
        self.pump()

    def _write(self) -> None:
        """Give the event loop what there is, until it has enough for now."""
        while self._transport is not None and self._can_write:
            if self._unsent:
                piece, self._unsent = self._unsent[:_PIECE], self._unsent[_PIECE:] or _NOTHING
                self._transport.write(piece)
            elif self._core.output.size > _PIECE:
                self._unsent = memoryview(self._core.data_to_send(self.now()))
            elif self._core.output.size:
                self._transport.write(self._core.data_to_send(self.now()))
            else:
                return

    def _tell(self, event: Event) -> None:
        if isinstance(event, Arrived):  # most of them are, and none of what is below concerns it
            self._on_event(event)
            return
        if isinstance(event, HangUp):
            self._hang_up(event.quick)
            return
        if isinstance(event, Redial):
            self._leave(event)
            return
        if isinstance(event, SecretWanted):
            self._ask(event)
            return
        self._opened = self._opened or isinstance(event, Opened)
        self._on_event(event)
        if not self._core.is_alive:
            self._can_write = self.is_down = True
        self._changed()

    def _ask(self, wanted: SecretWanted) -> None:
        if self._asking is None:
            from amqpconn.asyncio._asking import Asking

            self._asking = Asking(self._core, self.pump)
        self._asking.begin(wanted)

    def _leave(self, redial: Redial) -> None:
        """Drop this stream, whose end concerns nobody, and wake the task that opens."""
        if self._transport is not None:
            self._transport.set_protocol(asyncio.Protocol())
            self._transport.abort()
        self._transport, self._redial, self._unsent = None, redial, _NOTHING
        self._changed()

    def _detour(self, redial: Redial) -> None:
        """Get ready for another stream."""
        self._redial, self._was_made, self._can_write = None, False, True
        if redial.host is not None:
            self._target = self._target.elsewhere(redial.host, redial.port)
            self._core.peer = str(self._target)

    def _hang_up(self, quick: bool) -> None:
        self._hung_up = True
        if self._asking is not None:
            self._asking.stop()
        if self._dialing is not None and not self._dialing.expired():
            self._dialing.reschedule(self.now())
        if self._transport is None:
            if self._dialing is None:
                self._core.disconnected()
        elif quick:
            self._transport.abort()
        else:
            unsent, self._unsent = self._unsent, _NOTHING
            self._transport.write(unsent)
            self._transport.write(self._core.data_to_send(self.now()))
            self._transport.close()

    def _arm(self) -> None:
        deadline, clock = self._core.next_deadline(), cast("Clock", self._clock)
        if deadline is None:
            clock.forget(self)
        else:
            clock.wake(self, deadline)

    def tick(self, now: float) -> None:
        """The clock: a deadline has come, or is not there any more."""
        self._core.handle_timer(now)
        self.pump()
