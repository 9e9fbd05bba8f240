"""A child's work: to time statements, by pyperf.

pyperf's own processes come in a row, each for one benchmark. Here a process is one worker of pyperf
for all libraries, which take turns value by value: each is timed for some hundredths of a second.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from time import process_time
from timeit import Timer
from typing import Any

import pyperf

from tests.bench.frames import LIBRARIES, NAMES, decoding, encoding, frames
from tests.bench.model import Samples, add, add_all
from tests.bench.readers import READERS
from tests.bench.traffic import chunks, streams

#: Seconds that one value takes at least.
LEAST_S = 0.02
#: A process has one; each value is a benchmark of its own to it.
RUNNER = pyperf.Runner()
RUNNER.parse_args(["--worker", "--loops=1", "--warmups=0", "--values=1"])


@dataclass(frozen=True)
class Timed:
    """A statement to time: for which case and library, and the names that it uses."""

    case: str
    library: str
    statement: str
    names: Mapping[str, Any]


def codec(values: int) -> Samples:
    """Seconds to encode and to decode each frame; all libraries take turns with each of these."""
    samples: Samples = {}
    for name, data in frames().items():
        names = {**NAMES, "data": data}
        for way, statement_of in (("encode", encoding), ("decode", decoding)):
            group = [
                Timed(f"{way} {name}", library, statement_of(library)[name], names)
                for library in LIBRARIES
            ]
            add_all(samples, timed(group, values))
    return samples


def stream(libraries: list[str], kinds: list[str], sizes: list[int], values: int) -> Samples:
    """Seconds to read a stream of each kind; libraries and sizes of chunks take turns with it."""
    samples: Samples = {}
    for kind in kinds:
        group = [
            Timed(
                f"{kind} {size}",
                library,
                "read(pieces)",
                {"read": READERS[library], "pieces": chunks(streams()[kind], size)},
            )
            for size in sizes
            for library in libraries
        ]
        add_all(samples, timed(group, values))
    return samples


def timed(group: list[Timed], values: int) -> Samples:
    """So many values for each of a group that takes turns. A value is the mean of as many
    executions as take `LEAST_S` of the processor's time.
    """
    timers = [Timer(each.statement, timer=process_time, globals=dict(each.names)) for each in group]
    loops = [_loops(timer) for timer in timers]
    samples: Samples = {}
    for number in range(values):
        for each, timer, count in zip(group, timers, loops, strict=True):
            RUNNER.args.loops = count
            name = f"{each.case}, {each.library}, {number}"
            with redirect_stdout(sys.stderr):
                result = RUNNER.bench_time_func(name, timer.timeit)
            add(samples, each.case, each.library, result.get_values())
    return samples


def _loops(timer: Timer) -> int:
    """How many executions take long enough. They are warm then, too."""
    loops = 1
    while (taken := timer.timeit(loops)) < LEAST_S:
        loops = max(2 * loops, int(loops * LEAST_S / taken) if taken else 0)
    return loops
