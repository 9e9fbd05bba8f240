"""What is the same work in every library, but for how it connects and opens a channel."""

from __future__ import annotations

from time import perf_counter

from tests.bench.child import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Times = dict[str, float]


def open_close(connect: Callable[[str], Any], url: str, count: int) -> Times:
    """Connections opened and closed, one after the other."""
    connect(url).close()
    with Window() as window:
        for _ in range(count):
            connect(url).close()
    return window.per(count)


def first_channel(
    connect: Callable[[str], Any], open_channel: Callable[[Any], object], url: str
) -> Times:
    """How long until the connection is open, and until its first channel is."""
    began = perf_counter()
    connection = connect(url)
    opened = perf_counter()
    open_channel(connection)
    done = perf_counter()
    connection.close()
    return {"connection": opened - began, "channel": done - began}


async def open_close_later(connect: Callable[[str], Awaitable[Any]], url: str, count: int) -> Times:
    """As `open_close`, in an event loop."""
    await (await connect(url)).close()
    with Window() as window:
        for _ in range(count):
            await (await connect(url)).close()
    return window.per(count)


async def first_channel_later(
    connect: Callable[[str], Awaitable[Any]],
    open_channel: Callable[[Any], Awaitable[object]],
    url: str,
) -> Times:
    """As `first_channel`, in an event loop."""
    began = perf_counter()
    connection = await connect(url)
    opened = perf_counter()
    await open_channel(connection)
    done = perf_counter()
    await connection.close()
    return {"connection": opened - began, "channel": done - began}
