"""The older versions are made in the same way: each method and property goes there and back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from amqpconn_spec import VERSIONS
from amqpconn_spec._wire import DecodeError
from tests.wire.values import EXTREME, ZERO, given_values

OLDER = [version for version in VERSIONS if version != "0-9-1"]


def package(version: str) -> Any:
    return import_module(f"amqpconn_spec.{VERSIONS[version]}")


@pytest.mark.parametrize("version", OLDER)
@pytest.mark.parametrize("values", [ZERO, EXTREME], ids=["zero", "extreme"])
def test_every_method_comes_back_and_no_other_length_does(
    version: str, values: dict[str, Any]
) -> None:
    registry = package(version).registry
    for kind in registry.METHODS.values():
        payload = given_values(kind, values).encode()
        assert registry.decode_method(payload) == given_values(kind, values)
        with pytest.raises(DecodeError, match=kind.NAME):
            kind.decode(payload + b"\0")
        if len(payload) > 4:
            with pytest.raises(DecodeError, match=kind.NAME):
                kind.decode(payload[:-1])


@pytest.mark.parametrize("version", OLDER)
def test_all_properties_come_back(version: str) -> None:
    for kind in package(version).registry.PROPERTIES.values():
        properties = kind(**{name: EXTREME[wire_type] for name, wire_type in kind.FIELDS})
        assert kind.decode(properties.encode()) == properties
        assert kind.decode(kind().encode()) == kind()


@pytest.mark.parametrize("version", OLDER)
def test_methods_differ_from_their_neighbours(version: str) -> None:
    for kind in package(version).registry.METHODS.values():
        assert kind() == kind()
        assert kind() != object()
        assert kind.NAME.split(".")[0] in repr(kind())
