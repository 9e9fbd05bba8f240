"""Rules about header, port and constants, each on the smallest pair that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.compat import (
    FRAMING,
    Case,
    breaks,
    case,
    check,
    fields,
    properties,
    spec,
    tells,
)


def with_constant(line: str) -> str:
    return spec("", framing=f"{FRAMING}{line}<!--a-->\n")


def frame_end(value: int) -> str:
    return spec("", FRAMING.replace('value="206"/>', f'value="{value}"/><!--a-->'))


CASES = [
    case(
        "another version",
        spec(""),
        spec("", root='major="0" minor="10" port="5672"'),
        breaks(
            "WIRE PROTOCOL_HEADER_SAME protocol", "root", "root",
            "clients open a connection with AMQP 1 1 0 10 instead of AMQP 0 0 9 1: servers",
        ),
    ),
    case(
        "another frame end",
        frame_end(206),
        frame_end(207),
        breaks(
            "WIRE FRAME_CONSTANTS constants", "a", "a",
            "frame-end is 207 instead of 206: peers of the two versions", "frames",
        ),
    ),
    case(
        "another value",
        with_constant('<constant name="frame-min-size" value="4096"/>'),
        with_constant('<constant name="frame-min-size" value="8192"/>'),
        breaks(
            "WIRE CONSTANT_SAME_VALUE constants", "a", "a",
            "frame-min-size is 8192 instead of 4096: peers of the two versions",
        ),
    ),
    case(
        "soft becomes hard",
        with_constant('<constant name="not-found" value="404" class="soft-error"/>'),
        with_constant('<constant name="not-found" value="404" class="hard-error"/>'),
        breaks(
            "REPLY CONSTANT_SAME_CLASS constants", "a", "a",
            "not-found (404) is a hard error", "instead of a soft error", "peers",
        ),
    ),
    case(
        "an error becomes none",
        with_constant('<constant name="not-found" value="404" class="soft error"/>'),
        with_constant('<constant name="not found" value="404"/>'),
        breaks(
            "REPLY CONSTANT_SAME_CLASS constants", "a", "a",
            "not-found (404) is no error, instead of a soft error",
        ),
    ),
    case(
        "another port",
        spec(""),
        spec("", root='major="0" minor="9" revision="1" port="5673"'),
        breaks(
            "SOURCE PORT_SAME protocol", "root", "root",
            "constants.PORT is 5673 instead of 5672: who relies on it",
        ),
    ),
    case(
        "a constant is gone",
        with_constant('<constant name="frame trace" value="7"/>'),
        spec(""),
        breaks(
            "SOURCE CONSTANT_NO_DELETE constants", "a", "",
            "constants.FRAME_TRACE (7) is gone: code that names it fails",
        ),
    ),
    case(
        "a reply code is gone",
        with_constant('<constant name="no-route" value="312" class="soft-error"/>'),
        spec(""),
        breaks(
            "SOURCE CONSTANT_NO_DELETE constants", "a", "",
            "constants.NO_ROUTE (312) is gone, and a peer that sends the reply code 312",
        ),
    ),
    case(
        "a constant more",
        spec(""),
        with_constant('<constant name="frame-trace" value="7"/>'),
        tells(
            "SOURCE CONSTANT_ADDED constants", "", "a",
            "constants.FRAME_TRACE (7) is new: code can name it",
        ),
    ),
    case(
        "a reply code more",
        spec(""),
        with_constant('<constant name="no-route" value="312" class="hard-error"/>'),
        tells(
            "SOURCE CONSTANT_ADDED constants", "", "a",
            "constants.NO_ROUTE (312) is new, a hard error", "peers of the old version",
        ),
    ),
    case(
        "another name of a constant",
        with_constant('<constant name="no-way" value="312" class="soft-error"/>'),
        with_constant('<constant name="no-route" value="312" class="soft-error"/>'),
        breaks(
            "SOURCE CONSTANT_RENAMED constants", "a", "a",
            "constants.NO_WAY (312) is called NO_ROUTE: code that names it",
        ),
    ),
    case(
        "another name of a class",
        properties(fields("mode:octet")),
        properties(fields("mode:octet, size:long")).replace('"alpha"', '"import"'),
        breaks(
            "SOURCE CLASS_RENAMED class import", "class", "class",
            "class alpha (10) is called import: code has to import the module import_ instead of"
            " alpha",
        ),
        tells("SOURCE PROPERTY_ADDED class import", "class", "size", "import_.Properties takes"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=lambda case: case.id)
def test_what_is_found(found: Case, tmp_path: Path) -> None:
    check(found, tmp_path)
