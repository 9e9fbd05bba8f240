"""Settings: what is refused before anything is opened, and the properties that a client shows."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from amqpconn.config import Settings, __version__, checked_seconds, client_properties
from amqpconn.errors import InvalidParameter


@pytest.mark.parametrize("value", [1, 0.001, 30.0, 1e300, None])
def test_times_in_seconds(value: float | None) -> None:
    seconds = checked_seconds("timeout", value)
    assert seconds == value
    assert value is None or type(seconds) is float


@pytest.mark.parametrize(
    "value", [0, -1, 0.0, float("inf"), float("nan"), True, "30", 10**400, b"1", [1]]
)
def test_times_that_are_none(value: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"timeout is .*a time in seconds above 0, or None"):
        Settings(timeout=value)


def test_what_a_client_shows_unless_told_otherwise() -> None:
    properties = Settings().client_properties
    assert properties["product"] == "amqpconn"
    assert properties["version"] == __version__
    assert str(properties["platform"]).startswith("Python 3.")
    assert properties["capabilities"] == {}  # the protocol version's own come with the handshake
    assert "connection_name" not in properties


def test_the_callers_own_win_and_are_not_changed() -> None:
    own: Any = MappingProxyType({"product": "mine", "capabilities": {"mine": True}, "x": 1})
    properties = client_properties(own, "name")
    assert properties["product"] == "mine"
    assert properties["x"] == 1
    assert properties["connection_name"] == "name"
    assert properties["capabilities"] == {"mine": True}
    assert own["capabilities"] == {"mine": True}


@pytest.mark.parametrize("capabilities", ["all", ["basic.nack"], True, None, 1])
def test_capabilities_are_a_table(capabilities: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"\['capabilities'\] is .*, not a dict"):
        client_properties({"capabilities": capabilities})


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"x": object()}, r"client_properties\['x'\] has the type object"),
        ({"x": {"y": [object()]}}, r"client_properties\['x'\]\['y'\]\[0\] has the type object"),
        ({"x": 2**70}, r"client_properties\['x'\] must be an integer of at most 64 bits"),
        ({"x": Decimal("NaN")}, r"client_properties\['x'\] must be a finite decimal"),
        ({1: "x"}, r"client_properties has a key that is no str but int"),
        ({"k" * 256: 1}, r"client_properties has a key of 256 bytes"),
        (["x"], r"client_properties must be a table \(a dict\), not list"),
    ],
)
def test_properties_that_cannot_be_written(own: Any, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        Settings(properties=own)


def test_a_name_that_cannot_be_written() -> None:
    with pytest.raises(InvalidParameter, match="connection_name"):
        Settings(connection_name="\ud800")
