"""Rules about assertions, labels and domains, each on the smallest pair that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.compat import (
    FRAMING,
    Case,
    ask,
    breaks,
    case,
    check,
    fields,
    properties,
    spec,
    tells,
)

SERVER = '<chassis name="server" implement="MUST"/>'
TIGHTER = "SOURCE ASSERT_NOT_TIGHTENED"
LOOSER = "SOURCE ASSERT_LOOSENED"


def with_constant(line: str) -> str:
    return spec("", framing=f"{FRAMING}{line}<!--a-->\n")


def enum(*names: str) -> str:
    values = "".join(f'<value name="{name}"/>' for name in names)
    return f'<assert check="enum">{values}</assert>'


def assert_rows(asserts: tuple[str, ...]) -> list[str]:
    """Assertions, given whole or by their attributes, on lines that are marked a, b, c."""
    elements = [text if text.startswith("<") else f"<assert {text}/>" for text in asserts]
    return [f"{element}<!--{mark}-->" for mark, element in zip("abc", elements, strict=False)]


def asserted(*asserts: str, wire_type: str = "shortstr") -> str:
    """The field alpha.ask.value (marked field) with assertions."""
    start = f'<field name="value" type="{wire_type}"><!--field-->'
    return ask("\n".join([start, *assert_rows(asserts), "</field>"]))


def in_domain(*asserts: str, name: str = "word") -> str:
    """The domain word with assertions, and three fields that name it, the last a property."""
    start = f'<domain name="{name}" type="shortstr">'
    domain = "\n".join([start, *assert_rows(asserts), "</domain>"])
    return spec(f"""{domain}
<class name="alpha" index="10">
<field name="note" domain="{name}"/>
<method name="ask" index="20" content="1">
{SERVER}
<field name="one" domain="{name}"/><!--one-->
<field name="two" domain="{name}"/>
</method>
</class>""")


def compared(limit: str) -> str:
    """alpha.answer, whose value must not exceed a field of alpha.ask."""
    return spec(f"""<class name="alpha" index="10">
<method name="ask" index="20">
{SERVER}
<field name="most" type="short"/>
<field name="least" type="short"/>
</method>
<method name="answer" index="21">
{SERVER}
<field name="value" type="short"><!--field-->
<assert check="le" method="ask" field="{limit}"/><!--a-->
</field>
</method>
</class>""")


CASES = [
    case(
        "an assertion more",
        asserted(),
        asserted('check="notnull"'),
        breaks(
            f"{TIGHTER} alpha.ask", "field", "a",
            "alpha.ask.value is asked not to be empty: check() reports values that it accepted",
            "strict peers",
        ),
    ),
    case(
        "shorter",
        asserted('check="length" value="255"'),
        asserted('check="length" value="127"'),
        breaks(
            f"{TIGHTER} alpha.ask", "a", "a", "asked to be no longer than 127 instead of 255: check"
        ),
    ),
    case(
        "longer",
        asserted('check="length" value="127"'),
        asserted('check="length" value="255"'),
        tells(
            f"{LOOSER} alpha.ask", "a", "a",
            "alpha.ask.value is asked to be no longer than 255 instead of 127: check()",
            "strict peers of the old version do not",
        ),
    ),
    case(
        "an assertion less",
        asserted('check="null"', 'check="notnull"'),
        asserted('check="notnull"'),
        tells(
            f"{LOOSER} alpha.ask", "a", "field",
            "alpha.ask.value is not asked any more to be empty: check() accepts more",
        ),
    ),
    case(
        "another pattern",
        asserted('check="regexp" value="^a*$"'),
        asserted('check="regexp" value="^a+$"'),
        breaks(f"{TIGHTER} alpha.ask", "a", "a", "asked to match ^a+$ instead of ^a*$"),
    ),
    case(
        "another forbidden number",
        asserted('check="ne" value="0"', wire_type="short"),
        asserted('check="ne" value="1"', wire_type="short"),
        breaks(f"{TIGHTER} alpha.ask", "a", "a", "asked not to be 1 instead of 0"),
    ),
    case(
        "fewer words",
        asserted(enum("a", "b")),
        asserted(enum("b")),
        breaks(f"{TIGHTER} alpha.ask", "a", "a", "asked to be b instead of a or b"),
    ),
    case(
        "more words",
        asserted(enum("a")),
        asserted(enum("b", "a")),
        tells(f"{LOOSER} alpha.ask", "a", "a", "is asked to be b or a instead of a: check() acc"),
    ),
    case(
        "other words are not looser because one went",
        asserted(enum("a", "b")),
        asserted(enum("b", "c")),
        breaks(f"{TIGHTER} alpha.ask", "a", "a", "asked to be b or c instead of a or b"),
    ),
    case(
        "what only people can check",
        asserted('check="syntax"'),
        asserted(),
    ),
    case(
        "what other fields are compared with",
        compared("most"),
        compared("least"),
        breaks(
            f"{TIGHTER} alpha.answer", "a", "a",
            "alpha.answer.value is asked to be no more than alpha.ask.least instead of"
            " alpha.ask.most",
        ),
    ),
    case(
        "an assertion about a domain, told once",
        in_domain(),
        in_domain('check="notnull"'),
        breaks(
            f"{TIGHTER} domain word", "one", "a",
            "alpha.ask.one, alpha.ask.two and alpha.note are asked not to be empty",
        ),
    ),
    case(
        "an assertion about a domain is gone",
        in_domain('check="length" value="9"'),
        in_domain(),
        tells(
            f"{LOOSER} domain word", "a", "one",
            "alpha.ask.one, alpha.ask.two and alpha.note are not asked any more to be no longer"
            " than 9",
        ),
    ),
    case(
        "what is asked of a field that gets a meaning is not told apart",
        ask('<field name="r" type="shortstr" reserved="1"/><!--r-->'),
        asserted('check="notnull"'),
        tells("SOURCE RESERVED_TO_REAL alpha.ask", "r", "field", "value (str)"),
    ),
    case(
        "other comments of constants",
        with_constant('<constant name="frame-trace" value="7"/>'),
        with_constant('<constant name="frame-trace" value="7" label="Traces"/>'),
        tells(
            "DOC LABEL_CHANGED constants", "a", "a",
            "the comments of the module constants change: frame-trace",
        ),
    ),
    case(
        "other words about a method and its fields",
        ask('<field name="r" type="bit" reserved="1" label="a"/>\n<field name="in" type="bit"/>'),
        ask(
            '<field name="r" type="bit" reserved="1" label="b"/>\n'
            '<field name="in" type="bit" label="Inside"/>',
            'label="Ask"',
            f"<doc>More.</doc>\n{SERVER}",
        ),
        tells(
            "DOC LABEL_CHANGED alpha.ask", "method", "method",
            "the docstring of alpha.Ask changes: its label, its doc and in_",
        ),
    ),
    case(
        "other words about a class",
        properties(fields("mode:octet")),
        properties(fields("mode:octet").replace("/>", ' label="How"/>')),
        tells(
            "DOC LABEL_CHANGED class alpha", "class", "class",
            "the docstring of module alpha changes: mode",
        ),
    ),
    case(
        "deprecated",
        ask(""),
        ask("", 'deprecated="1"'),
        tells(
            "DOC METHOD_SAME_DEPRECATED alpha.ask", "method", "method",
            "the docstring of alpha.Ask says that it is deprecated",
        ),
    ),
    case(
        "not deprecated any more",
        ask("", 'deprecated="1"'),
        ask(""),
        tells("DOC METHOD_SAME_DEPRECATED alpha.ask", "method", "method", "does not say any more"),
    ),
    case(
        "another domain",
        in_domain(),
        in_domain(name="term"),
        tells(
            "DOC DOMAIN_SAME_NAME domain term", "one", "one",
            "alpha.ask.one and 2 more fields name the domain term instead of word: both are the"
            " type shortstr, so only readers notice",
        ),
    ),
    case(
        "a domain instead of its type",
        in_domain().replace('name="one" domain="word"', 'name="one" type="shortstr"'),
        in_domain(),
        tells(
            "DOC DOMAIN_SAME_NAME domain word", "one", "one",
            "alpha.ask.one names the domain word instead of shortstr",
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=lambda case: case.id)
def test_what_is_found(found: Case, tmp_path: Path) -> None:
    check(found, tmp_path)
