"""A channel of the blocking driver."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, ChannelFacade
from amqpconn._typing import cast
from amqpconn.errors import NotOpen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.sync.endpoint import Endpoint
    from amqpconn_spec._base import Method

    Handler = Callable[[Method, Content | None], object]

    M = TypeVar("M", bound=Method)
    R = TypeVar("R")


class Channel(ChannelFacade):
    """One open channel. Its `id` is used again after a close; this object is not."""

    def __init__(self, endpoint: Endpoint, core: ChannelCore) -> None:
        from amqpconn.sync._inbox import Inbox  # late: many connections have no channels

        self._endpoint = endpoint
        self._inbox = Inbox()
        self._handlers: dict[type[Method], Handler] = {}
        super().__init__(core)  # last, because it is known to the core from then on

    def call(
        self,
        method: Method[R],
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> R:
        """Send a method on this channel and wait for its reply; see `Endpoint.call`."""
        return self._endpoint.call(method, self, content, timeout)

    def fetch(
        self,
        method: Method[R],
        content: Content | None = None,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> tuple[R, Content | None]:
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
        """The next method from the server that is no reply, with its content: a delivery, a return,
        a cancel, a confirm.

        What arrives waits for this without a limit; basic.qos sets one for deliveries that are to
        be acknowledged.

        Raises CallTimeout after `timeout` seconds; and, when all that had arrived is taken and the
        channel is closed, why it was closed, or NotOpen.
        """
        self._endpoint._link.check_process()
        try:
            arrived = self._inbox.take(timeout)
        except TimeoutError:
            what = f"nothing arrived on channel {self.id} in {timeout} s"
            raise self._endpoint._core.timed_out(what, monotonic()) from None
        if arrived is None:
            raise self._closed()
        return arrived

    def on(self, method: type[M], handler: Callable[[M, Content | None], object]) -> None:
        """Call `handler(method, content)` for methods of this class from the server.

        They do not go to `receive` then. The handlers of one connection run in order on a thread of
        their own, and may block. What has arrived already is handed over at once.
        """
        link = self._endpoint._link
        link.check_process()
        with link.lock:
            self._handlers[method] = cast("Handler", handler)
            for arrived in self._inbox.take_all():
                if arrived is None:
                    self._went_down()
                else:
                    self._arrive(*arrived)

    def close(
        self,
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close the channel in order. Harmless when it is closed, or on its way, already."""
        with suppress(NotOpen):
            self._endpoint._answer(
                lambda core, now: core.close_channel(
                    self._core, now, timeout, reply_code, reply_text
                )
            )

    def _arrive(self, method: Method, content: Content | None) -> None:
        handler = self._handlers.get(type(method))
        if handler is not None:
            self._endpoint._run(handler, method, content)
        else:
            self._inbox.put((method, content))

    def _went_down(self) -> None:
        self._inbox.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._endpoint._link.is_inherited:
            self.close()
