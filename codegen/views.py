"""What the templates are given: everything decided and named, so that they only print."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import FIXED_TYPES, PropertyFlag, method_layout, property_flags
from .model import Protocol, ResolvedClass, ResolvedField, ResolvedMethod
from .plan import DecodePlan, EncodePlan, Framing, decode_plan, encode_plan, pack_name, read_name

#: Python annotation, default and stand-in for None of each wire type.
ANNOTATIONS = {
    "bit": "bool",
    "octet": "int",
    "short": "int",
    "long": "int",
    "longlong": "int",
    "shortstr": "str",
    "longstr": "bytes",
    "timestamp": "datetime",
    "table": "Table",
}
DEFAULTS = {"bool": "False", "int": "0", "str": '""', "bytes": 'b""'}
FALLBACKS = {"datetime": "timestamp_default()", "Table": "{}"}


@dataclass(frozen=True)
class Parameter:
    """An argument of a constructor; `fallback` is what None is replaced by, if anything."""

    name: str
    annotation: str
    default: str
    fallback: str
    label: str


@dataclass(frozen=True)
class MethodView:
    """A method class to print."""

    method: ResolvedMethod
    parameters: tuple[Parameter, ...]
    types: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    asserts: tuple[tuple[str, str, object], ...]
    direction: str
    answer: str
    replies: tuple[str, ...]
    flags: tuple[str, ...]
    encode: EncodePlan
    decode: DecodePlan


@dataclass(frozen=True)
class PropertyView:
    """A content property to print; `python` is "" for a reserved one, which is only passed over.

    `pack` and `read` handle its value, or the length before it, when that is a number.
    """

    python: str
    type: str
    mask: str
    pack: str
    read: str
    size: int


@dataclass(frozen=True)
class WordView:
    """A flag word: its variable, that of the word before it, and the bits without a meaning."""

    name: str
    before: str
    unknown: str
    properties: tuple[PropertyView, ...]


@dataclass(frozen=True)
class PropertiesView:
    """A class of content properties to print."""

    parameters: tuple[Parameter, ...]
    types: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    asserts: tuple[tuple[str, str, object], ...]
    words: tuple[WordView, ...]


@dataclass(frozen=True)
class ModuleView:
    """The module of one AMQP class."""

    found: ResolvedClass
    methods: tuple[MethodView, ...]
    properties: PropertiesView | None
    exports: tuple[str, ...]


def module_view(found: ResolvedClass, protocol: Protocol) -> ModuleView:
    """Everything that the template of a class module prints."""
    framing = Framing(protocol.constant("frame-method"), protocol.constant("frame-end"))
    methods = tuple(_method_view(method, found, framing) for method in found.methods)
    properties = None if found.properties is None else _properties_view(found.properties)
    names = [view.method.class_name for view in methods]
    return ModuleView(
        found=found,
        methods=methods,
        properties=properties,
        exports=tuple(sorted([*names, *(["Properties"] if properties else [])])),
    )


def _method_view(method: ResolvedMethod, owner: ResolvedClass, framing: Framing) -> MethodView:
    layout = method_layout(method.fields)
    names = {other.name: other.class_name for other in owner.methods}
    return MethodView(
        method=method,
        parameters=tuple(_parameter(field) for field in method.arguments),
        types=tuple((field.python, field.type) for field in method.arguments),
        secrets=tuple(field.python for field in method.arguments if field.secret),
        asserts=_asserts(method.fields, owner),
        direction=_direction(method),
        answer=_answer(method, owner),
        replies=tuple(names[reply] for reply in method.replies),
        flags=_flags(method),
        encode=encode_plan(method.index, layout, framing),
        decode=decode_plan(layout, tuple(field.python for field in method.arguments)),
    )


def _parameter(field: ResolvedField) -> Parameter:
    annotation = ANNOTATIONS[field.type]
    fallback = FALLBACKS.get(annotation, "")
    return Parameter(
        name=field.python,
        annotation=f"{annotation} | None" if fallback else annotation,
        default="None" if fallback else DEFAULTS[annotation],
        fallback=fallback,
        label=field.label,
    )


def _flags(method: ResolvedMethod) -> tuple[str, ...]:
    """The class attributes that are true of the method."""
    facts = {
        "SYNCHRONOUS": method.synchronous,
        "HAS_CONTENT": method.has_content,
        "SENT_BY_CLIENT": method.sent_by_client,
        "SENT_BY_SERVER": method.sent_by_server,
    }
    return tuple(name for name, holds in facts.items() if holds)


def _direction(method: ResolvedMethod) -> str:
    if method.sent_by_client and method.sent_by_server:
        return "Sent by either side"
    return "Sent by the client" if method.sent_by_client else "Sent by the server"


def _answer(method: ResolvedMethod, owner: ResolvedClass) -> str:
    """What the method answers and what answers it, in words."""
    asked = [other.full_name for other in owner.methods if method.name in other.replies]
    words = f", in answer to {' or '.join(asked)}" if asked else ""
    if method.replies:
        words += f"; answered by {' or '.join(f'{owner.name}.{name}' for name in method.replies)}"
    return words


def _asserts(
    fields: tuple[ResolvedField, ...], owner: ResolvedClass | None
) -> tuple[tuple[str, str, object], ...]:
    """(attribute, check, argument) for all that a value alone or with its request can be held to."""
    found: list[tuple[str, str, object]] = []
    for field in fields:
        for rule in () if field.reserved else field.asserts:
            argument: object = None
            if rule.check in ("length", "ne"):
                argument = int(rule.value or 0)
            elif rule.check == "regexp":
                argument = rule.value
            elif rule.check == "enum":
                argument = rule.values
            elif rule.check == "le" and owner is not None:
                argument = _request_field(rule.method, rule.field, owner)
            elif rule.check not in ("notnull", "null"):
                continue
            found.append((field.python, rule.check, argument))
    return tuple(found)


def _request_field(method: str | None, field: str | None, owner: ResolvedClass) -> tuple[str, str]:
    """Full method name and attribute that a le assertion refers to."""
    request = next(other for other in owner.methods if other.name == method)
    return request.full_name, next(f.python for f in request.fields if f.name == field)


def _properties_view(fields: tuple[ResolvedField, ...]) -> PropertiesView:
    visible = tuple(field for field in fields if not field.reserved)
    return PropertiesView(
        parameters=tuple(
            Parameter(f.python, f"{ANNOTATIONS[f.type]} | None", "None", "", f.label)
            for f in visible
        ),
        types=tuple((field.python, field.type) for field in visible),
        secrets=tuple(field.python for field in visible if field.secret),
        asserts=_asserts(fields, None),
        words=_words(property_flags(fields)),
    )


def _words(flags: tuple[PropertyFlag, ...]) -> tuple[WordView, ...]:
    """The flag words; there is one even for a content without properties."""
    count = max((flag.word for flag in flags), default=0) + 1
    names = ["flags", *(f"flags{number}" for number in range(2, count + 1))]
    words = []
    for word, name in enumerate(names):
        own = [flag for flag in flags if flag.word == word]
        known = sum(flag.mask for flag in own) | (word < count - 1)
        properties = tuple(map(_property_view, own))
        words.append(WordView(name, names[word - 1], f"0x{0xFFFF & ~known:04X}", properties))
    return tuple(words)


def _property_view(flag: PropertyFlag) -> PropertyView:
    field = flag.field
    code, size = FIXED_TYPES.get(field.type, ("I", 4))
    return PropertyView(
        python="" if field.reserved else field.python,
        type=field.type,
        mask=f"0x{flag.mask:04X}",
        pack=pack_name(code),
        read=read_name(code),
        size=size,
    )
