"""Puts two specifications side by side: everything that rules compare, already in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Constant
from .findings import Subject
from .matching import Fields, Matching, Pair, align, match
from .parts import ClassPart, FieldPart, MethodPart, class_part
from .versions import Side

PROTOCOL = Subject((0, 0, 0), "protocol")
CONSTANTS = Subject((1, 0, 0), "constants")


@dataclass(frozen=True)
class ClassPair(Pair[ClassPart]):
    """A class in both specifications."""

    methods: Matching[MethodPart]
    properties: Matching[FieldPart]


@dataclass(frozen=True)
class MethodPair(Pair[MethodPart]):
    """A method in both specifications, with its fields; of its class `owner`."""

    owner: ClassPair
    fields: Fields


@dataclass(frozen=True)
class FieldPair(Pair[FieldPart]):
    """A field or property in both specifications.

    `name` says whose it is, as in "basic.consume", and `python` is the generated class.
    """

    subject: Subject
    name: str
    python: str
    method: MethodPair | None


@dataclass(frozen=True)
class Comparison:
    """Both specifications, and what in one is what in the other."""

    old: Side
    new: Side
    constants: Matching[Constant]
    classes: Matching[ClassPart]
    class_pairs: tuple[ClassPair, ...]
    methods: tuple[MethodPair, ...]

    def fields(self) -> Iterator[FieldPair]:
        """All fields of methods, and all content properties, that both specifications have."""
        for method in self.methods:
            name = method.new.found.full_name
            for pair in method.fields.pairs:
                yield FieldPair(
                    pair.old, pair.new, method.new.subject, name, method.new.python, method
                )
        for found in self.class_pairs:
            name = found.new.name
            for pair in found.properties.pairs:
                yield FieldPair(pair.old, pair.new, found.new.subject, name, found.new.python, None)

    def visible_fields(self) -> Iterator[FieldPair]:
        """Those of them that users see in both."""
        return (p for p in self.fields() if not p.old.reserved and not p.new.reserved)


def compare(old: Side, new: Side) -> Comparison:
    """Find out what belongs together."""
    classes = match(_classes(old), _classes(new), _renamed_class)
    class_pairs = tuple(map(_class_pair, classes.pairs))
    return Comparison(
        old=old,
        new=new,
        constants=match(old.spec.constants, new.spec.constants, _renamed_constant),
        classes=classes,
        class_pairs=class_pairs,
        methods=tuple(
            MethodPair(pair.old, pair.new, found, align(pair.old.fields, pair.new.fields))
            for found in class_pairs
            for pair in found.methods.pairs
        ),
    )


def _classes(side: Side) -> tuple[ClassPart, ...]:
    raw = {found.name: found for found in side.spec.classes}
    return tuple(class_part(raw[found.name], found) for found in side.protocol.classes)


def _class_pair(pair: Pair[ClassPart]) -> ClassPair:
    methods = match(pair.old.methods, pair.new.methods, _renamed_method)
    properties = match(
        pair.old.fields,
        pair.new.fields,
        lambda old, new: (old.place, old.kind) == (new.place, new.kind),
    )
    return ClassPair(pair.old, pair.new, methods, properties)


def _renamed_constant(old: Constant, new: Constant) -> bool:
    return (old.value, old.error) == (new.value, new.error)


def _renamed_method(old: MethodPart, new: MethodPart) -> bool:
    """Whether two methods of a class have the same number, the same fields and a content or not."""
    return _bytes(old) == _bytes(new)


def _renamed_class(old: ClassPart, new: ClassPart) -> bool:
    """Whether a class has the same number, and all that the other one has is in it unchanged."""
    kept = set(map(_bytes, old.methods)) <= set(map(_bytes, new.methods))
    kinds = tuple(part.kind for part in old.fields)
    same = kinds == tuple(part.kind for part in new.fields)[: len(kinds)]
    return old.found.class_id == new.found.class_id and kept and same


def _bytes(part: MethodPart) -> tuple[int, bool, tuple[str, ...]]:
    """What others see of a method besides its name."""
    kinds = tuple(field.kind for field in part.fields)
    return part.found.method_id, part.found.has_content, kinds
