"""aio-pika: `connect`, not `connect_robust`, which does more."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aio_pika

from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S, alike

open_close = partial(alike.open_close_later, aio_pika.connect)
first_channel = partial(
    alike.first_channel_later, aio_pika.connect, lambda connection: connection.channel()
)


async def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        with Window() as window:
            for _ in range(count):
                await channel.default_exchange.publish(aio_pika.Message(body), name)
            await channel.declare_queue(name, passive=True)
    return window.per(count)


async def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    left, all_came = count, asyncio.Event()

    async def arrived(message: Any) -> None:
        nonlocal left
        if ack:
            await message.ack()
        left -= 1
        if not left:
            all_came.set()

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(name)
        with Window() as window:
            await queue.consume(arrived, no_ack=not ack)
            await all_came.wait()
            await channel.declare_queue(name, passive=True)
    return window.per(count)


async def hold(url: str) -> Any:
    return await aio_pika.connect(f"{url}?heartbeat={HEARTBEAT_S}")
