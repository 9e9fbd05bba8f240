"""One byte stream of the event loop with the core behind it, from the attempt to open it to its
end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from amqpconn import errors, transport
from amqpconn._late import Late
from amqpconn.asyncio._flow import NOTHING, Flow
from amqpconn.asyncio._guard import disown, read_little
from amqpconn.asyncio._socket import SocketTransport
from amqpconn.errors import ConnectionFailed

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from amqpconn.asyncio import _clock, _dial
    from amqpconn.asyncio._asking import Asking
    from amqpconn.asyncio._clock import Clock
    from amqpconn.asyncio._stream import Reader, Writer
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Event, Redial, SecretWanted
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.transport import Target

    T = TypeVar("T")
    # Makes a byte stream of the user's own, as loop.create_connection does: it is called with a
    # protocol factory and gives a connected transport, for example
    # `lambda factory: loop.create_connection(factory, sock=my_socket)`. Or it leaves the factory
    # alone and gives a StreamReader and a StreamWriter, or what behaves like them.
    Connector = Callable[
        [Callable[[], asyncio.Protocol]],
        Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol] | tuple["Reader", "Writer"]],
    ]
else:
    _clock = Late("amqpconn.asyncio._clock")
    _dial = Late("amqpconn.asyncio._dial")

_NEVER_S = 1e8


class Link(Flow):
    """The life of a stream: dialled, opened, served by the event loop, closed."""

    __slots__ = (
        "_armed",
        "_asking",
        "_clock",
        "_connector",
        "_dialing",
        "_hung_up",
        "_redial",
        "_was_made",
    )

    _clock: Clock  # since it belongs to an event loop

    def __init__(
        self,
        core: EndpointCore,
        target: Target,
        connector: Connector | None,
        on_event: Callable[[Event], None],
    ) -> None:
        super().__init__(core, target, on_event)
        self._connector = connector
        self._asking: Asking | None = None  # made when there is something to ask
        self._armed: float | None = None
        self._dialing: asyncio.Timeout | None = None  # never expires by itself; see _hang_up
        self._was_made = self._hung_up = False
        self._redial: Redial | None = None

    # --- opening and closing ---

    async def open(self, request: OpenRequest) -> None:
        """Connect and shake hands. Raises ConnectionFailed; nothing stays open after an error."""
        if self._loop is not None:  # it was opened before
            self.check_caller()
        loop = asyncio.get_running_loop()
        self._core.connecting(request, loop.time())
        self._loop, self.now, self._clock = loop, loop.time, _clock.clock_of(loop)
        self.own()
        try:
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
            raise self._core.error.clone()  # whose traceback has the core

    def abort(self) -> None:
        """Close the stream at once; in the child of a fork this process's copy of it."""
        if self.is_inherited:
            self.forked()
        elif self._loop is not None:
            if self._is_posted:  # it was sent before
                self._flush()
            self._core.abort(self.now())
            self.pump()

    def forked(self) -> None:
        """In the child of a fork: whatever the event loop still does here, the stream is spared."""
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

    def _is_settled(self) -> bool:
        return self._opened or self._redial is not None or self.is_down

    async def _dial(self) -> None:
        """Set the stream up; what goes wrong is the core's error then. `_hang_up` breaks it off."""
        try:
            await self._connect()
        except ConnectionFailed as error:
            self._fail(error)
        except OSError as error:
            self._fail(transport.failed(error, self._target))
        finally:
            if self._hung_up and self._transport is None:  # nothing else will say so
                self._core.disconnected()
                self.pump()

    def _fail(self, error: ConnectionFailed) -> None:
        self._core.fail(error, self.now())
        self.pump()

    async def _connect(self) -> None:
        if self._connector is not None:
            await self._offered(self._connector)
            return
        sock = await _dial.connected_socket(self._target, self._core, self._waited)
        try:
            loop, is_plain = asyncio.get_running_loop(), self._target.ssl is None
            if not (is_plain and SocketTransport(loop, sock, self).begin()):
                await self._waited(self._adopted(sock))
        except BaseException:
            if self._transport is None:
                sock.close()
            else:  # the event loop still watches it
                self._transport.abort()
            raise

    async def _offered(self, connector: Connector) -> None:
        """The stream is the user's."""
        transport.check_not_redirected(self._core.detours)
        self._core.enter("connect", self.now())
        first, second = await self._waited(connector(lambda: self))
        if not self._was_made:
            from amqpconn.asyncio._stream import StreamTransport

            StreamTransport(cast("Reader", first), cast("Writer", second), self)

    async def _adopted(self, sock: socket.socket) -> None:
        """The event loop makes a transport of a socket."""
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

    async def _waited(self, awaited: Awaitable[T]) -> T:
        """What it gives. Raises OpenAborted when we hang up meanwhile."""
        self.pump()  # there is a deadline
        try:
            async with asyncio.timeout(0 if self._hung_up else None) as self._dialing:
                return await awaited
        except TimeoutError:
            if self._hung_up:
                raise errors.OpenAborted("interrupted") from None
            raise
        finally:
            self._dialing = None

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
            if not isinstance(transport, SocketTransport):
                self._adapt(transport)
            self._core.connected(self.now())
            self.pump()

    def _adapt(self, transport: asyncio.BaseTransport) -> None:
        """Have a transport of the event loop, or of the user's, read as ours does."""
        if transport.get_extra_info("ssl_object") is not None:
            from amqpconn.asyncio._rest import read_rest_of_tls

            read_rest_of_tls(transport)
        read_little(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
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
        elif not self._hung_up:
            self._core.lost(exc, self.now())
        if not self._core.is_leaving:  # what was read last may have sent us on
            self._core.disconnected()
        self._transport, self._unsent = None, NOTHING
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
        self._notify()
        self.pump()

    # --- what the flow asks ---

    def _ask(self, wanted: SecretWanted) -> None:
        if self._asking is None:
            from amqpconn.asyncio._asking import Asking

            self._asking = Asking(self._core, self.pump)
        self._asking.begin(wanted)

    def _leave(self, redial: Redial) -> None:
        """Drop this stream, whose end concerns nobody; the task that opens is woken, too."""
        if self._transport is not None:
            self._transport.set_protocol(asyncio.Protocol())
            self._transport.abort()
        self._transport, self._redial, self._unsent = None, redial, NOTHING

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
            unsent, self._unsent = self._unsent, NOTHING
            if unsent:
                self._transport.write(unsent)
            if self._core.output.size:
                self._transport.write(self._core.data_to_send(self.now()))
            self._transport.close()

    def _arm(self) -> None:
        """Have the clock call at the next deadline; of one that moves away it finds out then."""
        deadline, armed = self._core.next_deadline(), self._armed
        if deadline is None:
            if armed is not None:
                self._clock.forget(self)
        elif armed is None or deadline < armed:
            self._clock.wake(self, deadline)
        else:
            return
        self._armed = deadline

    def tick(self, now: float) -> None:
        """The clock: a deadline has come, or is not there any more."""
        self._armed = None
        self._core.handle_timer(now)
        self.pump()
