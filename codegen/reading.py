"""Turns a method's layout into the steps that its template prints to read a payload.

Nothing here comes from the text of a specification: names were made identifiers before, and
numbers are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .layout import Fixed, Operation, Skip, Slot, Table, Text
from .naming import local
from .structs import read_name


@dataclass(frozen=True)
class Step:
    """One statement or two of a decoder, whose variable for the position is `at`.

    read: unpack `targets` with `reader`. octet: the octet at `place` is the only target.
    timestamp: turn the seconds in `place` into a datetime. text: the string of this `type` whose
    bytes begin at `place`, `length` of them. table: the field table at `place`. skip: go on by
    `size` and the string behind it, which nobody wants. move: go on by `size`.
    """

    kind: Literal["read", "octet", "timestamp", "text", "table", "skip", "move"]
    targets: tuple[str, ...] = ()
    reader: str = ""
    place: str = ""
    length: str = ""
    size: int = 0
    type: str = ""


@dataclass(frozen=True)
class DecodePlan:
    """How to read a payload: steps, and then the bits: target and octet of each, and the table that
    tells from the octet whether it is set.
    """

    steps: tuple[Step, ...]
    bits: tuple[tuple[str, str, str], ...]


def decode_plan(layout: tuple[Operation, ...]) -> DecodePlan:
    """The plan for reading the arguments into the attributes of `self`."""
    octets = _bit_names(layout)
    steps: list[Step] = []
    before: Fixed | None = None  # a run that was read, but not yet passed
    for op in layout:
        if isinstance(op, Fixed):
            steps += _read(op, octets)
            before = op
        else:
            steps.append(_variable(op, before))
            before = None
    if before is not None:
        steps.append(Step("move", size=before.size))
    bits = [
        (_of(bit.field), name, f"BIT_{bit.mask.bit_length() - 1}")
        for slot, name in octets.items()
        for bit in slot.bits
    ]
    return DecodePlan(tuple(steps), tuple(bits))


def _of(field: str) -> str:
    """The attribute of a field."""
    return f"self.{field}"


def _bit_names(layout: tuple[Operation, ...]) -> dict[Slot, str]:
    """Variables for the octets of bits; the first is just called bits."""
    slots = [slot for op in layout if isinstance(op, Fixed) for slot in op.slots]
    octets = [slot for slot in slots if slot.kind == "bits"]
    return {slot: f"bits{place}" if place > 1 else "bits" for place, slot in enumerate(octets, 1)}


def _read(run: Fixed, octets: dict[Slot, str]) -> Iterator[Step]:
    """Steps for a run, except for a length that the next step reads by itself."""
    slots = [slot for slot in run.slots if slot.kind != "zero"]
    targets = tuple(_target(slot, octets) for slot in slots)
    if _lone_octet(run) is None:
        if slots:
            yield Step("read", targets, reader=read_name(run.format))
    elif slots[0].kind != "length":
        yield Step("octet", targets, place=f"buffer[{_lone_octet(run)}]")
    for slot in slots:
        if slot.kind == "timestamp":
            yield Step("timestamp", (_of(slot.field),), place=local(slot.field))


def _variable(op: Text | Skip | Table, run: Fixed | None) -> Step:
    """The step for what follows a run, or follows something else that is passed already."""
    size = run.size if run is not None else 0
    if isinstance(op, Table):
        return Step("table", (_of(op.field),), place=_at(size))
    octet = _lone_octet(run) if run is not None else None
    length = "length" if octet is None else f"buffer[{octet}]"
    if isinstance(op, Skip):
        return Step("skip", length=length, size=size)
    return Step("text", (_of(op.field),), place=_at(size), length=length, type=op.type)


def _lone_octet(run: Fixed) -> str | None:
    """Position of the only thing in a run that is worth reading, if that is a single octet."""
    places = [place for place, slot in enumerate(run.slots) if slot.kind != "zero"]
    if len(places) != 1 or run.slots[places[0]].code != "B":
        return None
    return _at(sum(slot.size for slot in run.slots[: places[0]]))


def _target(slot: Slot, octets: dict[Slot, str]) -> str:
    """The variable or attribute that takes a slot; seconds go into a variable first."""
    if slot.kind == "length":
        return "length"
    if slot.kind == "timestamp":
        return local(slot.field)
    return octets[slot] if slot.kind == "bits" else _of(slot.field)


def _at(distance: int) -> str:
    """Source text for a position some octets on."""
    return f"at + {distance}" if distance else "at"
