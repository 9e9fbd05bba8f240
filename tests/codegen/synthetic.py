"""A specification with everything in it that real ones happen not to have."""

from __future__ import annotations

import html
from collections.abc import Iterable

TYPES = ("bit", "octet", "short", "long", "longlong", "shortstr", "longstr", "timestamp", "table")
PROPERTY_TYPES = TYPES[1:]

#: How many bits one after the other, and how many content properties.
BIT_RUNS = (1, 7, 8, 9, 16, 17, 64)
PROPERTY_COUNTS = (0, 1, 14, 15, 16, 30, 31, 40, 45, 46)

#: Keywords, builtins, and what generated code calls its own things.
NAMES = """
    self cls offset end at start length length2 size bits bits2 flags flags2 channel error value
    buffer data parts properties method frame payload part timestamp timestamp-default datetime
    encode encode-frame encode-table encode-longstr encode-timestamp decode decode-table
    decode-timestamp check global class None True lambda async match type import len int str
    bytes object print list dict super isinstance property classmethod not-implemented index name
    replies fields secrets asserts self-index annotations struct typing a-b A1 x
""".split()  # fmt: skip
METHOD_NAMES = """
    table properties method none true struct self base-properties type int super map
    not-implemented value-error struct-error encode-error decode-faults answered generic typing
    annotations type-checking datetime
""".split()
CLASS_NAMES = ["import", "decode-method", "decode-header", "struct", "typing", "method", "fault"]

#: What would do harm if it got into the output as code.
EVIL = (
    '""" + __import__("os").abort() + """',
    "''' + __import__('os').abort() + '''",
    '\\"\\"\\" \\N{no such name} \\x \\u12 \\',
    "{{ 1 / 0 }} {% raise %} {# #}",
    "100 % %s %(name)s",
    "first\nimport os; os.abort()\r\u2028import os\x85os.abort()",
    "# \u202e gnihton \ufeff \u00ad",
    "\\" * 300,
    '"' * 301,
    "x" * 94 + "\\N{x}" * 50,
)


#: A regular expression that would be code if it were not quoted.
PATTERN = "^[^\"'\\\\]*$|'\"\\)\\) or __import__\\('os'\\).abort\\(\\)"


def specification() -> str:
    """The whole of it."""
    names = ("frame-method", "frame-header", "frame-body", "frame-heartbeat", "frame-end")
    constants = [
        f'<constant name="{name}" value="{value}" label={quoted(EVIL[value % len(EVIL)])}/>'
        for name, value in zip(names, (4, 5, 6, 7, 37), strict=True)
    ]
    errors = [
        f'<constant name="{name}" value="{number}" class="{kind}-error"/>'
        for number, (name, kind) in enumerate(
            [("class", "soft"), ("none", "hard"), ("final", "soft"), ("true", "hard")]
        )
    ]
    classes = [
        bits(),
        runs(),
        names_of_fields(),
        names_of_methods(),
        contents(),
        checked(),
        *names_of_classes(),
    ]
    classes += [properties(number, count) for number, count in enumerate(PROPERTY_COUNTS, 100)]
    domain = f'<domain name="short-name" type="shortstr">{check("length", 5)}</domain>'
    parts = [*constants, *errors, domain, *classes]
    return '<amqp major="7" minor="8" port="1">\n' + "\n".join(parts) + "\n</amqp>\n"


def quoted(text: str) -> str:
    escaped = html.escape(text).replace("\n", "&#10;").replace("\r", "&#13;")
    return f'"{escaped}"'


def field(name: str, type_: str, *asserts: str, reserved: bool = False) -> str:
    label = quoted(EVIL[len(name) % len(EVIL)])
    mark = ' reserved="1"' if reserved else ""
    return f'<field name="{name}" type="{type_}"{mark} label={label}>{"".join(asserts)}</field>'


def check(kind: str, value: object = "", **attributes: str) -> str:
    """An assertion; a value of "" is none."""
    given = {**attributes, **({"value": str(value)} if value != "" else {})}
    return f'<assert check="{kind}" {" ".join(f"{k}={quoted(v)}" for k, v in given.items())}/>'


def method(number: int, name: str, fields: Iterable[str] = (), *, content: int = 0) -> str:
    evil = EVIL[number % len(EVIL)]
    return (
        f'<method name="{name}" index="{number}" content="{content}" label={quoted(evil)}>'
        f'<doc>{html.escape(evil)}</doc><chassis name="server" implement="MUST"/>'
        f"{''.join(fields)}</method>"
    )


def amqp_class(number: int, name: str, methods: Iterable[str], fields: Iterable[str] = ()) -> str:
    evil = EVIL[number % len(EVIL)]
    return (
        f'<class name="{name}" index="{number}" label={quoted(evil)}><doc>{html.escape(evil)}</doc>'
        f"{''.join(fields)}{''.join(methods)}</class>"
    )


def bits() -> str:
    """Runs of bits: alone, with reserved ones at each place in the octet, and all reserved."""
    methods = [
        method(count, f"run-{count}", [field(f"b{at}", "bit") for at in range(count)])
        for count in BIT_RUNS
    ]
    methods += [
        method(
            100 + gap,
            f"gap-{gap}",
            [field(f"b{at}", "bit", reserved=at % 9 == gap) for at in range(18)],
        )
        for gap in range(9)
    ]
    methods += [
        method(
            200 + count,
            f"reserved-{count}",
            [field(f"b{at}", "bit", reserved=True) for at in range(count)],
        )
        for count in BIT_RUNS
    ]
    return amqp_class(65535, "bits", methods)


def runs() -> str:
    """Fields of all types beside each other, with reserved ones of each type in every position."""
    methods = [method(0, "empty")]
    methods += [
        method(number, f"only-{type_}", [field("a", type_)])
        for number, type_ in enumerate(TYPES, 1)
    ]
    for number, type_ in enumerate(TYPES):
        around = [field("x", type_, reserved=True)]
        between = [field("y", type_)]
        for at, other in enumerate(TYPES):
            around += [field(f"a{at}", other), field(f"x{at}", type_, reserved=True)]
            between += [field(f"a{at}", other), field(f"y{at}", type_)]
        methods += [
            method(20 + number, f"around-{type_}", around),
            method(40 + number, f"between-{type_}", between),
        ]
    everything = [field(f"x{at}", type_, reserved=True) for at, type_ in enumerate(TYPES * 2)]
    methods.append(method(65535, "reserved", everything))
    return amqp_class(0, "runs", methods)


def names_of_fields() -> str:
    return amqp_class(
        1,
        "names",
        [
            method(number, f"of-{type_}", [field(name, type_) for name in NAMES])
            for number, type_ in enumerate(TYPES)
        ],
    )


def names_of_methods() -> str:
    methods = [
        method(number, name, [field("a", "octet"), field("t", "table"), field("s", "shortstr")])
        for number, name in enumerate(METHOD_NAMES)
    ]
    return amqp_class(2, "methods", methods, [field(name, "octet") for name in NAMES[:20]])


def names_of_classes() -> list[str]:
    return [
        amqp_class(number, name, [method(1, "m", [field("a", "octet")], content=1)])
        for number, name in enumerate(CLASS_NAMES, 10)
    ]


def checked() -> str:
    """Assertions of every kind, which generated classes offer as `check`."""
    words = '<assert check="enum"><value name="red"/><value name="green"/></assert>'
    numbers = '<assert check="enum"><value name="one"/></assert>'
    request = method(
        1,
        "ask",
        [
            field("most", "short", check("ne", 7)),
            field("hidden", "short", check("notnull"), reserved=True),
        ],
    )
    answer = method(
        2,
        "answer",
        [
            field("given", "short", check("le", method="ask", field="most")),
            field("word", "shortstr", words, check("notnull")),
            field("number", "octet", numbers, check("syntax", rule="in words")),
            field("pattern", "shortstr", check("regexp", PATTERN)),
            field("short", "short-name", check("length", 5), check("length", 3)),
            field("octets", "longstr", check("length", 4)),
            field("nothing", "bit", check("null")),
        ],
    )
    properties = [field("kind", "shortstr", check("length", 2)), field("level", "octet")]
    return amqp_class(3, "checked", [request, answer], properties)


def secrets() -> str:
    """An overlay with secrets of every type, as only overlays may mark them."""
    fields = [f'<field name="{type_}" type="{type_}" secret="1" label="Hush"/>' for type_ in TYPES]
    added = amqp_class(4, "hidden", [method(1, "all", fields)], [fields[5], fields[8]])
    return f'<overlay name="secrets"><add to="/" reason="to hide them">{added}</add></overlay>'


def contents() -> str:
    """Content properties of every type, five times, two of them reserved."""
    fields = [
        field(f"p{at}", type_, reserved=at in (3, 20, 21, 22, 23))
        for at, type_ in enumerate(PROPERTY_TYPES * 5)
    ]
    return amqp_class(37, "contents", [method(37, "percent", [field("a", "octet")])], fields)


def properties(number: int, count: int) -> str:
    """A content with so many properties."""
    fields = [field(f"p{at}", "octet") for at in range(count)]
    return amqp_class(number, f"props{count}", [method(1, "m", content=1)], fields)
