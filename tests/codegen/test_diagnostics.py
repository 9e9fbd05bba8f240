"""Everything that can be wrong with a specification is told, with its place and its rule."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from codegen.diagnostics import Diagnostic, Diagnostics, Origin, Rule, SpecError
from codegen.pipeline import load_protocols
from tests.codegen.specs import LAMP, changed, problems, unmarked, write

SWITCH = '    <method name="switch" index="10" synchronous="1">\n'
COLOUR = '      <field name="colour" domain="colour"/>\n'
SHAPE = '    <field name="shape" type="octet"/>\n'
DOMAIN = '  <domain name="colour" type="shortstr">\n'
ASSERT = '    <assert check="length" value="20"/>\n'
POWER = '  <constant name="no-power" value="401" class="hard-error"/>\n'
RESPONSE = '      <response name="switch-ok"/>\n'
HEARTBEAT = '  <constant name="frame-heartbeat" value="8"/>\n'
ROOT = '<amqp major="1" minor="2" revision="3" port="4">\n'
CLASS = '  <class name="lamp" index="7">\n'
END = "  </class>\n</amqp>\n"

# What is put in the place of what, marked where diagnostics are due, and words of each in turn.
CASES: dict[str, tuple[str, str, list[str]]] = {
    "root of another kind": (
        LAMP,
        (
            "[unknown-element][missing-attribute][missing-attribute][missing-attribute]"
            "[missing-constant][missing-constant][missing-constant][missing-constant]"
            "[missing-constant]<soap/>\n"
        ),
        [
            "soap needs the attribute major",
            "soap needs the attribute minor",
            "soap needs the attribute port",
            "frame-body",
            "frame-end",
            "frame-header",
            "frame-heartbeat",
            "frame-method",
            "the root must be <amqp>, not <soap>",
        ],
    ),
    "version without a number": (
        ROOT,
        '[missing-attribute]<amqp major="1" revision="3" port="4">\n',
        ["needs the attribute minor"],
    ),
    "port out of range": (
        ROOT,
        '[bad-number]<amqp major="1" minor="2" port="65536">\n',
        ["port must be a number from 0 to 65535, not '65536'"],
    ),
    "revision that is no number": (
        ROOT,
        '[bad-number]<amqp major="1" minor="2" revision="one" port="4">\n',
        ["revision must be a number from 0 to 255, not 'one'"],
    ),
    "constant without a value": (
        POWER,
        '[missing-attribute]<constant name="no-power"/>\n',
        ["constant no-power needs the attribute value"],
    ),
    "constants without a value, of which frames need one": (
        HEARTBEAT,
        (
            '[missing-attribute]<constant name="frame-heartbeat"/>\n'
            '[missing-attribute]<constant name="other" class="soft-error"/>\n'
            '[missing-attribute]<constant name="third" class="soft-error"/>\n'
        ),
        ["frame-heartbeat needs the attribute value", "other", "third"],
    ),
    "negative value": (
        POWER,
        '[bad-number]<constant name="no-power" value="-1"/>\n',
        ["not '-1'"],
    ),
    "digits of another script": (
        POWER,
        '[bad-number]<constant name="no-power" value="٤"/>\n',
        ["not '٤'"],
    ),
    "value with very many digits": (
        POWER,
        f'[bad-number]<constant name="no-power" value="{"1" * 5000}"/>\n',
        ["no-power: value must be a number from 0 to 4294967295"],
    ),
    "constant of an unknown class": (
        POWER,
        '[bad-value]<constant name="no-power" value="401" class="error"/>\n',
        ["no-power: class must be one of soft-error, hard-error"],
    ),
    "constant twice": (
        POWER,
        POWER + '[duplicate-name]<constant name="no-power" value="402"/>\n',
        ["constant name no-power is taken already, at", ":7"],
    ),
    "constants with names that become the same": (
        POWER,
        POWER + '[name-collision]<constant name="No-Power" value="402"/>\n',
        ["constant 'No-Power' becomes NO_POWER, as 'no-power' does"],
    ),
    "constant with a name that is needed": (
        POWER,
        '[reserved-name]<constant name="port" value="1"/>\n',
        ["'port' becomes PORT, which the generated code needs"],
    ),
    "reply code twice": (
        POWER,
        POWER + '[duplicate-index]<constant name="too-bright" value="401" class="soft-error"/>\n',
        ["too-bright has the number of no-power, at", ":7"],
    ),
    "frame constant missing": (
        ROOT + '  <constant name="frame-method" value="1"/>\n',
        "[missing-constant]" + ROOT,
        ["constant frame-method is missing, and frames need it"],
    ),
    "frame constant too large": (
        HEARTBEAT,
        '[bad-number]<constant name="frame-heartbeat" value="256"/>\n',
        ["frame-heartbeat must fit an octet"],
    ),
    "frame type twice": (
        HEARTBEAT,
        '[duplicate-index]<constant name="frame-heartbeat" value="3"/>\n',
        ["frame-heartbeat has the number of frame-body, at", ":4"],
    ),
    "domain without a type": (
        DOMAIN,
        '[missing-attribute]<domain name="colour">\n',
        ["domain colour needs the attribute type"],
    ),
    "domain of an unknown type": (
        DOMAIN,
        '[unknown-type]<domain name="colour" type="string">\n',
        ["domain colour: type 'string' is unknown"],
    ),
    "domain twice": (
        DOMAIN,
        (
            '<domain name="colour" type="shortstr"/>\n'
            '[duplicate-name]<domain name="colour" type="shortstr">\n'
        ),
        ["domain name colour is taken already, at", ":8"],
    ),
    "class without a name": (
        CLASS,
        '[missing-attribute]<class index="7">\n',
        ["class needs the attribute name"],
    ),
    "class without an index": (
        CLASS,
        '[missing-attribute]<class name="lamp">\n',
        ["class lamp needs the attribute index"],
    ),
    "two classes of one name": (
        END,
        '  </class>\n  [duplicate-name]<class name="lamp" index="8"/>\n</amqp>\n',
        ["class name lamp is taken already, at", ":11"],
    ),
    "two classes of one index": (
        END,
        '  </class>\n  [duplicate-index]<class name="bulb" index="7"/>\n</amqp>\n',
        ["class index 7 is taken already, at", ":11"],
    ),
    "classes with names that become the same": (
        END,
        '  </class>\n  [name-collision]<class name="LAMP" index="8"/>\n</amqp>\n',
        ["class 'LAMP' becomes lamp, as 'lamp' does"],
    ),
    "class with a name that is needed": (
        END,
        '  </class>\n  [reserved-name]<class name="registry" index="8"/>\n</amqp>\n',
        ["class 'registry' becomes registry"],
    ),
    "name that is no word": (
        COLOUR,
        '      [bad-name]<field name="colour\'; import os" domain="colour"/>\n',
        ['field name "colour\';-import-os" is not made of letters, digits and hyphens'],
    ),
    "name that begins with a digit": (
        COLOUR,
        '      [bad-name]<field name="2nd" domain="colour"/>\n',
        ["'2nd'"],
    ),
    "name with an underscore": (
        SWITCH,
        '[bad-name]<method name="switch_" index="10">\n',
        ["method name 'switch_'"],
    ),
    "empty name": (SWITCH, '[bad-name]<method name=" " index="10">\n', ["method name ''"]),
    "method index too large": (
        SWITCH,
        '[bad-number]<method name="switch" index="65536">\n',
        ["method switch: index must be a number from 0 to 65535, not '65536'"],
    ),
    "methods without an index, and two of one": (
        SWITCH,
        '[missing-attribute]<method name="dim"><chassis name="client"/></method>\n'
        '[missing-attribute]<method name="glow"><chassis name="client"/></method>\n'
        '<method name="flash" index="11"><chassis name="client"/></method>\n' + SWITCH,
        ["dim needs the attribute index", "glow needs", "method index 11 is taken already, at"],
    ),
    "method twice": (
        SWITCH,
        '<method name="switch-ok" index="12"><chassis name="client"/></method>\n' + SWITCH,
        ["method name switch-ok is taken already, at", ":14"],
    ),
    "methods with names that become the same": (
        SWITCH,
        '<method name="SWITCH-OK" index="9"><chassis name="client"/></method>\n' + SWITCH,
        ["lamp: method 'switch-ok' becomes SwitchOk, as 'SWITCH-OK' does"],
    ),
    "flag that is no flag": (
        SWITCH,
        '[bad-value]<method name="switch" index="10" synchronous="yes">\n',
        ["method switch: synchronous must be 0 or 1, not 'yes'"],
    ),
    "method that nobody accepts": (
        SWITCH,
        '[missing-chassis]<method name="dim" index="9"/>\n' + SWITCH,
        ["lamp.dim names no chassis, so nobody can send it"],
    ),
    "chassis of a third party": (
        SWITCH,
        SWITCH + '[unknown-chassis]<chassis name="broker" implement="MUST"/>\n',
        ["lamp.switch: chassis 'broker' is neither client nor server"],
    ),
    "chassis twice": (
        SWITCH,
        SWITCH + '<chassis name="client"/>\n[duplicate-name]<chassis name="client"/>\n',
        ["chassis name client is taken already, at", ":15"],
    ),
    "response that is no method": (
        RESPONSE,
        '[unknown-response]<response name="switched"/>\n',
        ["lamp.switch: response 'switched' is no method"],
    ),
    "response twice": (
        RESPONSE,
        RESPONSE + '[duplicate-name]<response name="switch-ok"/>\n',
        ["response name switch-ok is taken already, at", ":16"],
    ),
    "response without a name": (
        RESPONSE,
        "[missing-attribute]<response/>\n",
        ["response needs the attribute name"],
    ),
    "field of an unknown domain": (
        COLOUR,
        '      [unknown-domain]<field name="colour" domain="color"/>\n',
        ["lamp.switch: field colour has the unknown domain 'color'"],
    ),
    "field of an unknown type": (
        COLOUR,
        '      [unknown-domain]<field name="colour" type="string"/>\n',
        ["field colour has the unknown domain 'string'"],
    ),
    "field of no domain": (
        COLOUR,
        '      [missing-attribute]<field name="colour"/>\n',
        ["field colour needs either domain or type"],
    ),
    "field of two domains": (
        COLOUR,
        '      [bad-value]<field name="colour" domain="colour" type="shortstr"/>\n',
        ["field colour needs either domain or type"],
    ),
    "field twice": (
        COLOUR,
        COLOUR + '[duplicate-name]<field name="colour" type="octet"/>\n',
        ["field name colour is taken already, at", ":18"],
    ),
    "fields with names that become the same": (
        COLOUR,
        COLOUR + '[name-collision]<field name="Colour" type="octet"/>\n',
        ["lamp.switch: field 'Colour' becomes colour, as 'colour' does"],
    ),
    "property of an unknown domain": (
        SHAPE,
        '[unknown-domain]<field name="shape" domain="form"/>\n',
        ["class lamp: field shape has the unknown domain 'form'"],
    ),
    "property of type bit": (
        SHAPE,
        '[bit-property]<field name="shape" type="bit"/>\n',
        ["property shape: a content property of type bit is not supported"],
    ),
    "unknown check": (
        ASSERT,
        '[bad-assert]<assert check="lenght" value="20"/>\n',
        ["unknown check 'lenght'"],
    ),
    "no check": (
        ASSERT,
        '[missing-attribute]<assert value="20"/>\n',
        ["assert needs the attribute check"],
    ),
    "check without its number": (
        ASSERT,
        '[bad-assert]<assert check="length" value="many"/>\n',
        ["check length needs a number as its value"],
    ),
    "check that does not suit the type": (
        SHAPE,
        '<field name="shape" type="octet">\n[bad-assert]<assert check="regexp" value="x"/></field>',
        ["check regexp does not suit the type octet"],
    ),
    "check on a value of an unknown type": (
        DOMAIN,
        '[unknown-type]<domain name="colour" type="string">\n',
        ["type 'string' is unknown"],
    ),
    "bad regular expression": (
        ASSERT,
        '[bad-assert]<assert check="regexp" value="("/>\n',
        ["bad regular expression: missing )"],
    ),
    "regular expression of endless depth": (
        ASSERT,
        f'[bad-assert]<assert check="regexp" value="{"(" * 900}{")" * 900}"/>\n',
        ["bad regular expression: its groups lie too deep"],
    ),
    "number with more digits than any": (
        ASSERT,
        f'[bad-assert]<assert check="length" value="{"9" * 5000}"/>\n',
        ["check length needs a number as its value"],
    ),
    "comparison with a field that is not there": (
        COLOUR,
        (
            '<field name="level" type="octet">\n'
            '[bad-assert]<assert check="le" method="switch" field="shade"/></field>'
        ),
        ["no field 'shade' in a method 'switch' of this class"],
    ),
    "comparison with a reserved field": (
        COLOUR,
        (
            '<field name="level" type="octet">\n'
            '[bad-assert]<assert check="le" method="switch" field="reserved-1"/></field>'
        ),
        ["no field 'reserved-1'"],
    ),
    "comparison in a domain, which has no class": (
        DOMAIN,
        '<domain name="level" type="octet">\n'
        '[bad-assert]<assert check="le" method="switch" field="level"/></domain>' + DOMAIN,
        ["no field 'level'"],
    ),
}
# Where the mark must stand in a part that is not written by the case itself.
ELSEWHERE = {
    "method twice": (
        '    <method name="switch-ok"',
        '    [duplicate-name]<method name="switch-ok"',
    ),
    "methods with names that become the same": (
        '    <method name="switch-ok"',
        '    [name-collision]<method name="switch-ok"',
    ),
    "methods without an index, and two of one": (
        '    <method name="switch-ok"',
        '    [duplicate-index]<method name="switch-ok"',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_diagnostic_gives_place_and_rule_and_says_what_is_wrong(
    name: str, tmp_path: Path
) -> None:
    old, new, words = CASES[name]
    marked = changed(old, new)
    if name in ELSEWHERE:
        marked = changed(*ELSEWHERE[name], marked)
    text, marks = unmarked(marked)
    file = write(tmp_path, text) / "lamp.xml"

    found = problems(tmp_path)

    assert [line.split(" ", 2)[:2] for line in found] == [
        [f"{file}:{line}:", f"[{rule}]"] for line, rule in sorted(marks)
    ]
    if len(found) == 1:
        assert all(word in found[0] for word in words), (found, words)
    else:
        assert all(word in line for word, line in zip(words, found, strict=True)), found


def test_nothing_is_wrong_with_what_the_cases_change(tmp_path: Path) -> None:
    assert problems(write(tmp_path, schema=True)) == []


def test_a_message_is_one_line_for_a_person_and_for_an_editor(tmp_path: Path) -> None:
    old, new, _ = CASES["field of an unknown domain"]
    write(tmp_path, unmarked(changed(old, new))[0])
    assert problems(tmp_path) == [
        (
            f"{tmp_path}/lamp.xml:18: [unknown-domain] "
            "lamp.switch: field colour has the unknown domain 'color'"
        )
    ]


def test_one_run_reports_everything_in_all_files_by_file_and_line(tmp_path: Path) -> None:
    text = LAMP
    for name in ("response that is no method", "property of type bit", "constant without a value"):
        old, new, _ = CASES[name]
        text = changed(old, new, text)
    text, marks = unmarked(changed('type="timestamp"', 'type="time"', text))
    overlay = '<overlay name="x">\n<remove target="class/bulb" reason="gone"/>\n</overlay>'
    write(tmp_path, text, overlay)
    with pytest.raises(SpecError) as caught:
        load_protocols(tmp_path)
    found = caught.value.diagnostics
    assert [(each.origin.line, each.rule) for each in found] == [
        *marks,
        (23, "unknown-domain"),
        (2, "overlay-target"),
    ]
    assert [Path(each.origin.file).name for each in found] == ["lamp.xml"] * 4 + ["overlay1.xml"]


def test_a_place_is_where_a_tag_begins(tmp_path: Path) -> None:
    tall = '      <field\n\n   name="colour"\n   domain="color"\n   />\n'
    write(tmp_path, changed(COLOUR, tall))
    assert [line.split(" ")[0] for line in problems(tmp_path)] == [f"{tmp_path}/lamp.xml:18:"]


def test_a_problem_is_told_once() -> None:
    diagnostics = Diagnostics()
    for _ in range(2):
        diagnostics.add(Origin("a.xml", 2), "bad-name", "no")
    diagnostics.add(Origin("a.xml", 1), "bad-name", "no")
    with pytest.raises(SpecError) as caught:
        diagnostics.stop_if_any()
    assert caught.value.diagnostics == [
        Diagnostic(Origin("a.xml", line), "bad-name", "no") for line in (1, 2)
    ]


def test_every_rule_has_a_case() -> None:
    here = {rule for _, new, _ in CASES.values() for _, rule in unmarked(new)[1]}
    here |= {rule for _, new in ELSEWHERE.values() for _, rule in unmarked(new)[1]}
    files = {"malformed-xml", "doctype", "schema", "bad-schema", "manifest", "missing-file"} | {
        "other-schema",
        "too-large",
    }
    overlays = {rule for rule in get_args(Rule) if rule.startswith("overlay-")}
    assert here == set(get_args(Rule)) - files - overlays
