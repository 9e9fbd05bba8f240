"""Values for fields of each wire type: defaults, limits, anything, and what does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import registry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE = EPOCH.replace(tzinfo=None)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

#: What an argument is that nobody gave.
ZERO: dict[str, Any] = {
    "bit": False,
    "octet": 0,
    "short": 0,
    "long": 0,
    "longlong": 0,
    "shortstr": "",
    "longstr": b"",
    "table": {},
    "timestamp": EPOCH,
}

#: The most that each type can hold, or something that looks special.
EXTREME: dict[str, Any] = {
    "bit": True,
    "octet": 255,
    "short": 65535,
    "long": 2**32 - 1,
    "longlong": 2**64 - 1,
    "shortstr": "é" * 127,
    "longstr": bytes(range(256)) * 4,
    "table": {
        "key": ["text", {"inner": -1}, None],
        "flag": True,
        "": b"\xff",
        "k" * 255: 2**63 - 1,
    },
    "timestamp": LATEST,
}

#: What does not fit each type, and words of the message about it. A bit takes any truth value.
WRONG: dict[str, list[tuple[Any, str]]] = {
    "octet": [
        (256, "must be an integer from 0 to 255, not 256"),
        (-1, "must be an integer from 0 to 255, not -1"),
    ],
    "short": [
        (65536, "must be an integer from 0 to 65535, not 65536"),
        (-1, "not -1"),
        (1.0, "not float"),
        ("1", "not str"),
        (None, "not NoneType"),
        (2**70, "not one of 71 bits"),
    ],
    "long": [(2**32, "must be an integer from 0 to 4294967295"), (-1, "not -1"), ("1", "not str")],
    "longlong": [
        (2**64, "must be an integer from 0 to 18446744073709551615, not one of 65 bits"),
        (-1, "not -1"),
        (b"1", "not bytes"),
        (Decimal(1), "not Decimal"),
    ],
    "shortstr": [
        ("x" * 256, "must be at most 255 bytes in UTF-8, not 256"),
        ("é" * 128, "must be at most 255 bytes in UTF-8, not 256"),
        (b"bytes", "must be a str, not bytes"),
        (None, "must be a str, not NoneType"),
        (5, "must be a str, not int"),
        ("\ud800", "is no valid Unicode"),
    ],
    "longstr": [
        ("text", "must be bytes, not str"),
        (None, "must be bytes, not NoneType"),
        (5, "must be bytes, not int"),
        ([1, 2], "must be bytes, not list"),
    ],
    "table": [
        ([("a", 1)], "must be a table (a dict), not list"),
        ("x", "must be a table (a dict), not str"),
        ({"a": object()}, "['a'] has the type object, which no table can hold"),
        ({"a": {"b": [0, 2**63]}}, "['a']['b'][1] must be an integer of at most 64 bits, not 64"),
        ({1: "a"}, "has a key that is no str but int"),
        ({"k" * 256: 1}, "has a key of 256 bytes in UTF-8; the limit is 255"),
        ({"a": "\ud800"}, "['a'] is no valid Unicode"),
        ({"\ud800": 1}, "has a key that is no valid Unicode"),
    ],
    "timestamp": [
        (0, "must be a datetime, not int"),
        (date(2000, 1, 1), "must be a datetime, not date"),
        (NAIVE, "must be a datetime with a time zone, and this one is naive"),
        (datetime(1969, 12, 31, tzinfo=UTC), "must not lie before 1970, but is in 1969"),
    ],
}

TEXT = st.text(st.characters(codec="utf-8"), max_size=63)
MOMENTS = st.integers(0, int(LATEST.timestamp())).map(lambda at: datetime.fromtimestamp(at, UTC))
DECIMALS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 255),
)
TABLE_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=99)
    | MOMENTS
    | DECIMALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(TEXT, TABLE_VALUES, max_size=4)
ANY: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    "octet": st.integers(0, 2**8 - 1),
    "short": st.integers(0, 2**16 - 1),
    "long": st.integers(0, 2**32 - 1),
    "longlong": st.integers(0, 2**64 - 1),
    "shortstr": TEXT,
    "longstr": st.binary(max_size=300),
    "table": TABLES,
    "timestamp": MOMENTS,
}
KINDS = tuple(registry.METHODS.values())


def given_values(kind: type[Method], values: dict[str, Any]) -> Method:
    """A method whose arguments have these values, by their types."""
    return kind(*(values[wire_type] for _, wire_type in kind.FIELDS))


@st.composite
def any_method(draw: st.DrawFn) -> Method:
    """Any of the methods with any arguments."""
    kind = draw(st.sampled_from(KINDS))
    method: Method = kind(*(draw(ANY[wire_type]) for _, wire_type in kind.FIELDS))
    return method
