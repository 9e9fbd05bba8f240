"""What a peer tells of its clients: what they sent, and waiting for it, blocking or awaited."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

from amqpconn._typing import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeVar

    from amqpconn.testing.received import Received
    from amqpconn.testing.server import Server
    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method

    # What is named by a string may be any method.
    M = TypeVar("M", bound=Method, default=Method)


class Watching:
    """The part of `Peer` that looks on.

    Attributes:
        sessions: of all clients so far, in the order in which they came.
    """

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self._started: Server | None = None

    @property
    def _server(self) -> Server:
        if self._started is None:
            raise RuntimeError("the peer was not started: use it in `with`, or call start()")
        return self._started

    def received(self, what: type[M] | str | None = None) -> list[Received[M]]:
        """What came from all clients so far; only methods of this class, such as basic.Publish, or
        of this name, such as 'basic.publish', when one is given.
        """
        with self._server.locked():
            return [
                cast("Received[M]", received)
                for session in self.sessions
                for received in session.received
                if what is None or name_of(what) == received.method.NAME
            ]

    def forget(self) -> None:
        """Keep nothing of clients that have gone, so that thousands of them take no memory."""
        with self._server.locked():
            self.sessions = [client.session for client in self._server.clients]

    def wait_for(
        self, what: type[M] | str, number: int = 1, timeout: float = 10.0
    ) -> list[Received[M]]:
        """Wait until that many methods of this class or name have come. Raises TimeoutError.

        For coroutines there is `until_received`, which lets clients in the event loop go on.
        """
        self.wait_until(
            lambda: len(self.received(what)) >= number, timeout, self._so_far(what, number)
        )
        return self.received(what)

    async def until_received(
        self, what: type[M] | str, number: int = 1, timeout: float = 10.0
    ) -> list[Received[M]]:
        """As `wait_for`, to be awaited."""
        await self.until(
            lambda: len(self.received(what)) >= number, timeout, self._so_far(what, number)
        )
        return self.received(what)

    def wait_until(
        self,
        condition: Callable[[], bool],
        timeout: float = 10.0,
        why: Callable[[], str] = lambda: "it is still not so",
    ) -> None:
        """Wait for something about the sessions. Raises TimeoutError, saying `why()`."""
        from threading import Event

        changed, end = Event(), monotonic() + timeout
        with self._server.watched(changed.set):
            while not self._holds(condition):
                left = end - monotonic()
                if left <= 0 or not changed.wait(left):
                    raise TimeoutError(f"{why()} after {timeout} s")
                changed.clear()

    async def until(
        self,
        condition: Callable[[], bool],
        timeout: float = 10.0,
        why: Callable[[], str] = lambda: "it is still not so",
    ) -> None:
        """As `wait_until`, to be awaited."""
        import asyncio

        changed, loop = asyncio.Event(), asyncio.get_running_loop()

        def watcher() -> None:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                loop.call_soon_threadsafe(changed.set)

        with self._server.watched(watcher):
            try:
                async with asyncio.timeout(timeout):
                    while not self._holds(condition):
                        await changed.wait()
                        changed.clear()
            except TimeoutError:
                raise TimeoutError(f"{why()} after {timeout} s") from None

    def _holds(self, condition: Callable[[], bool]) -> bool:
        with self._server.locked():
            return condition()

    def _so_far(self, what: type[M] | str, number: int) -> Callable[[], str]:
        return lambda: f"{len(self.received(what))} of {number} {name_of(what)} came"


def name_of(what: str | type[Method]) -> str:
    """The name in the specification, whichever way it was given."""
    return what if isinstance(what, str) else what.NAME
