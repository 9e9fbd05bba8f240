"""Specifications made in memory, and the generated classes that belong to them."""

from __future__ import annotations

from typing import Any

from codegen.compat import Side
from codegen.diagnostics import Diagnostics, Origin
from codegen.model import AmqpClass, Constant, Field, Method, Reference, Spec
from codegen.render import Renderer
from codegen.resolve import FRAMING, resolve

PLACE = Origin("model.xml", 1)


RENDERER = Renderer()


def a_field(name: str, wire_type: str, reserved: bool = False) -> Field:
    return Field(name, wire_type, "", reserved, False, (), PLACE)


def a_method(name: str, index: int, fields: tuple[Field, ...], **facts: Any) -> Method:
    """A method that clients send; `facts` are other attributes of the model."""
    plain: dict[str, Any] = {"synchronous": False, "content": False, "deprecated": False}
    plain |= {"label": "", "doc": "", "responses": (), "origin": PLACE}
    chassis = (Reference("server", PLACE),)
    return Method(name, index, chassis=chassis, fields=fields, **(plain | facts))


def a_class(
    name: str, index: int, methods: tuple[Method, ...], fields: tuple[Field, ...] = ()
) -> AmqpClass:
    return AmqpClass(name, index, "", "", fields, methods, PLACE)


def a_spec(*classes: AmqpClass) -> Spec:
    """A specification with these classes, and the constants that every one needs."""
    numbers = zip(FRAMING, (1, 2, 3, 8, 206), strict=True)
    constants = tuple(Constant(name, value, None, "", PLACE) for name, value in numbers)
    return Spec(0, 9, 1, 5672, constants, (), classes, PLACE)


def side(spec: Spec) -> Side:
    """A specification ready to be compared; raises SpecError when it has a mistake."""
    diagnostics = Diagnostics()
    protocol = resolve(spec, "v_x", (), diagnostics)
    diagnostics.stop_if_any()
    return Side("model", spec, protocol)


def rendered(spec: Side) -> dict[str, str]:
    """The generated files without their first lines, which name sources."""
    files = RENDERER.version(spec.protocol)
    return {name: text.partition("\n")[2] for name, text in files.items()}


def generated(spec: Side, module: str) -> dict[str, Any]:
    """What the generated module of a class defines."""
    names: dict[str, Any] = {"__name__": f"amqpconn_spec.v_x.{module}"}
    names["__package__"] = "amqpconn_spec.v_x"
    exec(rendered(spec)[f"{module}.py"], names)  # noqa: S102
    return names
