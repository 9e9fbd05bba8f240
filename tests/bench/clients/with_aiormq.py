"""aiormq."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import aiormq

from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S


async def open_close(url: str, count: int) -> dict[str, float]:
    await (await aiormq.connect(url)).close()
    with Window() as window:
        for _ in range(count):
            await (await aiormq.connect(url)).close()
    return window.per(count)


async def first_channel(url: str) -> dict[str, float]:
    began = perf_counter()
    connection = await aiormq.connect(url)
    opened = perf_counter()
    await connection.channel()
    done = perf_counter()
    await connection.close()
    return {"connection": opened - began, "channel": done - began}


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
