"""The XML's assertions about values: checked here, and offered by generated classes as `check`.

Brokers accept more than the specification asserts, so nothing is ever refused for an assertion.
"""

from __future__ import annotations

import re

from .diagnostics import Diagnostics
from .model import AmqpClass, Assertion, ResolvedField
from .naming import attribute

#: Checks with nothing to compare a value with; "syntax" names a rule that only people can read.
PLAIN = ("notnull", "null", "syntax")
#: Checks of a value against a number, and all that there are.
NUMERIC = ("length", "ne")
KNOWN = (*PLAIN, *NUMERIC, "regexp", "enum", "le")

#: Wire types that a check suits, where it does not suit all; an enum of numbers is for people.
INTEGERS = ("octet", "short", "long", "longlong")
SUITABLE = {
    "length": ("shortstr", "longstr"),
    "regexp": ("shortstr",),
    "enum": ("shortstr", *INTEGERS),
    "ne": INTEGERS,
    "le": INTEGERS,
}

#: Attribute, check, and what the value is compared with.
Fact = tuple[str, str, object]


def report(
    asserts: tuple[Assertion, ...],
    wire_type: str,
    owner: AmqpClass | None,
    diagnostics: Diagnostics,
) -> None:
    """Add a diagnostic for every assertion that makes no sense.

    Args:
        asserts: What is asserted about a value.
        wire_type: The type of the value; "" if that is unknown, and reported already.
        owner: The class around the field, whose methods an assertion can refer to.
        diagnostics: Takes what is found.
    """
    for found in asserts:
        problem = _problem(found, wire_type, owner)
        if problem:
            diagnostics.add(found.origin, "bad-assert", problem)


def _problem(found: Assertion, wire_type: str, owner: AmqpClass | None) -> str:
    """What is wrong with an assertion; "" when nothing is."""
    value = found.value or ""
    if found.check and found.check not in KNOWN:
        return f"unknown check {found.check!r}"
    if wire_type and wire_type not in SUITABLE.get(found.check, (wire_type,)):
        return f"check {found.check} does not suit the type {wire_type}"
    if found.check in NUMERIC and not (value.isascii() and value.isdigit() and len(value) <= 20):
        return f"check {found.check} needs a number as its value"
    if found.check == "regexp":
        return _regexp_problem(value)
    if found.check == "le" and not _refers(found, owner):
        return f"no field {found.field!r} in a method {found.method!r} of this class"
    return ""


def _regexp_problem(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError) as error:
        return f"bad regular expression: {error}"
    except RecursionError:
        return "bad regular expression: its groups lie too deep"
    return ""


def _refers(found: Assertion, owner: AmqpClass | None) -> bool:
    """Whether the method and field exist that the assertion compares with."""
    return any(
        (method.name, field.name) == (found.method, found.field) and not field.reserved
        for method in (owner.methods if owner is not None else ())
        for field in method.fields
    )


def merge(inherited: tuple[Assertion, ...], own: tuple[Assertion, ...]) -> tuple[Assertion, ...]:
    """A field's assertions: those of its domain, and its own unless they only repeat one."""
    known = [_contents(found) for found in inherited]
    return (*inherited, *(found for found in own if _contents(found) not in known))


def _contents(found: Assertion) -> tuple[object, ...]:
    return (found.check, found.value, found.method, found.field, found.values)


def facts(fields: tuple[ResolvedField, ...], class_name: str) -> tuple[Fact, ...]:
    """What generated classes are told of the assertions about these fields.

    What only people can check is left out: syntax, and names for numbers.
    """
    return tuple(
        (field.python, found.check, _limit(found, class_name))
        for field in fields
        if not field.reserved
        for found in field.asserts
        if found.check != "syntax" and (found.check != "enum" or field.type == "shortstr")
    )


def _limit(found: Assertion, class_name: str) -> object:
    """What a value is compared with: a number, a pattern, words, or a field of the request."""
    if found.check in NUMERIC:
        return int(found.value or "")
    if found.check == "le":
        return f"{class_name}.{found.method}", attribute(found.field or "")
    return found.values if found.check == "enum" else found.value
