"""A program that writes payloads of all methods of a generated package, as Erlang terms.

Its argument is the name of the package in amqpconn_spec. Each value is as large as it can be, or
nearly so. It fails where a payload does not come back as it was, and where the package needs the
one of another version.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib import import_module

EXAMPLES = {
    "bit": True,
    "octet": 255,
    "short": 65535,
    "long": 2**32 - 1,
    "longlong": 2**64 - 1,
    "shortstr": "é" * 127,
    "longstr": bytes(range(256)),
    "table": {"key": ["text", {"inner": -1}], "flag": True},
    "timestamp": datetime(2006, 6, 1, tzinfo=UTC),
}


def main(name: str) -> None:
    registry = import_module(f"amqpconn_spec.{name}").registry
    for kind in registry.METHODS.values():
        method = kind(*(EXAMPLES[wire_type] for _, wire_type in kind.FIELDS))
        payload = method.encode()
        assert registry.decode_method(payload) == method, method
        write(kind.CLASS_ID, kind.METHOD_ID, payload[4:])
    for class_id, kind in registry.PROPERTIES.items():
        properties = kind(**{field: EXAMPLES[wire_type] for field, wire_type in kind.FIELDS})
        payload = properties.encode()
        assert kind.decode(payload) == properties, properties
        write(class_id, "properties", payload)
    loaded = {part[1] for module in sys.modules if len(part := module.split(".")) > 1}
    versions = {part for part in loaded if part.startswith("v0_")}
    assert versions == {name}, versions


def write(class_id: int, method: int | str, payload: bytes) -> None:
    octets = ",".join(map(str, payload))
    sys.stdout.write(f"{{{{{class_id},{method}}},<<{octets}>>}}.\n")


if __name__ == "__main__":
    main(sys.argv[1])
