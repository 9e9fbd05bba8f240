"""The asyncio driver: the same names and meaning as `amqpconn.sync`, with coroutines.

    async with amqpconn.asyncio.connect("amqp://guest:guest@localhost/") as connection:
        async with connection.endpoint.open_channel() as channel:
            declared = await channel.call(queue.Declare(queue="tasks"))

A connection is one protocol object of the event loop and one timer; no task keeps it alive. All
decisions are made in `amqpconn.core`; here is only waiting.
"""

from __future__ import annotations

from amqpconn.asyncio._opening import Opening
from amqpconn.asyncio.channel import Channel
from amqpconn.asyncio.connection import Connection, connect
from amqpconn.asyncio.endpoint import Endpoint

__all__ = ["Channel", "Connection", "Endpoint", "Opening", "connect"]
