"""The process that one measurement has to itself: `python -m tests.bench.child MODULE WORK JSON`.

It calls the function WORK of tests.bench.MODULE with the arguments in the JSON list, a coroutine
function in an event loop, and prints as JSON what that gives. Nothing is imported that the work
does not need: what a process holds already would hide what a library brings.
"""

from __future__ import annotations

import sys
from importlib import import_module
from json import dumps, loads
from time import perf_counter, process_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Window:
    """The part of the work that is measured: a `with` block.

    Attributes:
        cpu_s: processor time of all threads of this process, the kernel's for it included.
        wall_s: time on the clock.
    """

    def __enter__(self) -> Self:
        self.wall_s, self.cpu_s = -perf_counter(), -process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s, self.cpu_s = self.wall_s + perf_counter(), self.cpu_s + process_time()

    def per(self, count: int) -> dict[str, float]:
        """Seconds for each of so many pieces of work."""
        return {"cpu": self.cpu_s / count, "wall": self.wall_s / count}


def main() -> None:
    """Work and print."""
    _, module, work, arguments = sys.argv
    result = getattr(import_module(f"tests.bench.{module}"), work)(*loads(arguments))
    if hasattr(result, "__await__"):
        import asyncio

        result = asyncio.run(result)
    print(dumps(result), flush=True)


if __name__ == "__main__":
    main()
