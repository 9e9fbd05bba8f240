"""Specification files: whether the schema is asked first, and the XML.

What is accepted is generated, and must be Python.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from codegen.build import build
from codegen.diagnostics import Diagnostics, Origin
from codegen.loader import Node, load
from codegen.render import Renderer
from codegen.resolve import resolve
from tests.fuzz.inputs import agree, taken

SCHEMAS = Path(__file__).parents[3] / "spec"
NO_SCHEMA = Path("none.rng")


class InMemory(type(Path())):  # type: ignore[misc]  # which of its subclasses depends on the system
    """A file that is not on a disk."""

    data: bytes

    def read_bytes(self) -> bytes:
        return self.data


def file(name: str, data: bytes) -> Path:
    path = InMemory(name)
    path.data = data
    return path


def check(data: bytes) -> None:
    (with_schema,), xml = taken(data, 1)
    diagnostics = Diagnostics()
    schema = SCHEMAS / "amqp.rng" if with_schema % 2 else NO_SCHEMA
    root, source = load(file("fuzzed.xml", xml), schema, diagnostics)
    if root is None or source is None:
        agree(bool(diagnostics.found), True)
        return
    check_again(root)
    protocol = resolve(build(root, diagnostics), "fuzzed", (source,), diagnostics)
    agree(diagnostics.found == sorted(set(diagnostics.found), key=diagnostics.found.index), True)
    if diagnostics.found:
        return
    for name, text in renderer().version(protocol).items():
        if name.endswith(".py"):
            compile(text, name, "exec", dont_inherit=True)


def check_again(root: Node) -> None:
    """What was read is written, and read again."""
    diagnostics = Diagnostics()
    again, _ = load(file("again.xml", written(root).encode()), NO_SCHEMA, diagnostics)
    agree(diagnostics.found, [])
    agree(again and nameless(again), nameless(root))


def written(node: Node) -> str:
    """The element as XML; a name in a namespace gets a declaration of its own."""
    space, _, kind = node.kind.rpartition("}")
    attributes = [f" xmlns={quoteattr(space[1:])}"]
    for place, (key, value) in enumerate(node.attributes.items()):
        theirs, _, name = key.rpartition("}")
        prefix = f"p{place}:" if theirs else ""
        if prefix:
            attributes.append(f" xmlns:p{place}={quoteattr(theirs[1:])}")
        attributes.append(f" {prefix}{name}={quoteattr(value, TABS)}")
    inside = "".join(map(written, node.children))
    return f"<{kind}{''.join(attributes)}>{escape(node.text)}{inside}</{kind}>"


#: White space that an attribute's value keeps only as a reference.
TABS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
NOWHERE = Origin("", 0)


def nameless(node: Node) -> Node:
    """The same without the places."""
    children = tuple(map(nameless, node.children))
    return Node(node.kind, node.attributes, children, node.text, NOWHERE)


@cache
def renderer() -> Renderer:
    return Renderer()
