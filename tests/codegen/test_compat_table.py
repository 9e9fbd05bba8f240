"""The table of rules as a whole: each is exercised, and what is no change is not found."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from codegen.compat import Category, find, read_sides
from codegen.compat.rules import RULES
from tests.codegen import (
    test_compat_methods,
    test_compat_protocol,
    test_compat_python,
    test_compat_wire,
    test_compat_words,
)
from tests.codegen.compat import SPEC, Case, compare

CASES = [
    *test_compat_protocol.CASES,
    *test_compat_methods.CASES,
    *test_compat_wire.CASES,
    *test_compat_python.CASES,
    *test_compat_words.CASES,
]
#: This one needs an overlay, so it has a test of its own beside the cases.
WITHOUT_CASE = {"SECRET_SAME"}

REORDERED = """\
<amqp major="0" minor="9" revision="1" port="5672">
<constant name="frame-method" value="1"/>
<constant name="frame-header" value="2"/>
<constant name="frame-body" value="3"/>
<constant name="frame-heartbeat" value="8"/>
<constant name="frame-end" value="206"/>
<domain name="word" type="shortstr"/>
<domain name="number" type="long"/>
<class name="alpha" index="10">
<field name="mode" domain="number"/>
<method name="ask" index="10">
<chassis name="client" implement="MUST"/>
<chassis name="server" implement="MUST"/>
<response name="yes"/>
<response name="no"/>
<field name="text" domain="word"/>
</method>
<method name="yes" index="11"><chassis name="client" implement="MUST"/></method>
<method name="no" index="12"><chassis name="client" implement="MUST"/></method>
</class>
<class name="beta" index="20"/>
</amqp>
"""


def test_every_rule_is_exercised_in_its_category() -> None:
    exercised = {tuple(e.what.split(" ")[1::-1]) for case in CASES for e in case.expected}
    table = {(rule.id, rule.category.name) for rule in RULES if rule.id not in WITHOUT_CASE}
    assert exercised == table


def test_the_table_is_in_order_and_says_what_it_wants() -> None:
    order = [list(Category).index(rule.category) for rule in RULES]
    assert order == sorted(order)
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.purpose[0].isupper() and rule.purpose.endswith(".") for rule in RULES)


def test_no_change_of_labels_and_docs_is_breaking() -> None:
    doc = [e for case in CASES for e in case.expected if e.what.startswith("DOC ")]
    assert doc
    assert not any(expected.breaking for expected in doc)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_is_found_in_the_same_text(case: Case, tmp_path: Path) -> None:
    assert compare(case.old, case.old, tmp_path) == []
    assert compare(case.new, case.new, tmp_path) == []


def test_nothing_is_found_in_what_we_generate_from() -> None:
    assert find(*read_sides("v0_9_1", "v0_9_1", SPEC)) == []


@pytest.mark.parametrize("kind", ["constant", "domain", "class", "method", "chassis", "response"])
def test_order_is_nothing_where_names_or_numbers_decide(kind: str, tmp_path: Path) -> None:
    root = etree.fromstring(REORDERED)
    for parent in list(root.iter()):
        elements = [child for child in parent if child.tag == kind]
        for element in elements:
            parent.remove(element)
        parent.extend(reversed(elements))
    reordered = etree.tostring(root, encoding="unicode")
    assert reordered != REORDERED.strip()
    assert compare(REORDERED, reordered, tmp_path) == []


def test_files_of_one_specification_can_be_laid_out_differently(tmp_path: Path) -> None:
    base = SPEC / "amqp0-9-1.xml"
    copy = tmp_path / "copy.xml"
    copy.write_bytes(b"<!-- moves every line -->\n" + base.read_bytes().partition(b"?>")[2])
    assert find(*read_sides(str(base), str(copy), SPEC)) == []
