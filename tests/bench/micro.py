"""A child's work: to time statements, by pyperf.

pyperf's own processes come in a row, each for one benchmark. Here a process is one worker of pyperf
for all libraries, which take turns value by value: each is timed for some hundredths of a second.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import groupby
from time import process_time
from timeit import Timer
from typing import Any

import pyperf

from tests.bench.frames import LIBRARIES, NAMES, decoding, encoding, frames
from tests.bench.model import Samples, add
from tests.bench.readers import READERS
from tests.bench.traffic import chunks, streams

#: Seconds that one value takes at least.
LEAST_S = 0.02


@dataclass(frozen=True)
class Timed:
    """A statement to time: for which case and library, and the names that it uses."""

    case: str
    library: str
    statement: str
    names: Mapping[str, Any]


def codec(values: int) -> Samples:
    """Seconds to encode and to decode each frame."""
    statements = []
    for name, data in frames().items():
        known = {**NAMES, "data": data}
        for way, statement_of in (("encode", encoding), ("decode", decoding)):
            statements += [
                Timed(f"{way} {name}", library, statement_of(library)[name], known)
                for library in LIBRARIES
            ]
    return timed(statements, values)


def stream(libraries: list[str], kinds: list[str], sizes: list[int], values: int) -> Samples:
    """Seconds to read a stream of each kind, in chunks of each size."""
    statements = []
    for kind in kinds:
        for size in sizes:
            pieces = chunks(streams()[kind], size)
            statements += [
                Timed(f"{kind} {size}", name, "read(pieces)", {"read": read, "pieces": pieces})
                for name, read in READERS.items()
                if name in libraries
            ]
    return timed(statements, values)


def timed(statements: list[Timed], values: int) -> Samples:
    """So many values for each, case by case. A value is the mean of as many executions as take
    `LEAST_S` of the processor's time.
    """
    runner = pyperf.Runner()
    runner.parse_args(["--worker", "--loops=1", "--warmups=0", "--values=1"])
    samples: Samples = {}
    for _, of_case in groupby(statements, key=lambda each: each.case):
        timers = [
            (each, Timer(each.statement, timer=process_time, globals=dict(each.names)))
            for each in of_case
        ]
        loops = [_loops(timer) for _, timer in timers]
        for number in range(values):
            for (each, timer), count in zip(timers, loops, strict=True):
                runner.args.loops = count
                name = f"{each.case}, {each.library}, {number}"
                with redirect_stdout(sys.stderr):
                    result = runner.bench_time_func(name, timer.timeit)
                add(samples, each.case, each.library, result.get_values())
    return samples


def _loops(timer: Timer) -> int:
    """How many executions take long enough. They are warm then, too."""
    loops = 1
    while (taken := timer.timeit(loops)) < LEAST_S:
        loops = max(2 * loops, int(loops * LEAST_S / taken) if taken else 0)
    return loops
