"""No input of n bytes takes more than O(n) time or 64 n memory; what lies about its length, or lies
too deep, is refused before anything is made for it.

Time is counted in calls, so that a busy machine changes nothing, and for what happens inside of one
call in processor time, of eight times as much input, with a bound far from both.
"""

from __future__ import annotations

import re
import sys
import tracemalloc
from collections.abc import Callable
from time import thread_time

import pytest

from amqpconn.core.framing import FrameReader
from amqpconn.errors import FrameTooLarge, MalformedFrame
from amqpconn_spec._wire import MAX_DEPTH, DecodeError, decode_table
from tests.fuzz.catalogue import TARGETS, kept, load_check
from tests.fuzz.growing import DIALECT, FAMILIES, Family, in_table

SIZE = 4096
#: What a thing may take whatever comes.
MEMORY = 64 * 1024
MEMORY_PER_BYTE = 64
CALLS = 2000
CALLS_PER_BYTE = 60

#: Families in which a call might copy all that is there: again and again, it would be quadratic.
COPYING = re.compile("in pieces$|of a byte|URL|nested|stranger|handshake")

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def calls(function: Callable[[bytes], object], data: bytes) -> int:
    """How many functions are called, those in C too."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(data)
    finally:
        sys.setprofile(before)
    return count


def memory(function: Callable[[bytes], object], data: bytes) -> int:
    """The most that was held at once, in bytes."""
    tracemalloc.start()
    try:
        function(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def seconds(family: Family, size: int) -> float:
    """Processor time of this thread, the least of some attempts."""
    data, spent = family.data(size), []
    for _ in range(2):
        read = family.reader()
        before = thread_time()
        read(data)
        spent.append(thread_time() - before)
    return min(spent)


@each_family
def test_twice_as_much_takes_twice_as_many_calls(family: Family) -> None:
    once = calls(family.reader(), family.data(SIZE))
    twice = calls(family.reader(), family.data(2 * SIZE))
    assert once <= CALLS + CALLS_PER_BYTE * SIZE
    assert twice <= 2.2 * once + CALLS


@each_family
def test_memory_is_bounded_by_the_size_of_the_input(family: Family) -> None:
    for size in (SIZE, 4 * SIZE):
        data = family.data(size)
        assert memory(family.reader(), data) <= MEMORY + MEMORY_PER_BYTE * len(data)


@pytest.mark.parametrize("name", [name for name in FAMILIES if COPYING.search(name)])
def test_eight_times_as_much_takes_nothing_like_the_square_of_it(name: str) -> None:
    family = FAMILIES[name]
    assert seconds(family, 64 * SIZE) <= 16 * seconds(family, 8 * SIZE) + 0.02


@pytest.mark.parametrize("target", [name for name in TARGETS if name not in ("spec", "overlay")])
def test_what_was_kept_stays_within_the_limits(target: str) -> None:
    """With all that a target does to check what came: it reads twice, and writes."""
    check = load_check(target)
    for path in kept(target):
        data = path.read_bytes()
        check(data)  # what is imported late, and what is remembered, is not the input's cost
        assert calls(check, data) <= 5 * (CALLS + CALLS_PER_BYTE * len(data)), path


# --- specifications ---

#: Of a specification that is as large as one may be.
SPECIFICATION = 4 * 1024 * 1024
SPECIFICATIONS = {
    "elements": b"<a/>",
    "classes": b"<class/>",
    "constants": b'<constant name="a" value="1"/>',
    "comments": b"<!---->",
    "references": b"&#65;",
    "attributes": b"<a " + b" ".join(b'a%d=""' % number for number in range(1000)) + b"/>",
    "names": b'<class name="' + b"x-" * 4000 + b'"/>',
    "too long": b'<class name="' + b"x-" * 8000 + b'"/>',
    "deep": b"<a>",
    "text": b"x ",
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_is_read_within_bounds_or_refused(name: str) -> None:
    piece = SPECIFICATIONS[name]
    data = b"\1<amqp>" + piece * (16 * SIZE // len(piece)) + b"</amqp>"
    check = load_check("spec")
    check(b"\1")
    assert calls(check, data) <= 1000 * CALLS + CALLS_PER_BYTE * len(data)
    assert memory(check, data) <= SPECIFICATION + MEMORY_PER_BYTE * len(data)


# --- lies and bombs ---


def bomb(depth: int, kind: bytes) -> bytes:
    """Tables or arrays in each other, with true lengths."""
    inside = b""
    for _ in range(depth):
        key = b"\x00" if kind == b"F" else b""
        inside = key + kind + in_table(inside)
    return in_table(inside if kind == b"F" else b"\x00" + inside)


def refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_table(data)


@pytest.mark.parametrize("kind", [b"F", b"A"])
def test_a_nesting_bomb_is_refused_when_it_is_too_deep(kind: bytes) -> None:
    data = bomb(10_000, kind)
    with pytest.raises(DecodeError, match=f"lie deeper than {MAX_DEPTH}"):
        decode_table(data)
    assert memory(refused, data) < MEMORY
    assert calls(refused, data) < CALLS


@pytest.mark.parametrize("kind", [b"S", b"x", b"F", b"A"])
@pytest.mark.parametrize("lie", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01"])
def test_a_length_that_lies_is_refused_before_anything_is_made(kind: bytes, lie: bytes) -> None:
    for data in (in_table(b"\x00" + kind + lie), lie + b"\x00V"[: len(lie) - 3]):
        assert memory(refused, data) < MEMORY


@pytest.mark.parametrize("size", [4089, 2**31, 2**32 - 8, 2**32 - 1])
def test_a_frame_that_lies_about_its_size_is_refused_at_its_header(size: int) -> None:
    reader = FrameReader(DIALECT, 4096)
    with pytest.raises(FrameTooLarge):
        list(reader.receive(b"\x03\x00\x01" + size.to_bytes(4, "big")))


def test_strings_that_lie_are_refused_in_every_method_of_every_version() -> None:
    check = load_check("methods")
    for version in range(3):
        for place in range(150):
            for octet in (b"\xff", b"\x7f", b"\x01"):
                check(bytes([version, place]) + octet * 200)


def test_a_body_that_never_comes_takes_nothing() -> None:
    announced = FAMILIES["bodies of nothing"]
    assert memory(announced.reader(), announced.data(0)) < MEMORY


def test_more_frames_than_memory_are_refused() -> None:
    """A frame is whole before it is taken apart, so its limit is the limit of everything in it."""
    reader = FrameReader(DIALECT, 4096)
    with pytest.raises(MalformedFrame):
        list(reader.receive(b"\x01\0\0\0\0\x0f\xf8" + b"\xff" * 4088 + b"\xce"))
