"""A processor for the client and others for the broker, none of which sleeps.

Whoever waits for a broker on the same machine gets its processor back from whoever had it in the
meantime, and with other memory in its caches; a virtual machine gives it to strangers. That costs
Python code more than the few lines of a script or a program in C. Where the broker is on a machine
of its own, and the service has something else to do, neither happens.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Set
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Runs when nothing else wants to, on the processor that it is given; it ends with who started it.
_IDLER = """
import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, [{processor}])
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def apart(broker: int | None) -> Iterator[None]:
    """Give this process and its children the last processor, and the process `broker` the others.

    On a machine with one processor, or with a broker elsewhere (None), they stay where they are.
    Only Linux has what this needs; elsewhere nothing changes.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    last = {max(before)}
    with ExitStack() as stack:
        for processor in before:
            stack.enter_context(_awake(processor))
        if broker is not None and len(before) > 1:
            stack.enter_context(_on(broker, before - last, before))
            stack.enter_context(_on(os.getpid(), last, before))
        yield


@contextmanager
def _awake(processor: int) -> Iterator[None]:
    idler = subprocess.Popen([sys.executable, "-c", _IDLER.format(processor=processor)])
    try:
        yield
    finally:
        idler.kill()
        idler.wait()


@contextmanager
def _on(process: int, processors: Set[int], before: Set[int]) -> Iterator[None]:
    _move(process, processors)
    try:
        yield
    finally:
        _move(process, before)


def _move(process: int, processors: Set[int]) -> None:
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), processors)
