"""py-amqp, the package `amqp`. Its users see to heartbeats, so it holds no connections here."""

from __future__ import annotations

from functools import partial
from typing import Any

import amqp

from tests.bench.child import Window
from tests.bench.clients import alike, place


def _connect(url: str) -> Any:
    host, port = place(url)
    connection = amqp.Connection(f"{host}:{port}", userid="guest", password="guest")
    connection.connect()
    return connection


open_close = partial(alike.open_close, _connect)
first_channel = partial(alike.first_channel, _connect, lambda connection: connection.channel())


def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    with _connect(url) as connection:
        channel = connection.channel()
        with Window() as window:
            for _ in range(count):
                channel.basic_publish(amqp.Message(body), routing_key=name)
            channel.queue_declare(name, passive=True)
    return window.per(count)


def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    left = count

    def arrived(message: Any) -> None:
        nonlocal left
        if ack:
            channel.basic_ack(message.delivery_tag)
        left -= 1

    with _connect(url) as connection:
        channel = connection.channel()
        with Window() as window:
            channel.basic_consume(name, no_ack=not ack, callback=arrived)
            while left:
                connection.drain_events()
            channel.queue_declare(name, passive=True)
    return window.per(count)
