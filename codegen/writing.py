"""Turns a method's layout into what its template prints to make a frame.

Nothing here comes from the text of a specification: names were made identifiers before, and
numbers are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .layout import Bit, Fixed, Operation, Slot, Table, Text
from .naming import local
from .structs import pack_name


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
class _Item:
    """Part of a run to be packed.

    Without an expression it is zeros. `known` is its number where that is the same in each frame.
    An `octet` is one whose value needs no struct to check it.
    """

    code: str
    size: int
    expression: str = ""
    known: int | None = None
    octet: bool = False


_Piece = list[_Item] | str


def encode_plan(index: int, layout: tuple[Operation, ...], framing: Framing) -> EncodePlan:
    """The plan for the frame of the method with this index."""
    octets: list[Octet] = []
    parts = tuple(_encoded(op) for op in layout if isinstance(op, Text | Table))
    size = sum(op.size for op in layout if isinstance(op, Fixed)) + 4
    pieces: list[_Piece] = [_frame_header(index, framing, "size" if parts else str(size))]
    for op in layout:
        if isinstance(op, Fixed):
            _append(pieces, [_item(slot, octets) for slot in op.slots])
        elif isinstance(op, Text | Table):
            pieces.append(local(op.field))
    _append(pieces, [_Item("B", 1, f"0x{framing.frame_end:02X}", framing.frame_end)])
    return EncodePlan(tuple(octets), parts, size, *_expression(pieces))


def _frame_header(index: int, framing: Framing, size: str) -> list[_Item]:
    """What every frame begins with, and the method's number behind it."""
    return [
        _Item("B", 1, str(framing.frame_type), framing.frame_type),
        _Item("H", 2, "channel"),
        _Item("I", 4, size),
        _Item("I", 4, f"0x{index:08X}", index),
    ]


def _append(pieces: list[_Piece], items: list[_Item]) -> None:
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
        octets.append(Octet(f"bits{len(octets) + 1}" if octets else "bits", slot.bits))
        return _Item("B", 1, octets[-1].name, octet=True)
    if slot.kind == "length" and slot.field:
        # The %c that an octet becomes refuses the length of a short string that is too long.
        return _Item(slot.code, slot.size, f"len({local(slot.field)})", octet=slot.size == 1)
    if slot.kind == "integer":
        return _Item(slot.code, slot.size, f"self.{slot.field}")
    if slot.kind == "timestamp":
        return _Item(slot.code, slot.size, f"encode_timestamp(self.{slot.field})")
    return _Item("x" if slot.size == 1 else f"{slot.size}x", slot.size)


def _expression(pieces: list[_Piece]) -> tuple[str, str, tuple[str, ...]]:
    """The pack call, or the format and its values, that put the pieces together."""
    if len(pieces) == 1 and isinstance(pieces[0], list):
        return _call(pieces[0]), "", ()
    format_ = ""
    values: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            format_ += "%b"
            values.append(piece)
        else:
            format_ += _run(piece, values)
    return "", f'b"{format_}"', tuple(values)


def _run(items: list[_Item], values: list[str]) -> str:
    """The part of a format that stands for a run; adds to the values that it takes."""
    items, literal = _without_known_end(items)
    if not items:
        return literal
    single = len(items) == 1 and items[0].octet
    values.append(items[0].expression if single else _call(items))
    return ("%c" if single else "%b") + literal


def _without_known_end(items: list[_Item]) -> tuple[list[_Item], str]:
    """The run without the known octets at its end, and those as text for a bytes format."""
    keep = len(items)
    while keep and (not items[keep - 1].expression or items[keep - 1].known is not None):
        keep -= 1
    known = b"".join((item.known or 0).to_bytes(item.size, "big") for item in items[keep:])
    escaped = known.replace(b"%", b"%%")  # what a percent sign is in a format
    return items[:keep], "".join(f"\\x{octet:02x}" for octet in escaped)


def _call(items: list[_Item]) -> str:
    arguments = ", ".join(item.expression for item in items if item.expression)
    return f"{pack_name(''.join(item.code for item in items))}({arguments})"
