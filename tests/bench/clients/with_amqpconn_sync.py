"""amqpconn's blocking driver."""

from __future__ import annotations

from functools import partial
from time import perf_counter

from amqpconn import Content
from amqpconn.sync import Connection, connect
from amqpconn_spec.v0_9_1 import basic, queue
from tests.bench.child import Window
from tests.bench.clients import HEARTBEAT_S, alike

open_close = partial(alike.open_close, connect)
first_channel = partial(
    alike.first_channel, connect, lambda connection: connection.endpoint.open_channel()
)


def together(url: str, fast_open: bool = False) -> dict[str, float]:
    """The first channel, asked for with the connection."""
    began = perf_counter()
    with connect(url, first_channel=True, fast_open=fast_open):
        return {"channel": perf_counter() - began}


def ahead(url: str) -> dict[str, float]:
    """All in one flight, to a server that is known from an earlier connection."""
    return together(url, fast_open=True)


def publish(url: str, name: str, count: int, size: int) -> dict[str, float]:
    body = b"x" * size
    with connect(url) as connection, connection.endpoint.open_channel() as channel:
        with Window() as window:
            for _ in range(count):
                channel.send(basic.Publish(routing_key=name), Content(body))
            channel.call(queue.Declare(name, passive=True))
    return window.per(count)


def consume(url: str, name: str, count: int, ack: bool) -> dict[str, float]:
    with connect(url) as connection, connection.endpoint.open_channel() as channel:
        with Window() as window:
            channel.call(basic.Consume(queue=name, no_ack=not ack))
            for _ in range(count):
                delivery, _content = channel.receive()
                if ack:
                    assert isinstance(delivery, basic.Deliver)
                    channel.send(basic.Ack(delivery.delivery_tag))
            channel.call(queue.Declare(name, passive=True))
    return window.per(count)


def hold(url: str) -> Connection:
    return connect(f"{url}?heartbeat={HEARTBEAT_S}")
