"""What makes a difference to the generated code is found: changes at random, of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from codegen.compat import find
from codegen.diagnostics import SpecError
from codegen.model import AmqpClass, Assertion, Constant, Domain, Field, Method, Reference, Spec
from tests.codegen.compat_models import (
    PLACE,
    a_class,
    a_field,
    a_method,
    a_spec,
    rendered,
    side,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]


def assertion(check: str, value: str | None = None, *names: str) -> Assertion:
    return Assertion(check, value, None, None, names, PLACE)


BASE = a_spec(
    a_class(
        "alpha",
        10,
        (
            a_method(
                "ask",
                10,
                (a_field("word", "word"), a_field("low", "bit"), a_field("r", "bit", True)),
            ),
            a_method(
                "yes", 11, (a_field("size", "long"), a_field("a", "bit"), a_field("b", "bit"))
            ),
            a_method("no", 12, (a_field("at", "timestamp"), a_field("note", "word"))),
        ),
        (a_field("mode", "octet"), a_field("headers", "table")),
    ),
    a_class("beta", 20, (a_method("ask", 10, ()),)),
)
BASE = replace(
    BASE,
    constants=(*BASE.constants, Constant("no-route", 312, "soft-error", "", PLACE)),
    domains=(
        Domain("word", "shortstr", "A word", (assertion("notnull"),), PLACE),
        Domain("term", "shortstr", "A word", (), PLACE),
        Domain("text", "longstr", "A text", (), PLACE),
    ),
)


def one_of(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


#: Other values for the attributes of each kind of part.
VALUES: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    Spec: {"minor": one_of(9, 10), "revision": one_of(0, None), "port": one_of(5671)},
    Constant: {
        "name": one_of("frame-trace", "frame-oob"),
        "value": one_of(7, 9, 207),
        "error": one_of("soft-error", "hard-error", None),
        "label": one_of("Label"),
    },
    Domain: {
        "type": one_of("shortstr", "longstr", "table"),
        "label": one_of("Label"),
        "asserts": st.lists(
            one_of(assertion("notnull"), assertion("length", "9"), assertion("length", "8")),
            max_size=2,
            unique=True,
        ).map(tuple),
    },
    AmqpClass: {
        "name": one_of("gamma", "delta"),
        "index": one_of(10, 20, 30),
        "label": one_of("Label"),
        "doc": one_of("Doc"),
    },
    Method: {
        "name": one_of("tell", "maybe"),
        "index": one_of(10, 13),
        "synchronous": st.booleans(),
        "content": st.booleans(),
        "deprecated": st.booleans(),
        "label": one_of("Label"),
        "doc": one_of("Doc"),
        "chassis": st.lists(
            one_of(Reference("client", PLACE), Reference("server", PLACE)),
            min_size=1,
            unique=True,
        ).map(tuple),
        "responses": one_of((), (Reference("yes", PLACE),), (Reference("no", PLACE),)),
    },
    Field: {
        "name": one_of("other", "size"),
        "domain": one_of("word", "term", "text", "bit", "octet", "long", "longlong", "timestamp"),
        "label": one_of("Label"),
        "reserved": st.booleans(),
        "secret": st.booleans(),
        "asserts": one_of((), (assertion("regexp", "^a$"),), (assertion("enum", None, "a"),)),
    },
}
#: A part of each kind to be added.
NEW: dict[type, Any] = {
    Constant: Constant("added", 99, "soft-error", "", PLACE),
    AmqpClass: a_class("added", 99, ()),
    Method: a_method("added", 99, ()),
    Field: a_field("added", "bit"),
}
#: Where the parts of a part are.
INSIDE: dict[type, tuple[str, ...]] = {
    Spec: ("constants", "domains", "classes"),
    AmqpClass: ("methods", "fields"),
    Method: ("fields",),
}
KINDS = {"constants": Constant, "domains": Domain, "classes": AmqpClass}
KINDS |= {"methods": Method, "fields": Field}


def edited(part: Any, draw: Draw) -> Any:
    """A part with one change, in it or somewhere inside."""
    kind = type(part)
    places = [*VALUES[kind], *(name for name in INSIDE.get(kind, ()) for _ in range(9))]
    place = draw(st.sampled_from(places))
    if place in VALUES[kind]:
        return replace(part, **{place: draw(VALUES[kind][place])})
    return replace(part, **{place: edited_list(getattr(part, place), KINDS[place], draw)})


def edited_list(parts: tuple[Any, ...], kind: type, draw: Draw) -> tuple[Any, ...]:
    """Parts of a kind, of which one is gone, new or changed, or in the other order."""
    at = draw(st.integers(0, max(len(parts) - 1, 0)))
    action = draw(one_of("delete", "add", "turn", *["change"] * 5))
    if action == "add":
        return (*parts[:at], NEW[kind], *parts[at:]) if kind in NEW else parts
    if action == "turn":
        return parts[::-1]
    changed = (edited(part, draw) for part in parts[at : at + 1] if action == "change")
    return (*parts[:at], *changed, *parts[at + 1 :])


def has_twins(spec: Spec) -> bool:
    """Whether something has the name or number of another one, which no file can have."""

    def twins(*keys: list[Any]) -> bool:
        return any(len(set(values)) < len(values) for values in keys)

    methods = [found.methods for found in spec.classes]
    fields = [found.fields for found in spec.classes]
    fields += [method.fields for found in methods for method in found]
    return twins(
        [part.name for part in spec.constants],
        [part.name for part in spec.classes],
        [part.index for part in spec.classes],
        *([part.name for part in parts] for parts in methods),
        *([part.index for part in parts] for parts in methods),
        *([part.name for part in parts] for parts in fields),
    )


@settings(max_examples=100, phases=set(Phase) - {Phase.explain})
@given(data=st.data())
def test_other_code_is_found_and_the_same_code_only_for_names_that_it_does_not_have(
    data: st.DataObject,
) -> None:
    new = BASE
    for _ in range(data.draw(st.integers(1, 3))):
        new = edited(new, data.draw)
    assume(not has_twins(new))
    try:
        sides = side(BASE), side(new)
    except SpecError:
        assume(False)
    found = {finding.rule.id for finding in find(*sides)}
    if by_order(rendered(sides[0])) != by_order(rendered(sides[1])):
        assert found
    else:
        assert found <= {"DOMAIN_SAME_NAME"}


def by_order(files: dict[str, str]) -> dict[str, list[str]]:
    """Files in which the order of lines is nothing, as in that of constants it is nothing."""
    return {
        name: sorted(text.splitlines()) if name in ("constants.py", "errors.py") else [text]
        for name, text in files.items()
    }
