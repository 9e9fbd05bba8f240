"""The blocking driver: the same names and meaning as `amqpconn.asyncio`, without coroutines.

    with amqpconn.sync.connect("amqp://guest:guest@localhost/") as connection:
        with connection.endpoint.open_channel() as channel:
            declared = channel.call(queue.Declare(queue="tasks"))

A connection is opened and closed on the caller's thread. In between one thread of the library
serves all connections of the process, so heartbeats go on while callers compute or sleep; it ends
a tenth of a second after the last of them, and before a fork. Connections, channels and endpoints
may be used from several threads. All decisions are made in `amqpconn.core`.

Ctrl-C (KeyboardInterrupt) leaves nothing behind. In a wait the connection goes on; in the short
time in which something is put together or written it is closed, because half of it may have gone
out.
"""

from __future__ import annotations

from amqpconn.sync.channel import Channel
from amqpconn.sync.connection import Connection, connect
from amqpconn.sync.endpoint import Endpoint

__all__ = ["Channel", "Connection", "Endpoint", "connect"]
