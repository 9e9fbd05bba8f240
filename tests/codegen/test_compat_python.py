"""Rules about arguments in Python, each on the smallest pair that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.compat import find, read_sides
from tests.codegen.compat import (
    SPEC,
    Case,
    ask,
    breaks,
    case,
    check,
    fields,
    properties,
    shown,
    tells,
)

MOVED = "SOURCE ARGUMENT_SAME_POSITION alpha.ask"
NAMED = "SOURCE FIELD_SAME_NAME"


def asked(arguments: str) -> str:
    return ask(fields(arguments))


CASES = [
    case(
        "another name of a field",
        asked("size:long, nowait:bit"),
        asked("size:long, no-wait:bit"),
        breaks(
            f"{NAMED} alpha.ask", "nowait", "no-wait",
            "alpha.Ask calls no_wait what it called nowait, a bit in the same place: code",
        ),
    ),
    case(
        "other names of several fields, and one more",
        asked("filter:table"),
        asked("arguments:table, last:octet"),
        breaks(f"{NAMED} alpha.ask", "filter", "arguments", "arguments what it called filter"),
        breaks("WIRE FIELD_NO_INSERT alpha.ask", "method", "last", "bytes left over"),
    ),
    case(
        "another name of a property",
        properties(fields("cluster-id:shortstr")),
        properties(fields("reserved:shortstr")),
        breaks(
            f"{NAMED} class alpha", "cluster-id", "reserved",
            "alpha.Properties calls reserved what it called cluster_id, a shortstr",
        ),
    ),
    case(
        "a reserved field in front gets a meaning",
        asked("*reserved-1:short, *reserved-2:bit, size:long"),
        asked("ticket:short, *reserved-9:bit, size:long"),
        tells(
            "SOURCE RESERVED_TO_REAL alpha.ask", "reserved-1", "ticket",
            "alpha.Ask takes ticket (int), which was reserved as reserved-1: servers of the old"
            " version do not look at it", "the bytes are the same",
        ),
        breaks(
            MOVED, "method", "method",
            "alpha.Ask takes size (1 -> 2) in other positions: code that gives or matches arguments"
            " by position gets others",
        ),
    ),
    case(
        "a reserved field at the end gets a meaning",
        asked("size:long, *reserved-1:table"),
        asked("size:long, reserved-1:table"),
        tells(
            "SOURCE RESERVED_TO_REAL alpha.ask", "reserved-1", "reserved-1",
            "alpha.Ask takes reserved_1 (Table)",
        ),
    ),
    case(
        "a reserved property gets a meaning",
        properties(fields("*reserved-1:table")),
        properties(fields("headers:table")),
        tells(
            "SOURCE RESERVED_TO_REAL class alpha", "reserved-1", "headers",
            "alpha.Properties takes headers (Table)", "peers of the old version do not look at it",
        ),
    ),
    case(
        "a field loses its meaning",
        asked("size:long, note:shortstr"),
        asked("size:long, *reserved-1:shortstr"),
        breaks(
            "SOURCE REAL_TO_RESERVED alpha.ask", "note", "reserved-1",
            "alpha.Ask has no note (str) any more, it is reserved as reserved-1: servers of the new"
            " version do not look at it, and code that names it fails",
        ),
    ),
    case(
        "a bit is added where one was spare",
        asked("low:bit, *r:bit"),
        asked("low:bit, *r:bit, *q:bit, high:bit"),
        tells(
            "SOURCE SPARE_BIT_TO_REAL alpha.ask", "method", "high",
            "alpha.Ask takes high (bool), a bit that was spare: servers of the old version do not"
            " look at it", "the bytes are the same",
        ),
    ),
    case(
        "a bit is gone and leaves a spare one",
        asked("low:bit, high:bit, *r:bit, size:long"),
        asked("low:bit, size:long"),
        breaks(
            "SOURCE REAL_TO_SPARE_BIT alpha.ask", "high", "method",
            "alpha.Ask has no high (bool) any more, and its bit is spare: servers of the new"
            " version do not look at it, and code that names it fails",
        ),
        breaks(MOVED, "method", "method", "size (3 -> 2)"),
    ),
    case(
        "a property more",
        properties(fields("mode:octet")),
        properties(fields("mode:octet, *r:octet, size:long")),
        tells(
            "SOURCE PROPERTY_ADDED class alpha", "class", "size",
            "alpha.Properties takes size (long): peers of the old version refuse a content with it",
        ),
    ),
    case(
        "another Python type, the same bytes",
        asked("at:longlong"),
        asked("at:timestamp"),
        breaks(
            "SOURCE FIELD_SAME_PYTHON_TYPE alpha.ask", "at", "at",
            "alpha.Ask takes and gives at as datetime instead of int: code that uses it",
        ),
        breaks(
            "SOURCE DEFAULT_SAME alpha.ask", "at", "at",
            "alpha.Ask takes the epoch instead of 0 for at where code leaves it out",
        ),
    ),
    case(
        "another Python type of a property, which has no default",
        properties(fields("at:timestamp")),
        properties(fields("at:longlong")),
        breaks(
            "SOURCE FIELD_SAME_PYTHON_TYPE class alpha", "at", "at",
            "alpha.Properties takes and gives at as int instead of datetime",
        ),
    ),
    case(
        "another type altogether",
        asked("note:shortstr"),
        asked("note:longstr"),
        breaks("WIRE FIELD_SAME_WIRE_TYPE alpha.ask", "note", "note", "longstr instead of"),
        breaks("SOURCE FIELD_SAME_PYTHON_TYPE alpha.ask", "note", "note", "bytes instead of str"),
        breaks("SOURCE DEFAULT_SAME alpha.ask", "note", "note", "takes b\"\" instead of \"\""),
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=lambda case: case.id)
def test_what_is_found(found: Case, tmp_path: Path) -> None:
    check(found, tmp_path)


OVERLAY = """\
<overlay name="secrets">
<replace target="class/alpha/method/ask/field/word" reason="It is a password.">

<field name="word" type="longstr" secret="1"/>
</replace>
</overlay>
"""


def test_what_a_repr_hides(tmp_path: Path) -> None:
    """Only overlays can mark a secret, and what they say has its place in them."""
    plain, overlay = tmp_path / "old.xml", tmp_path / "hide-new.xml"
    plain.write_text(asked("word:longstr"), "utf-8")
    overlay.write_text(OVERLAY, "utf-8")
    hidden = f"{plain}+{overlay}"

    (lost,) = find(*read_sides(hidden, str(plain), SPEC))
    (won,) = find(*read_sides(str(plain), hidden, SPEC))

    assert (lost.rule.id, lost.rule.category.name) == ("SECRET_SAME", "SOURCE")
    assert lost.change.breaking
    assert "the repr of alpha.Ask shows the value of word, which was hidden" in lost.change.message
    assert str(lost.change.old) == f"{overlay}:4"
    assert shown(won) == ("SOURCE SECRET_SAME alpha.ask", False, 10, 4)
    assert "the repr of alpha.Ask hides the value of word" in won.change.message
