"""Rules about what users of the generated package write: names, arguments, types, defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..parameters import ANNOTATIONS, method_parameter
from .comparison import Comparison, FieldPair
from .findings import Change
from .matching import Pair
from .parts import ClassPart, FieldPart, MethodPart
from .wire_rules import spare_after, spare_before
from .words import listed, receivers

#: What an expression stands for that makes a default.
WORDS = {"timestamp_default()": "the epoch"}


def name(both: Comparison) -> Iterator[Change]:
    """Fields and properties with another name."""
    for pair in both.visible_fields():
        if pair.old.name != pair.new.name:
            old, new = pair.old.field, pair.new.field
            message = (
                f"{pair.python} calls {new.python} what it called {old.python}, a {new.type} in the"
                " same place: code that names it has to be changed"
            )
            yield _change(pair, message)


def reserved_to_real(both: Comparison) -> Iterator[Change]:
    """Reserved fields and properties that got a meaning."""
    for pair in both.fields():
        if pair.old.reserved and not pair.new.reserved:
            message = (
                f"{pair.python} takes {_typed(pair.new)}, which was reserved as {pair.old.name}:"
                f" {_who(pair)} of the old version do not look at it, and until it is used the"
                " bytes are the same"
            )
            yield _change(pair, message, breaking=False)


def real_to_reserved(both: Comparison) -> Iterator[Change]:
    """Fields and properties that lost their meaning and are reserved now."""
    for pair in both.fields():
        if pair.new.reserved and not pair.old.reserved:
            message = (
                f"{pair.python} has no {_typed(pair.old)} any more, it is reserved as"
                f" {pair.new.name}: {_who(pair)} of the new version do not look at it, and code"
                " that names it fails"
            )
            yield _change(pair, message)


def spare_to_real(both: Comparison) -> Iterator[Change]:
    """Fields that use a spare bit."""
    for pair in both.methods:
        for part in spare_after(pair):
            if not part.reserved:
                message = (
                    f"{pair.new.python} takes {_typed(part)}, a bit that was spare:"
                    f" {receivers(pair.new.found)} of the old version do not look at it, and until"
                    " it is used the bytes are the same"
                )
                subject = pair.new.subject
                yield Change(subject, message, pair.old.origin, part.origin, breaking=False)


def real_to_spare(both: Comparison) -> Iterator[Change]:
    """Fields that are gone and leave a spare bit."""
    for pair in both.methods:
        for part in spare_before(pair):
            if not part.reserved:
                message = (
                    f"{pair.new.python} has no {_typed(part)} any more, and its bit is spare:"
                    f" {receivers(pair.new.found)} of the new version do not look at it, and code"
                    " that names it fails"
                )
                yield Change(pair.new.subject, message, part.origin, pair.new.origin)


def arguments(both: Comparison) -> Iterator[Change]:
    """Arguments whose place in the constructor is another one; one change for each class."""
    for method in both.methods:
        yield from _arguments(method.old, method.new, method.fields.pairs)
    for found in both.class_pairs:
        yield from _arguments(found.old, found.new, found.properties.pairs)


def _arguments(
    old: MethodPart | ClassPart, new: MethodPart | ClassPart, pairs: Iterable[Pair[FieldPart]]
) -> Iterator[Change]:
    before, after = _positions(old.fields), _positions(new.fields)
    moves = [
        f"{pair.new.field.python} ({before[pair.old]} -> {after[pair.new]})"
        for pair in pairs
        if pair.old in before and pair.new in after and before[pair.old] != after[pair.new]
    ]
    if moves:
        message = (
            f"{new.python} takes {listed(moves)} in other positions: code that gives or matches"
            " arguments by position gets others"
        )
        yield Change(new.subject, message, old.origin, new.origin)


def _positions(fields: Iterable[FieldPart]) -> dict[FieldPart, int]:
    """The visible fields with their positions as arguments, counted from 1."""
    return {part: at for at, part in enumerate((p for p in fields if not p.reserved), 1)}


def python_type(both: Comparison) -> Iterator[Change]:
    """Arguments with another type in Python."""
    for pair in both.visible_fields():
        old, new = (ANNOTATIONS[part.field.type] for part in (pair.old, pair.new))
        if old != new:
            message = (
                f"{pair.python} takes and gives {pair.new.field.python} as {new} instead of {old}:"
                " code that uses it has to be changed"
            )
            yield _change(pair, message)


def default(both: Comparison) -> Iterator[Change]:
    """Arguments that stand for another value when they are left out. Properties have none then."""
    for pair in both.visible_fields():
        old, new = (_default(part) for part in (pair.old, pair.new))
        if pair.method is not None and old != new:
            message = (
                f"{pair.python} takes {new} instead of {old} for {pair.new.field.python} where code"
                " leaves it out"
            )
            yield _change(pair, message)


def _default(part: FieldPart) -> str:
    parameter = method_parameter(part.field)
    return WORDS.get(parameter.fallback, parameter.fallback or parameter.default)


def secret(both: Comparison) -> Iterator[Change]:
    """Whether a repr hides a value; that one hides more harms nobody."""
    for pair in both.visible_fields():
        if pair.old.field.secret and not pair.new.field.secret:
            message = "shows the value of {}, which was hidden: it can get into logs"
            yield _represented(pair, message, breaking=True)
        if pair.new.field.secret and not pair.old.field.secret:
            message = "hides the value of {}, which it showed to whoever reads logs"
            yield _represented(pair, message, breaking=False)


def _represented(pair: FieldPair, message: str, breaking: bool) -> Change:
    text = f"the repr of {pair.python} {message.format(pair.new.field.python)}"
    return _change(pair, text, breaking)


def _typed(part: FieldPart) -> str:
    return f"{part.field.python} ({ANNOTATIONS[part.field.type]})"


def _who(pair: FieldPair) -> str:
    return "peers" if pair.method is None else receivers(pair.method.new.found)


def _change(pair: FieldPair, message: str, breaking: bool = True) -> Change:
    return Change(pair.subject, message, pair.old.origin, pair.new.origin, breaking)
