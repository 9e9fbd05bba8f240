"""Turns a method's layout into the expressions and steps that its templates print.

Nothing here comes from the text of a specification: names were made identifiers before, and
numbers are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .layout import Bit, Fixed, Operation, Skip, Slot, Table, Text
from .naming import local


@dataclass(frozen=True)
class Framing:
    """The numbers that the frame of a method needs, from the constants of the specification."""

    frame_type: int
    frame_end: int


@dataclass(frozen=True)
class Octet:
    """A local variable for an octet of bits."""

    name: str
    bits: tuple[Bit, ...]


@dataclass(frozen=True)
class Encoded:
    """A local variable for a field whose bytes have to be known before they are placed."""

    name: str
    field: str
    type: Literal["shortstr", "longstr", "table"]


@dataclass(frozen=True)
class EncodePlan:
    """How to make a frame: variables first, then one expression.

    `pack` alone makes a wholly fixed frame; else `format` is the source of a bytes literal with
    %b and %c for `values`. `size` is the payload's fixed part; the lengths of `parts` come on top.
    """

    octets: tuple[Octet, ...]
    parts: tuple[Encoded, ...]
    size: int
    pack: str
    format: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One statement or two of a decoder; `at` is its variable for the position.

    read: unpack `targets`. octet: the octet at `place` is the one target. text: the string `type`
    that starts at `skip`. skip: pass over such a string. table: a field table at `skip`.
    timestamp: turn the target's seconds into a datetime. move: go on by `skip`.
    """

    kind: Literal["read", "octet", "text", "skip", "table", "timestamp", "move"]
    targets: tuple[str, ...] = ()
    reader: str = ""
    place: str = ""
    length: str = ""
    skip: str = ""
    size: int = 0
    type: str = ""


@dataclass(frozen=True)
class DecodePlan:
    """How to read a payload: steps, and then the arguments of the constructor."""

    steps: tuple[Step, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class _Item:
    """Part of a run to be packed: no expression means zeros, `known` a number."""

    code: str
    size: int
    expression: str = ""
    known: int | None = None
    octet: bool = False


def pack_name(format_: str) -> str:
    """Name of the bound method that packs this struct format."""
    return f"PACK_{format_.removeprefix('>')}"


def read_name(format_: str) -> str:
    """Name of the bound method that unpacks this struct format."""
    return f"READ_{format_.removeprefix('>')}"


def encode_plan(index: int, layout: tuple[Operation, ...], framing: Framing) -> EncodePlan:
    """The plan for the frame of the method with this index."""
    octets: list[Octet] = []
    parts = tuple(_encoded(op) for op in layout if isinstance(op, Text | Table))
    fixed = sum(op.size for op in layout if isinstance(op, Fixed)) + 4
    size = str(fixed) if not parts else "size"
    pieces: list[list[_Item] | str] = [
        [
            _Item("B", 1, str(framing.frame_type), framing.frame_type),
            _Item("H", 2, "channel"),
            _Item("I", 4, size),
            _Item("I", 4, f"0x{index:08X}", index),
        ]
    ]
    for op in layout:
        if isinstance(op, Fixed):
            _append(pieces, [_item(slot, octets) for slot in op.slots])
        elif isinstance(op, Text | Table):
            pieces.append(local(op.field))
    _append(pieces, [_Item("B", 1, f"0x{framing.frame_end:02X}", framing.frame_end)])
    pack, format_, values = _expression(pieces)
    return EncodePlan(tuple(octets), parts, fixed, pack, format_, values)


def _append(pieces: list[list[_Item] | str], items: list[_Item]) -> None:
    """Add items to the run at the end, or begin one."""
    last = pieces[-1]
    if isinstance(last, list):
        last.extend(items)
    else:
        pieces.append(items)


def _encoded(op: Text | Table) -> Encoded:
    return Encoded(local(op.field), op.field, op.type if isinstance(op, Text) else "table")


def _item(slot: Slot, octets: list[Octet]) -> _Item:
    """What to pack for a slot; an octet of bits gets a variable of its own."""
    if slot.kind == "bits":
        name = f"bits{len(octets) + 1}" if octets else "bits"
        octets.append(Octet(name, slot.bits))
        return _Item("B", 1, name, octet=True)
    if slot.kind == "length" and slot.field:
        return _Item(slot.code, slot.size, f"len({local(slot.field)})", octet=slot.size == 1)
    if slot.kind == "integer":
        return _Item(slot.code, slot.size, f"self.{slot.field}")
    if slot.kind == "timestamp":
        return _Item(slot.code, slot.size, f"encode_timestamp(self.{slot.field})")
    return _Item("x" if slot.size == 1 else f"{slot.size}x", slot.size)


def _expression(pieces: list[list[_Item] | str]) -> tuple[str, str, tuple[str, ...]]:
    """The pack call, or the format and its values, that put the pieces together."""
    if len(pieces) == 1 and isinstance(pieces[0], list):
        return _call(pieces[0]), "", ()
    format_, values = "", []
    for piece in pieces:
        if isinstance(piece, str):
            format_ += "%b"
            values.append(piece)
            continue
        items, literal = _without_known_end(piece)
        if len(items) == 1 and items[0].octet:
            format_ += "%c"
            values.append(items[0].expression)
        elif items:
            format_ += "%b"
            values.append(_call(items))
        format_ += literal
    return "", f'b"{format_}"', tuple(values)


def _without_known_end(items: list[_Item]) -> tuple[list[_Item], str]:
    """The run without the known octets at its end, and those as text for a bytes literal."""
    keep = len(items)
    while keep and (not items[keep - 1].expression or items[keep - 1].known is not None):
        keep -= 1
    known = b"".join((item.known or 0).to_bytes(item.size, "big") for item in items[keep:])
    return items[:keep], "".join(f"\\x{octet:02x}" for octet in known)


def _call(items: list[_Item]) -> str:
    arguments = ", ".join(item.expression for item in items if item.expression)
    return f"{pack_name(''.join(item.code for item in items))}({arguments})"


def decode_plan(layout: tuple[Operation, ...], arguments: tuple[str, ...]) -> DecodePlan:
    """The plan for reading the arguments, which are given by their attribute names."""
    steps: list[Step] = []
    values: dict[str, str] = {}
    pending = 0
    for place, op in enumerate(layout):
        following = layout[place + 1] if place + 1 < len(layout) else None
        if isinstance(op, Fixed):
            steps += _read(op, following, values)
            pending = 0 if isinstance(following, Text | Skip) else op.size
        elif isinstance(op, Table):
            values[op.field] = local(op.field)
            steps.append(Step("table", (local(op.field),), skip=_at(pending)))
            pending = 0
    if pending:
        steps.append(Step("move", size=pending))
    return DecodePlan(tuple(steps), tuple(values[argument] for argument in arguments))


def _read(run: Fixed, following: Operation | None, values: dict[str, str]) -> list[Step]:
    """Steps for a run and for the string whose length it ends with."""
    steps: list[Step] = []
    slots = [slot for slot in run.slots if slot.kind != "zero"]
    targets = tuple(_target(slot, values) for slot in slots)
    length = "length"
    if len(slots) == 1 and slots[0].code == "B":
        octet = f"buffer[{_at(_offset(run, slots[0]))}]"
        if slots[0].kind == "length":
            length = octet
        else:
            steps.append(Step("octet", targets, place=octet))
    elif slots:
        steps.append(Step("read", targets, reader=read_name(run.format)))
    for slot in slots:
        if slot.kind == "timestamp":
            steps.append(Step("timestamp", (local(slot.field),)))
    if isinstance(following, Text):
        name = values[following.field] = local(following.field)
        text = Step("text", (name,), length=length, skip=_at(run.size), type=following.type)
        steps.append(text)
    elif isinstance(following, Skip):
        steps.append(Step("skip", length=length, size=run.size))
    return steps


def _offset(run: Fixed, wanted: Slot) -> int:
    """How far into the run a slot begins."""
    place = run.slots.index(wanted)
    return sum(slot.size for slot in run.slots[:place])


def _target(slot: Slot, values: dict[str, str]) -> str:
    """The variable that takes a slot; `values` learns how to get the fields from it."""
    if slot.kind == "length":
        return "length"
    if slot.kind == "bits":
        used = len({value.split()[0] for value in values.values() if " & " in value})
        name = f"bits{used + 1}" if used else "bits"
        values.update({bit.field: f"({name} & {bit.mask}) != 0" for bit in slot.bits})
        return name
    values[slot.field] = local(slot.field)
    return values[slot.field]


def _at(distance: int) -> str:
    """Source text for a position some octets on."""
    return f"at + {distance}" if distance else "at"
