"""Fuzzes all targets, or those that are named, for so many seconds in all: `make fuzz SECONDS=60`.

    python -m tests.fuzz [--seconds 60] [--jobs CORES] [TARGET ...]
    python -m tests.fuzz --replay TARGET FILE ...

Exit status: 0 nothing was found, 1 something was, 2 it could not be run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.catalogue import TARGETS, load_check
from tests.fuzz.running import Run, run


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    unknown = set(given.targets[: 1 if given.replay else None]) - set(TARGETS)
    if unknown:
        print(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    if given.replay:
        return _replay(*given.targets)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is missing; make fuzz installs it, where there is a wheel for this Python")
        return 2
    return _fuzz(given.targets or TARGETS, given.seconds, given.jobs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--replay", action="store_true", help="run a target on the files named")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    return parser


def _replay(target: str, *files: str) -> int:
    check = load_check(target)
    for file in files:
        check(Path(file).read_bytes())
        print(f"{file}: nothing wrong")
    return 0


def _fuzz(targets: Sequence[str], seconds: float, jobs: int) -> int:
    each = max(1, round(seconds * min(jobs, len(targets)) / len(targets)))
    print(f"{len(targets)} targets, {each} s each, {jobs} at a time", flush=True)
    runs: list[Run] = []
    with ThreadPoolExecutor(jobs) as pool:
        for done in pool.map(lambda target: run(target, each), targets):
            print(done.line(), flush=True)
            runs.append(done)
    print(f"{'all':10}{sum(done.executions for done in runs):12,} executions")
    for done in runs:
        print(done.report(), end="")
    if any(done.broken for done in runs):
        return 2
    return 1 if any(done.found for done in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
