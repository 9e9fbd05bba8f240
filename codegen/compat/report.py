"""Shows what a comparison found: as text, as JSON, or as annotations for a code review.

JSON is one object. Keys are only ever added to it; `format` would change with anything else.

    format        1
    old, new      what was compared: name as given, version ("0-9-1"), files
    breaking      whether any of the findings is
    counts        for each category: findings, and how many of them are breaking
    findings      a list, in the order of the text; each has
        rule, category, breaking
        subject   "protocol", "constants", "domain NAME", "class NAME" or "CLASS.METHOD"
        message   a sentence
        old, new  file and line, or null where that version has nothing of it

Annotations are lines `::error file=...,line=...,title=RULE::message`, which review systems read: an
error for what is breaking, a warning for what is not, a notice for labels and docs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..diagnostics import Origin
from .findings import Category, Finding
from .versions import Side
from .words import counted


@dataclass(frozen=True)
class Report:
    """What there is to show; `hidden` counts findings that options leave out."""

    old: Side
    new: Side
    findings: Sequence[Finding]
    hidden: int = 0

    @property
    def breaking(self) -> bool:
        """Whether anything in it is."""
        return any(finding.change.breaking for finding in self.findings)

    def counts(self) -> dict[Category, tuple[int, int]]:
        """For each category, how many findings there are and how many of them are breaking."""
        counts = {}
        for category in Category:
            found = [each.change for each in self.findings if each.rule.category is category]
            counts[category] = (len(found), sum(change.breaking for change in found))
        return counts


def as_text(report: Report) -> str:
    """For people: findings under what they are about, and a summary in the last line."""
    lines = [f"{_title(report.old)} -> {_title(report.new)}"]
    for subject, group in groupby(report.findings, key=lambda each: each.change.subject):
        lines += ["", subject.name]
        for finding in group:
            lines += _lines(finding)
    return "\n".join([*lines, "", _summary(report)])


def _title(side: Side) -> str:
    return f"AMQP {side.protocol.version} ({side.name})"


def _lines(finding: Finding) -> Iterator[str]:
    change = finding.change
    breaking = "breaking " if change.breaking else ""
    yield f"  {breaking}{finding.rule.category.name} {finding.rule.id}: {change.message}"
    yield f"    {change.old or '-'} -> {change.new or '-'}"


def _summary(report: Report) -> str:
    """Counts and verdict in one line."""
    counts = ", ".join(
        f"{category.name} {found}" + (f" ({breaking} breaking)" if breaking else "")
        for category, (found, breaking) in report.counts().items()
    )
    hidden = f" ({report.hidden} not shown)" if report.hidden else ""
    verdict = "breaking" if report.breaking else "compatible"
    return f"{counted(len(report.findings), 'finding')}{hidden}: {counts}: {verdict}"


def as_json(report: Report) -> str:
    """For programs; see above."""
    data = {
        "format": 1,
        "old": _side(report.old),
        "new": _side(report.new),
        "breaking": report.breaking,
        "counts": {
            category.name: {"findings": found, "breaking": breaking}
            for category, (found, breaking) in report.counts().items()
        },
        "findings": [_finding(finding) for finding in report.findings],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _side(side: Side) -> dict[str, object]:
    return {"name": side.name, "version": side.protocol.version, "files": list(side.files)}


def _finding(finding: Finding) -> dict[str, object]:
    change = finding.change
    return {
        "rule": finding.rule.id,
        "category": finding.rule.category.name,
        "breaking": change.breaking,
        "subject": change.subject.name,
        "message": change.message,
        "old": _place(change.old),
        "new": _place(change.new),
    }


def _place(origin: Origin | None) -> dict[str, object] | None:
    return None if origin is None else {"file": origin.file, "line": origin.line}


def as_annotations(report: Report) -> str:
    """For review systems: a line for each finding, at the new place or else the old one."""
    return "\n".join(map(_annotation, report.findings))


def _annotation(finding: Finding) -> str:
    change = finding.change
    level = "notice" if finding.rule.category is Category.DOC else "warning"
    place = change.new or change.old
    values = {"file": place.file, "line": place.line, "title": finding.rule.id} if place else {}
    properties = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in values.items())
    return f"::{'error' if change.breaking else level} {properties}::{_escaped(change.message)}"


def _escaped(text: str, marks: str = "") -> str:
    """Text without what ends a message, or a value before it."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{marks}" else c for c in text)


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "annotations": as_annotations,
}
