"""The same work with each library, one module for each; `tests.bench.child` runs it.

A module has those of these functions that its library can do, coroutine functions if that is the
library's way. `url` has the user and the password guest, and no options.

- `open_close(url, count)`: open a connection and close it again, so many times.
- `first_channel(url)`: open a connection and a channel on it.
- `publish(url, queue, count, size)`: messages of `size` bytes without properties, no confirms,
  and then one call, so that the broker has them all.
- `consume(url, queue, count, ack)`: take so many from the queue, each acknowledged if `ack`.
- `hold(url)`: open a connection with a heartbeat of `idle.HEARTBEAT_S` and give what keeps it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

#: What a library is called in the report, and the module that works with it.
CLIENTS = {
    "amqpconn.sync": "with_amqpconn_sync",
    "amqpconn.asyncio": "with_amqpconn_asyncio",
    "hand-packed": "with_sockets",
    "py-amqp": "with_py_amqp",
    "pika": "with_pika",
    "amqpstorm": "with_amqpstorm",
    "aiormq": "with_aiormq",
    "aio-pika": "with_aio_pika",
}

#: The limit, in C: `limit.c` does the same work.
LIMIT = "librabbitmq (C)"

#: Seconds between the heartbeats that idle connections agree on.
HEARTBEAT_S = 10


def place(url: str) -> tuple[str, int]:
    """Host and port, for libraries that take no URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
