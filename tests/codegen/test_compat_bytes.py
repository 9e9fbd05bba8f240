"""The category WIRE against the bytes that generated classes write and read."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from amqpconn_spec._wire import DecodeError
from codegen.compat import Category, find
from codegen.model import AmqpClass, Field
from tests.codegen.compat_models import a_class, a_field, a_method, a_spec, generated, side

Fields = tuple[Field, ...]

#: A value of each type that is not its default, and that no other type of the same size reads.
EXAMPLES: dict[str, Any] = {
    "octet": 0x81,
    "short": 0x8182,
    "long": 0x81828384,
    "longlong": 0x8182,
    "shortstr": "text",
    "longstr": b"\x02ab",
    "timestamp": datetime(2020, 2, 20, tzinfo=UTC),
    "table": {"key": "value"},
    "bit": True,
}
TYPES = [*EXAMPLES, *["bit"] * 12]
NAMES = string.ascii_lowercase


def fields_of(types: list[str], least: int = 0, most: int = 12) -> st.SearchStrategy[Fields]:
    """Fields with different names; every third or so is reserved."""
    kinds = st.tuples(st.sampled_from(types), st.sampled_from([False, False, True]))
    lists = st.lists(kinds, min_size=least, max_size=most)
    return lists.map(
        lambda drawn: tuple(a_field(NAMES[at], *kind) for at, kind in enumerate(drawn))
    )


# --- Changes ---

Draw = Callable[[st.SearchStrategy[Any]], Any]


def insert(fields: Fields, draw: Draw, types: list[str]) -> Fields:
    place = draw(st.integers(0, len(fields)))
    new = a_field("new", draw(st.sampled_from(types)), draw(st.booleans()))
    return (*fields[:place], new, *fields[place:])


def delete(fields: Fields, draw: Draw, _types: list[str]) -> Fields:
    place = draw(st.integers(0, len(fields) - 1))
    return (*fields[:place], *fields[place + 1 :])


def move(fields: Fields, draw: Draw, _types: list[str]) -> Fields:
    place = draw(st.integers(0, len(fields) - 1))
    assume(not fields[place].reserved)
    rest = (*fields[:place], *fields[place + 1 :])
    target = draw(st.integers(0, len(rest)))
    return (*rest[:target], fields[place], *rest[target:])


def retype(fields: Fields, draw: Draw, types: list[str]) -> Fields:
    # Reserved fields of several types are the same zeros: the rule is stricter than bytes are.
    return changed(fields, draw, lambda f: replace(f, domain=draw(st.sampled_from(types))), False)


def rename(fields: Fields, draw: Draw, _types: list[str]) -> Fields:
    return changed(fields, draw, lambda field: replace(field, name="other"))


def reserve(fields: Fields, draw: Draw, _types: list[str]) -> Fields:
    return changed(fields, draw, lambda field: replace(field, reserved=not field.reserved))


def changed(
    fields: Fields, draw: Draw, change: Callable[[Field], Field], reserved: bool = True
) -> Fields:
    place = draw(st.integers(0, len(fields) - 1))
    assume(reserved or not fields[place].reserved)
    return (*fields[:place], change(fields[place]), *fields[place + 1 :])


CHANGES = [insert, delete, move, retype, rename, reserve]


# --- What generated classes do ---

Make = Callable[[Fields], AmqpClass]


def method(fields: Fields) -> AmqpClass:
    return a_class("alpha", 10, (a_method("ask", 20, fields),))


def content(fields: Fields) -> AmqpClass:
    return a_class("alpha", 10, (a_method("ask", 20, (), content=True),), fields)


def is_found(old: Fields, new: Fields, make: Make) -> bool:
    """Whether the comparison has a finding in the category WIRE."""
    found = find(side(a_spec(make(old))), side(a_spec(make(new))))
    return any(finding.rule.category is Category.WIRE for finding in found)


def agree(old: Fields, new: Fields, make: Make) -> bool:
    """Whether the generated classes of both versions agree on the bytes of what both have.

    The new one reads what the old one writes, and the same values for the fields of both; with
    nothing but these in use, both write the same.
    """
    name = "Ask" if make is method else "Properties"
    before, after = (generated(side(a_spec(make(f))), "alpha")[name] for f in (old, new))
    seen = {field.name: field.domain for field in old if not field.reserved}
    types = {field.name: field.domain for field in new if not field.reserved}
    both = [name for name in seen if name in types]
    for names in ([], list(seen), *([name] for name in seen)):
        written = before(**{name: EXAMPLES[seen[name]] for name in names})
        try:
            read = after.decode(written.encode())
        except DecodeError:
            return False
        if any(plain(getattr(read, name)) != plain(getattr(written, name)) for name in both):
            return False
    common = {name: EXAMPLES[seen[name]] for name in both}
    translated = {name: as_type(value, types[name]) for name, value in common.items()}
    return bool(before(**common).encode() == after(**translated).encode())


def plain(value: Any) -> tuple[type, Any]:
    """A value that equals only one of the same type; a time equals the seconds that it is."""
    value = int(value.timestamp()) if isinstance(value, datetime) else value
    return type(value), value


def as_type(value: Any, wire_type: str) -> Any:
    """A value as a field of this type takes it, for types with the same bytes."""
    if isinstance(value, int) and wire_type == "timestamp":
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime) and wire_type == "longlong":
        return int(value.timestamp())
    return value


#: Each example renders two modules. Explaining a failure would trace all of that.
SOME = settings(max_examples=60, deadline=None, phases=set(Phase) - {Phase.explain})
KINDS = [(method, TYPES), (content, [name for name in TYPES if name != "bit"])]
each_kind = pytest.mark.parametrize(("make", "types"), KINDS, ids=["method", "content"])


@each_kind
@SOME
@given(data=st.data())
def test_one_change_is_found_if_and_only_if_classes_disagree(
    make: Make, types: list[str], data: st.DataObject
) -> None:
    old = data.draw(fields_of(types, least=1, most=17 if make is content else 12))
    change = data.draw(st.sampled_from(CHANGES))
    new = change(old, data.draw, types)
    # Generated classes neither write a reserved property nor tell one of the same type from another
    # that takes its flag. Other peers may do both, so the rule has something to find all the same.
    assume(make is method or change is not delete or not any(field.reserved for field in old))
    assert is_found(old, new, make) is not agree(old, new, make)


@each_kind
@SOME
@given(data=st.data())
def test_several_changes_without_a_finding_leave_classes_that_agree(
    make: Make, types: list[str], data: st.DataObject
) -> None:
    old = new = data.draw(fields_of(types, least=2))
    for change in data.draw(st.lists(st.sampled_from(CHANGES), max_size=4)):
        new = change(new, data.draw, types) if new else new
        names = [field.name for field in new]
        assume(len(set(names)) == len(names))
    assert is_found(old, new, make) or agree(old, new, make)
