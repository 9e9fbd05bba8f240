"""Rules about content properties: each has a flag, and its value follows when the flag is set."""

from __future__ import annotations

from collections.abc import Iterator

from .comparison import ClassPair, Comparison
from .findings import Change
from .parts import FieldPart


def deleted(both: Comparison) -> Iterator[Change]:
    """Properties that are gone."""
    for pair in both.class_pairs:
        for part in pair.properties.deleted:
            message = (
                f"contents of class {pair.new.name} cannot carry {part} any more:"
                f" peers of the new version {_meaning(part, pair.new.fields)}"
            )
            yield Change(pair.new.subject, message, part.origin, pair.new.origin)


def flag(both: Comparison) -> Iterator[Change]:
    """Properties with another flag."""
    for pair in both.class_pairs:
        for field in pair.properties.pairs:
            seen = not (field.old.reserved and field.new.reserved)
            if seen and field.old.flag != field.new.flag:
                message = (
                    f"contents of class {pair.new.name} say with {_flag(field.new)} instead of"
                    f" {_flag(field.old)} that they have {field.new.name}: peers of the old version"
                    f" {_meaning(field.new, pair.old.fields)}"
                )
                subject = pair.new.subject
                yield Change(subject, message, field.old.origin, field.new.origin)


def added(both: Comparison) -> Iterator[Change]:
    """Properties that are new; a reserved one is nobody's business."""
    for pair in both.class_pairs:
        for part in pair.properties.added:
            if not part.reserved:
                yield _added(pair, part)


def _added(pair: ClassPair, part: FieldPart) -> Change:
    message = (
        f"{pair.new.found.module}.Properties takes {part}: peers of the old version"
        f" {_meaning(part, pair.old.fields)}"
    )
    return Change(pair.new.subject, message, pair.old.origin, part.origin, breaking=False)


def _flag(part: FieldPart) -> str:
    word, mask = part.flag
    return f"flag 0x{mask:04X}" + (f" of word {word + 1}" if word else "")


def _meaning(part: FieldPart, properties: tuple[FieldPart, ...]) -> str:
    """What a peer that knows these properties makes of the flag of another one."""
    for known in properties:
        if known.flag == part.flag:
            return f"take it for {known.name}"
    return "refuse a content with it"
