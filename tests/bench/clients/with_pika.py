"""pika: its BlockingConnection, and where connections idle its connection for asyncio."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection

from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S, alike


def _connect(url: str) -> Any:
    return pika.BlockingConnection(pika.URLParameters(url))


open_close = partial(alike.open_close, _connect)
first_channel = partial(alike.first_channel, _connect, lambda connection: connection.channel())


def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    with _connect(url) as connection, connection.channel() as channel:
        with Window() as window:
            for _ in range(count):
                channel.basic_publish("", name, body)
            channel.queue_declare(name, passive=True)
    return window.per(count)


def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    left = count

    def arrived(channel: Any, delivery: Any, _properties: Any, _body: bytes) -> None:
        nonlocal left
        if ack:
            channel.basic_ack(delivery.delivery_tag)
        left -= 1
        if not left:
            channel.stop_consuming()

    with _connect(url) as connection, connection.channel() as channel:
        with Window() as window:
            channel.basic_consume(name, arrived, auto_ack=not ack)
            channel.start_consuming()
            channel.queue_declare(name, passive=True)
    return window.per(count)


async def hold(url: str) -> Any:
    """Many BlockingConnections would each need a thread, or somebody who asks them in turn."""
    opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    parameters = pika.URLParameters(f"{url}?heartbeat={HEARTBEAT_S}")
    AsyncioConnection(
        parameters,
        on_open_callback=opened.set_result,
        on_open_error_callback=lambda _, error: opened.set_exception(error),
    )
    return await opened
