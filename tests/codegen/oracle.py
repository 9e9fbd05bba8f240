"""A second opinion on bytes: reads and writes fields in the most naive way there is.

It knows the rules of AMQP 0-9-1 (section 4.2 of the specification) and shares nothing with
codegen/ but the names of the types. Nothing is fused, and no struct is used but for floats.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

SIZES = {"octet": 1, "short": 2, "long": 4, "longlong": 8, "timestamp": 8}
ZERO: dict[str, Any] = {"shortstr": "", "longstr": b"", "table": {}, "bit": False}


class Field(Protocol):
    """What the oracle has to know of a field."""

    @property
    def python(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def reserved(self) -> bool: ...


Values = dict[str, Any]


# --- Writing ---


def encode(fields: Sequence[Field], values: Values) -> bytes:
    """The arguments of a method, one field after the other; reserved ones are zero or empty."""
    octets: list[int] = []
    bits: list[bool] = []
    for field in fields:
        value = ZERO.get(field.type, 0) if field.reserved else values[field.python]
        if field.type == "bit":
            bits.append(value)
            if len(bits) == 8:
                octets.append(packed(bits))
                bits = []
            continue
        if bits:
            octets.append(packed(bits))
            bits = []
        octets += value_octets(field.type, value)
    return bytes([*octets, packed(bits)] if bits else octets)


def encode_properties(fields: Sequence[Field], values: Values) -> bytes:
    """Flag words, fifteen properties to each, and the values of those that are there."""
    octets: list[int] = []
    for start in range(0, max(len(fields), 1), 15):
        # A word that is zero and all behind it can be left out; the last one says so by bit 0.
        later = [values.get(field.python) for field in fields[start + 15 :]]
        word = int(any(value is not None for value in later))
        for place, field in enumerate(fields[start : start + 15]):
            if values.get(field.python) is not None:
                word += 2 ** (15 - place)
        octets += integer(word, 2)
        if word % 2 == 0:
            break
    for field in fields:
        if values.get(field.python) is not None:
            octets += value_octets(field.type, values[field.python])
    return bytes(octets)


def packed(bits: Sequence[bool]) -> int:
    """Up to eight bits in one octet, the first of them lowest."""
    return sum(2**place for place, bit in enumerate(bits) if bit)


def value_octets(type_: str, value: Any) -> list[int]:
    """One value of a type that is no bit."""
    if type_ == "timestamp":
        return integer(seconds(value) if value else 0, 8)
    if type_ in SIZES:
        return integer(value, SIZES[type_])
    if type_ == "shortstr":
        return [len(value.encode()), *value.encode()]
    if type_ == "longstr":
        return [*integer(len(value), 4), *value]
    body = table_octets(value)
    return [*integer(len(body), 4), *body]


def integer(value: int, size: int) -> list[int]:
    """An integer, most significant octet first; a negative one as its complement."""
    return [value // 256**place % 256 for place in reversed(range(size))]


def seconds(moment: datetime) -> int:
    difference = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return difference.days * 86400 + difference.seconds


def table_octets(table: Mapping[str, Any]) -> list[int]:
    """Keys and values of a table, without its length."""
    octets: list[int] = []
    for key, value in table.items():
        octets += [len(key.encode()), *key.encode(), *typed(value)]
    return octets


#: Letter, least and greatest value of integers in tables, the narrowest first.
INTEGERS = [
    ("b", -(2**7), 2**7 - 1),
    ("B", 0, 2**8 - 1),
    ("s", -(2**15), 2**15 - 1),
    ("u", 0, 2**16 - 1),
    ("I", -(2**31), 2**31 - 1),
    ("i", 0, 2**32 - 1),
    ("l", -(2**63), 2**63 - 1),
]
WIDTHS = {"b": 1, "B": 1, "s": 2, "u": 2, "I": 4, "i": 4, "l": 8}


def typed(value: Any) -> list[int]:  # noqa: PLR0911 - one for each type
    """A value in a table or array, with the letter of its type in front."""
    if value is None:
        return [ord("V")]
    if isinstance(value, bool):
        return [ord("t"), int(value)]
    if isinstance(value, int):
        letter = next(name for name, least, greatest in INTEGERS if least <= value <= greatest)
        return [ord(letter), *integer(value, WIDTHS[letter])]
    if isinstance(value, float):
        return [ord("d"), *struct.pack(">d", value)]
    if isinstance(value, str):
        return [ord("S"), *integer(len(value.encode()), 4), *value.encode()]
    if isinstance(value, bytes):
        return [ord("x"), *integer(len(value), 4), *value]
    if isinstance(value, datetime):
        return [ord("T"), *integer(seconds(value), 8)]
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        number = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
        return [ord("D"), max(-exponent, 0), *integer(-number if sign else number, 4)]
    if isinstance(value, Mapping):
        body = table_octets(value)
        return [ord("F"), *integer(len(body), 4), *body]
    body = [octet for each in value for octet in typed(each)]
    return [ord("A"), *integer(len(body), 4), *body]


# --- Reading ---


class Bytes:
    """Bytes that are taken one by one."""

    def __init__(self, data: bytes) -> None:
        self.left = list(data)

    def take(self, count: int) -> list[int]:
        assert count <= len(self.left), "the bytes end too early"
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def number(self, size: int) -> int:
        total = 0
        for octet in self.take(size):
            total = total * 256 + octet
        return total

    def signed(self, size: int) -> int:
        number = self.number(size)
        return number - 256**size if number >= 256**size // 2 else number

    def string(self, size: int) -> bytes:
        return bytes(self.take(self.number(size)))


def decode(fields: Sequence[Field], data: bytes) -> Values:
    """What the bytes of a method's arguments say about the fields that are not reserved."""
    source = Bytes(data)
    values: Values = {}
    bits: list[bool] = []
    for field in fields:
        if field.type == "bit":
            if not bits:
                octet = source.number(1)
                bits = [octet // 2**place % 2 == 1 for place in range(8)]
            value: Any = bits.pop(0)
        else:
            bits = []
            value = read(field.type, source)
        if not field.reserved:
            values[field.python] = value
    assert not source.left, "bytes are left over"
    return values


def decode_properties(fields: Sequence[Field], data: bytes) -> Values:
    """What the bytes of content properties say; those that are not there are None."""
    source = Bytes(data)
    flags: list[bool] = []
    more = True
    while more:
        word = source.number(2)
        flags += [word // 2 ** (15 - place) % 2 == 1 for place in range(15)]
        more = word % 2 == 1
    flags += [False] * len(fields)
    values = {}
    for field, flag in zip(fields, flags, strict=False):
        value = read(field.type, source) if flag else None
        if not field.reserved:
            values[field.python] = value
    assert not source.left, "bytes are left over"
    return values


def read(type_: str, source: Bytes) -> Any:
    """One value of a type that is no bit."""
    if type_ == "timestamp":
        return datetime.fromtimestamp(source.number(8), UTC)
    if type_ in SIZES:
        return source.number(SIZES[type_])
    if type_ == "shortstr":
        return source.string(1).decode()
    if type_ == "longstr":
        return source.string(4)
    return read_table(Bytes(source.string(4)))


def read_table(source: Bytes) -> dict[str, Any]:
    table = {}
    while source.left:
        key = source.string(1).decode()
        table[key] = read_typed(source)
    return table


def read_typed(source: Bytes) -> Any:  # noqa: C901, PLR0911 - one for each type
    """A value in a table or array, whose first octet is the letter of its type."""
    letter = chr(source.number(1))
    if letter == "V":
        return None
    if letter == "t":
        return source.number(1) != 0
    if letter in "bsIlUL":
        return source.signed({"U": 2, "L": 8}.get(letter) or WIDTHS[letter])
    if letter in "Bui":
        return source.number(WIDTHS[letter])
    if letter in "fd":
        (value,) = struct.unpack(f">{letter}", bytes(source.take(4 if letter == "f" else 8)))
        return value
    if letter == "S":
        octets = source.string(4)
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets
    if letter == "x":
        return source.string(4)
    if letter == "T":
        return datetime.fromtimestamp(source.number(8), UTC)
    if letter == "D":
        places = source.number(1)
        return Decimal(source.signed(4)).scaleb(-places)
    inner = Bytes(source.string(4))
    if letter == "F":
        return read_table(inner)
    assert letter == "A"
    values = []
    while inner.left:
        values.append(read_typed(inner))
    return values
