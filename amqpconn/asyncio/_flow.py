"""What moves bytes from the core to a stream of the event loop, and events to the endpoint."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING

from amqpconn._gathering import WORTH_GATHERING
from amqpconn.asyncio._guard import Guarded
from amqpconn.asyncio._socket import SocketTransport
from amqpconn.core.events import (
    Down,
    HangUp,
    Opened,
    Redial,
    SecretWanted,
    told_nobody,
)
from amqpconn.errors import NotOpen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Event
    from amqpconn.transport import Target

# So many bytes are worth a write of their own; fewer wait for the rest of the loop's turn.
WORTH_A_WRITE = 262144
NOTHING = memoryview(b"")
# No more is given to the event loop at once: it copies what the socket does not take.
_PIECE = 262144


class Flow(asyncio.Protocol, Guarded):
    """One stream, and who waits for something about it.

    Attributes:
        is_down: whether the stream is gone and everybody has been told.
        now: the event loop's time, which is the core's clock; since it belongs to one.
    """

    __slots__ = (
        "_can_write",
        "_is_posted",
        "_on_event",
        "_opened",
        "_target",
        "_telling",
        "_transport",
        "_unsent",
        "_untold",
        "_waiters",
        "is_down",
        "now",
    )

    now: Callable[[], float]

    def __init__(
        self, core: EndpointCore, target: Target, on_event: Callable[[Event], None]
    ) -> None:
        super().__init__(core)
        self._loop = None
        self.is_down = False
        self._target = target
        self._on_event = on_event
        self._transport: asyncio.Transport | None = None
        self._unsent = NOTHING
        self._can_write = True
        self._opened = self._is_posted = False
        self._telling = self._untold = False
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        if self._loop is None:
            raise NotOpen("the endpoint belongs to no event loop yet")
        return self._loop

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until this is true; it is asked again when anything has changed."""
        while not condition():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)

    def _notify(self) -> None:
        """Wake whoever waits for something else than an answer."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def pump(self) -> None:
        """After anything that may have changed the core: write, tell, and set the timer."""
        if self._core.output.size or self._unsent:
            self._flush()
        if self._telling:  # a callback called us; whoever called it goes on telling, in order
            return
        if self._core.news or self._untold:  # untold is what a callback that ends all has left
            self._telling = self._untold = True
            try:
                self._dispatch()
                self._untold = False
            finally:
                self._telling = False
        self._arm()

    def post(self) -> None:
        """Something was queued that is not answered: it goes out in one write with all else that
        this turn of the event loop brings, unless there is much of it.
        """
        if self._core.output.size >= WORTH_A_WRITE:
            self._flush()
        if not self._is_posted:
            self._is_posted = True
            self.loop.call_soon(self._pump_posted)

    def _pump_posted(self) -> None:
        self._is_posted = False
        self.pump()

    def _flush(self) -> None:
        """Give the event loop what there is, until it has enough for now."""
        output = self._core.output
        while (output.size or self._unsent) and self._can_write and self._transport is not None:
            if self._unsent:
                piece, self._unsent = self._unsent[:_PIECE], self._unsent[_PIECE:] or NOTHING
                self._transport.write(piece)
            elif output.size < WORTH_GATHERING:
                self._transport.write(b"".join(self._core.parts_to_send(self.now())))
            elif type(self._transport) is SocketTransport:
                size = output.size
                self._transport.write_parts(self._core.parts_to_send(self.now()), size)
            elif output.size > _PIECE:
                self._unsent = memoryview(self._core.data_to_send(self.now()))
            else:
                self._transport.write(self._core.data_to_send(self.now()))

    def _dispatch(self) -> None:
        """Tell of everything, and wake once whoever waits for any of it."""
        try:
            while (event := self._core.next_event()) is not None:
                handle = _OF_STREAMS.get(type(event))
                if handle is None:
                    self._on_event(event)
                else:
                    handle(self, event)
        finally:
            if self._transport is None and self._core.is_down:
                self._can_write = self.is_down = True
            if self._waiters:
                self._notify()

    def _on_opened(self, event: Opened) -> None:
        self._opened = True
        self._on_event(event)

    def _on_down(self, event: Down) -> None:
        """The last event. The endpoint, which has us, needs no garbage collector from here on."""
        tell, self._on_event = self._on_event, told_nobody
        tell(event)

    @abstractmethod
    def _arm(self) -> None:
        """Have the core woken at its next deadline."""

    @abstractmethod
    def _hang_up(self, quick: bool) -> None:
        """Close the stream."""

    @abstractmethod
    def _leave(self, redial: Redial) -> None:
        """Drop the stream for another one."""

    @abstractmethod
    def _ask(self, wanted: SecretWanted) -> None:
        """Get a secret for the core."""


# What is done about the stream itself; all other events are for the endpoint alone.
_OF_STREAMS: Final[dict[type[Event], Callable[[Flow, Any], None]]] = {
    Opened: Flow._on_opened,
    Down: Flow._on_down,
    HangUp: lambda flow, event: flow._hang_up(event.quick),
    Redial: lambda flow, event: flow._leave(event),
    SecretWanted: lambda flow, event: flow._ask(event),
}
