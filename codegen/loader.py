"""Reads specification files into plain nodes that know where they were written.

The parser is closed to the outside: no DOCTYPE, hence no entities, no network, no huge trees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from .diagnostics import Diagnostics, Origin, Rule

#: The namespace of the files of AMQP 0-10 and 1.0; those before have none.
LATER_NAMESPACE = "http://www.amqp.org/schema/amqp.xsd"

#: How deep elements may lie inside each other; those of a specification lie five deep.
MAX_DEPTH = 50
#: How many elements a file may have, four times as many as the largest that was published: each is
#: compared with its siblings, which takes time that grows faster than their number.
MAX_ELEMENTS = 5_000
#: How many attributes an element may have (the schema has no element with more than ten), and how
#: many characters each of them. Validation compares attributes with each other, and messages quote.
MAX_ATTRIBUTES = 50
MAX_VALUE = 10_000

#: Where each element of a document begins.
Places = dict[etree._Element, Origin]


@dataclass(frozen=True)
class Node:
    """One XML element: attributes, children in order, its own text, and its place."""

    kind: str
    attributes: dict[str, str]
    children: tuple[Node, ...]
    text: str
    origin: Origin

    @cached_property
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
    file = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        diagnostics.add(Origin(file, 0), "missing-file", f"cannot be read: {error.strerror}")
        return None, None
    source = Source(f"spec/{path.name}", file, hashlib.sha256(data).hexdigest())
    try:
        root, lines = _parse(data)
    except _Unreadable as problem:
        diagnostics.add(Origin(file, problem.line), problem.rule, problem.message)
        return None, source
    other = _other_schema(root)
    if other is not None:
        message = f"this is {other}; only the class and method schema of AMQP 0-8 to 0-9-1 is read"
        diagnostics.add(Origin(file, lines[0]), "other-schema", message)
        return None, source
    places = {
        element: Origin(file, line)
        for element, line in zip(root.iter(etree.Element), lines, strict=True)
    }
    if schema.exists():
        _validate(root, places, schema, diagnostics)
    return _node(root, places), source


class _Unreadable(Exception):
    """A document cannot be taken apart; says on which line, by which rule, and why."""

    def __init__(self, line: int, rule: Rule, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.rule = rule
        self.message = message


def _parse(data: bytes) -> tuple[etree._Element, list[int]]:
    """The root element, and on which line each element begins; raises _Unreadable.

    Two parsers read the document. expat goes first: it sees a DOCTYPE before anything in it takes
    effect, and it knows where a tag begins, while libxml2 only remembers where it ends. libxml2
    tells better what is malformed.
    """
    lines: list[int] = []
    complaint = _scan(data, lines)
    if complaint is not None and (not lines or complaint.rule == "too-large"):
        raise complaint
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        message = f"column {column}: {_one_line(error.msg)}"
        raise _Unreadable(line or 0, "malformed-xml", message) from None
    if complaint is not None:
        raise complaint
    return root, lines


def _scan(data: bytes, lines: list[int]) -> _Unreadable | None:
    """Add the line on which each element begins; gives what expat has to complain about."""
    parser = expat.ParserCreate()
    scan = _Scan(parser, lines)
    parser.StartDoctypeDeclHandler = scan.doctype
    parser.StartElementHandler = scan.begin
    parser.EndElementHandler = scan.end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = f"column {error.offset + 1}: {expat.ErrorString(error.code)}"
        return _Unreadable(error.lineno, "malformed-xml", message)
    except (LookupError, ValueError) as error:  # an encoding that does not exist, or is too rare
        return _Unreadable(1, "malformed-xml", str(error))
    except _Unreadable as complaint:
        return complaint
    return None


class _Scan:
    """What expat calls: it takes down lines, and raises _Unreadable for what is refused."""

    def __init__(self, parser: expat.XMLParserType, lines: list[int]) -> None:
        self.parser = parser
        self.lines = lines
        self.depth = 0

    def doctype(self, *_declaration: object) -> None:
        message = "a document type declaration is refused, because it can define entities"
        self.refuse("doctype", message)

    def begin(self, _name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.lines.append(self.parser.CurrentLineNumber)
        if self.depth > MAX_DEPTH:
            self.refuse("too-large", f"elements lie deeper than {MAX_DEPTH}")
        if len(self.lines) > MAX_ELEMENTS:
            self.refuse("too-large", f"there are more than {MAX_ELEMENTS} elements")
        if len(attributes) > MAX_ATTRIBUTES:
            self.refuse("too-large", f"an element has more than {MAX_ATTRIBUTES} attributes")
        if any(len(value) > MAX_VALUE for value in attributes.values()):
            self.refuse("too-large", f"an attribute has more than {MAX_VALUE} characters")

    def end(self, *_element: object) -> None:
        self.depth -= 1

    def refuse(self, rule: Rule, message: str) -> None:
        raise _Unreadable(self.parser.CurrentLineNumber, rule, message)


def _other_schema(root: etree._Element) -> str | None:
    """What else a document is: later versions of AMQP have other elements, in a namespace."""
    if etree.QName(root).namespace != LATER_NAMESPACE:
        return None
    if root.get("minor") is not None:
        version = f"{root.get('major')}-{root.get('minor')}"
        return f"AMQP {version}, in the schema with commands and controls"
    return "a part of AMQP 1.0, in the schema with types and sections"


def _validate(root: etree._Element, places: Places, schema: Path, diagnostics: Diagnostics) -> None:
    """Report everything that the RelaxNG schema has to say about the document."""
    try:
        relaxng = etree.RelaxNG(etree.parse(schema))
    except (etree.XMLSyntaxError, etree.RelaxNGParseError) as error:
        diagnostics.add(Origin(str(schema), 0), "bad-schema", _one_line(str(error)))
        return
    if relaxng.validate(root):
        return
    tree = root.getroottree()
    by_path: dict[str | None, Origin] = {tree.getpath(each): places[each] for each in places}
    for entry in relaxng.error_log:
        origin = by_path.get(entry.path, Origin(places[root].file, entry.line))
        diagnostics.add(origin, "schema", _one_line(entry.message))


def _node(element: etree._Element, places: Places) -> Node:
    """A node for an element and all elements below it; comments are left out."""
    children = tuple(_node(child, places) for child in element.iterchildren(etree.Element))
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    text = " ".join("".join(str(part) for part in element.xpath("text()")).split())
    return Node(str(element.tag), attributes, children, text, places[element])


def _one_line(message: str | None) -> str:
    return " ".join((message or "no details").split())
