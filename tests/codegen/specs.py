"""Small specifications in our own words, for tests that need one to change or to break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codegen.diagnostics import SpecError
from codegen.loader import Node
from codegen.pipeline import load_protocols

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "spec"

#: The constants that every specification needs.
FRAMING = """\
  <constant name="frame-method" value="1"/>
  <constant name="frame-header" value="2"/>
  <constant name="frame-body" value="3"/>
  <constant name="frame-heartbeat" value="8"/>
  <constant name="frame-end" value="206"/>
"""

#: A whole specification with one of everything that an overlay can address.
LAMP = f"""\
<amqp major="1" minor="2" revision="3" port="4">
{FRAMING}\
  <constant name="no-power" value="401" class="hard-error"/>
  <domain name="colour" type="shortstr">
    <assert check="length" value="20"/>
  </domain>
  <class name="lamp" index="7">
    <chassis name="server" implement="MUST"/>
    <field name="shape" type="octet"/>
    <method name="switch" index="10" synchronous="1">
      <chassis name="server" implement="MUST"/>
      <response name="switch-ok"/>
      <field name="reserved-1" type="short" reserved="1"/>
      <field name="colour" domain="colour"/>
      <field name="on" type="bit"/>
    </method>
    <method name="switch-ok" index="11" synchronous="1">
      <chassis name="client" implement="MUST"/>
      <field name="since" type="timestamp"/>
    </method>
  </class>
</amqp>
"""

_MARK = re.compile(r"\[([a-z-]+)\]")


def write(directory: Path, spec: str = LAMP, *overlays: str, schema: bool = False) -> Path:
    """Write a specification, overlays on it and a manifest; gives the directory."""
    directory.mkdir(exist_ok=True)
    names = [f"overlay{number}.xml" for number in range(1, len(overlays) + 1)]
    for name, text in (("lamp.xml", spec), *zip(names, overlays, strict=True)):
        (directory / name).write_text(text, encoding="utf-8")
    manifest = f'[lamp_1]\nbase = "lamp.xml"\noverlays = {names!r}\n'
    (directory / "versions.toml").write_text(manifest, encoding="utf-8")
    if schema:
        for path in SPEC.glob("*.rng"):
            (directory / path.name).write_bytes(path.read_bytes())
    return directory


def changed(old: str, new: str, text: str = LAMP) -> str:
    """The text with its only occurrence of `old` replaced."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)


def unmarked(text: str) -> tuple[str, list[tuple[int, str]]]:
    """A text without its marks, and the marks: "[bad-name]" stands where such a diagnostic is due.

    The marks are given as line and rule.
    """
    lines = text.splitlines(keepends=True)
    marks = [(at, rule) for at, line in enumerate(lines, 1) for rule in _MARK.findall(line)]
    return _MARK.sub("", text), marks


def problems(directory: Path) -> list[str]:
    """What the generator has to say about a specification, each with its line and rule."""
    try:
        load_protocols(directory)
    except SpecError as error:
        return [str(found) for found in error.diagnostics]
    return []


def outline(node: Node, path: str = "") -> Iterator[str]:
    """Each element below a node: its path of kinds and names, and its other attributes."""
    for child in node.children:
        below = f"{path}/{child.kind}/{child.name}" if path else f"{child.kind}/{child.name}"
        others = {key: value for key, value in child.attributes.items() if key != "name"}
        yield " ".join([below, *(f"{key}={value}" for key, value in sorted(others.items()))])
        yield from outline(child, below)
