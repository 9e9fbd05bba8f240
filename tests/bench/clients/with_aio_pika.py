"""aio-pika: `connect`, not `connect_robust`, which does more."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import aio_pika

from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S


async def open_close(url: str, count: int) -> dict[str, float]:
    await (await aio_pika.connect(url)).close()
    with Window() as window:
        for _ in range(count):
            await (await aio_pika.connect(url)).close()
    return window.per(count)


async def first_channel(url: str) -> dict[str, float]:
    began = perf_counter()
    async with await aio_pika.connect(url) as connection:
        opened = perf_counter()
        await connection.channel()
        return {"connection": opened - began, "channel": perf_counter() - began}


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
