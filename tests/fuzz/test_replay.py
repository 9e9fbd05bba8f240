"""Every input that has ever shown a fault, and the corpus, through the targets; and what hypothesis
makes of them. Fuzzing itself is `make fuzz`.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.catalogue import LONGEST, TARGETS, corpus, kept, load_check

# How the parts of two inputs become a third one.
PARTS = st.tuples(st.integers(0, 2**16), st.integers(0, 2**16), st.binary(max_size=8))


@cache
def inputs(target: str) -> list[bytes]:
    return [path.read_bytes() for path in kept(target)]


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_kept_shows_no_fault(target: str) -> None:
    check = load_check(target)
    assert inputs(target)
    for path in kept(target):
        try:
            check(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path} shows a fault") from error


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_made_of_what_fuzzing_does_not_cut(target: str) -> None:
    found = list(corpus(target).iterdir())
    assert [path for path in found if path.stat().st_size > LONGEST[target]] == []


def changed(data: bytes, at: int, length: int, new: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + new + data[at + length % 9 :]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_made_of_them_shows_no_fault(target: str) -> None:
    check = load_check(target)

    @settings(max_examples=60)
    @given(st.sampled_from(inputs(target)), st.lists(PARTS, max_size=4))
    def search(data: bytes, parts: list[tuple[int, int, bytes]]) -> None:
        for at, length, new in parts:
            data = changed(data, at, length, new)
        check(data)

    search()


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_at_all_shows_no_fault(target: str) -> None:
    load_check(target)(b"")
