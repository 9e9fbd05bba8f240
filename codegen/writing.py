"""Turns a method's layout into what its template prints to make a frame.

Nothing here comes from the text of a specification: names were made identifiers before, and
numbers are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """How to make a frame: variables first, then `pieces`, expressions of bytes one after another.

    There is one piece for a wholly fixed frame. `size` is the payload's fixed part; the lengths of
    `parts` come on top.
    """

    octets: tuple[Octet, ...]
    parts: tuple[Encoded, ...]
    size: int
    pieces: tuple[str, ...]


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


_Run = list[_Item] | str


def encode_plan(index: int, layout: tuple[Operation, ...], framing: Framing) -> EncodePlan:
    """The plan for the frame of the method with this index."""
    octets: list[Octet] = []
    parts = tuple(_encoded(op) for op in layout if isinstance(op, Text | Table))
    size = sum(op.size for op in layout if isinstance(op, Fixed)) + 4
    runs: list[_Run] = [_frame_header(index, framing, "size" if parts else str(size))]
    for op in layout:
        if isinstance(op, Fixed):
            _append(runs, [_item(slot, octets) for slot in op.slots])
        elif isinstance(op, Text | Table):
            runs.append(local(op.field))
    _append(runs, [_Item("B", 1, f"0x{framing.frame_end:02X}", framing.frame_end)])
    if len(runs) == 1 and isinstance(runs[0], list):
        return EncodePlan(tuple(octets), parts, size, (_call(runs[0]),))
    pieces = [piece for run in runs for piece in _pieces(run)]
    return EncodePlan(tuple(octets), parts, size, tuple(pieces))


def _frame_header(index: int, framing: Framing, size: str) -> list[_Item]:
    """What every frame begins with, and the method's number behind it."""
    return [
        _Item("B", 1, str(framing.frame_type), framing.frame_type),
        _Item("H", 2, "channel"),
        _Item("I", 4, size),
        _Item("I", 4, f"0x{index:08X}", index),
    ]


def _append(runs: list[_Run], items: list[_Item]) -> None:
    """Add items to the run at the end, or begin one."""
    last = runs[-1]
    if isinstance(last, list):
        last.extend(items)
    else:
        runs.append(items)


def _encoded(op: Text | Table) -> Encoded:
    return Encoded(local(op.field), op.field, op.type if isinstance(op, Text) else "table")


def _item(slot: Slot, octets: list[Octet]) -> _Item:
    """What to pack for a slot; an octet of bits gets a variable of its own."""
    if slot.kind == "bits":
        octets.append(Octet(f"bits{len(octets) + 1}" if octets else "bits", slot.bits))
        return _Item("B", 1, octets[-1].name, octet=True)
    if slot.kind == "length" and slot.field:
        # OCTETS, or what packs it, refuses the length of a short string that is too long.
        return _Item(slot.code, slot.size, f"len({local(slot.field)})", octet=slot.size == 1)
    if slot.kind == "integer":
        return _Item(slot.code, slot.size, f"self.{slot.field}")
    if slot.kind == "timestamp":
        return _Item(slot.code, slot.size, f"encode_timestamp(self.{slot.field})")
    return _Item("x" if slot.size == 1 else f"{slot.size}x", slot.size)


def _pieces(run: _Run) -> Iterator[str]:
    """The expressions that make a run; what is the same in every frame at its end is a literal."""
    if isinstance(run, str):
        yield run
        return
    items, known = _without_known_end(run)
    if len(items) == 1 and items[0].octet:
        yield f"OCTETS[{items[0].expression}]"
    elif items:
        yield _call(items)
    if known:
        yield 'b"{}"'.format("".join(f"\\x{octet:02x}" for octet in known))


def _without_known_end(items: list[_Item]) -> tuple[list[_Item], bytes]:
    """The run without the known octets at its end, and those."""
    keep = len(items)
    while keep and (not items[keep - 1].expression or items[keep - 1].known is not None):
        keep -= 1
    known = [(item.known or 0).to_bytes(item.size, "big") for item in items[keep:]]
    return items[:keep], b"".join(known)


def _call(items: list[_Item]) -> str:
    arguments = ", ".join(item.expression for item in items if item.expression)
    return f"{pack_name(''.join(item.code for item in items))}({arguments})"
