"""The parts of a specification as rules look at them: what was written and what it came to, in one.

The resolved model says what goes over the wire and into Python; the model before it says on which
line that was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics import Origin
from ..layout import property_flags
from ..model import AmqpClass, Field, Method, ResolvedClass, ResolvedField, ResolvedMethod
from .findings import Subject

#: Types whose bytes are those of another one.
SAME_BYTES = {"timestamp": "longlong"}


@dataclass(frozen=True)
class FieldPart:
    """A field of a method, or a content property, in its place.

    `place` counts all fields from 0. `unit` counts what the payload consists of: values, and
    octets of bits; `bit` is the place in a run of bits, None for all other types. Properties have
    a flag instead: the word, from 0, and the mask in it.
    """

    raw: Field
    field: ResolvedField
    place: int
    unit: int = 0
    bit: int | None = None
    flag: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """The name in the specification."""
        return self.field.name

    @property
    def reserved(self) -> bool:
        """Whether nobody but the generated code sees it."""
        return self.field.reserved

    @property
    def kind(self) -> str:
        """What its bytes look like, as the name of a type."""
        return SAME_BYTES.get(self.field.type, self.field.type)

    @property
    def octet(self) -> int | None:
        """Which octet of its run a bit is in, from 0."""
        return None if self.bit is None else self.bit // 8

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        return self.field.origin

    def __str__(self) -> str:
        return f"{self.name} ({self.field.type})"


@dataclass(frozen=True)
class MethodPart:
    """A method of a class; `python` is its generated class with its module, "basic.GetOk"."""

    raw: Method
    found: ResolvedMethod
    python: str
    fields: tuple[FieldPart, ...]

    @property
    def name(self) -> str:
        """The name within its class."""
        return self.found.name

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        return self.raw.origin

    @property
    def subject(self) -> Subject:
        """The method as the subject of a finding."""
        return Subject((3, self.found.class_id, self.found.method_id), self.found.full_name)

    def __str__(self) -> str:
        return f"{self.found.full_name} ({self.found.class_id}.{self.found.method_id})"


@dataclass(frozen=True)
class ClassPart:
    """A class with its methods, by number; `fields` are the properties of its content."""

    raw: AmqpClass
    found: ResolvedClass
    methods: tuple[MethodPart, ...]
    fields: tuple[FieldPart, ...]

    @property
    def name(self) -> str:
        """The name in the specification."""
        return self.found.name

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        return self.raw.origin

    @property
    def subject(self) -> Subject:
        """The class as the subject of a finding, before its methods."""
        return Subject((3, self.found.class_id, -1), f"class {self.name}")

    @property
    def python(self) -> str:
        """The generated class of its properties."""
        return f"{self.found.module}.Properties"

    def __str__(self) -> str:
        return f"class {self.name} ({self.found.class_id})"


def class_part(raw: AmqpClass, found: ResolvedClass) -> ClassPart:
    """A class as it was written together with what it was resolved to."""
    methods = {method.name: method for method in raw.methods}
    return ClassPart(
        raw=raw,
        found=found,
        methods=tuple(_method_part(methods[m.name], m, found.module) for m in found.methods),
        fields=tuple(_properties(raw, found)),
    )


def _method_part(raw: Method, found: ResolvedMethod, module: str) -> MethodPart:
    fields = tuple(_fields(raw.fields, found.fields))
    return MethodPart(raw, found, f"{module}.{found.class_name}", fields)


def _fields(raw: tuple[Field, ...], resolved: tuple[ResolvedField, ...]) -> Iterator[FieldPart]:
    """Fields in their places; eight neighbouring bits share a unit."""
    unit = -1
    bit = -1
    for place, (written, field) in enumerate(zip(raw, resolved, strict=True)):
        bit = bit + 1 if field.type == "bit" else -1
        unit += bit % 8 == 0 or bit < 0
        yield FieldPart(written, field, place, unit, bit if bit >= 0 else None)


def _properties(raw: AmqpClass, found: ResolvedClass) -> Iterator[FieldPart]:
    """The properties with their flags."""
    for place, flag in enumerate(property_flags(found.properties or ())):
        yield FieldPart(raw.fields[place], flag.field, place, flag=(flag.word, flag.mask))
