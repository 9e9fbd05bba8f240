"""What overlays can do to a specification, and what they are not allowed to."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from codegen import overlay
from codegen.diagnostics import Diagnostics, Rule
from codegen.loader import Node, load
from tests.codegen.specs import LAMP, changed, outline, problems, unmarked, write


def applied(directory: Path, *overlays: str) -> list[str]:
    """The outline of the lamp after these overlays, which must have nothing wrong with them."""
    write(directory, LAMP, *(f'<overlay name="x">{text}</overlay>' for text in overlays))
    diagnostics = Diagnostics()
    root = loaded(directory / "lamp.xml")
    for number in range(1, len(overlays) + 1):
        root = overlay.apply(root, loaded(directory / f"overlay{number}.xml"), diagnostics)
    diagnostics.stop_if_any()
    return list(outline(root))


def loaded(path: Path) -> Node:
    node, _ = load(path, path.with_suffix(".rng"), Diagnostics())
    assert node is not None
    return node


@pytest.fixture
def before(tmp_path: Path) -> list[str]:
    return applied(tmp_path)


# Where it goes, what is added, the line of the outline it comes behind, its own line.
ADDED = {
    "constant": (
        'to="/"',
        '<constant name="dim" value="5"/>',
        "constant/no-power class=hard-error value=401",
        "constant/dim value=5",
    ),
    "domain": (
        'to="/"',
        '<domain name="level" type="octet"/>',
        "domain/colour/assert/ check=length value=20",
        "domain/level type=octet",
    ),
    "class": (
        'to="/"',
        '<class name="bulb" index="8"/>',
        "class/lamp/method/switch-ok/field/since type=timestamp",
        "class/bulb index=8",
    ),
    "property": (
        'to="class/lamp"',
        '<field name="size" type="octet"/>',
        "class/lamp/field/shape type=octet",
        "class/lamp/field/size type=octet",
    ),
    "chassis of a class": (
        'to="class/lamp"',
        '<chassis name="client"/>',
        "class/lamp/chassis/server implement=MUST",
        "class/lamp/chassis/client",
    ),
    "method": (
        'to="class/lamp"',
        '<method name="dim" index="9"/>',
        "class/lamp/method/switch-ok/field/since type=timestamp",
        "class/lamp/method/dim index=9",
    ),
    "argument": (
        'to="class/lamp/method/switch"',
        '<field name="until" type="timestamp"/>',
        "class/lamp/method/switch/field/on type=bit",
        "class/lamp/method/switch/field/until type=timestamp",
    ),
    "chassis": (
        'to="class/lamp/method/switch"',
        '<chassis name="client"/>',
        "class/lamp/method/switch/chassis/server implement=MUST",
        "class/lamp/method/switch/chassis/client",
    ),
    "response": (
        'to="class/lamp/method/switch"',
        '<response name="no"/>',
        "class/lamp/method/switch/response/switch-ok",
        "class/lamp/method/switch/response/no",
    ),
    "the first of its kind": (
        'to="class/lamp/method/switch-ok"',
        '<response name="no"/>',
        "class/lamp/method/switch-ok/field/since type=timestamp",
        "class/lamp/method/switch-ok/response/no",
    ),
    "behind a sibling": (
        'to="class/lamp/method/switch" after="field/reserved-1"',
        '<field name="until" type="timestamp"/>',
        "class/lamp/method/switch/field/reserved-1 reserved=1 type=short",
        "class/lamp/method/switch/field/until type=timestamp",
    ),
    "behind a sibling of another kind": (
        'to="/" after="class/lamp"',
        '<constant name="dim" value="5"/>',
        "class/lamp/method/switch-ok/field/since type=timestamp",
        "constant/dim value=5",
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_add_puts_an_element_behind_its_kind_or_where_it_is_told(
    name: str, tmp_path: Path, before: list[str]
) -> None:
    where, text, behind, line = ADDED[name]
    after = applied(tmp_path, f'<add {where} reason="why">{text}</add>')
    place = before.index(behind) + 1
    assert after == [*before[:place], line, *before[place:]]


# What is replaced, by what, and the line of the outline for that.
REPLACED = [
    (
        "constant/no-power",
        '<constant name="no-power" value="9"/>',
        "constant/no-power value=9",
    ),
    ("domain/colour", '<domain name="colour" type="long"/>', "domain/colour type=long"),
    ("class/lamp", '<class name="bulb" index="7"/>', "class/bulb index=7"),
    (
        "class/lamp/chassis/server",
        '<chassis name="client"/>',
        "class/lamp/chassis/client",
    ),
    (
        "class/lamp/field/shape",
        '<field name="form" type="long"/>',
        "class/lamp/field/form type=long",
    ),
    (
        "class/lamp/method/switch",
        '<method name="switch" index="12"/>',
        "class/lamp/method/switch index=12",
    ),
    (
        "class/lamp/method/switch/field/on",
        '<field name="off" type="bit"/>',
        "class/lamp/method/switch/field/off type=bit",
    ),
    (
        "class/lamp/method/switch/chassis/server",
        '<chassis name="client"/>',
        "class/lamp/method/switch/chassis/client",
    ),
    (
        "class/lamp/method/switch/response/switch-ok",
        '<response name="no"/>',
        "class/lamp/method/switch/response/no",
    ),
]
TARGETS = [target for target, *_ in REPLACED]


def split_at(target: str, lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines before an element, and those behind it and all that is in it."""
    inside = [line == target or line.startswith((f"{target}/", f"{target} ")) for line in lines]
    first = inside.index(True)
    return lines[:first], lines[first + sum(inside) :]


@pytest.mark.parametrize(("target", "text", "line"), REPLACED, ids=TARGETS)
def test_replace_puts_one_element_in_the_place_of_another(
    target: str, text: str, line: str, tmp_path: Path, before: list[str]
) -> None:
    after = applied(tmp_path, f'<replace target="{target}" reason="why">{text}</replace>')
    above, beneath = split_at(target, before)
    assert after == [*above, line, *beneath]


@pytest.mark.parametrize("target", TARGETS)
def test_remove_takes_an_element_with_all_that_is_in_it(
    target: str, tmp_path: Path, before: list[str]
) -> None:
    after = applied(tmp_path, f'<remove target="{target}" reason="why"/>')
    above, beneath = split_at(target, before)
    assert after == above + beneath


def test_elements_added_together_keep_their_order(tmp_path: Path) -> None:
    new = "".join(f'<field name="{name}" type="octet"/>' for name in "cab")
    for where in ('after="field/colour"', 'after="response/switch-ok"', ""):
        after = applied(
            tmp_path, f'<add to="class/lamp/method/switch" {where} reason="why">{new}</add>'
        )
        places = [
            after.index(f"class/lamp/method/switch/field/{name} type=octet") for name in "cab"
        ]
        assert places == list(range(places[0], places[0] + 3))


def test_operations_apply_in_order_across_overlays(tmp_path: Path, before: list[str]) -> None:
    add = '<add to="class/lamp" reason="why"><method name="dim" index="9"/></add>'
    fill = '<add to="class/lamp/method/dim" reason="why"><field name="by" type="octet"/></add>'
    rename = (
        '<replace target="class/lamp/method/dim/field/by" reason="why">'
        '<field name="to" type="octet"/></replace>'
    )
    remove = '<remove target="class/lamp/method/dim" reason="why"/>'
    assert applied(tmp_path, add + fill, rename)[-2:] == [
        "class/lamp/method/dim index=9",
        "class/lamp/method/dim/field/to type=octet",
    ]
    assert applied(tmp_path, add, fill + remove) == before
    add = add.replace("/></add>", '><chassis name="client"/></method></add>')
    for overlays in ([fill + add], [rename, add + fill], [remove, add]):
        write(tmp_path, LAMP, *(f'<overlay name="x">{text}</overlay>' for text in overlays))
        (found,) = problems(tmp_path)
        assert "overlay1.xml:1: [overlay-target] " in found


def test_names_with_spaces_are_addressed_with_hyphens_or_spaces(tmp_path: Path) -> None:
    spec = changed('"no-power"', '"no power"')
    for target in ("constant/no-power", "constant/no  power", " constant/no power "):
        text = f'<overlay name="x"><remove target="{target}" reason="why"/></overlay>'
        assert problems(write(tmp_path, spec, text)) == []


# --- What goes wrong ---

DIM = '<method name="dim" index="9"><chassis name="client"/></method>'
CASES = {
    "target that is not there": (
        '[overlay-target]<remove target="class/lamp/method/dim" reason="why"/>',
        "target='class/lamp/method/dim' matches no elements; it must match one",
    ),
    "place that is not there": (
        f'[overlay-target]<add to="class/bulb" reason="why">{DIM}</add>',
        "to='class/bulb' matches no elements; it must match one",
    ),
    "way that is not there": (
        '[overlay-target]<remove target="class/bulb/method/dim" reason="why"/>',
        "target='class/bulb/method/dim' matches no elements",
    ),
    "sibling that is not there": (
        f'[overlay-target]<add to="class/lamp" after="method/glow" reason="why">{DIM}</add>',
        "after='method/glow' matches no elements",
    ),
    "sibling given by a whole path": (
        (
            '[overlay-target]<add to="class/lamp" after="class/lamp/method/switch" reason="why">'
            f"{DIM}</add>"
        ),
        "after='class/lamp/method/switch' matches no elements",
    ),
    "sibling that is no path": (
        f'[overlay-target]<add to="class/lamp" after="switch" reason="why">{DIM}</add>',
        "after='switch' matches no elements",
    ),
    "added again": (
        (
            '<add to="class/lamp" reason="why">\n'
            '[overlay-exists]<method name="switch" index="1"/></add>'
        ),
        "method 'switch' exists already, at {base}:14",
    ),
    "added twice by one operation": (
        f'<add to="class/lamp" reason="why">\n{DIM}\n[overlay-exists]{DIM}</add>',
        "method 'dim' exists already, at {overlay}:2",
    ),
    "renamed to what exists": (
        (
            '<replace target="constant/no-power" reason="why">\n'
            '[overlay-exists]<constant name="frame-end" value="1"/></replace>'
        ),
        "constant 'frame-end' exists already, at {base}:6",
    ),
    "no reason": (
        '[overlay-reason]<remove target="domain/colour"/>',
        "an operation needs a reason",
    ),
    "empty reason": (
        '[overlay-reason]<remove target="domain/colour" reason=" "/>',
        "an operation needs a reason",
    ),
    "nowhere to add": (
        f'[missing-attribute]<add reason="why">{DIM}</add>',
        "<add> needs the attribute to",
    ),
    "nothing to replace": (
        '[missing-attribute]<replace reason="why"/>',
        "<replace> needs the attribute target",
    ),
    "nothing to remove": (
        '[missing-attribute]<remove to="domain/colour" reason="why"/>',
        "<remove> needs the attribute target",
    ),
    "path of a kind alone": (
        '[overlay-path]<remove target="class" reason="why"/>',
        "target='class' is no path of kind/name pairs",
    ),
    "path of an unknown kind": (
        '[overlay-path]<remove target="klass/lamp" reason="why"/>',
        "target='klass/lamp' is no path of kind/name pairs",
    ),
    "path with an empty name": ('[overlay-path]<remove target="class/" reason="why"/>', "'class/'"),
    "the root removed": (
        '[overlay-path]<remove target="/" reason="why"/>',
        "target='/' is no path",
    ),
    "the root replaced": (
        '[overlay-path]<replace target="/" reason="why"><amqp/></replace>',
        "target='/' is no path",
    ),
    "nothing added": (
        '[overlay-content]<add to="class/lamp" reason="why"/>',
        "add needs an element to add",
    ),
    "replaced by nothing": (
        '[overlay-content]<replace target="domain/colour" reason="why"/>',
        "replace needs exactly one <domain>",
    ),
    "replaced by two": (
        (
            '[overlay-content]<replace target="domain/colour" reason="why">'
            '<domain name="colour" type="octet"/><domain name="level" type="octet"/></replace>'
        ),
        "replace needs exactly one <domain>",
    ),
    "replaced by another kind": (
        (
            '[overlay-content]<replace target="domain/colour" reason="why">'
            '<constant name="colour" value="1"/></replace>'
        ),
        "replace needs exactly one <domain>",
    ),
    "removed with contents": (
        (
            '[overlay-content]<remove target="constant/no-power" reason="why">'
            '<constant name="no-power" value="1"/></remove>'
        ),
        "remove takes no elements",
    ),
    "added where it cannot stand": (
        '<add to="/" reason="why">\n[overlay-content]<field name="shape" type="octet"/></add>',
        "<field> cannot be added to <amqp>",
    ),
    "added to what holds nothing": (
        '<add to="constant/no-power" reason="why">\n[overlay-content]<field name="a"/></add>',
        "<field> cannot be added to <constant>",
    ),
    "added without a name of its own": (
        '<add to="class/lamp/method/switch" reason="why">\n[overlay-content]<doc>Hm.</doc></add>',
        "<doc> cannot be added to <method>",
    ),
    "unknown operation": (
        '[overlay-operation]<change target="class/lamp" reason="why"/>',
        "unknown operation <change>: use add, replace or remove",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_that_cannot_be_done_is_reported_and_nothing_else_is(
    name: str, tmp_path: Path
) -> None:
    marked, words = CASES[name]
    text, marks = unmarked(f'<overlay name="x">{marked}</overlay>')
    spec = changed(' domain="colour"', ' type="shortstr"')  # so that the domain can go
    base, file = (write(tmp_path, spec, text) / name for name in ("lamp.xml", "overlay1.xml"))

    (found,) = problems(tmp_path)

    ((line, rule),) = marks
    assert found.startswith(f"{file}:{line}: [{rule}] ")
    assert words.format(base=base, overlay=file) in found


def test_a_target_that_matches_twice_is_reported(tmp_path: Path) -> None:
    constant = '  <constant name="no-power" value="401" class="hard-error"/>\n'
    text = '<overlay name="x"><remove target="constant/no-power" reason="why"/></overlay>'
    doubled = changed(constant, constant + constant.replace("401", "402"))
    found = problems(write(tmp_path, doubled, text))
    assert "[overlay-target] target='constant/no-power' matches 2 elements" in found[-1]
    for way in ('to="class/lamp"', 'to="/" after="class/lamp"'):
        doubled = changed("</amqp>", '<class name="lamp" index="8"/></amqp>')
        add = (
            f'<overlay name="x"><add {way} reason="why"><class name="b" index="1"/></add></overlay>'
        )
        add = add.replace("class name", "method name") if "after" not in way else add
        found = problems(write(tmp_path, doubled, add))
        assert any("[overlay-target]" in line and "matches 2 elements" in line for line in found)


def test_an_overlay_has_a_root_of_its_own(tmp_path: Path) -> None:
    found = problems(write(tmp_path, LAMP, "\n" + LAMP))
    assert found == [
        f"{tmp_path}/overlay1.xml:2: [overlay-operation] the root must be <overlay>, not <amqp>"
    ]


def test_all_operations_that_fail_are_reported_and_the_others_done(tmp_path: Path) -> None:
    text = """<overlay name="x">
      <remove target="class/bulb" reason="why"/>
      <change/>
      <remove target="domain/colour" reason="why"/>
      <remove target="domain/colour" reason="why"/>
      <replace target="constant/no-power" reason=""><constant name="no-power" value="x"/></replace>
    </overlay>"""
    found = [line.partition("overlay1.xml")[2] for line in problems(write(tmp_path, LAMP, text))]
    assert [line.split(" ")[:2] for line in found if line] == [
        [":2:", "[overlay-target]"],
        [":3:", "[overlay-operation]"],
        [":5:", "[overlay-target]"],
        [":6:", "[bad-number]"],
        [":6:", "[overlay-reason]"],
    ]
    assert len(found) == 6  # and the field whose domain the overlay took away


def test_an_overlay_keeps_to_its_schema(tmp_path: Path) -> None:
    text = '<overlay name="x">\n<remove\ntarget="domain/colour"/>\n</overlay>'
    found = problems(write(tmp_path, LAMP, text, schema=True))
    assert any(line.startswith(f"{tmp_path}/overlay1.xml:2: [schema] ") for line in found)


def test_every_rule_about_overlays_has_a_case() -> None:
    here = {rule for marked, _ in CASES.values() for _, rule in unmarked(marked)[1]}
    assert here - {"missing-attribute"} == {
        rule for rule in get_args(Rule) if rule.startswith("overlay-")
    }
