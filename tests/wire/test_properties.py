"""Content properties: every combination of flags, and what does not fit."""

from __future__ import annotations

import inspect
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn_spec._base import ContentHeader, Properties
from amqpconn_spec._wire import DecodeError, EncodeError
from amqpconn_spec.v0_9_1 import basic, registry
from tests.codegen import oracle
from tests.wire.facts import PROPERTIES, SPECIFICATION
from tests.wire.values import ANY, EXTREME, WRONG, ZERO

NAMES = [name for name, _ in basic.Properties.FIELDS]
TYPES = dict(basic.Properties.FIELDS)
PAIRS = [(), *((name,) for name in NAMES), *combinations(NAMES, 2), tuple(NAMES)]


def flags(names: tuple[str, ...]) -> int:
    return sum(0x8000 >> NAMES.index(name) for name in names)


def values(names: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[TYPES[name]] for name in names}


# --- What the class says ---


def test_the_properties_are_those_of_the_specification() -> None:
    assert tuple((field.python, field.type) for field in PROPERTIES) == basic.Properties.FIELDS
    assert len(NAMES) == 14
    assert basic.Properties.CLASS_ID == 60
    assert basic.Properties.NAME == "basic"
    assert basic.Properties.SECRETS == ()
    with_properties = [
        int(c.get("index", "")) for c in SPECIFICATION.iter("class") if c.find("field") is not None
    ]
    assert sorted(registry.PROPERTIES) == with_properties == [60]


def test_all_are_none_unless_given_by_name_or_in_order() -> None:
    parameters = list(inspect.signature(basic.Properties).parameters.values())
    assert [each.name for each in parameters] == NAMES
    assert {each.default for each in parameters} == {None}
    empty = basic.Properties()
    assert [getattr(empty, name) for name in NAMES] == [None] * 14
    assert basic.Properties("text/plain") == basic.Properties(content_type="text/plain")


def test_a_repr_shows_what_is_there() -> None:
    assert repr(basic.Properties()) == "basic.Properties()"
    shown = repr(basic.Properties(content_type="a", priority=0))
    assert shown == "basic.Properties(content_type='a', priority=0)"


def test_properties_are_equal_when_all_are_and_have_no_hash() -> None:
    assert basic.Properties(priority=0) != basic.Properties()
    assert basic.Properties(priority=0) == basic.Properties(priority=0)
    assert basic.Properties() != object()
    assert basic.Properties().__eq__(1) is NotImplemented
    with pytest.raises(TypeError, match="unhashable"):
        hash(basic.Properties())
    assert not hasattr(basic.Properties(), "__dict__")


# --- To bytes and back ---


@pytest.mark.parametrize("names", PAIRS, ids=lambda names: "+".join(names) or "none")
def test_every_combination_of_two_and_none_and_all(names: tuple[str, ...]) -> None:
    for kind in (ZERO, EXTREME):
        comes_back(names, values(names, kind))


def comes_back(names: tuple[str, ...], given_: dict[str, Any]) -> None:
    properties = basic.Properties(**given_)
    octets = properties.encode()
    assert octets[:2] == flags(names).to_bytes(2)
    assert octets == oracle.encode_properties(PROPERTIES, given_)
    read = basic.Properties.decode(octets)
    assert read == properties
    assert {name: getattr(read, name) for name in NAMES} == dict.fromkeys(NAMES) | given_


@given(given_=st.fixed_dictionaries({}, optional={name: ANY[TYPES[name]] for name in NAMES}))
def test_any_properties_come_back(given_: dict[str, Any]) -> None:
    properties = basic.Properties(**given_)
    octets = properties.encode()
    assert octets == oracle.encode_properties(PROPERTIES, given_)
    assert basic.Properties.decode(octets) == properties
    buffer = b"before" + octets + b"behind" * 20
    assert basic.Properties.decode(buffer, 6, 6 + len(octets)) == properties


@pytest.mark.parametrize("kind", [ZERO, EXTREME], ids=["zero", "extreme"])
@pytest.mark.parametrize("behind", [b"", b"\0" * 4000], ids=["alone", "in a buffer"])
def test_properties_that_are_cut_anywhere_are_refused(kind: dict[str, Any], behind: bytes) -> None:
    octets = basic.Properties(**values(tuple(NAMES), kind)).encode()
    for end in range(len(octets)):
        with pytest.raises(DecodeError) as caught:
            basic.Properties.decode(octets[:end] + behind, 0, end)
        assert caught.value.name == "basic"
        assert 0 <= caught.value.offset <= end
    with pytest.raises(DecodeError, match=r"^basic: 1 bytes are left over, at offset \d+$") as more:
        basic.Properties.decode(octets + b"\0")
    assert more.value.offset == len(octets)


@pytest.mark.parametrize("unknown", [0x0001, 0x0002, 0x8001, 0xFFFF, 0x0003])
def test_flags_that_stand_for_no_property_are_refused(unknown: int) -> None:
    with pytest.raises(DecodeError) as caught:
        basic.Properties.decode(unknown.to_bytes(2) + bytes(100))
    assert (caught.value.name, caught.value.offset) == ("basic", 2)
    assert caught.value.reason == "a flag is set that stands for no property"


@given(octets=st.binary(max_size=80))
def test_any_bytes_give_properties_or_a_decode_error(octets: bytes) -> None:
    refused = fault(octets)
    if refused is not None:
        assert refused.name == "basic"
        assert 0 <= refused.offset <= len(octets)


def fault(octets: bytes) -> DecodeError | None:
    """What is wrong with these bytes; any other error than that ends the test."""
    try:
        basic.Properties.decode(octets)
    except DecodeError as error:
        return error
    return None


def test_an_error_says_where_in_the_properties() -> None:
    for octets, offset, reason in (
        (b"\x80\x00\x03a\xffb", 4, "a string is no valid UTF-8"),
        (b"\x80\x00\x03ab", 5, "the bytes end too early"),
        (b"\x20\x00\x00\x00\x00\x05\x01k", 2, "a table or array of 5 bytes does not fit"),
        (b"\x20\x00\x00\x00\x00\x03\x01k?", 8, "0x3F is no type of a field value"),
        (b"\x10\x00", 2, "the bytes end too early"),
        (b"\x80", 0, "the bytes end too early"),
    ):
        for before in (b"", b"before"):
            with pytest.raises(DecodeError) as caught:
                basic.Properties.decode(before + octets, len(before))
            assert (caught.value.offset, caught.value.reason) == (offset, reason)


# --- Values that do not fit ---


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (name, value, words)
        for name in NAMES
        for value, words in WRONG[TYPES[name]]
        if value is not None  # which leaves a property out
    ],
)
def test_a_value_that_does_not_fit_is_named(name: str, value: Any, words: str) -> None:
    properties = basic.Properties(**{**values(tuple(NAMES), ZERO), name: value})
    with pytest.raises(EncodeError) as caught:
        properties.encode()
    assert str(caught.value).startswith(f"basic.{name}")
    assert words in str(caught.value)


# --- Content headers ---


def test_a_content_header_is_class_weight_size_and_properties() -> None:
    header = ContentHeader(60, 2**64 - 1, basic.Properties(priority=9))
    octets = header.encode()
    assert octets == bytes.fromhex("003c 0000 ffffffffffffffff 0800 09")
    assert registry.decode_header(octets) == header
    assert header != object()
    assert header != ContentHeader(60, 2**64 - 1, basic.Properties())
    assert registry.decode_header(b"xx" + octets + b"xx", 2, 2 + len(octets)) == header
    assert repr(header) == (
        "ContentHeader(class_id=60, body_size=18446744073709551615, "
        "properties=basic.Properties(priority=9))"
    )


def test_the_weight_of_a_content_header_is_passed_over() -> None:
    octets = bytearray(ContentHeader(60, 1, basic.Properties()).encode())
    octets[2:4] = b"\xff\xff"
    assert registry.decode_header(bytes(octets)) == ContentHeader(60, 1, basic.Properties())


@pytest.mark.parametrize(
    ("class_id", "size", "message"),
    [
        (65536, 0, "content header.class_id must be an integer from 0 to 65535, not 65536"),
        (-1, -1, "content header.class_id must be an integer from 0 to 65535, not -1"),
        (60, 2**64, "content header.body_size must be an integer from 0 to 18446744073709551615"),
        (60, -1, "content header.body_size must be an integer"),
        (60, "1", "content header.body_size must be an integer"),
        (None, 1, "content header.class_id must be an integer"),
    ],
)
def test_a_content_header_that_does_not_fit_is_refused(
    class_id: Any, size: Any, message: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        ContentHeader(class_id, size, basic.Properties()).encode()
    assert str(caught.value).startswith(message)


def test_content_headers_that_are_wrong_are_refused() -> None:
    octets = ContentHeader(60, 1, basic.Properties("text/plain")).encode()
    for end in range(len(octets)):
        with pytest.raises(DecodeError) as caught:
            registry.decode_header(octets[:end])
        assert caught.value.name in ("content header", "basic")
        assert 0 <= caught.value.offset <= end
    with pytest.raises(DecodeError, match="basic: 1 bytes are left over, at offset 25"):
        registry.decode_header(octets + b"\0")
    with pytest.raises(DecodeError, match="content header: class 50 has no content, at offset 0"):
        registry.decode_header(b"\x00\x32" + octets[2:])


def test_properties_without_an_encoding_of_their_own_say_so() -> None:
    class Bare(Properties):
        pass

    for call in (lambda: Bare().encode(), lambda: Bare.decode(b"")):
        with pytest.raises(NotImplementedError, match="Bare has no"):
            call()
