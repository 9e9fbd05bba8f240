"""A child's work: to hold idle connections, and to tell what they cost."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from tests.bench.clients import HEARTBEAT_S

#: Connections that are open before anything is measured: what is needed once is there then.
WARM_UP = 20


async def idle(client: str, urls: list[str], count: int, intervals: int) -> dict[str, Any]:
    """Open connections, say so, wait for a line on the standard input, and watch.

    Gives the growth in bytes for each connection beyond the first ones, and for each of so many
    heartbeat intervals the seconds of processor that a connection takes in a second.
    """
    hold = getattr(import_module(f"tests.bench.clients.{client}"), "hold")  # noqa: B009
    held: list[Any] = []
    await _open(hold, urls, held, WARM_UP)
    before = _resident()
    await _open(hold, urls, held, count)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    shares = [await _share_of_processor() / count for _ in range(intervals)]
    memory = (_resident() - before) / (count - WARM_UP)
    _check_open(held)
    return {"memory": [memory], "cpu": shares}


async def _open(hold: Any, urls: list[str], held: list[Any], count: int) -> None:
    """Open them on each of the servers in turn, until there are so many."""
    while len(held) < count:
        connection = hold(urls[len(held) % len(urls)])
        held.append(await connection if hasattr(connection, "__await__") else connection)


def _resident() -> int:
    """Bytes of memory that this process has, without garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _share_of_processor() -> float:
    """How busy this process is over one heartbeat interval: seconds of processor in a second."""
    began, used = perf_counter(), process_time()
    await asyncio.sleep(HEARTBEAT_S)
    return (process_time() - used) / (perf_counter() - began)


def _check_open(held: list[Any]) -> None:
    """Connections that were lost cost nothing: then there is no result."""
    lost = [
        connection
        for connection in held
        if not getattr(connection, "is_open", not getattr(connection, "is_closed", False))
    ]
    if lost:
        raise RuntimeError(f"{len(lost)} of {len(held)} connections were lost: {lost[0]!r}")
