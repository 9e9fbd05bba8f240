"""What is measured, and what came out: cases, samples, medians and ratios."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean, median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.session import Session

#: How many of a unit make one of what is kept: seconds, bytes, or a plain number.
PER_BASE_UNIT = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0, "KiB": 1 / 1024, "MiB": 2**-20, "": 1.0}

#: Samples by case and library, in base units.
Samples = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Case:
    """One quantity that is measured for each library."""

    key: str
    title: str
    unit: str

    def shown(self, value: float) -> str:
        """The value in the case's unit, three digits of it or all before the point."""
        number = value * PER_BASE_UNIT[self.unit]
        digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
        return f"{number:,.{digits}f}"


@dataclass(frozen=True)
class Panel:
    """One part of a picture: the bars of some cases."""

    title: str
    cases: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """One line of the report.

    Attributes:
        base: the library whose median ratios are over.
        libraries: in the order of the report.
        why_not: why a library has no figure: by library, or by "case/library".
        by_case: whether the table has a row for each case, not for each library.
        is_long: whether a quick run leaves it out, unless it is asked for.
        notes: what a reader must know, in Markdown.
        measure: gives the samples; the second argument is whether it is to be quick.
    """

    key: str
    title: str
    notes: str
    cases: tuple[Case, ...]
    libraries: tuple[str, ...]
    base: str
    measure: Callable[[Session, bool], Samples]
    panels: tuple[Panel, ...] = ()
    why_not: Mapping[str, str] = field(default_factory=dict)
    by_case: bool = False
    is_long: bool = False

    def reason(self, case: str, library: str) -> str | None:
        """Why there is no figure, None where there should be one."""
        return self.why_not.get(f"{case}/{library}", self.why_not.get(library))


class Results:
    """All samples of one run, and what can be said of them."""

    def __init__(self, samples: dict[str, Samples], about: Mapping[str, str]) -> None:
        self.samples = samples
        self.about = dict(about)

    def has(self, bench: str, case: str, library: str) -> bool:
        return bool(self.samples.get(bench, {}).get(case, {}).get(library))

    def median(self, bench: str, case: str, library: str) -> float:
        return median(self.samples[bench][case][library])

    def spread(self, bench: str, case: str, library: str) -> float:
        """Half of the distance between the quartiles, as a part of the median."""
        values = self.samples[bench][case][library]
        middle = median(values)
        if len(values) < 2 or not middle:
            return 0.0
        low, _, high = quantiles(values, n=4, method="inclusive")
        return abs((high - low) / 2 / middle)

    def ratio(self, bench: str, case: str, library: str, base: str) -> float:
        """How many times as much as `base` a library takes."""
        return self.median(bench, case, library) / self.median(bench, case, base)

    def mean_ratio(self, bench: str, cases: Iterable[str], library: str, base: str) -> float:
        """The geometric mean of the ratios of some cases."""
        return geometric_mean(self.ratio(bench, case, library, base) for case in cases)

    def save(self, file: Path) -> None:
        """Write all of it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"about": self.about, "samples": self.samples}, indent=1))

    @classmethod
    def load(cls, file: Path) -> Results:
        """Read what `save` has written."""
        kept = json.loads(file.read_text())
        return cls(kept["samples"], kept["about"])


def interleaved(
    rounds: int, contenders: Mapping[str, Callable[[], Mapping[str, float]]]
) -> Samples:
    """Let each contender measure once in each round: A B C, A B C, ...

    A contender gives a value for each case. What disturbs the machine for a while disturbs all of
    them, and not only the one whose turn it was.
    """
    samples: Samples = {}
    for _ in range(rounds):
        for library, measure in contenders.items():
            for case, value in measure().items():
                add(samples, case, library, [value])
    return samples


def add(samples: Samples, case: str, library: str, values: Iterable[float]) -> None:
    """Add values to those that there are."""
    samples.setdefault(case, {}).setdefault(library, []).extend(values)


def add_all(samples: Samples, others: Samples) -> None:
    """Add all values of other samples."""
    for case, libraries in others.items():
        for library, values in libraries.items():
            add(samples, case, library, values)
