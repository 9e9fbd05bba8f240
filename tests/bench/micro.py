"""How fast we are beside pamqp, pika and aiormq: `python -m tests.bench.micro`.

Each benchmark runs in processes of its own, by pyperf, those of the libraries for one frame after
one another. Times are of the processor, which other programs disturb less than the clock on the
wall. The report gives ratios of medians, which is what can be compared between machines: 3.0 means
that we take a third of the time. Options are pyperf's; `--fast` is enough for a look.
"""

from __future__ import annotations

import time
import timeit
from statistics import geometric_mean
from typing import Any

import pyperf

from tests.bench.cases import DECODE, ENCODE, LIBRARIES, NAMES, frames
from tests.bench.streams import READERS, chunks, streams

CHUNK = 65536
Medians = dict[str, dict[str, float]]


def codec(runner: Any, way: str, statements: dict[str, tuple[str, str, str]]) -> Medians:
    """Medians in seconds for each frame, by library."""
    results: Medians = {}
    for name, data in frames().items():
        results[name] = {}
        for library, statement in zip(LIBRARIES, statements[name], strict=True):
            results[name][library] = median(
                runner, f"{way} {name} {library}", statement, {**NAMES, "data": data}
            )
    return results


def reading(runner: Any) -> Medians:
    """Medians in seconds for each stream, by library."""
    results: Medians = {}
    for name, stream in streams().items():
        pieces = chunks(stream, CHUNK)
        results[name] = {
            library: median(
                runner, f"stream {name} {library}", "read(pieces)", {"read": read, "pieces": pieces}
            )
            for library, read in READERS.items()
        }
    return results


def median(runner: Any, name: str, statement: str, names: dict[str, Any]) -> float:
    """The median in seconds; a worker, which runs one benchmark only, has no use for it."""
    timer = timeit.Timer(statement, timer=time.process_time, globals=names)
    result = runner.bench_time_func(name, timer.timeit)
    return 1.0 if runner.args.worker else float(result.median())


def report(title: str, results: Medians, unit: str, factor: float) -> None:
    """A table of our times and of how much longer the others take."""
    others = [name for name in next(iter(results.values())) if name != "amqpconn"]
    print(f"\n| {title} | {unit} | {' | '.join(f'{name} takes' for name in others)} |")
    print("|---" * (2 + len(others)) + "|")
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for name, medians in results.items():
        for other in others:
            ratios[other].append(medians[other] / medians["amqpconn"])
        shown = " | ".join(f"{ratios[other][-1]:.2f} x" for other in others)
        print(f"| {name} | {medians['amqpconn'] * factor:,.0f} | {shown} |")
    means = " | ".join(f"{geometric_mean(ratios[other]):.2f} x" for other in others)
    print(f"| geometric mean | | {means} |")


def main() -> None:
    """Run all, and report unless this is a worker."""
    runner = pyperf.Runner(
        processes=3, values=5, min_time=0.05, program_args=("-m", "tests.bench.micro")
    )
    runner.argparser.set_defaults(inherit_environ=["PYTHONPATH"])
    runner.parse_args()
    encode = codec(runner, "encode", ENCODE)
    decode = codec(runner, "decode", dict.fromkeys(ENCODE, DECODE))
    streamed = reading(runner)
    if not runner.args.worker:
        report("encode", encode, "ns", 1e9)
        report("decode", decode, "ns", 1e9)
        report("stream of 1 MiB", streamed, "us", 1e6)


if __name__ == "__main__":
    main()
