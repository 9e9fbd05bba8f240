"""A child's work: to be far away, a relay that keeps all bytes for a while."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from tests.bench.clients import place

#: Seconds that bytes take each way, as across an ocean or a good part of a continent.
DELAY_S = 0.025


async def relay(url: str) -> None:
    """Print the URL of a relay to a server, and be it until the standard input ends."""
    server = await asyncio.start_server(partial(_serve, url), "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    print(f"amqp://guest:guest@{host}:{port}/", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def _serve(url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    from_server, to_server = await asyncio.open_connection(*place(url))
    await asyncio.gather(_carry(reader, to_server), _carry(from_server, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction: what is read at one moment is written when its time is up, then the end."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        data = b"."
        while data:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            writer.write(data)
        writer.close()

    arriving = asyncio.create_task(arrive())
    data = b"."
    while data:
        data = await _read(reader)
        under_way.put_nowait((loop.time() + DELAY_S, data))
    await arriving


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What has come; nothing when the stream has ended, in whichever way."""
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
