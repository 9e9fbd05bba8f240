"""amqpconn's driver for asyncio."""

from __future__ import annotations

from functools import partial
from time import perf_counter

from amqpconn import Content
from amqpconn.asyncio import Connection, connect
from amqpconn_spec.v0_9_1 import basic, queue
from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S, alike

open_close = partial(alike.open_close_later, connect)
first_channel = partial(
    alike.first_channel_later, connect, lambda connection: connection.endpoint.open_channel()
)


async def together(url: str, fast_open: bool = False) -> dict[str, float]:
    """The first channel, asked for with the connection."""
    began = perf_counter()
    async with connect(url, first_channel=True, fast_open=fast_open):
        return {"channel": perf_counter() - began}


async def ahead(url: str) -> dict[str, float]:
    """All in one flight, to a server that is known from an earlier connection."""
    return await together(url, fast_open=True)


async def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    async with connect(url) as connection, connection.endpoint.open_channel() as channel:
        with Window() as window:
            for _ in range(count):
                await channel.send(basic.Publish(routing_key=name), Content(body))
            await channel.call(queue.Declare(name, passive=True))
    return window.per(count)


async def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    async with connect(url) as connection, connection.endpoint.open_channel() as channel:
        with Window() as window:
            await channel.call(basic.Consume(queue=name, no_ack=not ack))
            for _ in range(count):
                delivery, _content = await channel.receive()
                if ack:
                    assert isinstance(delivery, basic.Deliver)
                    await channel.send(basic.Ack(delivery.delivery_tag))
            await channel.call(queue.Declare(name, passive=True))
    return window.per(count)


async def hold(url: str) -> Connection:
    return await connect(f"{url}?heartbeat={HEARTBEAT_S}")
