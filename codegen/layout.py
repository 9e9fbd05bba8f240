"""Compiles the fields of a method into the operations that encode and decode them.

Operations are data: templates print code for them and tests can interpret them.

- Integers, octets of bits, reserved fields and the length of the string that comes next have a
  known size, and neighbours among them fuse into one `Fixed`.
- Up to eight neighbouring bits share an octet, lowest bit first; a ninth begins the next one.
- `Text`, `Skip` and `Table` have a size that only their bytes tell. The length of a `Text` or
  `Skip` is the last slot of the `Fixed` before it; a `Table` carries its own.
- A reserved field is written as zeros, and is skipped when read whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from .model import ResolvedField

#: struct code and size in bytes of each type whose size is fixed.
FIXED_TYPES = {
    "octet": ("B", 1),
    "short": ("H", 2),
    "long": ("I", 4),
    "longlong": ("Q", 8),
    "timestamp": ("Q", 8),
}

#: struct code and size in bytes of the length before each type whose size varies.
LENGTH_TYPES = {"shortstr": ("B", 1), "longstr": ("I", 4), "table": ("I", 4)}

SlotKind = Literal["integer", "timestamp", "bits", "length", "zero"]


@dataclass(frozen=True)
class Bit:
    """One bit of an octet; reserved bits have no entry."""

    field: str
    mask: int


@dataclass(frozen=True)
class Slot:
    """One part of a fixed run.

    integer, timestamp: the value of `field`. bits: an octet of `bits`. length: the length of the
    string `field` that follows the run, or of a reserved one if `field` is "" (written as 0).
    zero: `size` bytes that are written as zeros and skipped when read (`code` is like "2x").
    """

    kind: SlotKind
    code: str
    size: int
    field: str = ""
    bits: tuple[Bit, ...] = ()


@dataclass(frozen=True)
class Fixed:
    """A run of slots whose size is known."""

    slots: tuple[Slot, ...]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(slot.size for slot in self.slots)

    @property
    def format(self) -> str:
        """struct codes for reading the run, big-endian; zeros are passed over."""
        return "".join(slot.code for slot in self.slots)


@dataclass(frozen=True)
class Text:
    """The bytes of a shortstr or longstr whose length came last."""

    field: str
    type: Literal["shortstr", "longstr"]


@dataclass(frozen=True)
class Skip:
    """The bytes of a reserved string or table whose length came last."""


@dataclass(frozen=True)
class Table:
    """A field table with its own length."""

    field: str


Operation = Fixed | Text | Skip | Table


@dataclass(frozen=True)
class PropertyFlag:
    """A content property: which flag word says that it is there (0 is the first), and the bit."""

    field: ResolvedField
    word: int
    mask: int


def method_layout(fields: tuple[ResolvedField, ...]) -> tuple[Operation, ...]:
    """The operations for the arguments of a method, in the order of the wire."""
    return tuple(_fuse(_operations(fields)))


def property_flags(fields: tuple[ResolvedField, ...]) -> tuple[PropertyFlag, ...]:
    """The flags of content properties: 15 to a word from the highest bit, the lowest continues."""
    return tuple(
        PropertyFlag(field, place // 15, 1 << (15 - place % 15))
        for place, field in enumerate(fields)
    )


def _operations(fields: tuple[ResolvedField, ...]) -> Iterator[Slot | Text | Skip | Table]:
    """Slots and operations one by one, with runs of bits put into octets."""
    for is_bit, group in groupby(fields, key=lambda field: field.type == "bit"):
        members = tuple(group)
        if is_bit:
            yield from _octets(members)
        else:
            for field in members:
                yield from _value(field)


def _octets(members: tuple[ResolvedField, ...]) -> Iterator[Slot]:
    """Octets for a run of bits; one with reserved bits only is a zero."""
    for start in range(0, len(members), 8):
        octet = enumerate(members[start : start + 8])
        bits = tuple(Bit(field.python, 1 << place) for place, field in octet if not field.reserved)
        yield Slot("bits", "B", 1, bits=bits) if bits else Slot("zero", "x", 1)


def _value(field: ResolvedField) -> Iterator[Slot | Text | Skip | Table]:
    """The parts of one field that is no bit."""
    if field.type in FIXED_TYPES:
        code, size = FIXED_TYPES[field.type]
        if field.reserved:
            yield Slot("zero", f"{size}x" if size > 1 else "x", size)
        else:
            kind: SlotKind = "timestamp" if field.type == "timestamp" else "integer"
            yield Slot(kind, code, size, field.python)
        return
    code, size = LENGTH_TYPES[field.type]
    if field.reserved:
        yield Slot("length", code, size)
        yield Skip()
    elif field.type == "table":
        yield Table(field.python)
    else:
        yield Slot("length", code, size, field.python)
        yield Text(field.python, "shortstr" if field.type == "shortstr" else "longstr")


def _fuse(parts: Iterator[Slot | Text | Skip | Table]) -> Iterator[Operation]:
    """Neighbouring slots become one Fixed."""
    run: list[Slot] = []
    for part in parts:
        if isinstance(part, Slot):
            run.append(part)
            continue
        if run:
            yield Fixed(tuple(run))
            run = []
        yield part
    if run:
        yield Fixed(tuple(run))
