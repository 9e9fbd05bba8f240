"""The endpoint of the blocking driver: calls, sends, and what the server initiates."""

from __future__ import annotations

import threading
from time import monotonic

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, EndpointFacade, check_plain_reply
from amqpconn._typing import cast
from amqpconn.core import events
from amqpconn.errors import NotOpen
from amqpconn.sync._link import Link
from amqpconn.sync._worker import Worker
from amqpconn.sync.channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from amqpconn.core.assembler import Content
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.core.transcript import Transcript
    from amqpconn.sync._dial import Connector
    from amqpconn_spec._base import Method

    R = TypeVar("R")


class Endpoint(EndpointFacade):
    """One AMQP client on one byte stream; opens once. Any thread may use it."""

    __slots__ = ("_link", "_worker")

    def _make_link(self, connector: Connector | None) -> None:
        self._link = Link(self._core, self.target, connector, self._take)
        self._worker: Worker | None = None  # since there is something to call

    def open_channel(self, timeout: float | None = DEFAULT_CALL_TIMEOUT_S) -> Channel:
        """Open a channel; `with` closes it again. Raises NotOpen, NoFreeChannel, CallTimeout."""
        opened: list[Channel] = []

        def start(core: EndpointCore, _: float) -> events.Call:
            left = self._link.wait_writable(timeout)
            call = core.open_channel(monotonic(), left)
            opened.append(Channel(self, call.channel))
            return call

        self._answer(start)
        return opened[0]

    def call(
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
        return (self.fetch(method, channel, content, timeout))[0]

    def fetch(
        self,
        method: Method[R],
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[R, Content | None]:
        """As `call`, for methods such as basic.get: the reply and its content, None without one."""

        def start(endpoint: EndpointCore, _: float) -> events.Call:
            core = self._channel_core(channel)
            left = self._link.wait_writable(timeout)
            return endpoint.call(method, core, content, monotonic(), left)

        reply, arrived = self._answer(start)
        return cast("R", reply), arrived

    def send(
        self,
        method: Method,
        channel: Channel | int,
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Send a method that is not answered, with its content; wait while the stream is full.

        Raises NotOpen, InvalidParameter, EncodeError, CallTimeout when the stream took nothing for
        `timeout` seconds.
        """
        self._link.check_process()
        with self._link.lock, self._link:
            core = self._channel_core(channel)
            self._link.wait_writable(timeout)
            self._core.send(method, core, content)
            self._link.post()

    @property
    def transcript(self) -> Transcript | None:
        """The last frames so far, to be printed; None without `flight_recorder`."""
        with self._link.lock:  # other threads add to them
            return super().transcript

    def abort(self) -> None:
        """Close the byte stream without a word to the server; whoever waits gets NotOpen.

        In the child of a fork it drops the child's copy only.
        """
        self._link.abort()

    # --- for channels and the connection ---

    def _open(self, request: OpenRequest) -> None:
        """Connect and shake hands, and wait for the channel that is wanted with it."""
        for method in request.auth_methods:
            if method.known_response is None:
                from amqpconn.mechanisms import check_blocking  # late: most are known

                check_blocking(method)
        self._link.open(request)
        first = self._core.first
        if first is not None and first.reply is None:
            self.abort()
            self._link.wait_down()
            raise (first.error or NotOpen("the call has no answer")).clone()

    def _answer(
        self, start: Callable[[EndpointCore, float], events.Call]
    ) -> tuple[Method, Content | None]:
        """Start a call and wait for its end; when this is interrupted its answer is dropped."""
        self._link.check_process()
        call: events.Call | None = None
        waiter = threading.Event()
        try:
            with self._link.lock, self._link:
                call = start(self._core, monotonic())
                call.waiter = waiter
                self._link.pump()
            while not call.done:
                waiter.wait()
        except BaseException:
            if call is not None:
                self._abandon(call)
            raise
        if call.reply is None:
            raise (call.error or NotOpen("the call has no answer")).clone()
        return call.reply, call.content

    def _abandon(self, call: events.Call) -> None:
        with self._link.lock, self._link:
            self._core.abandon(call)
            self._link.pump()

    # --- events of the core ---

    def _take(self, event: events.Event) -> None:
        _HANDLERS[type(event)](self, event)

    def _on_call(self, call: events.Call) -> None:
        if call.waiter is not None:
            cast("threading.Event", call.waiter).set()

    def _on_opened(self, _: events.Opened) -> None:
        if self._core.first is not None:
            Channel(self, self._core.first.channel)  # which is its `owner` from now on

    def _on_arrived(self, event: events.Arrived) -> None:
        cast("Channel", event.channel.owner)._arrive(event.method, event.content)

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
        self._run(_raise, event.error)

    def _on_down(self, _: events.Down) -> None:
        if self._worker is not None:
            self._worker.stop()

    def _run(self, function: Callable[..., object], *args: object) -> None:
        """Call a function of the user's, behind those before it."""
        if self._worker is None:
            self._worker = Worker()
            if self._link.is_down:
                self._worker.stop()
        self._worker.run(function, *args)


def _raise(error: Exception) -> None:
    """The worker reports what it runs into."""
    raise error


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
