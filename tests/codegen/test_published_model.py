"""What our files mean, resolved, next to what RabbitMQ's published file means.

test_spec_facts.py compares the XML; this compares what the generator understood of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codegen.diagnostics import Diagnostics
from codegen.model import Protocol, ResolvedField, ResolvedMethod
from codegen.pipeline import load_protocols, load_spec
from codegen.resolve import resolve
from tests.codegen.published import published
from tests.codegen.specs import SPEC

EXTENDED = "0-9-1-rabbit/amqp0-9-1.stripped.extended.xml"

#: Every line that only one side has; spec/rabbitmq.overlay.xml says why. The methods of connection
#: are younger than the file, which has otherwise nothing that we do not have.
ONLY_OURS = [
    "constant no-route = 312, soft-error",
    "connection.blocked = 10/60, sent by server",
    "connection.blocked 0: reason, shortstr",
    "connection.unblocked = 10/61, sent by server",
    "connection.update-secret = 10/70, sent by client, synchronous, answered by update-secret-ok",
    "connection.update-secret 0: new-secret, longstr",
    "connection.update-secret 1: reason, shortstr",
    "connection.update-secret-ok = 10/71, sent by server, synchronous",
    "basic.recover = 60/110, sent by client, synchronous, answered by recover-ok",
    "confirm.select 0: no-wait, bit",
]
ONLY_THEIRS = [
    "basic.recover = 60/110, sent by client",
    "confirm.select 0: nowait, bit",
]


def meaning(protocol: Protocol) -> Iterator[str]:
    """Everything that a protocol says about bytes, directions and answers, line by line."""
    yield f"version {protocol.version}, port {protocol.port}, header {protocol.header.hex()}"
    for constant in protocol.constants:
        yield f"constant {constant.name} = {constant.value}, {constant.error}"
    for found in protocol.classes:
        yield f"class {found.name} = {found.class_id}"
        for at, field in enumerate(found.properties or ()):
            yield f"{found.name} {at}: {_field(field)}"
        for method in found.methods:
            yield f"{method.full_name} = {method.class_id}/{method.method_id}, {_method(method)}"
            for at, field in enumerate(method.fields):
                yield f"{method.full_name} {at}: {_field(field)}"


def _field(field: ResolvedField) -> str:
    return f"{field.name}, {field.type}{', reserved' if field.reserved else ''}"


def _method(method: ResolvedMethod) -> str:
    sides = {"client": method.sent_by_client, "server": method.sent_by_server}
    flags = {
        "synchronous": method.synchronous,
        "with content": method.has_content,
        "deprecated": method.deprecated,
        f"answered by {' or '.join(method.replies)}": bool(method.replies),
    }
    sent = f"sent by {' and '.join(side for side, sends in sides.items() if sends)}"
    return ", ".join([sent, *(name for name, holds in flags.items() if holds)])


@pytest.fixture(scope="module")
def ours() -> list[str]:
    (protocol,) = (each for each in load_protocols(SPEC) if each.package == "v0_9_1")
    return list(meaning(protocol))


@pytest.fixture(scope="module")
def theirs() -> list[str]:
    diagnostics = Diagnostics()
    spec, sources = load_spec(published(EXTENDED), [], SPEC, diagnostics)
    assert spec is not None
    protocol = resolve(spec, "theirs", sources, diagnostics)
    diagnostics.stop_if_any()
    return list(meaning(protocol))


def test_ours_covers_the_published_file_but_for_a_list_of_differences(
    ours: list[str], theirs: list[str]
) -> None:
    assert [line for line in ours if line not in theirs] == ONLY_OURS
    assert [line for line in theirs if line not in ours] == ONLY_THEIRS
    # And what both have comes in the same order.
    assert [line for line in ours if line in theirs] == [line for line in theirs if line in ours]


def test_it_is_all_there(ours: list[str]) -> None:
    assert ours[0] == "version 0-9-1, port 5672, header 414d515000000901"
    assert sum(line.startswith("class ") for line in ours) == 7
    assert sum(" = " in line and "sent by" in line for line in ours) == 64
    assert sum(line.startswith("constant ") for line in ours) == 25
    assert "basic.ack = 60/80, sent by client and server" in ours
    assert "basic 13: reserved, shortstr" in ours
    assert "exchange.declare 5: auto-delete, bit" in ours
    assert "queue.declare 0: reserved-1, short, reserved" in ours
