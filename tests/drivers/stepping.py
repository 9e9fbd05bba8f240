"""Do something at each line of the library's own code in turn, in the thread that runs it."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = Path(__file__).parents[2] / "amqpconn"


class Step:
    """Runs a function, and `action` when it comes to its `number`-th line in some of our files.

    Attributes:
        where: file and line at which the action was done; empty when it did not come to that.
    """

    def __init__(self, number: int, action: Callable[[], object], *parts: str) -> None:
        self.where = ""
        self._left = number
        self._action = action
        self._last: dict[int, int] = {}
        self._prefixes = tuple(str(PACKAGE / part) for part in parts)

    def run(self, function: Callable[[], object]) -> None:
        """Raises what the function raises, or the action in the middle of it."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            function()
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _: str, __: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self._prefixes) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and not self._is_no_step(frame):
            self._left -= 1
            if self._left == 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                self._action()
        return self._line

    def _is_no_step(self, frame: FrameType) -> bool:
        """Whether this line is told, and nothing can happen at it: Python looks for signals after
        calls. So it is with `try:`, and with the end of a `with` block, which is told as its first
        line once more; its lock is released before signals are looked for.
        """
        before, self._last[id(frame)] = self._last.get(id(frame), 0), frame.f_lineno
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        return line == "try:" or (line[:5] == "with " and before > frame.f_lineno)
