"""What an event loop holds."""

from __future__ import annotations

import asyncio
from typing import Any


def held_by_the_loop() -> list[object]:
    """Tasks, timers and sockets, but for this task and the loop's own."""
    loop: Any = asyncio.get_running_loop()
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    own = loop._ssock.fileno()
    watched = [key for key in loop._selector.get_map().values() if key.fd != own]
    return [*timers, *tasks, *watched]
