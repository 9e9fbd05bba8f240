"""Takes over what fuzzing found useful, and as little of it as reaches the same code:
`python -m tests.fuzz.minimise [TARGET ...]`, after `make fuzz`.

It goes from .fuzz/corpus to corpus/<target>/found-*. Recorded and written inputs stay; of the rest
one is kept as long as it takes a step, from a line of ours to the next, that none before it took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.catalogue import HERE, LONGEST, TARGETS, corpus, kept, load_check
from tests.fuzz.running import SCRATCH

ROOT = HERE.parents[1]
# Not the classes of the versions: they are made from one template, and each of them is reached by a
# number at the beginning of the input.
OURS = tuple(str(ROOT / name) for name in ("amqpconn", "generated/amqpconn_spec/_", "codegen"))
FOUND = "found-"

Step = tuple[str, int, int]


class Tracer:
    """Which steps are taken in our code."""

    def __init__(self) -> None:
        self.steps: set[Step] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event != "call" or not frame.f_code.co_filename.startswith(OURS):
            return None
        return self._follow(frame.f_code.co_filename)

    def _follow(self, file: str) -> Callable[..., Any]:
        last = 0

        def line(frame: FrameType, _event: str, _argument: object) -> Any:
            nonlocal last
            self.steps.add((file, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line


def steps(check: Callable[[bytes], None], data: bytes) -> set[Step]:
    tracer = Tracer()
    sys.settrace(tracer)
    try:
        check(data)
    finally:
        sys.settrace(None)
    return tracer.steps


def minimise(target: str) -> tuple[int, int]:
    """How many were looked at, and how many are kept."""
    check = load_check(target)
    check(b"")  # what is done once only is nobody's merit
    mine = [path.read_bytes() for path in kept(target) if not path.name.startswith(FOUND)]
    reached = set[Step]().union(*(steps(check, data) for data in mine))
    folders = (SCRATCH / "corpus" / target, corpus(target))
    found = {
        path.read_bytes() for folder in folders if folder.is_dir() for path in folder.iterdir()
    }
    chosen = choose(check, sorted(found, key=lambda data: (len(data), data)), reached)
    replace(corpus(target), chosen, LONGEST[target])
    return len(found), len(chosen)


def choose(check: Callable[[bytes], None], inputs: list[bytes], reached: set[Step]) -> list[bytes]:
    """Those that reach something new, and then without those that a later one has made needless."""
    taken = [(data, steps(check, data)) for data in inputs]
    needed = []
    for data, reaches in taken:
        if not reaches <= reached:
            needed.append((data, reaches - reached))
            reached = reached | reaches
    chosen: list[bytes] = []
    covered: set[Step] = set()
    for data, reaches in sorted(needed, key=lambda each: -len(each[1])):
        if not reaches <= covered:
            chosen.append(data)
            covered |= reaches
    return chosen


def replace(folder: Path, chosen: list[bytes], longest: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{FOUND}*"):
        old.unlink()
    for data in chosen:
        if len(data) <= longest:
            (folder / f"{FOUND}{sha256(data).hexdigest()[:12]}").write_bytes(data)


def main(targets: list[str]) -> int:
    for target in targets or TARGETS:
        looked_at, left = minimise(target)
        print(f"{target:10}{left:5} of {looked_at} kept")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
