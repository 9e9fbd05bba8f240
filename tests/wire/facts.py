"""What the XML says about methods and properties, read with lxml and without the generator."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from tests.codegen.published import one, parent, parse

SPEC = Path(__file__).parents[2] / "spec"

#: Attributes that are called otherwise than their field, because Python needs the word.
RENAMED = {"global": "global_"}


@dataclass(frozen=True)
class FieldFacts:
    """A field: its name in Python, its elementary type, and whether users see it."""

    python: str
    type: str
    reserved: bool
    secret: bool


@dataclass(frozen=True)
class MethodFacts:
    """A method, as the XML has it after all overlays."""

    class_name: str
    name: str
    class_id: int
    method_id: int
    synchronous: bool
    content: bool
    accepted_by: frozenset[str]
    responses: tuple[str, ...]
    fields: tuple[FieldFacts, ...]

    @property
    def full_name(self) -> str:
        return f"{self.class_name}.{self.name}"

    @property
    def arguments(self) -> tuple[FieldFacts, ...]:
        return tuple(field for field in self.fields if not field.reserved)


def specification(package: str = "v0_9_1") -> etree._Element:
    """The specification of a package with its overlays applied, in the plainest way."""
    manifest = tomllib.loads((SPEC / "versions.toml").read_text())
    root = parse(SPEC / manifest[package]["base"])
    for name in manifest[package]["overlays"]:
        for operation in parse(SPEC / name).iterchildren(etree.Element):
            _apply(operation, root)
    return root


def _apply(operation: etree._Element, root: etree._Element) -> None:
    target = one(root, str(operation.get("target") or operation.get("to")))
    if operation.tag == "remove":
        parent(target).remove(target)
    elif operation.tag == "replace":
        parent(target).replace(target, operation[0])
    else:
        after = operation.get("after")
        last = one(target, after) if after else target.findall(str(operation[0].tag))[-1]
        place = target.index(last) + 1
        target[place:place] = list(operation)


def methods(root: etree._Element) -> list[MethodFacts]:
    """All methods by class and method number."""
    found = [_method(method, root) for method in root.findall("class/method")]
    return sorted(found, key=lambda facts: (facts.class_id, facts.method_id))


def properties(root: etree._Element, class_name: str) -> tuple[FieldFacts, ...]:
    """The properties of a class's content."""
    return _fields(one(root, f"class/{class_name}"), root)


def _method(method: etree._Element, root: etree._Element) -> MethodFacts:
    owner = parent(method)
    return MethodFacts(
        class_name=str(owner.get("name")),
        name=str(method.get("name")),
        class_id=int(str(owner.get("index"))),
        method_id=int(str(method.get("index"))),
        synchronous=method.get("synchronous") == "1",
        content=method.get("content") == "1",
        accepted_by=frozenset(str(each.get("name")) for each in method.findall("chassis")),
        responses=tuple(str(each.get("name")) for each in method.findall("response")),
        fields=_fields(method, root),
    )


def _fields(owner: etree._Element, root: etree._Element) -> tuple[FieldFacts, ...]:
    types = {each.get("name"): each.get("type") for each in root.findall("domain")}
    fields = []
    for field in owner.findall("field"):
        name = str(field.get("name"))
        type_ = field.get("type") or types[field.get("domain")]
        python = RENAMED.get(name, name.replace("-", "_"))
        marks = (field.get("reserved") == "1", field.get("secret") == "1")
        fields.append(FieldFacts(python, str(type_), *marks))
    return tuple(fields)


SPECIFICATION = specification()
METHODS = methods(SPECIFICATION)
PROPERTIES = properties(SPECIFICATION, "basic")
