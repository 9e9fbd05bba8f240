"""What a stream still holds when the event loop has given it up."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from amqpconn.asyncio._guard import file_number

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

_READ_SIZE = 65536


def unread(transport: asyncio.Transport | None) -> Iterator[bytes]:
    """The bytes that have come and nobody has read. Of TLS there are none: its keys are gone."""
    if transport is None or transport.get_extra_info("ssl_object") is not None:
        return
    number = file_number(transport)
    if number < 0:
        return
    try:
        with socket.socket(fileno=os.dup(number)) as sock:
            sock.setblocking(False)
            while data := sock.recv(_READ_SIZE):
                yield data
    except OSError:  # that was all
        return
