"""The search for a canary in everything that a program shows, keeps, or hands to others.

What counts is what a person or a tool sees: text of errors along their whole chain, the locals of
every frame that an error or a thread stands in (pytest and error trackers show them), the repr of
every object within reach, and what pickling takes along. The frames of the caller, which are those
of the tests here, do not count: they have the secret from somewhere.
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, CoroutineType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

#: In every secret of these tests, and in nothing else; it needs no encoding in a URL.
CANARY = "c4n4ry"
PASSWORD = f"{CANARY}-p4ssw0rd"
TOKEN = f"{CANARY}-t0k3n".encode()

_TESTS = str(Path(__file__).parents[1])
# What runs a test stands below it.
_RUNNERS = ("/_pytest/", "/pluggy/", "/xdist/", "/execnet/", "/hypothesis/")
_DATA = (str, bytes, bytearray, memoryview)
_OTHERS = (type, ModuleType, FunctionType, CodeType, FrameType, TracebackType)


def is_ours(frame: FrameType) -> bool:
    """Whether a frame of an error counts: ours, and those of what we called."""
    file = frame.f_code.co_filename
    return not file.startswith(_TESTS) and not any(name in file for name in _RUNNERS)


def is_library(frame: FrameType) -> bool:
    """Whether a frame is ours."""
    return str(frame.f_globals.get("__name__", "")).startswith("amqpconn")


def shows(value: object) -> bool:
    """Whether the canary is in what a value looks like."""
    try:
        texts = [repr(value), str(value), format(value)]
    except Exception:  # noqa: BLE001 - a half-made object shows nothing
        return False
    return any(CANARY in text for text in texts)


def in_frame(frame: FrameType) -> Iterator[str]:
    """The locals of a frame that show it."""
    for name, value in frame.f_locals.items():
        if shows(value):
            where = f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"
            yield f"the local {name} in {where}"


def family(error: BaseException) -> Iterator[BaseException]:
    """An error and all that is chained to it or grouped in it."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__]
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions


def in_error(error: BaseException) -> list[str]:
    """Everything about an error that shows it."""
    found = []
    if CANARY in "".join(traceback.format_exception(error)):
        found.append("the printed traceback")
    for each in family(error):
        kind = type(each).__name__
        attributes = {"args": each.args, **each.__dict__}
        found += [f"{kind} as text"] * shows(each)
        found += [f"{kind}.{name}" for name, value in attributes.items() if shows(value)]
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if is_ours(frame):
                found += [f"{kind}: {leak}" for leak in in_frame(frame)]
        found += [f"{kind}, in reach: {leak}" for leak in in_reach([*attributes.values()])]
        found += [f"{kind} pickled"] * in_pickle(each)
    return found


def in_pickle(value: object) -> bool:
    try:
        return CANARY.encode() in pickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False  # what cannot be pickled goes nowhere


def reachable(roots: Iterable[object]) -> Iterator[object]:
    """Everything that can be reached from objects, code and frames apart.

    Users' own ways to prove who they are are not entered: they have to keep their secret.
    """
    from amqpconn.auth import AuthMethod

    waiting = list(roots)
    seen = set(map(id, waiting))
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, AuthMethod):
            continue
        for other in gc.get_referents(found):
            if id(other) not in seen and not isinstance(other, _OTHERS):
                seen.add(id(other))
                waiting.append(other)


def in_reach(roots: Iterable[object]) -> list[str]:
    """What within reach of these shows it, or still has it."""
    found = []
    for each in reachable(roots):
        if isinstance(each, _DATA):
            data = each.encode("utf-8", "replace") if isinstance(each, str) else bytes(each)
            found += [f"{type(each).__name__} of {len(each)} bytes"] * (CANARY.encode() in data)
        elif not isinstance(each, list | tuple | dict | set | frozenset) and shows(each):
            found.append(f"the repr of {type(each).__qualname__}")
    return found


def in_threads() -> list[str]:
    """What our frames show in which all threads stand now; while the login is being written it is
    in those of the event loop, where else.
    """
    found: list[str] = []
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            if is_library(frame):
                found += in_frame(frame)
            frame = frame.f_back
    return found


def in_tasks() -> list[str]:
    """What the frames show in which all coroutines stand that can be found."""
    suspended = [each for each in gc.get_objects() if isinstance(each, CoroutineType)]
    frames = [each.cr_frame for each in suspended if each.cr_frame is not None]
    found = [leak for frame in frames if is_library(frame) for leak in in_frame(frame)]
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task)]
    return found + [f"the repr of a task: {task.get_name()}" for task in tasks if shows(task)]


def all_of(*searches: Any) -> list[str]:
    return [leak for search in searches for leak in search]
