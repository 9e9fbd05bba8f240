"""What the template of a class module is given: everything decided and named, only to print."""

from __future__ import annotations

from dataclasses import dataclass

from .asserts import Fact, facts
from .contents import PropertiesView, properties_view
from .layout import method_layout
from .model import Protocol, ResolvedClass, ResolvedMethod
from .parameters import Parameter, method_parameter
from .reading import DecodePlan, decode_plan
from .writing import EncodePlan, Framing, encode_plan


@dataclass(frozen=True)
class MethodView:
    """A method class to print.

    `flags` are the class attributes that are true, `requests` the full names of the methods that
    this one answers, `replies` the classes that answer it, and `answer` their type, None for none.
    """

    method: ResolvedMethod
    parameters: tuple[Parameter, ...]
    types: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    asserts: tuple[Fact, ...]
    flags: tuple[str, ...]
    requests: tuple[str, ...]
    replies: tuple[str, ...]
    answer: str | None
    encode: EncodePlan
    decode: DecodePlan


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
    properties = properties_view(found)
    names = [method.class_name for method in found.methods]
    return ModuleView(
        found=found,
        methods=tuple(_method_view(method, found, framing) for method in found.methods),
        properties=properties,
        exports=tuple(sorted([*names, "Properties"] if properties else names)),
    )


def _method_view(method: ResolvedMethod, owner: ResolvedClass, framing: Framing) -> MethodView:
    layout = method_layout(method.fields)
    requests = tuple(m.full_name for m in owner.methods if method.name in m.replies)
    names = {other.name: other.class_name for other in owner.methods}
    replies = tuple(names[reply] for reply in method.replies)
    return MethodView(
        method=method,
        parameters=tuple(map(method_parameter, method.arguments)),
        types=tuple((field.python, field.type) for field in method.arguments),
        secrets=tuple(field.python for field in method.arguments if field.secret),
        asserts=facts(method.arguments, owner.name),
        flags=_flags(method, is_reply=bool(requests)),
        requests=requests,
        replies=replies,
        answer=" | ".join(replies) or None,
        encode=encode_plan(method.index, layout, framing),
        decode=decode_plan(layout),
    )


def _flags(method: ResolvedMethod, *, is_reply: bool) -> tuple[str, ...]:
    facts_ = {
        "SYNCHRONOUS": method.synchronous,
        "IS_REPLY": is_reply,
        "HAS_CONTENT": method.has_content,
        "SENT_BY_CLIENT": method.sent_by_client,
        "SENT_BY_SERVER": method.sent_by_server,
    }
    return tuple(name for name, holds in facts_.items() if holds)
