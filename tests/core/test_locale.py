"""Choosing a locale: what is offered decides, the caller prefers or selects."""

from __future__ import annotations

from typing import Any

import pytest

from amqpconn.errors import InvalidParameter
from amqpconn.locale import LocalePreference, Prefer, Select, choose_locale


def last(offered: list[str]) -> str:
    return offered[-1]


def first(offered: list[str]) -> str:
    return offered[0]


OFFERED = ["de_DE", "en_US", "fr_FR"]


@pytest.mark.parametrize(
    ("preference", "offered", "chosen"),
    [
        (Prefer("en_US"), OFFERED, "en_US"),
        (Prefer("it_IT"), OFFERED, "de_DE"),
        (Prefer("EN_us"), OFFERED, "de_DE"),
        (Prefer("it_IT"), [], "it_IT"),
        ("fr_FR", OFFERED, "fr_FR"),
        ("it_IT", OFFERED, "de_DE"),
        ("it_IT", [], "it_IT"),
        (Select(last), OFFERED, "fr_FR"),
        (Select(max), OFFERED, "fr_FR"),
        (Select(first), [], "en_US"),
    ],
    ids=[
        *("there", "not-there", "case", "none-offered", "str", "str-not-there", "str-none-offered"),
        *("select-last", "select-max", "select-of-none"),
    ],
)
def test_chosen(preference: LocalePreference, offered: list[str], chosen: str) -> None:
    assert choose_locale(preference, offered) == chosen


def test_select_sees_everything_once_and_in_order() -> None:
    seen: list[list[str]] = []

    def first(offered: list[str]) -> str:
        seen.append(offered)
        return offered[0]

    assert choose_locale(Select(first), OFFERED) == "de_DE"
    assert seen == [OFFERED]


def test_select_may_change_its_list() -> None:
    offered = ["b", "a"]

    def smallest(names: list[str]) -> str:
        names.sort()
        return names.pop(0)

    assert choose_locale(Select(smallest), offered) == "a"
    assert offered == ["b", "a"]


@pytest.mark.parametrize(("offered", "listed"), [(OFFERED, "'fr_FR'"), ([], "'en_US'")], ids=str)
@pytest.mark.parametrize("returned", ["it_IT", "", None, 5])
def test_select_must_return_what_is_offered(returned: Any, offered: list[str], listed: str) -> None:
    with pytest.raises(InvalidParameter, match="which is not offered") as caught:
        choose_locale(Select(lambda _: returned), offered)
    assert repr(returned) in caught.value.what
    assert listed in caught.value.remedy


def test_errors_of_the_function_come_through() -> None:
    def broken(_: list[str]) -> str:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        choose_locale(Select(broken), OFFERED)


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        (None, "is a str, not NoneType"),
        (b"en_US", "is a str, not bytes"),
        ("", "1 to 255 bytes"),
        ("é" * 128, "1 to 255 bytes"),
        ("\ud800" * 86, "1 to 255 bytes"),
    ],
    ids=["None", "bytes", "empty", "long", "surrogates"],
)
def test_what_no_locale_is(locale: Any, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        Prefer(locale)


def test_the_longest_locale() -> None:
    assert Prefer("x" * 255).locale == "x" * 255


def test_a_plain_str_is_checked_like_prefer() -> None:
    with pytest.raises(InvalidParameter, match="1 to 255 bytes"):
        choose_locale("", OFFERED)


def test_select_takes_functions_only() -> None:
    not_callable: Any = "en_US"
    with pytest.raises(InvalidParameter, match="takes a function, not str"):
        Select(not_callable)


@pytest.mark.parametrize("preference", [None, b"en_US", ["en_US"], max])
def test_other_preferences(preference: Any) -> None:
    with pytest.raises(InvalidParameter, match="Prefer, a Select or a str"):
        choose_locale(preference, OFFERED)


def test_equality_and_hash() -> None:
    assert Prefer("a") == Prefer("a")
    assert Prefer("a") != Prefer("b")
    assert Select(max) == Select(max)
    assert Select(max) != Select(min)
    assert Prefer("a") != Select(max)
    assert Select(max) != Prefer("a")
    assert Prefer("a") != "a"
    assert len({Prefer("a"), Prefer("a"), Select(max), Select(max)}) == 2


def test_repr() -> None:
    assert repr(Prefer("en_US")) == "Prefer('en_US')"
    assert repr(Select(max)) == "Select(<built-in function max>)"


@pytest.mark.parametrize("preference", [Prefer("a"), Select(max)], ids=str)
def test_there_are_slots(preference: Prefer | Select) -> None:
    assert not hasattr(preference, "__dict__")
