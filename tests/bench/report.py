"""From results to a page in Markdown with its pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bench.model import Bench, Case, Results
from tests.bench.pictures import picture
from tests.bench.targets import Target

NAME = "speed"
INTRODUCTION = """\
How fast amqpconn is beside other libraries for AMQP 0-9-1. `make bench` measures all of them in one
run and writes this page and its pictures.

Each benchmark lets the libraries take turns, round by round and mostly in a new process each time,
so that what disturbs the machine for a while disturbs all of them. A figure is the median; behind
it is half of the distance between the quartiles. In brackets is the ratio to the library that the
table names, which is what can be compared between machines: (3.00 x) takes three times as much.
Less is better throughout. `librabbitmq (C)`, and where it is there a script with hand-packed bytes,
are the limits.

Processor time is that of the client's process, user and system, all its threads. Time on the clock
includes waiting."""

SCALED = """\
Targets in units of time were set on another machine. Where one says "by" something else, that took
as long there as is known: pika 53 ms for its import and 15.9 us a second for an idle
connection, asyncio 34 ms for its import. The figure is scaled by what that takes in this run."""

OMISSIONS = """\
TLS, networks that lose packets, publisher confirms, transactions, several threads or tasks on one
connection, PyPy, and the time that brokers take. Nobody's checks were turned off: what a library
checks of its peer's bytes is in its figures. Figures below some microseconds depend on the build of
Python more than the ratios do."""


def page(results: Results, benches: Sequence[Bench], targets: Iterable[Target]) -> str:
    """The whole page."""
    parts = ["# Speed", _filled(INTRODUCTION), _about(results)]
    parts += ["## Targets", _filled(SCALED), _targets(results, benches, targets)]
    for bench in benches:
        if bench.key in results.samples:
            parts += section(bench, results)
    parts += ["## What is not measured", _filled(OMISSIONS)]
    return "\n\n".join(parts) + "\n"


def section(bench: Bench, results: Results) -> list[str]:
    """What is measured, the picture, and the table."""
    parts = [f"## {bench.title}", _filled(bench.notes)]
    if bench.panels:
        parts.append(f"![{bench.title}]({picture_name(bench)})")
    parts += [_basis(bench), _table(bench, results), *_reasons(bench)]
    return [part for part in parts if part]


def picture_name(bench: Bench) -> str:
    """The name of the file with its picture."""
    return f"{NAME}-{bench.key}.svg"


def write(
    folder: Path, results: Results, benches: Sequence[Bench], targets: Iterable[Target]
) -> None:
    """Write the page and its pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.md").write_text(page(results, benches, targets))
    for bench in benches:
        if bench.panels and bench.key in results.samples:
            (folder / picture_name(bench)).write_text(picture(bench, results))


def verdicts(
    results: Results, benches: Iterable[Bench], targets: Iterable[Target]
) -> list[tuple[str, ...]]:
    """For each target its benchmark, what it is, the limit, what was measured, and the verdict."""
    titles = {bench.key: bench.title for bench in benches}
    return [(titles[target.bench], *target.row(results)) for target in targets]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _targets(results: Results, benches: Iterable[Bench], targets: Iterable[Target]) -> str:
    return table(("", "", "target", "measured", ""), verdicts(results, benches, targets))


def _table(bench: Bench, results: Results) -> str:
    titles = [f"{case.title}, {case.unit}" if case.unit else case.title for case in bench.cases]
    if not bench.by_case:
        rows = [
            (library, *(_cell(bench, results, case, library) for case in bench.cases))
            for library in bench.libraries
        ]
        return table(("", *titles), rows)
    rows = [
        (title, *(_cell(bench, results, case, library) for library in bench.libraries))
        for title, case in zip(titles, bench.cases, strict=True)
    ]
    return table(("", *bench.libraries), [*rows, *_means(bench, results)])


def _cell(bench: Bench, results: Results, case: Case, library: str) -> str:
    """The median, the spread, and the ratio; a dash where there is nothing to measure."""
    if not results.has(bench.key, case.key, library):
        return "-"
    text = case.shown(results.median(bench.key, case.key, library))
    spread = results.spread(bench.key, case.key, library)
    if len(results.samples[bench.key][case.key][library]) > 1:
        text += f" ±{100 * spread:.0f} %"
    if library == bench.base or not results.has(bench.key, case.key, bench.base):
        return text
    return f"{text} ({results.ratio(bench.key, case.key, library, bench.base):.2f} x)"


def _means(bench: Bench, results: Results) -> list[tuple[str, ...]]:
    """Geometric means of the ratios, for the cases that a picture takes together."""
    rows = []
    for panel in bench.panels:
        if len(panel.cases) > 1:
            means = [
                f"{results.mean_ratio(bench.key, panel.cases, library, bench.base):.2f} x"
                for library in bench.libraries
            ]
            rows.append((f"**{panel.title.partition(':')[0]}**, geometric mean", *means))
    return rows


def _basis(bench: Bench) -> str:
    if len(bench.libraries) == 1:
        return ""
    return f"Ratios are to {bench.base}."


def _reasons(bench: Bench) -> list[str]:
    """Why there are dashes."""
    libraries: dict[str, list[str]] = {}
    for name, why in bench.why_not.items():
        library = name.rpartition("/")[2]
        if library not in libraries.setdefault(why, []):
            libraries[why].append(library)
    lines = [f"- {'; '.join(names)}: {why}." for why, names in libraries.items()]
    return ["\n".join(lines)] if lines else []


def _about(results: Results) -> str:
    return table(("", ""), results.about.items())


def _filled(text: str) -> str:
    """Paragraphs in lines of a length."""
    return "\n\n".join(
        textwrap.fill(part, 100, break_long_words=False, break_on_hyphens=False)
        for part in text.split("\n\n")
    )
