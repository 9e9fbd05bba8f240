"""Overlays: whether the schema is asked first, and the XML; they change a small specification."""

from __future__ import annotations

from functools import cache

from codegen.build import build
from codegen.diagnostics import Diagnostics
from codegen.loader import Node, load
from codegen.overlay import apply
from codegen.resolve import resolve
from tests.codegen.specs import LAMP
from tests.fuzz.inputs import agree, taken
from tests.fuzz.targets.spec import NO_SCHEMA, SCHEMAS, check_again, file, nameless


def check(data: bytes) -> None:
    (with_schema,), xml = taken(data, 1)
    diagnostics = Diagnostics()
    schema = SCHEMAS / "overlay.rng" if with_schema % 2 else NO_SCHEMA
    overlay, _ = load(file("fuzzed.xml", xml), schema, diagnostics)
    if overlay is None:
        agree(bool(diagnostics.found), True)
        return
    before = nameless(base())
    changed = apply(base(), overlay, diagnostics)
    agree(nameless(base()), before)
    if not diagnostics.found:
        check_again(changed)
    resolve(build(changed, diagnostics), "fuzzed", (), diagnostics)


@cache
def base() -> Node:
    """A whole specification with one of everything that an overlay can address."""
    diagnostics = Diagnostics()
    root, _ = load(file("lamp.xml", LAMP.encode()), SCHEMAS / "amqp.rng", diagnostics)
    agree(diagnostics.found, [])
    assert root is not None
    return root
