"""Reads specification files into plain nodes that know where they were written.

The parser is closed to the outside: no DOCTYPE, hence no entities, no network, no huge trees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from .diagnostics import Diagnostics, Origin


@dataclass(frozen=True)
class Node:
    """One XML element: attributes, children in order, its own text, and its place."""

    kind: str
    attributes: dict[str, str]
    children: tuple[Node, ...]
    text: str
    origin: Origin

    @property
    def name(self) -> str:
        """The name attribute with hyphens for spaces (AMQP 0-8 writes spaces); "" without one."""
        return normal(self.attributes.get("name", ""))

    def of_kind(self, kind: str) -> tuple[Node, ...]:
        """The children of one kind, in order."""
        return tuple(child for child in self.children if child.kind == kind)

    def with_children(self, children: tuple[Node, ...]) -> Node:
        """The same element around other children."""
        return replace(self, children=children)


@dataclass(frozen=True)
class Source:
    """A file that was read: what output calls it, and the SHA-256 of its bytes in hex."""

    display: str
    file: str
    sha256: str


def normal(name: str) -> str:
    """A name with single hyphens where it has white space, as AMQP 0-8 has in most names."""
    return "-".join(name.split())


def load(path: Path, schema: Path, diagnostics: Diagnostics) -> tuple[Node | None, Source | None]:
    """Read one file and check it against its schema, if that exists.

    Returns no node when the file cannot be read or parsed; every problem goes to `diagnostics`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        diagnostics.add(Origin(str(path), 0), "missing-file", f"cannot be read: {error.strerror}")
        return None, None
    source = Source(f"spec/{path.name}", str(path), hashlib.sha256(data).hexdigest())
    root = _parse(data, str(path), diagnostics)
    if root is None:
        return None, source
    if schema.exists():
        _validate(root, schema, str(path), diagnostics)
    return _node(root, str(path)), source


def _parse(data: bytes, file: str, diagnostics: Diagnostics) -> etree._Element | None:
    """The root element, or None after a diagnostic."""
    problem = _prolog_problem(data)
    if problem is not None:
        line, rule, message = problem
        diagnostics.add(Origin(file, line), rule, message)
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        message = f"column {column}: {_one_line(error.msg)}"
        diagnostics.add(Origin(file, line or 0), "malformed-xml", message)
        return None


class _RootReached(Exception):
    """Ends the look at the prolog."""


class _DoctypeFound(Exception):
    """Ends the look at the prolog, before anything in a DOCTYPE is acted upon."""


def _prolog_problem(data: bytes) -> tuple[int, str, str] | None:
    """Line, rule and message for what is wrong before the root element; None when nothing is."""
    parser = expat.ParserCreate()

    def doctype(*_declaration: object) -> None:
        raise _DoctypeFound

    def element(*_element: object) -> None:
        raise _RootReached

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        parser.Parse(data, True)
    except _DoctypeFound:
        message = "a document type declaration is refused, because it can define entities"
        return parser.CurrentLineNumber, "doctype", message
    except expat.ExpatError as error:
        return error.lineno, "malformed-xml", f"column {error.offset + 1}: {error}"
    except _RootReached:
        pass  # the rest is for the real parser
    return None


def _validate(root: etree._Element, schema: Path, file: str, diagnostics: Diagnostics) -> None:
    """Report everything that the RelaxNG schema has to say about the document."""
    try:
        relaxng = etree.RelaxNG(etree.parse(schema))
    except (etree.XMLSyntaxError, etree.RelaxNGParseError) as error:
        diagnostics.add(Origin(str(schema), 0), "bad-schema", _one_line(str(error)))
        return
    if not relaxng.validate(root):
        for entry in relaxng.error_log:
            diagnostics.add(Origin(file, entry.line), "schema", _one_line(entry.message))


def _node(element: etree._Element, file: str) -> Node:
    """A node for an element and all elements below it; comments are left out."""
    children = tuple(_node(child, file) for child in element if isinstance(child.tag, str))
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    text = " ".join("".join(str(part) for part in element.xpath("text()")).split())
    return Node(str(element.tag), attributes, children, text, Origin(file, element.sourceline or 0))


def _one_line(message: str | None) -> str:
    return " ".join((message or "no details").split())
