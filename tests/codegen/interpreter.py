"""Carries out the operations of a layout one by one, which templates print code for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.layout import Fixed, Operation, Skip, Slot, Table, Text
from tests.codegen import oracle
from tests.codegen.oracle import Bytes, Values


def encode(layout: Sequence[Operation], values: Values) -> bytes:
    """The bytes that a layout gives for these values."""
    octets: list[int] = []
    for operation in layout:
        if isinstance(operation, Fixed):
            for slot in operation.slots:
                octets += _slot_octets(slot, values)
        elif isinstance(operation, Text):
            value = values[operation.field]
            octets += value.encode() if operation.type == "shortstr" else value
        elif isinstance(operation, Table):
            octets += oracle.value_octets("table", values[operation.field])
    return bytes(octets)


def _slot_octets(slot: Slot, values: Values) -> list[int]:
    if slot.kind == "zero":
        return [0] * slot.size
    if slot.kind == "bits":
        return [sum(bit.mask for bit in slot.bits if values[bit.field])]
    if slot.kind == "timestamp":
        return oracle.value_octets("timestamp", values[slot.field])
    if slot.kind == "integer":
        return oracle.integer(values[slot.field], slot.size)
    value = values[slot.field] if slot.field else b""
    return oracle.integer(len(value.encode() if isinstance(value, str) else value), slot.size)


def decode(layout: Sequence[Operation], data: bytes) -> Values:
    """The values that a layout finds in these bytes."""
    source = Bytes(data)
    values: Values = {}
    length = 0
    for operation in layout:
        if isinstance(operation, Fixed):
            for slot in operation.slots:
                number = _read_slot(slot, source, values)
                length = number if slot.kind == "length" else 0
        elif isinstance(operation, Table):
            values[operation.field] = oracle.read("table", source)
        else:
            octets = bytes(source.take(length))
            if isinstance(operation, Text):
                text = operation.type == "shortstr"
                values[operation.field] = octets.decode() if text else octets
            else:
                assert isinstance(operation, Skip)
    assert not source.left, "bytes are left over"
    return values


def _read_slot(slot: Slot, source: Bytes, values: dict[str, Any]) -> int:
    """Read one slot into the values; gives its number."""
    if slot.kind == "timestamp":
        values[slot.field] = oracle.read("timestamp", source)
        return 0
    number = source.number(slot.size)
    if slot.kind == "integer":
        values[slot.field] = number
    for bit in slot.bits:
        values[bit.field] = number & bit.mask != 0
    return number
