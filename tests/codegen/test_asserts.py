"""Assertions of a specification are offered as `check`, and refuse nothing by themselves."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.codegen.conftest import Made
from tests.codegen.synthetic import PATTERN


@pytest.fixture
def checked(made: Made) -> ModuleType:
    return made.module("checked")


def test_facts_are_those_that_a_program_can_check(checked: ModuleType) -> None:
    assert checked.Ask.ASSERTS == (("most", "ne", 7),)
    assert checked.Answer.ASSERTS == (
        ("given", "le", ("checked.ask", "most")),
        ("word", "enum", ("red", "green")),
        ("word", "notnull", None),
        ("pattern", "regexp", PATTERN),
        ("short", "length", 5),  # of its domain, which the field only repeats
        ("short", "length", 3),
        ("octets", "length", 4),
        ("nothing", "null", None),
    )
    assert checked.Properties.ASSERTS == (("kind", "length", 2),)


GOOD: dict[str, Any] = {
    "given": 3,
    "word": "red",
    "pattern": "x",
    "short": "abc",
    "octets": b"1234",
}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"given": 4}, "checked.answer.given breaks the assertion le 3"),
        ({"word": "blue"}, "checked.answer.word breaks the assertion enum ('red', 'green')"),
        ({"pattern": "'"}, f"checked.answer.pattern breaks the assertion regexp {PATTERN}"),
        ({"short": "äb"}, ""),
        ({"short": "äöü"}, "checked.answer.short breaks the assertion length 5"),
        ({"octets": b"12345"}, "checked.answer.octets breaks the assertion length 4"),
        ({"nothing": True}, "checked.answer.nothing breaks the assertion null"),
        ({"number": 200}, ""),
    ],
)
def test_check_tells_what_does_not_hold_and_encoding_does_not_care(
    checked: ModuleType, wrong: dict[str, Any], problem: str
) -> None:
    method = checked.Answer(**{**GOOD, **wrong})
    found = method.check(checked.Ask(3))
    assert problem in found if problem else found == []
    assert checked.Answer.decode(method.encode()) == method


def test_check_compares_with_a_request_only_when_it_is_given_the_right_one(
    checked: ModuleType,
) -> None:
    answer = checked.Answer(**{**GOOD, "given": 9})
    assert answer.check() == []
    assert answer.check(checked.Answer()) == []
    assert len(answer.check(checked.Ask(3))) == 1
    assert checked.Ask(7).check() == ["checked.ask.most breaks the assertion ne 7"]


def test_check_passes_over_properties_that_are_not_there(checked: ModuleType) -> None:
    assert checked.Properties().check() == []
    assert checked.Properties(kind="abc", level=1).check() == [
        "checked.kind breaks the assertion length 2"
    ]
