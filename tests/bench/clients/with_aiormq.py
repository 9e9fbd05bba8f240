"""aiormq."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiormq

from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S, alike

open_close = partial(alike.open_close_later, aiormq.connect)
first_channel = partial(
    alike.first_channel_later, aiormq.connect, lambda connection: connection.channel()
)


async def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    connection = await aiormq.connect(url)
    channel = await connection.channel(publisher_confirms=False)
    with Window() as window:
        for _ in range(count):
            await channel.basic_publish(body, routing_key=name)
        await channel.queue_declare(name, passive=True)
    await connection.close()
    return window.per(count)


async def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    left, all_came = count, asyncio.Event()

    async def arrived(message: Any) -> None:
        nonlocal left
        if ack:
            await channel.basic_ack(message.delivery_tag)
        left -= 1
        if not left:
            all_came.set()

    connection = await aiormq.connect(url)
    channel = await connection.channel()
    with Window() as window:
        await channel.basic_consume(name, arrived, no_ack=not ack)
        await all_came.wait()
        await channel.queue_declare(name, passive=True)
    await connection.close()
    return window.per(count)


async def hold(url: str) -> Any:
    return await aiormq.connect(f"{url}?heartbeat={HEARTBEAT_S}")
