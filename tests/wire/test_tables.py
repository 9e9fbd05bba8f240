"""Field tables: every type that brokers send, the narrowest that we write, and lying lengths."""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amqpconn_spec import _wire
from amqpconn_spec._wire import (
    MAX_DEPTH,
    DecodeError,
    EncodedTable,
    EncodeError,
    decode_table,
    decode_timestamp,
    encode_table,
    encode_timestamp,
    timestamp_default,
)
from tests.codegen import oracle
from tests.wire.values import EPOCH, LATEST, NAIVE, TABLES


def entry(octets: bytes, key: bytes = b"k") -> bytes:
    """A whole table with one value, given with its type octet."""
    body = bytes([len(key)]) + key + octets
    return len(body).to_bytes(4) + body


def read(octets: bytes) -> Any:
    """The value of the only entry of a table."""
    table, end = decode_table(entry(octets))
    assert end == len(entry(octets))
    return table["k"]


def written(value: Any) -> bytes:
    """The value of the only entry of a table, with its type octet."""
    return encode_table({"k": value})[6:]


def long(octets: bytes) -> bytes:
    return len(octets).to_bytes(4) + octets


# --- Reading ---

READ: list[tuple[bytes, Any]] = [
    (b"t\x00", False),
    (b"t\x01", True),
    (b"t\xff", True),
    (b"b\x80", -128),
    (b"b\x7f", 127),
    (b"B\x00", 0),
    (b"B\xff", 255),
    (b"s\x80\x00", -32768),
    (b"U\x7f\xff", 32767),
    (b"U\xff\xfe", -2),
    (b"u\x00\x00", 0),
    (b"u\xff\xff", 65535),
    (b"I\x80\x00\x00\x00", -(2**31)),
    (b"I\x7f\xff\xff\xff", 2**31 - 1),
    (b"i\xff\xff\xff\xff", 2**32 - 1),
    (b"l\x80" + bytes(7), -(2**63)),
    (b"L\x7f" + b"\xff" * 7, 2**63 - 1),
    (b"L" + b"\xff" * 8, -1),
    (b"f\x3f\x80\x00\x00", 1.0),
    (b"f\x7f\x80\x00\x00", float("inf")),
    (b"d\x3f\xb9\x99\x99\x99\x99\x99\x9a", 0.1),
    (b"D\x02\x00\x00\x01\x3a", Decimal("3.14")),
    (b"D\x00\x7f\xff\xff\xff", Decimal(2**31 - 1)),
    (b"D\x00\x80\x00\x00\x00", Decimal(-(2**31))),
    (b"D\xff\x00\x00\x00\x01", Decimal("1E-255")),
    (b"S\x00\x00\x00\x00", ""),
    (b"S\x00\x00\x00\x02\xc3\xa9", "é"),
    (b"S\x00\x00\x00\x02\xff\xfe", b"\xff\xfe"),
    (b"S\x00\x00\x00\x03a\x00b", "a\0b"),
    (b"x\x00\x00\x00\x00", b""),
    (b"x\x00\x00\x00\x03abc", b"abc"),
    (b"T" + bytes(8), EPOCH),
    (b"T\x00\x00\x00\x00\x65\xe0\x78\xd7", datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)),
    (b"V", None),
    (b"F\x00\x00\x00\x00", {}),
    (b"F" + entry(b"V"), {"k": None}),
    (b"A\x00\x00\x00\x00", []),
    (b"A" + long(b"Vt\x01b\x05A\x00\x00\x00\x01VF\x00\x00\x00\x00"), [None, True, 5, [None], {}]),
]


@pytest.mark.parametrize(("octets", "value"), READ)
def test_every_type_that_brokers_send_is_read(octets: bytes, value: Any) -> None:
    assert read(octets) == value
    assert type(read(octets)) is type(value)
    # The same inside an array, where there is no key in front.
    assert read(b"A" + long(octets + octets)) == [value, value]


def test_a_number_that_is_none_is_read_and_written() -> None:
    assert math.isnan(read(b"d\x7f\xf8" + bytes(6)))
    assert written(math.nan) == b"d\x7f\xf8" + bytes(6)


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(b"tbBsUuIiLlfdDSxTVFA")))
def test_a_type_that_does_not_exist_is_refused(kind: int) -> None:
    with pytest.raises(DecodeError) as caught:
        read(bytes([kind]) + bytes(20))
    assert caught.value.reason == f"0x{kind:02X} is no type of a field value"
    assert caught.value.offset == 6


# --- Writing ---

WRITTEN: list[tuple[Any, bytes]] = [
    (True, b"t\x01"),
    (False, b"t\x00"),
    (None, b"V"),
    (0, b"b\x00"),
    (-128, b"b\x80"),
    (127, b"b\x7f"),
    (128, b"B\x80"),
    (255, b"B\xff"),
    (256, b"s\x01\x00"),
    (-129, b"s\xff\x7f"),
    (-32768, b"s\x80\x00"),
    (32767, b"s\x7f\xff"),
    (32768, b"u\x80\x00"),
    (65535, b"u\xff\xff"),
    (65536, b"I\x00\x01\x00\x00"),
    (-32769, b"I\xff\xff\x7f\xff"),
    (-(2**31), b"I\x80\x00\x00\x00"),
    (2**31 - 1, b"I\x7f\xff\xff\xff"),
    (2**31, b"i\x80\x00\x00\x00"),
    (2**32 - 1, b"i\xff\xff\xff\xff"),
    (2**32, b"l\x00\x00\x00\x01\x00\x00\x00\x00"),
    (-(2**31) - 1, b"l\xff\xff\xff\xff\x7f\xff\xff\xff"),
    (-(2**63), b"l\x80" + bytes(7)),
    (2**63 - 1, b"l\x7f" + b"\xff" * 7),
    (1.0, b"d\x3f\xf0" + bytes(6)),
    (float("-inf"), b"d\xff\xf0" + bytes(6)),
    ("", b"S\x00\x00\x00\x00"),
    ("é", b"S\x00\x00\x00\x02\xc3\xa9"),
    (b"", b"x\x00\x00\x00\x00"),
    (b"\xff", b"x\x00\x00\x00\x01\xff"),
    (bytearray(b"ab"), b"x\x00\x00\x00\x02ab"),
    (memoryview(b"abcd")[::2], b"x\x00\x00\x00\x02ac"),
    (Decimal("3.14"), b"D\x02\x00\x00\x01\x3a"),
    (Decimal("-0.5"), b"D\x01\xff\xff\xff\xfb"),
    (Decimal("1.50"), b"D\x02\x00\x00\x00\x96"),
    (Decimal(0), b"D\x00\x00\x00\x00\x00"),
    (Decimal("2E+3"), b"D\x00\x00\x00\x07\xd0"),
    (Decimal(2**31 - 1), b"D\x00\x7f\xff\xff\xff"),
    (Decimal(-(2**31)), b"D\x00\x80\x00\x00\x00"),
    (Decimal("1E-255"), b"D\xff\x00\x00\x00\x01"),
    (EPOCH, b"T" + bytes(8)),
    (datetime(2024, 2, 29, 12, 30, 15, 999999, tzinfo=UTC), b"T\x00\x00\x00\x00\x65\xe0\x78\xd7"),
    (
        datetime(2024, 2, 29, 14, 30, 15, tzinfo=timezone(timedelta(hours=2))),
        b"T\x00\x00\x00\x00\x65\xe0\x78\xd7",
    ),
    ([], b"A\x00\x00\x00\x00"),
    ((1, "a"), b"A\x00\x00\x00\x08b\x01S\x00\x00\x00\x01a"),
    ([[True]], b"A\x00\x00\x00\x07A\x00\x00\x00\x02t\x01"),
    ({}, b"F\x00\x00\x00\x00"),
    ({"a": {"b": 1}}, b"F\x00\x00\x00\x0c\x01aF\x00\x00\x00\x05" + b"\x01b" + b"b\x01"),
]


@pytest.mark.parametrize(("value", "octets"), WRITTEN)
def test_values_are_written_in_the_narrowest_type_that_holds_them(
    value: Any, octets: bytes
) -> None:
    if isinstance(value, dict) and value:
        octets = b"F" + long(b"\x01aF" + long(b"\x01bb\x01"))
    assert written(value) == octets
    assert written([value]) == b"A" + long(octets)


class Number(IntEnum):
    SEVEN = 7


class Word(StrEnum):
    RED = "red"


class OwnMapping(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> Any:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("a",))

    def __len__(self) -> int:
        return 1


def test_kinds_of_the_plain_types_are_written_as_those() -> None:
    assert written(Number.SEVEN) == written(7)
    assert written(Word.RED) == written("red")
    assert encode_table({Word.RED: 1}) == encode_table({"red": 1})
    for mapping in (OrderedDict(a=1), MappingProxyType({"a": 1}), OwnMapping()):
        assert encode_table(mapping) == encode_table({"a": 1})
        assert written(mapping) == written({"a": 1})


def test_a_boolean_is_no_integer_and_an_integer_no_boolean() -> None:
    assert (written(True), written(1)) == (b"t\x01", b"b\x01")
    assert read(b"t\x01") is True
    assert read(b"b\x01") == 1
    assert read(b"b\x01") is not True


REFUSED: list[tuple[Any, str]] = [
    (2**63, "must be an integer of at most 64 bits, not 64"),
    (-(2**63) - 1, "must be an integer of at most 64 bits, not 64"),
    (10**1000, "must be an integer of at most 64 bits, not 3322"),
    (Decimal("NaN"), "must be a finite decimal, not NaN"),
    (Decimal("-Infinity"), "must be a finite decimal, not -Infinity"),
    (Decimal(2**31), "must be a decimal whose digits fit into 32 bits"),
    (Decimal(-(2**31) - 1), "must be a decimal whose digits fit into 32 bits"),
    (Decimal("1E-256"), "must be a decimal of 32 bits and at most 255 decimal places"),
    (Decimal("1E+11"), "must be a decimal of 32 bits"),
    (Decimal("1E+999999"), "must be a decimal of 32 bits"),
    (Decimal("0.12345678901"), "must be a decimal whose digits fit into 32 bits"),
    (NAIVE, "must be a datetime with a time zone, and this one is naive"),
    (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "must not lie before 1970, but is in 1969"),
    (object(), "has the type object, which no table can hold"),
    (EPOCH.date(), "has the type date, which no table can hold"),
    ({1, 2}, "has the type set, which no table can hold"),
    (1j, "has the type complex, which no table can hold"),
    ("\ud800", "is no valid Unicode"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_what_no_type_holds_is_refused_with_the_way_to_it(value: Any, reason: str) -> None:
    tables: list[tuple[dict[str, Any], str]] = [
        ({"k": value}, "['k']"),
        ({"ok": 1, "a": [0, {"b": value}]}, "['a'][1]['b']"),
        ({"a": {"b": (value,)}}, "['a']['b'][0]"),
    ]
    for table, way in tables:
        with pytest.raises(EncodeError) as caught:
            encode_table(table)
        assert caught.value.name == way
        assert caught.value.reason.startswith(reason)
        assert str(caught.value) == f"{way} {caught.value.reason}"


@pytest.mark.parametrize("wrong", [None, 1, "a", [("a", 1)], [], object()])
def test_what_is_no_mapping_is_no_table(wrong: Any) -> None:
    with pytest.raises(EncodeError, match=f"must be a table .a dict., not {type(wrong).__name__}"):
        encode_table(wrong)


# --- Keys ---


def test_keys_of_any_text_up_to_255_bytes() -> None:
    for key in ("", "k", "é" * 127, "x" * 255, "a\0b", "with space"):
        octets = encode_table({key: 1})
        assert octets[4] == len(key.encode())
        assert decode_table(octets) == ({key: 1}, len(octets))


@pytest.mark.parametrize("value", ["text", True, 1, None])
def test_keys_that_are_too_long_or_no_text_are_refused(value: Any) -> None:
    wrong: list[tuple[Any, str]] = [
        ("x" * 256, "has a key of 256 bytes in UTF-8; the limit is 255"),
        ("é" * 128, "has a key of 256 bytes in UTF-8; the limit is 255"),
        (5, "has a key that is no str but int"),
        (b"k", "has a key that is no str but bytes"),
        (None, "has a key that is no str but NoneType"),
        ("\ud800", "has a key that is no valid Unicode"),
    ]
    for key, reason in wrong:
        with pytest.raises(EncodeError) as caught:
            encode_table({"in": {key: value}})
        assert str(caught.value) == f"['in'] {reason}"


def test_of_a_key_that_comes_twice_the_last_value_counts() -> None:
    octets = long(b"\x01ab\x01" + b"\x01bb\x02" + b"\x01ab\x03")
    assert decode_table(octets) == ({"a": 3, "b": 2}, len(octets))


def test_order_is_kept() -> None:
    table = {"z": 1, "a": 2, "m": 3}
    assert list(decode_table(encode_table(table))[0]) == ["z", "a", "m"]


# --- Depth ---


def nested(depth: int, kind: str) -> Any:
    """A value with so many tables or arrays in each other, the outermost a table."""
    value: Any = 1
    for level in range(depth - 1):
        value = [value] if kind == "array" or (kind == "both" and level % 2) else {"k": value}
    return {"k": value}


def nested_octets(depth: int, kind: str) -> bytes:
    octets = b"b\x01"
    for level in range(depth - 1):
        array = kind == "array" or (kind == "both" and level % 2)
        octets = b"A" + long(octets) if array else b"F" + entry(octets)
    return entry(octets)


@pytest.mark.parametrize("kind", ["table", "array", "both"])
def test_nesting_has_a_limit_both_ways(kind: str) -> None:
    deepest = nested(MAX_DEPTH, kind)
    assert encode_table(deepest) == nested_octets(MAX_DEPTH, kind)
    assert decode_table(nested_octets(MAX_DEPTH, kind))[0] == deepest
    with pytest.raises(EncodeError, match="lies deeper than 32 tables and arrays"):
        encode_table(nested(MAX_DEPTH + 1, kind))
    octets = nested_octets(MAX_DEPTH + 1, kind)
    with pytest.raises(DecodeError, match="tables and arrays lie deeper than 32"):
        decode_table(octets)
    for depth in (100, 10_000):
        with pytest.raises(DecodeError, match="deeper than 32"):
            decode_table(nested_octets(depth, kind))


def test_a_table_that_holds_itself_is_refused() -> None:
    table: dict[str, Any] = {}
    table["self"] = table
    array: list[Any] = []
    array.append(array)
    for value in (table, {"a": array}):
        with pytest.raises(EncodeError, match="lies deeper than 32 tables and arrays"):
            encode_table(value)


# --- Lengths that lie ---

LIES = {
    "table longer than the buffer": (b"\x00\x00\x00\x05\x01kb\x01", 0, "of 5 bytes does not fit"),
    "table of four gigabytes": (b"\xff\xff\xff\xff", 0, "of 4294967295 bytes does not fit"),
    "no length": (b"\x00\x00\x00", 0, "the bytes end too early"),
    "nothing": (b"", 0, "the bytes end too early"),
    "string longer than the buffer": (entry(b"S\x00\x00\x00\x02a"), 6, "a string of 2 bytes"),
    "string longer than its table": (
        entry(b"S\x00\x00\x00\x02a") + b"more",
        6,
        "a string of 2 bytes does not fit",
    ),
    "string of four gigabytes": (entry(b"S\xff\xff\xff\xff"), 6, "a string of 4294967295 bytes"),
    "bytes longer than their table": (entry(b"x\x00\x00\x00\x02a") + b"more", 7, "a string of 2"),
    "string in an array, longer than that": (
        entry(b"A" + long(b"S\x00\x00\x00\x02a")) + b"more",
        12,
        "a string of 2 bytes does not fit",
    ),
    "array longer than its table": (entry(b"A\x00\x00\x00\x02V") + b"VV", 7, "of 2 bytes"),
    "array longer than its array": (
        entry(b"A" + long(b"A\x00\x00\x00\x02V")) + b"VV",
        12,
        "of 2 bytes does not fit",
    ),
    "table longer than its array": (entry(b"A" + long(b"F\x00\x00\x00\x01")) + b"V", 12, "of 1"),
    "table longer than its table": (entry(b"F\x00\x00\x00\x03\x01k") + b"VV", 7, "of 3 bytes"),
    "value longer than its array": (entry(b"A" + long(b"I\x00\x00\x00")) + b"V", 16, "its array"),
    "value longer than its table": (entry(b"I\x00\x00\x00") + b"more", 11, "beyond the end"),
    "key longer than its table": (long(b"\x05k") + b"eyV" + bytes(9), 4, "a key and its value"),
    "key without a value": (long(b"\x01k"), 4, "a key and its value do not fit"),
    "key without its text": (long(b"\x05"), 4, "a key and its value do not fit"),
    "string without its length": (entry(b"S\x00"), 6, "the bytes end too early"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_length_that_lies_is_refused(name: str) -> None:
    octets, offset, words = LIES[name]
    for before in (b"", b"before"):
        with pytest.raises(DecodeError) as caught:
            decode_table(before + octets, len(before))
        assert caught.value.name == "field table"
        assert words in caught.value.reason
        assert caught.value.offset == len(before) + offset


def test_the_end_of_what_is_around_a_table_bounds_it() -> None:
    octets = entry(b"b\x01")
    assert decode_table(b"x" + octets + b"more", 1, 1 + len(octets)) == ({"k": 1}, 1 + len(octets))
    with pytest.raises(DecodeError, match="a table or array of 4 bytes does not fit, at offset 1"):
        decode_table(b"x" + octets + b"more", 1, len(octets))


# --- Anything ---


@given(table=TABLES)
def test_any_table_comes_back_and_is_as_the_oracle_has_it(table: dict[str, Any]) -> None:
    octets = encode_table(table)
    assert octets == long(bytes(oracle.table_octets(table)))
    assert decode_table(octets) == (table, len(octets))


@given(octets=st.binary(max_size=60), table=TABLES, place=st.integers(0, 500))
@example(octets=b"", table={}, place=0)
def test_any_bytes_give_a_table_or_a_decode_error(
    octets: bytes, table: dict[str, Any], place: int
) -> None:
    good = encode_table(table)
    place %= len(good)
    for damaged in (octets, long(octets), good[:place] + octets + good[place + len(octets) :]):
        refused = fault(damaged)
        if refused is not None:
            assert 0 <= refused.offset <= len(damaged)


def fault(octets: bytes) -> DecodeError | None:
    """What is wrong with a table; any other error than that ends the test."""
    try:
        table, end = decode_table(octets)
    except DecodeError as error:
        return error
    assert end <= len(octets)
    assert decode_table(encode_table(readable(table)))[0] == readable(table)
    return None


def readable(value: Any) -> Any:
    """What was read, without what has no equal: numbers that are none."""
    if isinstance(value, dict):
        return {key: readable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [readable(each) for each in value]
    return 0.0 if isinstance(value, float) and math.isnan(value) else value


# --- Timestamps ---


def test_timestamps_are_whole_seconds_in_utc() -> None:
    assert timestamp_default() == EPOCH
    assert encode_timestamp(EPOCH + timedelta(seconds=1, microseconds=999_999)) == 1
    assert encode_timestamp(LATEST) == 253402300799
    assert decode_timestamp(253402300799) == LATEST
    assert decode_timestamp(5).tzinfo is UTC
    east = timezone(timedelta(hours=14))
    assert encode_timestamp(datetime(1970, 1, 1, 14, tzinfo=east)) == 0


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (253402300800, datetime(1978, 1, 11, 21, 31, 40, tzinfo=UTC)),
        (1709209815_000, datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)),
        (1709209815_000_000, datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)),
        (1709209815_000_000_000, datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)),
        (2**64 - 1, datetime(2554, 7, 21, 23, 34, 33, tzinfo=UTC)),
    ],
)
def test_timestamps_beyond_the_calendar_are_taken_for_what_senders_meant(
    number: int, moment: datetime
) -> None:
    assert decode_timestamp(number) == moment
    assert read(b"T" + struct.pack(">Q", number)) == moment


def test_only_so_many_keys_are_kept_and_the_others_are_written_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_wire, "KEYS", {})
    monkeypatch.setattr(_wire, "MAX_KEYS", 2)
    tables: list[_wire.Table] = [{"a": 1, "é": True}, {"a": "x", "c": None, "": 0}]
    for table in tables * 2:
        assert decode_table(encode_table(table))[0] == table
    assert _wire.KEYS == {"a": b"\x01a", "é": b"\x02\xc3\xa9"}


def test_a_key_that_is_more_than_a_str_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wire, "KEYS", {})

    class Key(StrEnum):
        ONE = "one"

    assert decode_table(encode_table({Key.ONE: 1}))[0] == {"one": 1}
    assert not _wire.KEYS


# --- tables that are written beforehand ---


@given(TABLES)
def test_a_table_that_was_written_beforehand_is_written_the_same(table: dict[str, Any]) -> None:
    encoded = EncodedTable(table)
    assert encoded == table
    assert encode_table(encoded) == encoded.octets == encode_table(table)
    assert encode_table({"inside": encoded}) == encode_table({"inside": table})


def test_a_table_that_was_written_beforehand_lies_no_deeper_than_others() -> None:
    table: dict[str, Any] = {}
    for _ in range(MAX_DEPTH - 1):
        table = {"k": table}
    with pytest.raises(EncodeError, match="lies deeper"):
        encode_table({"k": EncodedTable(table)})


def test_what_cannot_be_written_is_refused_beforehand() -> None:
    with pytest.raises(EncodeError, match="must be an integer"):
        EncodedTable({"k": 1 << 70})
