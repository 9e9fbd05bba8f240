"""Both drivers in one shape, so that one test body runs against each: blocking calls, as in
`amqpconn.sync`.

    def test_it_opens_and_closes(driver: Driver) -> None:
        with driver.connect("amqp://localhost/") as connection:
            assert connection.is_open
        assert not connection.is_open

The asyncio driver runs in an event loop on a thread of its own. A `Proxy` stands for each of its
endpoints, connections and channels: whatever is asked of it is done in that thread, and awaited
there. Callbacks and handlers of tests run where the driver runs them (asyncio: in the loop, so they
must not call a proxy, which would wait for itself).
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import amqpconn.asyncio
import amqpconn.sync
from amqpconn.sync import _reactor
from tests.drivers.held import held_by_the_loop

PROXIED = (amqpconn.asyncio.Endpoint, amqpconn.asyncio.Connection, amqpconn.asyncio.Channel)


class Driver:
    """What tests use of a driver, typed as the blocking one.

    Attributes:
        name: 'asyncio' or 'sync'.
        connect, Endpoint, Connection: the driver's own, or proxies that behave alike.
        reported: what the driver reported because nobody waited for it, such as exceptions of
            callbacks. A test that causes some removes them, or it fails in the end.
    """

    connect = staticmethod(amqpconn.sync.connect)
    Endpoint = amqpconn.sync.Endpoint
    Connection = amqpconn.sync.Connection

    def __init__(self, name: str) -> None:
        self.name = name
        self.reported: list[object] = []

    def connector(self, make: Callable[[], socket.socket]) -> Callable[..., Any]:
        """The argument `connector` of an Endpoint that uses the connected socket of `make()`."""
        return lambda _timeout: make()

    def held(self) -> list[object]:
        """What the driver keeps for connections: timers and sockets; nothing without any."""
        return list(_reactor._current)


class LoopThread:
    """An event loop on a thread of its own, in debug mode.

    Attributes:
        reported: what reached the loop's exception handler, and tasks that outlived everything.
    """

    def __init__(self) -> None:
        self.reported: list[object] = []
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._main, name="test-loop")

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function in the loop, await what it returns if that can be awaited."""
        called = _awaited(function, args, kwargs)
        future = asyncio.run_coroutine_threadsafe(called, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _main(self) -> None:
        with asyncio.Runner(debug=True) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(
            lambda _, context: self.reported.append(context.get("exception", context["message"]))
        )
        self._stop = asyncio.Event()
        self._running.set()
        await self._stop.wait()
        self.reported.extend(asyncio.all_tasks() - {asyncio.current_task()})


class Proxy:
    """Stands for an object of the asyncio driver, and behaves as its blocking twin."""

    def __init__(self, thread: LoopThread, target: object) -> None:
        self._thread = thread
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = self._thread.run(getattr, self._target, name)
        return self._blocking(value) if callable(value) else self._wrapped(value)

    def __repr__(self) -> str:
        return repr(self._target)

    def __enter__(self) -> Self:
        self._thread.run(cast(Any, self._target).__aenter__)
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.run(cast(Any, self._target).__aexit__, *exception)

    def _blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            args = tuple(_unwrapped(argument) for argument in args)
            kwargs = {name: _unwrapped(argument) for name, argument in kwargs.items()}
            return self._wrapped(self._thread.run(function, *args, **kwargs))

        return call

    def _wrapped(self, value: object) -> object:
        return Proxy(self._thread, value) if isinstance(value, PROXIED) else value


class AsyncioDriver(Driver):
    """The asyncio driver, dressed up as the blocking one."""

    def __init__(self, thread: LoopThread) -> None:
        super().__init__("asyncio")
        self.reported = thread.reported
        self._thread = thread
        module = Proxy(thread, amqpconn.asyncio)
        for name in ("connect", "Endpoint", "Connection"):
            setattr(self, name, getattr(module, name))

    def connector(self, make: Callable[[], socket.socket]) -> Callable[..., Any]:
        def connect(factory: Callable[[], asyncio.Protocol]) -> Any:
            return asyncio.get_running_loop().create_connection(factory, sock=make())

        return connect

    def held(self) -> list[object]:
        held: list[object] = self._thread.run(held_by_the_loop)
        return [each for each in held if not isinstance(each, asyncio.Task)]


@contextmanager
def asyncio_driver() -> Iterator[Driver]:
    """The asyncio driver with its loop, for the length of a `with` block."""
    with LoopThread() as thread:
        driver = AsyncioDriver(thread)
        yield driver
    assert not driver.reported, f"reported by the event loop: {driver.reported}"


@contextmanager
def sync_driver() -> Iterator[Driver]:
    """The blocking driver; what is raised in its threads is kept in `reported` for this long."""
    driver, usual = Driver("sync"), threading.excepthook
    threading.excepthook = lambda raised: driver.reported.append(raised.exc_value)
    try:
        yield driver
    finally:
        threading.excepthook = usual
    assert not driver.reported, f"raised in a thread: {driver.reported}"


DRIVERS = {"asyncio": asyncio_driver, "sync": sync_driver}


async def _awaited(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


def _unwrapped(value: object) -> object:
    return value._target if isinstance(value, Proxy) else value
