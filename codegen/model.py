"""The specification as plain data. Every part keeps the place where it was written.

`Spec` and what it holds are the facts as the XML states them; `Protocol` and what it holds are
the same facts put to use: domains replaced by wire types, directions and replies worked out,
Python names chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

from .diagnostics import Origin
from .loader import Source


@dataclass(frozen=True)
class Constant:
    """A named number; `error` is "soft-error" or "hard-error" for reply codes that are errors."""

    name: str
    value: int
    error: str | None
    label: str
    origin: Origin


@dataclass(frozen=True)
class Assertion:
    """Something that the XML asserts about a value, such as its greatest length."""

    check: str
    value: str | None
    method: str | None
    field: str | None
    values: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True)
class Domain:
    """A named use of an elementary type."""

    name: str
    type: str
    label: str
    asserts: tuple[Assertion, ...]
    origin: Origin


@dataclass(frozen=True)
class Field:
    """An argument of a method or a content property; `domain` names a domain or a type."""

    name: str
    domain: str
    label: str
    reserved: bool
    secret: bool
    asserts: tuple[Assertion, ...]
    origin: Origin


@dataclass(frozen=True)
class Reference:
    """A name inside a method that points elsewhere: a chassis (a peer) or a response (a method)."""

    name: str
    origin: Origin


@dataclass(frozen=True)
class Method:
    """A method; its chassis name the peers that must accept it."""

    name: str
    index: int
    synchronous: bool
    content: bool
    deprecated: bool
    label: str
    doc: str
    chassis: tuple[Reference, ...]
    responses: tuple[Reference, ...]
    fields: tuple[Field, ...]
    origin: Origin


@dataclass(frozen=True)
class AmqpClass:
    """A class of methods; `fields` are the properties of its content."""

    name: str
    index: int
    label: str
    doc: str
    fields: tuple[Field, ...]
    methods: tuple[Method, ...]
    origin: Origin


@dataclass(frozen=True)
class Spec:
    """One protocol version as written; `revision` is None where the XML has none (0-8, 0-9)."""

    major: int
    minor: int
    revision: int | None
    port: int
    constants: tuple[Constant, ...]
    domains: tuple[Domain, ...]
    classes: tuple[AmqpClass, ...]
    origin: Origin


@dataclass(frozen=True)
class ResolvedField:
    """A field with its elementary type, e.g. "short", and its name as a Python attribute."""

    name: str
    python: str
    type: str
    label: str
    reserved: bool
    secret: bool
    asserts: tuple[Assertion, ...]
    origin: Origin


@dataclass(frozen=True)
class ResolvedMethod:
    """A method ready to be laid out; `replies` are the XML names of methods of the same class."""

    name: str
    full_name: str
    class_name: str
    class_id: int
    method_id: int
    sent_by_client: bool
    sent_by_server: bool
    synchronous: bool
    has_content: bool
    deprecated: bool
    replies: tuple[str, ...]
    fields: tuple[ResolvedField, ...]
    label: str
    doc: str
    files: tuple[str, ...]

    @property
    def index(self) -> int:
        """Class and method number in one, as they start a payload."""
        return self.class_id << 16 | self.method_id

    @property
    def arguments(self) -> tuple[ResolvedField, ...]:
        """The fields that a user sees: all that are not reserved."""
        return tuple(field for field in self.fields if not field.reserved)


@dataclass(frozen=True)
class ResolvedClass:
    """A class ready to be rendered; `properties` is None when none of its methods has content."""

    name: str
    module: str
    class_id: int
    properties: tuple[ResolvedField, ...] | None
    methods: tuple[ResolvedMethod, ...]
    label: str
    doc: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """One protocol version, resolved: what templates are rendered from.

    `revision` is None where the XML has none.
    """

    package: str
    major: int
    minor: int
    revision: int | None
    port: int
    constants: tuple[Constant, ...]
    classes: tuple[ResolvedClass, ...]
    sources: tuple[Source, ...]

    @property
    def version(self) -> str:
        """The version as people write it: 0-9-1. The file of 0-8 has its numbers the other way."""
        if self.revision is None:
            return "-".join(str(number) for number in sorted((self.major, self.minor)))
        return f"{self.major}-{self.minor}-{self.revision}"

    @property
    def header(self) -> bytes:
        """The protocol header; versions without a revision (0-8, 0-9) have an older form of it."""
        if self.revision is None:
            return b"AMQP" + bytes((1, 1, self.major, self.minor))
        return b"AMQP" + bytes((0, self.major, self.minor, self.revision))

    def constant(self, name: str) -> int:
        """Value of a constant that resolving made sure exists."""
        return next(constant.value for constant in self.constants if constant.name == name)
