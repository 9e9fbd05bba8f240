"""The published specification files, and what such files say as a flat list of facts.

It uses lxml and nothing of codegen/, so a mistake there cannot hide one in spec/.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest
from lxml import etree

PUBLISHED = Path("/usr/share/amqp/specs")
MISSING = f"{PUBLISHED} is not there to compare spec/ with: apt-get install amqp-specs"

# Prose and what serves it. Every other element states a fact, one that is unknown here too.
PROSE = {"doc", "rule", "see", "test"}
PROSE_ATTRIBUTES = {"label", "comment"}


def published(name: str, root: Path = PUBLISHED) -> Path:
    """Give the path of a published file; where none are, skip, or fail if CI is true."""
    if root.is_dir():
        return root / name
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


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
