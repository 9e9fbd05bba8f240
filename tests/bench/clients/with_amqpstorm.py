"""amqpstorm. Each of its connections has two threads, so it holds no thousands of them here."""

from __future__ import annotations

from functools import partial
from typing import Any

import amqpstorm

from tests.bench.child import Window
from tests.bench.clients import alike, place


def _connect(url: str) -> Any:
    host, port = place(url)
    return amqpstorm.Connection(host, "guest", "guest", port=port)


open_close = partial(alike.open_close, _connect)
first_channel = partial(alike.first_channel, _connect, lambda connection: connection.channel())


def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    with _connect(url) as connection, connection.channel() as channel:
        with Window() as window:
            for _ in range(count):
                channel.basic.publish(body, name)
            channel.queue.declare(name, passive=True)
    return window.per(count)


def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    left = count

    def arrived(message: Any) -> None:
        nonlocal left
        if ack:
            message.ack()
        left -= 1
        if not left:
            channel.stop_consuming()

    with _connect(url) as connection, connection.channel() as channel:
        with Window() as window:
            channel.basic.consume(arrived, name, no_ack=not ack)
            channel.start_consuming()
            channel.queue.declare(name, passive=True)
    return window.per(count)
