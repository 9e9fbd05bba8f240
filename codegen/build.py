"""Builds the model from nodes and checks what can be checked while looking at one element."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from .diagnostics import Diagnostics, Origin, Rule
from .loader import Node, normal
from .model import AmqpClass, Assertion, Constant, Domain, Field, Method, Reference, Spec

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
ERROR_CLASSES = ("soft-error", "hard-error")

OCTET = 0xFF
SHORT = 0xFFFF
LONG = 0xFFFFFFFF

#: Stands in for a number that is missing or wrong; it equals no number that is right.
NO_NUMBER = -1


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def origin(self) -> Origin: ...


class _Indexed(_Named, Protocol):
    @property
    def index(self) -> int: ...


Named = TypeVar("Named", bound=_Named)
Indexed = TypeVar("Indexed", bound=_Indexed)


def build(root: Node, diagnostics: Diagnostics) -> Spec:
    """The specification that a tree of nodes states; problems go to `diagnostics`.

    Where something is missing or wrong a harmless value stands in, so that the rest is checked too.
    """
    return _Builder(diagnostics).spec(root)


class _Builder:
    """Turns nodes into parts of the model; each method is named after what it builds."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics

    def spec(self, node: Node) -> Spec:
        if node.kind != "amqp":
            message = f"the root must be <amqp>, not <{node.kind}>"
            self.diagnostics.add(node.origin, "unknown-element", message)
        revision = "revision" in node.attributes
        return Spec(
            major=self.number(node, "major", OCTET),
            minor=self.number(node, "minor", OCTET),
            revision=self.number(node, "revision", OCTET) if revision else None,
            port=self.number(node, "port", SHORT),
            constants=self.unique(map(self.constant, node.of_kind("constant")), "constant"),
            domains=self.unique(map(self.domain, node.of_kind("domain")), "domain"),
            classes=self.indexed(map(self.amqp_class, node.of_kind("class")), "class"),
            origin=node.origin,
        )

    def constant(self, node: Node) -> Constant:
        error = normal(node.attributes["class"]) if "class" in node.attributes else None
        if error is not None and error not in ERROR_CLASSES:
            message = f"constant {node.name}: class must be one of {', '.join(ERROR_CLASSES)}"
            self.diagnostics.add(node.origin, "bad-value", message)
        value = self.number(node, "value", LONG)
        return Constant(self.name(node), value, error, self.label(node), node.origin)

    def domain(self, node: Node) -> Domain:
        return Domain(
            name=self.name(node),
            type=normal(self.required(node, "type")),
            label=self.label(node),
            asserts=self.asserts(node),
            origin=node.origin,
        )

    def amqp_class(self, node: Node) -> AmqpClass:
        return AmqpClass(
            name=self.name(node),
            index=self.number(node, "index", SHORT),
            label=self.label(node),
            doc=self.doc(node),
            fields=self.unique(map(self.field, node.of_kind("field")), "field"),
            methods=self.indexed(map(self.method, node.of_kind("method")), "method"),
            origin=node.origin,
        )

    def method(self, node: Node) -> Method:
        return Method(
            name=self.name(node),
            index=self.number(node, "index", SHORT),
            synchronous=self.flag(node, "synchronous"),
            content=self.flag(node, "content"),
            deprecated=self.flag(node, "deprecated"),
            label=self.label(node),
            doc=self.doc(node),
            chassis=self.unique(map(self.reference, node.of_kind("chassis")), "chassis"),
            responses=self.unique(map(self.reference, node.of_kind("response")), "response"),
            fields=self.unique(map(self.field, node.of_kind("field")), "field"),
            origin=node.origin,
        )

    def field(self, node: Node) -> Field:
        given = [key for key in ("domain", "type") if key in node.attributes]
        if len(given) != 1:
            rule: Rule = "bad-value" if given else "missing-attribute"
            message = f"field {node.name} needs either domain or type"
            self.diagnostics.add(node.origin, rule, message)
        return Field(
            name=self.name(node),
            domain=normal(node.attributes[given[0]]) if given else "",
            label=self.label(node),
            reserved=self.flag(node, "reserved"),
            secret=self.flag(node, "secret"),
            asserts=self.asserts(node),
            origin=node.origin,
        )

    def reference(self, node: Node) -> Reference:
        return Reference(self.name(node), node.origin)

    def asserts(self, node: Node) -> tuple[Assertion, ...]:
        return tuple(map(self.assertion, node.of_kind("assert")))

    def assertion(self, node: Node) -> Assertion:
        attributes = node.attributes
        values = tuple(child.name for child in node.of_kind("value"))
        method, field = (
            normal(attributes[key]) if key in attributes else None for key in ("method", "field")
        )
        check = self.required(node, "check")
        return Assertion(check, attributes.get("value"), method, field, values, node.origin)

    def required(self, node: Node, attribute: str) -> str:
        value = node.attributes.get(attribute)
        if value is None:
            what = f"{node.kind} {node.name}".strip()
            message = f"{what} needs the attribute {attribute}"
            self.diagnostics.add(node.origin, "missing-attribute", message)
        return value or ""

    def name(self, node: Node) -> str:
        """A name that can be made into an identifier; spaces have become hyphens."""
        name = normal(self.required(node, "name"))
        if "name" in node.attributes and not NAME.fullmatch(name):
            message = f"{node.kind} name {name!r} is not made of letters, digits and hyphens"
            self.diagnostics.add(node.origin, "bad-name", message)
        return name

    def number(self, node: Node, attribute: str, greatest: int) -> int:
        """A decimal number from 0 to `greatest`; NO_NUMBER after a diagnostic."""
        text = self.required(node, attribute).strip()
        if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= greatest:
            return int(text)
        if attribute in node.attributes:
            what = f"{node.kind} {node.name}".strip()
            message = f"{what}: {attribute} must be a number from 0 to {greatest}, not {text!r}"
            self.diagnostics.add(node.origin, "bad-number", message)
        return NO_NUMBER

    def flag(self, node: Node, attribute: str) -> bool:
        """An attribute that is 1 when it is there at all; 0 is taken as well."""
        text = node.attributes.get(attribute, "0").strip()
        if text not in ("0", "1"):
            message = f"{node.kind} {node.name}: {attribute} must be 0 or 1, not {text!r}"
            self.diagnostics.add(node.origin, "bad-value", message)
        return text == "1"

    def label(self, node: Node) -> str:
        return " ".join(node.attributes.get("label", "").split())

    def doc(self, node: Node) -> str:
        return " ".join(doc.text for doc in node.of_kind("doc") if doc.text)

    def unique(self, parts: Iterable[Named], kind: str) -> tuple[Named, ...]:
        """The parts, after a diagnostic for each name that comes a second time."""
        return self.once(parts, lambda part: part.name, "duplicate-name", f"{kind} name")

    def indexed(self, parts: Iterable[Indexed], kind: str) -> tuple[Indexed, ...]:
        """The parts, after a diagnostic for each name or index that comes a second time."""
        named = self.unique(parts, kind)
        return self.once(named, lambda part: part.index, "duplicate-index", f"{kind} index")

    def once(
        self, parts: Iterable[Named], key: Callable[[Named], object], rule: Rule, what: str
    ) -> tuple[Named, ...]:
        first: dict[object, Named] = {}
        kept = tuple(parts)
        for part in kept:
            known = first.setdefault(key(part), part)
            if known is not part and key(part) not in ("", NO_NUMBER):
                message = f"{what} {key(part)} is taken already, at {known.origin}"
                self.diagnostics.add(part.origin, rule, message)
        return kept
