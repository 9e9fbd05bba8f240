"""Rules about words that only people read: labels, docs, names of domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .assertion_rules import domain_subject
from .comparison import CONSTANTS, ClassPair, Comparison, FieldPair, MethodPair
from .findings import Change
from .matching import Pair
from .parts import FieldPart
from .words import counted, listed


def labels(both: Comparison) -> Iterator[Change]:
    """Labels and docs, which become docstrings and comments; one change for each place."""
    yield from _constants(both)
    for found in both.class_pairs:
        yield from _docstring(found, found.properties.pairs, f"module {found.new.found.module}")
    for method in both.methods:
        yield from _docstring(method, method.fields.pairs, method.new.python)


def _constants(both: Comparison) -> Iterator[Change]:
    changed = [pair for pair in both.constants.pairs if pair.old.label != pair.new.label]
    if changed:
        names = listed(pair.new.name for pair in changed)
        message = f"the comments of the module constants change: {names}"
        yield Change(CONSTANTS, message, changed[0].old.origin, changed[0].new.origin, False)


def _docstring(
    pair: ClassPair | MethodPair, fields: Iterable[Pair[FieldPart]], name: str
) -> Iterator[Change]:
    old, new = pair.old.found, pair.new.found
    changed = [
        *(["its label"] if old.label != new.label else []),
        *(["its doc"] if old.doc != new.doc else []),
        *(field.new.field.python for field in fields if _is_described_otherwise(field)),
    ]
    if changed:
        message = f"the docstring of {name} changes: {listed(changed)}"
        yield Change(pair.new.subject, message, pair.old.origin, pair.new.origin, breaking=False)


def _is_described_otherwise(pair: Pair[FieldPart]) -> bool:
    seen = not (pair.old.reserved or pair.new.reserved)
    return seen and pair.old.field.label != pair.new.field.label


def domains(both: Comparison) -> Iterator[Change]:
    """Names of domains that stand for the same type."""
    groups: dict[tuple[str, str], list[FieldPair]] = {}
    for pair in both.fields():
        names = (pair.old.raw.domain, pair.new.raw.domain)
        if names[0] != names[1] and pair.old.field.type == pair.new.field.type:
            groups.setdefault(names, []).append(pair)
    for (old, new), pairs in groups.items():
        first = pairs[0]
        more = f" and {counted(len(pairs) - 1, 'more field')} name" if pairs[1:] else " names"
        message = (
            f"{first.name}.{first.new.name}{more} the domain {new} instead of {old}:"
            f" both are the type {first.new.field.type}, so only readers notice"
        )
        yield Change(domain_subject(new), message, first.old.origin, first.new.origin, False)
