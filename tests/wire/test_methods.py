"""All methods on their way to bytes and back, and what happens to wrong bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn_spec._base import Method
from amqpconn_spec._wire import DecodeError
from amqpconn_spec.v0_9_1 import channel, connection, queue, registry, tx
from tests.wire.facts import METHODS, MethodFacts
from tests.wire.values import EXTREME, KINDS, ZERO, any_method, given_values

each_method = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.NAME)
each_fact = pytest.mark.parametrize("facts", METHODS, ids=lambda facts: facts.full_name)

#: A string that would be seen in a message or a repr.
HUSH = "tr0ub4dor"


def kind_of(facts: MethodFacts) -> type[Method]:
    return registry.METHODS[facts.class_id << 16 | facts.method_id]


# --- To bytes and back ---


@each_method
@pytest.mark.parametrize("values", [ZERO, EXTREME], ids=["zero", "extreme"])
def test_a_method_comes_back_from_its_payload(kind: type[Method], values: dict[str, Any]) -> None:
    method = given_values(kind, values)
    payload = method.encode()
    assert payload[:4] == kind.INDEX.to_bytes(4)
    read = kind.decode(payload)
    assert type(read) is kind
    assert read == method
    for name, wire_type in kind.FIELDS:
        assert getattr(read, name) == values[wire_type]
        assert type(getattr(read, name)) is type(values[wire_type])


@each_method
def test_a_frame_is_its_payload_between_header_and_end(kind: type[Method]) -> None:
    method = given_values(kind, EXTREME)
    payload = method.encode()
    for channel_number in (0, 1, 65535):
        frame = method.encode_frame(channel_number)
        assert frame[:1] == b"\x01"
        assert frame[1:3] == channel_number.to_bytes(2)
        assert frame[3:7] == len(payload).to_bytes(4)
        assert frame[7:-1] == payload
        assert frame[-1:] == b"\xce"


@each_method
def test_a_payload_can_lie_inside_a_longer_buffer(kind: type[Method]) -> None:
    method = given_values(kind, EXTREME)
    payload = method.encode()
    buffer = b"before" + payload + b"behind" * 50
    assert kind.decode(buffer, 10, 6 + len(payload)) == method
    assert registry.decode_method(buffer, 6, 6 + len(payload)) == method


@each_method
def test_a_payload_that_is_cut_anywhere_is_refused(kind: type[Method]) -> None:
    """Nothing is taken from what comes behind, and the error names the method and the place."""
    for values, behind in product((ZERO, EXTREME), (b"", b"\xce" * 4000)):
        payload = given_values(kind, values).encode()
        for end in range(4, len(payload)):
            with pytest.raises(DecodeError) as caught:
                registry.decode_method(payload[:end] + behind, 0, end)
            assert caught.value.name == kind.NAME
            assert 4 <= caught.value.offset <= end
            assert str(caught.value) == (
                f"{kind.NAME}: {caught.value.reason}, at offset {caught.value.offset}"
            )


@each_method
def test_bytes_that_are_left_over_are_refused(kind: type[Method]) -> None:
    payload = given_values(kind, EXTREME).encode()
    for more in (b"\0", b"more"):
        with pytest.raises(DecodeError) as caught:
            kind.decode(payload + more)
        assert caught.value.name == kind.NAME
        assert caught.value.offset == len(payload)
        assert caught.value.reason == f"{len(more)} bytes are left over"


@given(method=any_method(), channel_number=st.integers(0, 65535))
def test_any_method_comes_back(method: Method, channel_number: int) -> None:
    frame = method.encode_frame(channel_number)
    assert type(method).decode(frame, 11, len(frame) - 1) == method
    assert registry.decode_method(frame, 7, len(frame) - 1) == method


def fault(decode: Callable[[bytes, int], Method], octets: bytes) -> DecodeError | None:
    """What is wrong with these bytes; any other error than that ends the test."""
    try:
        decode(octets, 0)
    except DecodeError as error:
        return error
    return None


@given(
    method=any_method(),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 10_000),
)
def test_bytes_that_are_changed_give_another_method_or_a_decode_error(
    method: Method, changes: list[tuple[int, int]], cut: int
) -> None:
    """Whatever a peer sends, nothing but DecodeError comes of it, within the payload."""
    payload = bytearray(method.encode())
    for place, octet in changes:
        payload[place % len(payload)] = octet
    damaged = bytes(payload[: len(payload) - cut % 7])
    error = fault(registry.decode_method, damaged)
    if error is not None:
        assert 0 <= error.offset <= len(damaged)
        assert error.name
        assert error.reason


@given(kind=st.sampled_from(KINDS), octets=st.binary(max_size=200))
def test_any_bytes_give_a_method_or_a_decode_error(kind: type[Method], octets: bytes) -> None:
    error = fault(kind.decode, octets)
    if error is not None:
        assert error.name == kind.NAME
        assert 4 <= error.offset <= 4 + len(octets)


# --- Where the bytes are wrong ---

WHERE: dict[str, tuple[type[Method], bytes, int, str]] = {
    "text that is no UTF-8": (
        connection.Open,
        b"\x05ab\xffcd\x00\x00",
        4 + 3,
        "a string is no valid UTF-8",
    ),
    "text that ends within a letter": (
        connection.Open,
        b"\x03ab\xc3\x00\x00",
        4 + 3,
        "a string is no valid UTF-8",
    ),
    "text whose letter lies beyond the end": (
        connection.Blocked,
        b"\x04ab\xc3",
        4 + 4,
        "the bytes end too early",
    ),
    "short string that goes too far": (
        connection.Close,
        b"\x00\x00\xffabc\x00\x00",
        4 + 8,
        "the bytes end too early",
    ),
    "long string that goes too far": (
        connection.Secure,
        b"\xff\xff\xff\xffabc",
        4 + 7,
        "the bytes end too early",
    ),
    "long string without its length": (
        connection.Secure,
        b"\xff\xff",
        4,
        "the bytes end too early",
    ),
    "table that goes too far": (
        connection.StartOk,
        b"\x00\x00\x00\x09" + b"x" * 8,
        4,
        "a table or array of 9 bytes does not fit",
    ),
    "table with a value of no type": (
        connection.StartOk,
        b"\x00\x00\x00\x03\x01k?" + bytes(10),
        4 + 6,
        "0x3F is no type of a field value",
    ),
    "table in a table that goes too far": (
        connection.StartOk,
        b"\x00\x00\x00\x08\x01aF\x00\x00\x00\x02b" + bytes(10),
        4 + 7,
        "a table or array of 2 bytes does not fit",
    ),
    "key that is no UTF-8": (
        connection.StartOk,
        b"\x00\x00\x00\x04\x02k\xffV" + bytes(10),
        4 + 6,
        "a string is no valid UTF-8",
    ),
    "too much": (tx.Select, b"\0\0", 4, "2 bytes are left over"),
}


@pytest.mark.parametrize("name", WHERE)
def test_an_error_says_where_in_the_payload_what_is_wrong(name: str) -> None:
    kind, arguments, offset, reason = WHERE[name]
    for before in (b"", b"other frames"):
        with pytest.raises(DecodeError) as caught:
            kind.decode(before + arguments, len(before))
        error = caught.value
        assert (error.name, error.offset, error.reason) == (kind.NAME, offset, reason)
    with pytest.raises(DecodeError) as caught:
        registry.decode_method(b"...." + kind.INDEX.to_bytes(4) + arguments, 4)
    assert (caught.value.offset, caught.value.reason) == (offset, reason)


def test_reserved_fields_are_passed_over_whatever_they_hold() -> None:
    payload = channel.Open().encode()[:4] + b"\x03\xff\xfe\xfd"  # not even UTF-8
    assert channel.Open.decode(payload) == channel.Open()
    declare = bytearray(queue.Declare("q").encode())
    declare[4:6] = b"\xff\xff"  # what was the ticket
    assert queue.Declare.decode(bytes(declare)) == queue.Declare("q")
    opened = connection.Open.decode(b"\x01/\x03abc\xff", 0)
    assert opened == connection.Open("/")
