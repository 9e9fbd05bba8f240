"""The generator, over all versions of the protocol."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from tests.bench.model import Bench, Case, Samples, interleaved
from tests.bench.session import ROOT, Session

COLD, WARM = "nothing remembered", "nothing changed"
COMMAND = (sys.executable, "-m", "codegen", "generate")

NOTES = """\
`python -m codegen generate` for all versions of the protocol, as `make generate` calls it: where it
remembers nothing of earlier runs, and where nothing has changed since the last."""


def measure(session: Session, quick: bool) -> Samples:
    """In a copy of what the generator needs; each round runs it twice."""
    copy = session.folder / "generator"
    for part in ("codegen", "spec", "generated"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    session.spent(*COMMAND, folder=copy)  # it compiles its modules
    contenders = {
        COLD: partial(_generate, session, copy, forgets=True),
        WARM: partial(_generate, session, copy, forgets=False),
    }
    return interleaved(2 if quick else 5, contenders)


def _generate(session: Session, copy: Path, *, forgets: bool) -> dict[str, float]:
    if forgets:
        shutil.rmtree(copy / "codegen" / "__pycache__")
    return session.spent(*COMMAND, folder=copy)


BENCH = Bench(
    key="generator",
    title="Generator",
    notes=NOTES,
    cases=(Case("wall", "on the clock", "s"), Case("cpu", "processor", "s")),
    libraries=(COLD, WARM),
    base=WARM,
    measure=measure,
)
