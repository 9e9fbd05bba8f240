"""What an event loop holds."""

from __future__ import annotations

import asyncio
from typing import Any

from amqpconn.asyncio._clock import STAYS_S, Clock


def held_by_the_loop() -> list[object]:
    """Tasks, timers and sockets, but for this task and the loop's own, and a timer that stays."""
    loop: Any = asyncio.get_running_loop()
    timers = [timer for timer in loop._scheduled if not (timer.cancelled() or stays(timer))]
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    own = loop._ssock.fileno()
    watched = [key for key in loop._selector.get_map().values() if key.fd != own]
    return [*timers, *tasks, *watched]


def stays(timer: asyncio.TimerHandle) -> bool:
    """Whether it is the clock's, will ring soon, and for nobody."""
    clock = getattr(getattr(timer, "_callback", None), "__self__", None)
    is_idle = isinstance(clock, Clock) and clock._alarms.earliest() is None
    return is_idle and timer.when() <= asyncio.get_running_loop().time() + STAYS_S
