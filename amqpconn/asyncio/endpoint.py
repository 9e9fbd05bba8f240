"""The endpoint of the asyncio driver: calls, sends, and what the server initiates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, EndpointFacade, check_plain_reply
from amqpconn.asyncio._link import Link
from amqpconn.asyncio._opening import Opening
from amqpconn.asyncio.channel import Channel
from amqpconn.core import events
from amqpconn.errors import NotOpen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from amqpconn.asyncio._link import Connector
    from amqpconn.core.assembler import Content
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.handshake import OpenRequest
    from amqpconn_spec._base import Method

    R = TypeVar("R")


# Coroutines of users' callbacks; the event loop itself keeps weak references only.
_running: set[asyncio.Task[object]] = set()


class Endpoint(EndpointFacade):
    """One AMQP client on one byte stream; opens once, in the event loop that it belongs to."""

    __slots__ = ("_link",)

    def _make_link(self, connector: Connector | None) -> None:
        self._link = Link(self._core, self.target, connector, self._take)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        return self._link.loop

    def open_channel(self, timeout: float | None = DEFAULT_CALL_TIMEOUT_S) -> Opening[Channel]:
        """Open a channel: await it, or `async with` it.

        Raises NotOpen, NoFreeChannel, CallTimeout.
        """
        return Opening(self._open_channel, timeout)

    async def call(
        self,
        method: Method[R],
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> R:
        """Send a method and wait for its reply, one of `method.REPLIES`.

        Raises NotOpen, InvalidParameter, CallTimeout after `timeout` seconds, ChannelClosed when
        the server refuses, ConnectionFailed when the connection ends first; EncodeError (of
        amqpconn_spec) for a value that does not fit. For replies with content use `fetch`.
        """
        check_plain_reply(method)
        return (await self.fetch(method, channel, content, timeout))[0]

    async def fetch(
        self,
        method: Method[R],
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[R, Content | None]:
        """As `call`, for methods such as basic.get: the reply and its content, None without one."""
        self._link.check_caller()
        core = self._channel_core(channel)
        left = await self._link.writable(timeout)
        reply, arrived = await self._answer(
            lambda endpoint, now: endpoint.call(method, core, content, now, left)
        )
        return cast("R", reply), arrived

    async def send(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Send a method that is not answered, with its content; wait while the stream is full.

        What is sent in one turn of the event loop goes out at its end, in one write, or before it
        when there is much. Raises NotOpen, InvalidParameter, EncodeError, CallTimeout when the
        stream took nothing for `timeout` seconds.
        """
        self._link.check_caller()
        core = self._channel_core(channel)
        await self._link.writable(timeout)
        self._core.send(method, core, content)
        self._link.post()

    def abort(self) -> None:
        """Close the byte stream without a word to the server; whoever waits gets NotOpen.

        In the child of a fork it drops the child's copy only. Raises WrongEventLoop.
        """
        if not self._link.is_inherited:
            self._link.check_caller()
        self._link.abort()

    # --- for channels and the connection ---

    async def _open(self, request: OpenRequest) -> None:
        """Connect and shake hands, and wait for the channel that is wanted with it."""
        await self._link.open(request)
        first = self._core.first
        if first is None:
            return
        try:
            while not first.done:
                first.waiter = waiter = self.loop.create_future()
                await waiter
        except BaseException:
            self.abort()
            raise
        if first.reply is None:
            self.abort()
            await self._link.wait_down()
            raise (first.error or NotOpen("the call has no answer")).clone()

    async def _open_channel(self, timeout: float | None) -> Channel:
        self._link.check_caller()
        left = await self._link.writable(timeout)
        opened: list[Channel] = []

        def start(core: EndpointCore, now: float) -> events.Call:
            call = core.open_channel(now, left)
            opened.append(Channel(self, call.channel))
            return call

        await self._answer(start)
        return opened[0]

    async def _answer(
        self, start: Callable[[EndpointCore, float], events.Call]
    ) -> tuple[Method, Content | None]:
        """Start a call and wait for its end; when this is cancelled its answer is dropped."""
        self._link.check_caller()
        self._core.check_open()
        call = start(self._core, self._link.now())
        waiter: asyncio.Future[None] = self.loop.create_future()
        call.waiter = waiter
        self._link.pump()
        try:
            await waiter
        except BaseException:
            self._core.abandon(call)
            self._link.pump()
            raise
        if call.reply is None:
            raise (call.error or NotOpen("the call has no answer")).clone()
        return call.reply, call.content

    def _run(self, function: Callable[..., object], *args: object) -> None:
        """Call the user's function; what it raises goes to the event loop's exception handler."""
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001 - reported, not swallowed
            self._report(function, error)
            return
        if asyncio.iscoroutine(result):
            task = self.loop.create_task(result)
            _running.add(task)
            task.add_done_callback(_running.discard)

    def _report(self, function: Callable[..., object], error: Exception) -> None:
        self.loop.call_exception_handler({"message": f"{function!r} raised", "exception": error})

    # --- events of the core ---

    def _take(self, event: events.Event) -> None:
        _HANDLERS[type(event)](self, event)

    def _on_call(self, call: events.Call) -> None:
        waiter = cast("asyncio.Future[None] | None", call.waiter)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _on_arrived(self, event: events.Arrived) -> None:
        cast("Channel", event.channel.owner)._arrive(event.method, event.content)

    def _on_opened(self, _: events.Opened) -> None:
        if self._core.first is not None:
            Channel(self, self._core.first.channel)  # which is its `owner` from now on

    def _on_channel_down(self, event: events.ChannelDown) -> None:
        owner = cast("Channel | None", event.channel.owner)
        if owner is not None:  # it was asked for with a connection that did not come to be
            owner._went_down()
            if self._core.first is None or self._core.first.channel is not event.channel:
                event.channel.owner = None  # neither needs the garbage collector

    def _on_block(self, event: events.Blocked) -> None:
        for callback in self._callbacks.get(events.Blocked, ()):
            self._run(callback, event.reason)

    def _on_secret_failed(self, event: events.SecretFailed) -> None:
        for callback in self._callbacks.get(events.SecretFailed, ()):
            self._run(callback, event.error)

    def _on_state_changed(self, event: events.StateChanged) -> None:
        for callback in self._callbacks.get(events.StateChanged, ()):
            self._run(callback, event.old, event.new)

    def _on_observer_failed(self, event: events.ObserverFailed) -> None:
        self._report(event.hook, event.error)

    def _on_down(self, _: events.Down) -> None:
        """Whoever waits has been told, and nothing else is to be ended."""


# What the endpoint does about each event that is not of its stream alone.
_HANDLERS: dict[type[events.Event], Callable[[Endpoint, Any], None]] = {
    events.Opened: Endpoint._on_opened,
    events.Call: Endpoint._on_call,
    events.Arrived: Endpoint._on_arrived,
    events.ChannelDown: Endpoint._on_channel_down,
    events.Blocked: Endpoint._on_block,
    events.SecretFailed: Endpoint._on_secret_failed,
    events.StateChanged: Endpoint._on_state_changed,
    events.ObserverFailed: Endpoint._on_observer_failed,
    events.Down: Endpoint._on_down,
}
