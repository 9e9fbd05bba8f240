"""Bars as SVG: ours beside the others', readable on light and on dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.bench.model import Bench, Panel, Results

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 760, 280, 70
LINE, TITLE, GAP = 24, 28, 14
#: What the others are measured with, but is not one of them.
LIMITS = ("hand-packed", "librabbitmq (C)", "python", "asyncio")


@dataclass(frozen=True)
class Bar:
    """One bar: where it is, and what is written at its ends."""

    label: str
    value: str
    kind: str
    y: int
    width: int


@dataclass(frozen=True)
class Drawn:
    """A panel with its place."""

    title: str
    y: int
    bars: list[Bar]


def picture(bench: Bench, results: Results) -> str:
    """The picture of a benchmark."""
    panels: list[Drawn] = []
    y = 0
    for panel in bench.panels:
        panels.append(_drawn(bench, results, panel, y))
        y += TITLE + LINE * len(panels[-1].bars) + GAP
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("picture.svg.jinja").render(
        title=bench.title, panels=panels, width=WIDTH, height=y, label_width=LABEL_WIDTH
    )


def _drawn(bench: Bench, results: Results, panel: Panel, y: int) -> Drawn:
    shown = {}
    for library in bench.libraries:
        needed = {library, bench.base} if len(panel.cases) > 1 else {library}
        if all(results.has(bench.key, case, one) for case in panel.cases for one in needed):
            shown[library] = value_of(bench, results, panel, library)
    longest = max((value for value, _ in shown.values()), default=1.0)
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    bars = [
        Bar(library, text, _kind(library), y + TITLE + LINE * place, round(room * value / longest))
        for place, (library, (value, text)) in enumerate(shown.items())
    ]
    return Drawn(panel.title, y + 16, bars)


def value_of(bench: Bench, results: Results, panel: Panel, library: str) -> tuple[float, str]:
    """How long a bar is and what stands beside it: of several cases the mean of their ratios."""
    if len(panel.cases) > 1:
        ratio = results.mean_ratio(bench.key, panel.cases, library, bench.base)
        return ratio, f"{ratio:.2f} x"
    (case,) = (case for case in bench.cases if case.key == panel.cases[0])
    value = results.median(bench.key, case.key, library)
    return value, case.shown(value)


def _kind(library: str) -> str:
    if library.startswith("amqpconn"):
        return "ours"
    return "limit" if library in LIMITS else "other"
