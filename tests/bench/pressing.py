"""A child's work: to publish to a server that does not read, and to tell what memory that takes."""

from __future__ import annotations

import asyncio
import os
import threading
from importlib import import_module
from pathlib import Path

#: Long enough to take a gigabyte, and less than py-amqp waits before it gives the connection up.
PATIENCE_S = 0.8


def press(client: str, url: str, count: int, size: int) -> None:
    """Publish until the time is up, which ends this process in the middle of it.

    Prints by how many bytes the memory has grown at most.
    """
    publish = getattr(import_module(f"tests.bench.clients.{client}"), "publish")  # noqa: B009
    before = _status("VmRSS")
    threading.Thread(target=_report, args=(before,), daemon=True).start()
    result = publish(url, "bench", count, size)
    if hasattr(result, "__await__"):
        asyncio.run(result)
    raise RuntimeError("the server has read everything")


def _report(before: int) -> None:
    threading.Event().wait(PATIENCE_S)
    print(_status("VmHWM") - before, flush=True)
    os._exit(0)


def _status(name: str) -> int:
    """Bytes of memory: VmRSS that this program has now, VmHWM that it has had at most.

    getrusage would count what the program had that started this one.
    """
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0]) * 1024
