"""Rules about the bytes of methods. Fields have no names there, only an order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .comparison import Comparison, FieldPair, MethodPair
from .findings import Change
from .parts import FieldPart, MethodPart
from .words import receivers, senders


def deleted(both: Comparison) -> Iterator[Change]:
    """Fields that are gone, except for bits that leave a spare one."""
    for pair in both.methods:
        spare = spare_before(pair)
        for part in pair.fields.deleted:
            if part not in spare:
                last = _is_last(part, pair.old)
                read = "find the method too short" if last else "read what follows in its place"
                message = f"{_sending(pair)} leave {part} out: {_old_receivers(pair)} {read}"
                yield Change(pair.new.subject, message, part.origin, pair.new.origin)


def inserted(both: Comparison) -> Iterator[Change]:
    """Fields that are new, except for bits that were spare."""
    for pair in both.methods:
        spare = spare_after(pair)
        for part in pair.fields.inserted:
            if part not in spare:
                last = _is_last(part, pair.new)
                read = "find bytes left over" if last else "read it in place of what follows"
                message = f"{_sending(pair)} write {part} as well: {_old_receivers(pair)} {read}"
                yield Change(pair.new.subject, message, pair.old.origin, part.origin)


def moved(both: Comparison) -> Iterator[Change]:
    """Fields that are somewhere else."""
    for pair in both.methods:
        for field in pair.fields.moved:
            message = (
                f"{_sending(pair)} write {field.new} as field {field.new.place + 1} instead of"
                f" {field.old.place + 1}: {_old_receivers(pair)} read another field there"
            )
            subject = pair.new.subject
            yield Change(subject, message, field.old.origin, field.new.origin)


def bits(both: Comparison) -> Iterator[Change]:
    """Bits that are in another place of their octet, or in another octet."""
    for pair in both.methods:
        for field in pair.fields.aligned:
            seen = not (field.old.reserved or field.new.reserved)
            if seen and _is_elsewhere(field.old, field.new):
                message = (
                    f"{_sending(pair)} write {field.new.name} as {_bit(field.new)} instead of"
                    f" {_bit(field.old)}: {_old_receivers(pair)} read another field there"
                )
                subject = pair.new.subject
                yield Change(subject, message, field.old.origin, field.new.origin)


def wire_type(both: Comparison) -> Iterator[Change]:
    """Fields and properties whose bytes are those of another type."""
    for pair in both.fields():
        if pair.old.kind != pair.new.kind:
            message = (
                f"{_writing(pair)} {pair.new.name} as {pair.new.field.type} instead of"
                f" {pair.old.field.type}: {_readers(pair)} of the old version read something else"
            )
            yield Change(pair.subject, message, pair.old.origin, pair.new.origin)


def spare_before(pair: MethodPair) -> list[FieldPart]:
    """Bits that are gone while their octet stays, and nothing with a meaning took their place."""
    both = [(field.old, field.new) for field in pair.fields.aligned]
    return [part for part in pair.fields.deleted if _is_spare(part, both, pair.new.fields)]


def spare_after(pair: MethodPair) -> list[FieldPart]:
    """Bits that are new in an octet that was there, in a place that had no meaning."""
    both = [(field.new, field.old) for field in pair.fields.aligned]
    return [part for part in pair.fields.inserted if _is_spare(part, both, pair.old.fields)]


def _is_spare(
    part: FieldPart,
    aligned: Iterable[tuple[FieldPart, FieldPart]],
    others: Iterable[FieldPart],
) -> bool:
    """Whether a bit that only one method has is a spare one of the other method.

    Reserved bits are spare too, for they are written as 0 and nobody looks at them.

    Args:
        part: The bit, or a field of another type, which is never spare.
        aligned: What both have, as the method of `part` has it and as the other one has it.
        others: All fields of the other one.
    """
    for own, other in aligned:
        if part.bit is not None and own.unit == part.unit and own.octet == other.octet:
            taken = {(field.unit, field.bit) for field in others if not field.reserved}
            return (other.unit, part.bit) not in taken
    return False


def _is_elsewhere(old: FieldPart, new: FieldPart) -> bool:
    return old.bit is not None and new.bit is not None and old.bit != new.bit


def _bit(part: FieldPart) -> str:
    place = part.bit or 0
    octet = f" of octet {place // 8 + 1} of its run" if place >= 8 else ""
    return f"bit {place % 8}{octet}"


def _is_last(part: FieldPart, method: MethodPart) -> bool:
    return part is method.fields[-1]


def _sending(pair: MethodPair) -> str:
    return f"{senders(pair.new.found)} that send {pair.new.found.full_name}"


def _old_receivers(pair: MethodPair) -> str:
    return f"{receivers(pair.new.found)} of the old version"


def _writing(pair: FieldPair) -> str:
    if pair.method is None:
        return f"contents of class {pair.name} carry"
    return f"{_sending(pair.method)} write"


def _readers(pair: FieldPair) -> str:
    return "peers" if pair.method is None else receivers(pair.method.new.found)
