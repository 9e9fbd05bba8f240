"""Works out what the XML only implies: types, directions, replies, Python names.

A chassis names who must accept a method, so the other side sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import asserts, naming
from .build import NO_NUMBER
from .diagnostics import Diagnostics, Origin
from .loader import Source
from .model import (
    AmqpClass,
    Constant,
    Domain,
    Field,
    Method,
    Protocol,
    ResolvedClass,
    ResolvedField,
    ResolvedMethod,
    Spec,
)

TYPES = frozenset("bit octet short long longlong shortstr longstr timestamp table".split())
PEERS = ("client", "server")
FRAME_CONSTANTS = ("frame-method", "frame-header", "frame-body", "frame-heartbeat")
FRAMING = (*FRAME_CONSTANTS, "frame-end")
OWN_CONSTANTS = ("PORT", "MAJOR", "MINOR", "REVISION", "TYPE_CHECKING")


def resolve(
    spec: Spec, package: str, sources: tuple[Source, ...], diagnostics: Diagnostics
) -> Protocol:
    """The protocol as it is rendered: classes by number, methods by number within them."""
    resolver = _Resolver(spec, sources, diagnostics)
    resolver.check_constants()
    resolver.check_domains()
    classes = [resolver.amqp_class(found) for found in spec.classes]
    resolver.check_modules()
    return Protocol(
        package=package,
        major=spec.major,
        minor=spec.minor,
        revision=spec.revision,
        port=spec.port,
        constants=spec.constants,
        classes=tuple(sorted(classes, key=lambda found: (found.class_id, found.name))),
        sources=sources,
    )


class _Resolver:
    """Holds what looking things up takes; every method reports what it cannot resolve."""

    def __init__(self, spec: Spec, sources: tuple[Source, ...], diagnostics: Diagnostics) -> None:
        self.spec = spec
        self.diagnostics = diagnostics
        self.domains = {domain.name: domain for domain in spec.domains}
        self.display = {source.file: source.display for source in sources}

    def check_constants(self) -> None:
        """What framing needs must be there and fit its octet; numbers and names must differ."""
        values = {constant.name: constant for constant in self.spec.constants}
        for name in FRAMING:
            if name not in values:
                message = f"constant {name} is missing, and frames need it"
                self.diagnostics.add(self.spec.origin, "missing-constant", message)
            elif values[name].value > 255:
                message = f"constant {name} must fit an octet"
                self.diagnostics.add(values[name].origin, "bad-number", message)
        self.distinct([values[name] for name in FRAME_CONSTANTS if name in values])
        self.distinct([constant for constant in self.spec.constants if constant.error])
        names = [(naming.constant_name(c.name), c.name, c.origin) for c in self.spec.constants]
        self.collide(names, OWN_CONSTANTS, "constant")

    def distinct(self, constants: list[Constant]) -> None:
        """Report constants that have the same number, where it must say which of them is meant."""
        seen: dict[int, Constant] = {}
        for constant in constants:
            known = seen.setdefault(constant.value, constant)
            if known is not constant and constant.value != NO_NUMBER:
                message = (
                    f"constant {constant.name} has the number of {known.name}, at {known.origin}"
                )
                self.diagnostics.add(constant.origin, "duplicate-index", message)

    def check_domains(self) -> None:
        for domain in self.spec.domains:
            if domain.type and domain.type not in TYPES:
                message = f"domain {domain.name}: type {domain.type!r} is unknown"
                self.diagnostics.add(domain.origin, "unknown-type", message)
            self.check_asserts(domain, domain.type, None)

    def check_asserts(self, on: Domain | Field, wire_type: str, owner: AmqpClass | None) -> None:
        known = wire_type if wire_type in TYPES else ""
        asserts.report(on.asserts, known, owner, self.diagnostics)

    def check_modules(self) -> None:
        names = [(naming.module_name(c.name), c.name, c.origin) for c in self.spec.classes]
        self.collide(names, naming.MODULES, "class")

    def amqp_class(self, found: AmqpClass) -> ResolvedClass:
        names = [(naming.class_name(m.name), m.name, m.origin) for m in found.methods]
        self.collide(names, (), f"{found.name}: method")
        methods = [self.method(found, method) for method in found.methods]
        has_content = bool(found.fields) or any(method.content for method in found.methods)
        properties = self.fields(found.fields, f"class {found.name}", found)
        for field in properties:
            if field.type == "bit":
                message = f"property {field.name}: a content property of type bit is not supported"
                self.diagnostics.add(field.origin, "bit-property", message)
        return ResolvedClass(
            name=found.name,
            module=naming.module_name(found.name),
            class_id=found.index,
            properties=properties if has_content else None,
            methods=tuple(sorted(methods, key=lambda method: (method.method_id, method.name))),
            label=found.label,
            doc=found.doc,
            files=self.files([found.origin, *(field.origin for field in found.fields)]),
        )

    def method(self, owner: AmqpClass, method: Method) -> ResolvedMethod:
        full_name = f"{owner.name}.{method.name}"
        return ResolvedMethod(
            name=method.name,
            full_name=full_name,
            class_name=naming.class_name(method.name),
            class_id=owner.index,
            method_id=method.index,
            sent_by_client="server" in self.accepted_by(method, full_name),
            sent_by_server="client" in self.accepted_by(method, full_name),
            synchronous=method.synchronous,
            has_content=method.content,
            deprecated=method.deprecated,
            replies=self.replies(owner, method),
            fields=self.fields(method.fields, full_name, owner),
            label=method.label,
            doc=method.doc,
            files=self.files(_origins(method)),
        )

    def accepted_by(self, method: Method, full_name: str) -> tuple[str, ...]:
        """Who must accept the method, by its chassis."""
        if not method.chassis:
            message = f"{full_name} names no chassis, so nobody can send it"
            self.diagnostics.add(method.origin, "missing-chassis", message)
        for chassis in method.chassis:
            if chassis.name and chassis.name not in PEERS:
                message = f"{full_name}: chassis {chassis.name!r} is neither client nor server"
                self.diagnostics.add(chassis.origin, "unknown-chassis", message)
        return tuple(chassis.name for chassis in method.chassis)

    def replies(self, owner: AmqpClass, method: Method) -> tuple[str, ...]:
        known = {other.name for other in owner.methods}
        for response in method.responses:
            if response.name and response.name not in known:
                message = f"{owner.name}.{method.name}: response {response.name!r} is no method"
                self.diagnostics.add(response.origin, "unknown-response", message)
        return tuple(response.name for response in method.responses)

    def fields(
        self, fields: tuple[Field, ...], where: str, owner: AmqpClass
    ) -> tuple[ResolvedField, ...]:
        visible = [field for field in fields if not field.reserved]
        names = [(naming.attribute(field.name), field.name, field.origin) for field in visible]
        self.collide(names, (), f"{where}: field")
        return tuple(self.field(field, where, owner) for field in fields)

    def field(self, field: Field, where: str, owner: AmqpClass) -> ResolvedField:
        domain = self.domains.get(field.domain)
        wire_type = domain.type if domain else field.domain
        if domain is None and field.domain and field.domain not in TYPES:
            message = f"{where}: field {field.name} has the unknown domain {field.domain!r}"
            self.diagnostics.add(field.origin, "unknown-domain", message)
        self.check_asserts(field, wire_type, owner)
        return ResolvedField(
            name=field.name,
            python=naming.attribute(field.name),
            type=wire_type,
            label=field.label or (domain.label if domain else ""),
            reserved=field.reserved,
            secret=field.secret,
            asserts=asserts.merge(domain.asserts if domain else (), field.asserts),
            origin=field.origin,
        )

    def collide(
        self, names: list[tuple[str, str, Origin]], reserved: Iterable[str], what: str
    ) -> None:
        """Report names that are different in the XML and the same in Python, or that are taken."""
        seen: dict[str, str] = {}
        for python, name, origin in names:
            known = seen.setdefault(python, name)
            if known != name:
                message = f"{what} {name!r} becomes {python}, as {known!r} does"
                self.diagnostics.add(origin, "name-collision", message)
            elif python in reserved:
                message = f"{what} {name!r} becomes {python}, which the generated code needs"
                self.diagnostics.add(origin, "reserved-name", message)

    def files(self, origins: Iterable[Origin]) -> tuple[str, ...]:
        """The files that had a part in something, as output names them, without repetition."""
        return tuple(dict.fromkeys(self.display.get(origin.file, "") for origin in origins))


def _origins(method: Method) -> Iterator[Origin]:
    """Places of a method and all its parts, the method first."""
    yield method.origin
    for parts in (method.fields, method.chassis, method.responses):
        yield from (part.origin for part in parts)
