"""Pairs of small specifications, and what the comparison should find in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from codegen.compat import Finding, find, read_sides

SPEC = Path(__file__).parents[2] / "spec"

#: What every specification needs; the places that a test is about are marked: <!--a-->.
FRAMING = """\
<constant name="frame-method" value="1"/>
<constant name="frame-header" value="2"/>
<constant name="frame-body" value="3"/>
<constant name="frame-heartbeat" value="8"/>
<constant name="frame-end" value="206"/>
"""


@dataclass(frozen=True)
class Expect:
    """A finding: "CATEGORY RULE subject", its marks in the old and the new text, and its words.

    A mark is "" where there is no place in that text.
    """

    what: str
    old: str
    new: str
    words: tuple[str, ...]
    breaking: bool

    @property
    def rule(self) -> str:
        return self.what.split(" ")[1]


def breaks(what: str, old: str, new: str, *words: str) -> Expect:
    return Expect(what, old, new, words, True)


def tells(what: str, old: str, new: str, *words: str) -> Expect:
    return Expect(what, old, new, words, False)


@dataclass(frozen=True)
class Case:
    """Two specifications and everything that should be found."""

    id: str
    old: str
    new: str
    expected: tuple[Expect, ...]


def case(id: str, old: str, new: str, *expected: Expect) -> Case:  # noqa: A002
    return Case(id, old, new, expected)


def spec(
    body: str, framing: str = FRAMING, root: str = 'major="0" minor="9" revision="1" port="5672"'
) -> str:
    """A specification with a root element on line 1 and one element on each line."""
    return f"<amqp {root}>\n{framing}{body}\n</amqp>\n"


def ask(
    fields: str, attributes: str = "", inner: str = '<chassis name="server" implement="MUST"/>'
) -> str:
    """A specification with the one method alpha.ask (10.20), which clients send."""
    return spec(f"""<class name="alpha" index="10"><!--class-->
<method name="ask" index="20" {attributes}><!--method-->
{inner}
{fields}
</method>
</class>""")


def properties(fields: str) -> str:
    """A specification with the class alpha (10), whose contents have these properties."""
    return spec(f"""<class name="alpha" index="10"><!--class-->
{fields}
<method name="put" index="20" content="1"><!--method-->
<chassis name="server" implement="MUST"/>
</method>
</class>""")


def fields(text: str) -> str:
    """Fields from a line such as "name:type, *reserved:type": one on each line, marked by name."""
    lines = []
    for part in filter(None, map(str.strip, text.split(","))):
        name, wire_type = part.lstrip("*").split(":")
        reserved = ' reserved="1"' if part.startswith("*") else ""
        lines.append(f'<field name="{name}" type="{wire_type}"{reserved}/><!--{name}-->')
    return "\n".join(lines)


def line_of(text: str, mark: str) -> int:
    """The line of a mark, counted from 1; "root" is the first."""
    if mark == "root":
        return 1
    (line,) = (at for at, row in enumerate(text.splitlines(), 1) if f"<!--{mark}-->" in row)
    return line


def compare(old: str, new: str, folder: Path) -> list[Finding]:
    """What is found between two texts."""
    paths = folder / "old.xml", folder / "new.xml"
    for path, text in zip(paths, (old, new), strict=True):
        path.write_text(text, "utf-8")
    return find(*read_sides(str(paths[0]), str(paths[1]), SPEC))


def check(case: Case, folder: Path) -> None:
    """Fail unless exactly what is expected is found, at its places and in its words."""
    found = compare(case.old, case.new, folder)
    assert sorted(map(shown, found)) == sorted(
        (
            expected.what,
            expected.breaking,
            line_of(case.old, expected.old) if expected.old else None,
            line_of(case.new, expected.new) if expected.new else None,
        )
        for expected in case.expected
    )
    for expected in case.expected:
        sentences = [f.change.message for f in found if shown(f)[0] == expected.what]
        assert any(says(sentence, expected.words) for sentence in sentences), (sentences, expected)


def shown(finding: Finding) -> tuple[str, bool, int | None, int | None]:
    """Category, rule and subject of a finding; whether it is breaking; its lines."""
    change = finding.change
    what = f"{finding.rule.category.name} {finding.rule.id} {change.subject.name}"
    lines = [None if place is None else place.line for place in (change.old, change.new)]
    assert change.old is None or change.old.file.endswith("old.xml")
    assert change.new is None or change.new.file.endswith("new.xml")
    return what, change.breaking, lines[0], lines[1]


def says(sentence: str, words: tuple[str, ...]) -> bool:
    """Whether all the words are in the sentence, in their order."""
    return re.search(".*".join(map(re.escape, words)), sentence) is not None
