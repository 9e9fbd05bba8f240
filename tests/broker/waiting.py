"""Waiting for what brokers and drivers do in their own time, and for several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

A = TypeVar("A")
E = TypeVar("E", bound=BaseException)
T = TypeVar("T")


def eventually(check: Callable[[], T], timeout: float = 10.0) -> T:
    """Ask until the answer is true in a boolean sense, and return it; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := check()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} s"
        time.sleep(0.02)
    return answer


def together(function: Callable[[A], T], arguments: Iterable[A]) -> list[T]:
    """Call the function for all arguments at the same time, each on a thread of its own."""
    arguments = list(arguments)
    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(function, arguments))


def caught(error: type[E], function: Callable[[], object]) -> E:
    """Call the function, which must raise the error, and return it; for use on other threads."""
    with pytest.raises(error) as raised:
        function()
    return raised.value
