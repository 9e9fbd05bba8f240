"""A channel of the asyncio driver."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, ChannelFacade
from amqpconn.errors import NotOpen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from amqpconn.asyncio.endpoint import Endpoint
    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn_spec._base import Method

    Handler = Callable[[Method, Content | None], object]

    M = TypeVar("M", bound=Method)
    R = TypeVar("R")


class Channel(ChannelFacade):
    """One open channel. Its `id` is used again after a close; this object is not."""

    def __init__(self, endpoint: Endpoint, core: ChannelCore) -> None:
        super().__init__(core)
        self._endpoint = endpoint
        self._inbox: deque[tuple[Method, Content | None]] = deque()
        self._news = asyncio.Event()
        self._handlers: dict[type[Method], Handler] = {}

    async def call(
        self,
        method: Method[R],
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> R:
        """Send a method on this channel and wait for its reply; see `Endpoint.call`."""
        return await self._endpoint.call(method, self, content, timeout)

    async def fetch(
        self,
        method: Method[R],
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[R, Content | None]:
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
        """The next method from the server that is no reply, with its content: a delivery, a return,
        a cancel, a confirm.

        What arrives waits for this without a limit; basic.qos sets one for deliveries that are to
        be acknowledged.

        Raises CallTimeout after `timeout` seconds; and, when all that had arrived is taken and the
        channel is closed, why it was closed, or NotOpen.
        """
        self._endpoint._link.check_caller()
        if not self._inbox:
            await self._wait_for_news(timeout)
        return self._inbox.popleft()

    async def _wait_for_news(self, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not self._inbox:
                    self._check_open()
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            what = f"nothing arrived on channel {self.id} in {timeout} s"
            raise self._endpoint._core.timed_out(what, self._endpoint.loop.time()) from None

    def on(self, method: type[M], handler: Callable[[M, Content | None], object]) -> None:
        """Call `handler(method, content)` for methods of this class from the server.

        They do not go to `receive` then. The handler may be a coroutine function. What has arrived
        already is handed to it at once.
        """
        self._endpoint._link.check_caller()
        self._handlers[method] = cast("Handler", handler)
        kept, self._inbox = self._inbox, deque()
        for arrived in kept:
            self._arrive(*arrived)

    async def close(
        self,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close the channel in order. Harmless when it is closed, or on its way, already."""
        with suppress(NotOpen):
            await self._endpoint._answer(
                lambda core, now: core.close_channel(
                    self._core, now, timeout, reply_code, reply_text
                )
            )

    def _arrive(self, method: Method, content: Content | None) -> None:
        handler = self._handlers.get(type(method))
        if handler is not None:
            self._endpoint._run(handler, method, content)
        else:
            self._inbox.append((method, content))
            self._news.set()

    def _went_down(self) -> None:
        self._news.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._endpoint._link.is_inherited:
            await self.close()
