"""The published specification files, what such files say as a flat list of facts, and changes.

It uses lxml and nothing of codegen/, so a mistake there cannot hide one in spec/.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import NoReturn

import pytest
from lxml import etree

PUBLISHED = Path("/usr/share/amqp/specs")
MISSING = f"{PUBLISHED} is not there to compare spec/ with: apt-get install amqp-specs"

# Prose and what serves it. Every other element states a fact, one that is unknown here too.
PROSE = {"doc", "rule", "see", "test"}
PROSE_ATTRIBUTES = {"label", "comment"}

# What has a label, because code that is generated from it has a docstring.
WEIGHTY = ("constant", "domain", "class", "method", "field")

# Something that a test does to a specification to see whether it is noticed.
Change = Callable[[etree._Element], object]


def published(name: str, root: Path = PUBLISHED) -> Path:
    """Give the path of a published file; where none are, skip, or fail if CI is true."""
    if not root.is_dir():
        give_up(MISSING)
    return root / name


def give_up(reason: str) -> NoReturn:
    """Skip a test that misses something, with the reason; where CI is true, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def parse(path: Path) -> etree._Element:
    """Read a file, and nothing else that the file may refer to."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.parse(path, parser).getroot()


@dataclass(frozen=True)
class Fact:
    """One element: where it stands, by kinds and names, and what its attributes say."""

    path: str
    attributes: tuple[tuple[str, str], ...]
    line: int = field(compare=False)

    def __str__(self) -> str:
        # The path ends in the name.
        others = (f' {name}="{value}"' for name, value in self.attributes if name != "name")
        return f"line {self.line}: {self.path}{''.join(others)}"


def facts(root: etree._Element) -> list[Fact]:
    """List all facts in the order of the document.

    Left out is only what says nothing about the protocol: comments, white space and the order of
    attributes, as in any XML; labels and docs, because their words are ours in our files.
    All else is compared as it is written, the order of elements included, and numbers as text.
    """
    return [
        Fact(_path(element), _attributes(element), element.sourceline or 0)
        for element in root.iter(etree.Element)
        if element.tag not in PROSE
    ]


def _path(element: etree._Element) -> str:
    lineage = [element, *element.iterancestors()]
    steps = [f"{step.tag!s}/{step.get('name') or step.get('check')}" for step in lineage[:-1]]
    return "/".join(reversed(steps)) or str(element.tag)


def _attributes(element: etree._Element) -> tuple[tuple[str, str], ...]:
    attributes = ((str(name), str(value)) for name, value in element.items())
    return tuple(sorted(item for item in attributes if item[0] not in PROSE_ATTRIBUTES))


def first_difference(ours: list[Fact], theirs: list[Fact]) -> str | None:
    """Say where two lists of facts part and what each has there; None when they are equal."""
    for our, their in zip_longest(ours, theirs):
        if our != their:
            return f"first difference\n  ours   {our or 'ends'}\n  theirs {their or 'ends'}"
    return None


def errors(schema: Path, root: etree._Element) -> list[tuple[int, str]]:
    """Hold a document to a RelaxNG schema; give the line and the text of each violation."""
    relaxng = etree.RelaxNG(etree.parse(schema))
    relaxng.validate(root)
    return [(error.line, error.message) for error in relaxng.error_log]


def label_problems(root: etree._Element) -> list[str]:
    """Say what is wrong with labels: each is a line that begins a sentence, without a full stop."""
    problems = []
    for element in root.iter(*WEIGHTY):
        label = element.get("label", "")
        begins_well = label[:1].isupper() or label[:1].isdigit()
        if not begins_well or label != " ".join(label.split()) or label.endswith("."):
            where = f"line {element.sourceline}: {element.get('name')}"
            problems.append(f"{where}: label {label!r}")
    return problems


# --- Changes ---


def one(root: etree._Element, path: str) -> etree._Element:
    """Find the only element that a path such as class/basic/method/get names."""
    steps = path.strip("/").split("/") if path != "/" else []
    for kind, name in zip(steps[::2], steps[1::2], strict=True):
        (root,) = (child for child in root.iterchildren(kind) if child.get("name") == name)
    return root


def parent(element: etree._Element) -> etree._Element:
    found = element.getparent()
    assert found is not None
    return found


def swap(first: str, second: str) -> Change:
    """Swap two elements that have the same parent; the first comes before the second."""

    def change(root: etree._Element) -> None:
        former, latter = one(root, first), one(root, second)
        position = parent(former).index(former)
        latter.addnext(former)
        parent(latter).insert(position, latter)

    return change


def put(path: str, name: str, value: str) -> Change:
    """Give an attribute a value."""
    return lambda root: one(root, path).set(name, value)


def drop(path: str, name: str) -> Change:
    """Take an attribute away."""
    return lambda root: one(root, path).attrib.pop(name)


def remove(path: str, kind: str) -> Change:
    """Remove the first element of a kind below a path."""

    def change(root: etree._Element) -> None:
        doomed = next(one(root, path).iter(kind))
        parent(doomed).remove(doomed)

    return change
