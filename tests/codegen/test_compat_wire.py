"""Rules about the bytes of fields and properties, each on the smallest pair that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.compat import (
    Case,
    ask,
    breaks,
    case,
    check,
    fields,
    properties,
)

MOVED = "SOURCE ARGUMENT_SAME_POSITION alpha.ask"
BIT = "WIRE BIT_SAME_POSITION alpha.ask"
DELETED = "WIRE FIELD_NO_DELETE alpha.ask"
INSERTED = "WIRE FIELD_NO_INSERT alpha.ask"
FLAG = "WIRE PROPERTY_SAME_FLAG class alpha"


def asked(arguments: str) -> str:
    return ask(fields(arguments))


CASES = [
    case(
        "a field in the middle is gone",
        asked("size:long, mode:octet"),
        asked("mode:octet"),
        breaks(
            DELETED, "size", "method",
            "clients that send alpha.ask leave size (long) out: servers of the old version read"
            " what follows in its place",
        ),
        breaks(
            MOVED, "method", "method",
            "alpha.Ask takes mode (2 -> 1) in other positions: code that",
        ),
    ),
    case(
        "the last field is gone",
        asked("size:long, *spare:octet"),
        asked("size:long"),
        breaks(DELETED, "spare", "method", "leave spare (octet) out", "find the method too short"),
    ),
    case(
        "a field more in the middle",
        asked("size:long, mode:octet"),
        asked("size:long, name:shortstr, mode:octet"),
        breaks(
            INSERTED, "method", "name",
            "clients that send alpha.ask write name (shortstr) as well: servers of the old version"
            " read it in place of what follows",
        ),
        breaks(MOVED, "method", "method", "mode (2 -> 3)"),
    ),
    case(
        "a field more at the end",
        asked("size:long"),
        asked("size:long, *spare:table"),
        breaks(INSERTED, "method", "spare", "write spare (table) as well", "find bytes left over"),
    ),
    case(
        "a field moved",
        asked("size:long, mode:octet, name:shortstr"),
        asked("mode:octet, name:shortstr, size:long"),
        breaks(
            "WIRE FIELD_MOVED alpha.ask", "size", "size",
            "clients that send alpha.ask write size (long) as field 3 instead of 1: servers of the"
            " old version read another field there",
        ),
        breaks(MOVED, "method", "method", "mode (2 -> 1), name (3 -> 2) and size (1 -> 3)"),
    ),
    case(
        "two fields changed places",
        asked("low:bit, high:bit, mode:bit"),
        asked("high:bit, low:bit, mode:bit"),
        breaks(
            "WIRE FIELD_MOVED alpha.ask", "high", "high", "write high (bit) as field 1 instead of 2"
        ),
        breaks(BIT, "low", "low", "write low as bit 1 instead of bit 0"),
        breaks(MOVED, "method", "method", "high (2 -> 1) and low (1 -> 2)"),
    ),
    case(
        "another type",
        asked("size:long, mode:octet"),
        asked("size:longlong, mode:octet"),
        breaks(
            "WIRE FIELD_SAME_WIRE_TYPE alpha.ask", "size", "size",
            "clients that send alpha.ask write size as longlong instead of long: servers of the old"
            " version read something else",
        ),
    ),
    case(
        "another type of a reserved field",
        asked("*r:long, mode:octet"),
        asked("*r:short, mode:octet"),
        breaks("WIRE FIELD_SAME_WIRE_TYPE alpha.ask", "r", "r", "write r as short instead of long"),
    ),
    case(
        "a bit before others",
        asked("low:bit, high:bit, *r:bit"),
        asked("new:bit, low:bit, high:bit, *r:bit"),
        breaks(INSERTED, "method", "new", "write new (bit) as well: servers of the old version"),
        breaks(
            BIT, "low", "low",
            "clients that send alpha.ask write low as bit 1 instead of bit 0: servers of the old"
            " version read another field there",
        ),
        breaks(BIT, "high", "high", "write high as bit 2 instead of bit 1"),
        breaks(MOVED, "method", "method", "low (1 -> 2) and high (2 -> 3)"),
    ),
    case(
        "a bit before others is gone",
        asked("old:bit, low:bit"),
        asked("low:bit"),
        breaks(DELETED, "old", "method", "leave old (bit) out", "read what follows in its place"),
        breaks(BIT, "low", "low", "write low as bit 0 instead of bit 1"),
        breaks(MOVED, "method", "method", "low (2 -> 1)"),
    ),
    case(
        "a bit goes to the next octet",
        asked("b0:bit,b1:bit,b2:bit,b3:bit,b4:bit,b5:bit,b6:bit,last:bit"),
        asked("*new:bit,b0:bit,b1:bit,b2:bit,b3:bit,b4:bit,b5:bit,b6:bit,last:bit"),
        breaks(INSERTED, "method", "new", "write new (bit) as well"),
        breaks(BIT, "last", "last", "write last as bit 0 of octet 2 of its run instead of bit 7"),
        *(breaks(BIT, f"b{n}", f"b{n}", f"write b{n} as bit {n + 1}") for n in range(7)),
    ),
    case(
        "the ninth bit needs an octet",
        asked("b0:bit,b1:bit,b2:bit,b3:bit,b4:bit,b5:bit,b6:bit,b7:bit"),
        asked("b0:bit,b1:bit,b2:bit,b3:bit,b4:bit,b5:bit,b6:bit,b7:bit,b8:bit"),
        breaks(INSERTED, "method", "b8", "write b8 (bit) as well", "find bytes left over"),
    ),
    case(
        "the only bit needs an octet",
        asked("size:long"),
        asked("size:long, new:bit"),
        breaks(INSERTED, "method", "new", "write new (bit) as well", "find bytes left over"),
    ),
    case(
        "a field between bits puts the last into an octet of its own",
        asked("low:bit, high:bit"),
        asked("low:bit, size:long, high:bit"),
        breaks(INSERTED, "method", "size", "write size (long) as well"),
        breaks(BIT, "high", "high", "write high as bit 0 instead of bit 1"),
        breaks(MOVED, "method", "method", "high (2 -> 3)"),
    ),
    case(
        "the first property is gone",
        properties(fields("type:shortstr, mode:octet")),
        properties(fields("mode:octet")),
        breaks(
            "WIRE PROPERTY_NO_DELETE class alpha", "type", "class",
            "contents of class alpha cannot carry type (shortstr) any more: peers of the new"
            " version take it for mode",
        ),
        breaks(
            FLAG, "mode", "mode",
            "contents of class alpha say with flag 0x8000 instead of flag 0x4000 that they have"
            " mode: peers of the old version take it for type",
        ),
        breaks(
            "SOURCE ARGUMENT_SAME_POSITION class alpha", "class", "class",
            "alpha.Properties takes mode (2 -> 1) in other positions",
        ),
    ),
    case(
        "the last property is gone",
        properties(fields("type:shortstr, *mode:octet")),
        properties(fields("type:shortstr")),
        breaks(
            "WIRE PROPERTY_NO_DELETE class alpha", "mode", "class",
            "cannot carry mode (octet) any more: peers of the new version refuse a content with it",
        ),
    ),
    case(
        "a property before another",
        properties(fields("*r:octet, mode:octet")),
        properties(fields("*new:table, *r:octet, mode:octet")),
        breaks(
            FLAG, "mode", "mode", "with flag 0x2000 instead of flag 0x4000 that they have mode",
            "refuse a content with it",
        ),
    ),
    case(
        "a property that needs another flag word",
        properties(fields(",".join(f"p{n}:octet" for n in range(14)) + ",last:octet")),
        properties(fields(",".join(f"p{n}:octet" for n in range(14)) + ",*r:octet,last:octet")),
        breaks(FLAG, "last", "last", "with flag 0x8000 of word 2 instead of flag 0x0002"),
    ),
    case(
        "another type of a property",
        properties(fields("mode:octet")),
        properties(fields("mode:long")),
        breaks(
            "WIRE FIELD_SAME_WIRE_TYPE class alpha", "mode", "mode",
            "contents of class alpha carry mode as long instead of octet: peers of the old version",
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=lambda case: case.id)
def test_what_is_found(found: Case, tmp_path: Path) -> None:
    check(found, tmp_path)
