"""What many connections have alike: kept once, and changed by nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from amqpconn.core import sharing
from amqpconn.core.handshake import Agreement
from amqpconn.core.sharing import copied, shared
from amqpconn_spec.v0_9_1 import connection
from tests.core.server import START, Client

if TYPE_CHECKING:
    from amqpconn_spec._wire import FieldValue, Table


def agreed(start: connection.Start = START, **settings: object) -> Agreement:
    """What a connection whose server says this has agreed on."""
    client = Client(**settings).connect()
    client.feed(start)
    client.feed(connection.Tune(2047, 131072, 60))
    assert client.core.manager.agreement is not None
    return client.core.manager.agreement


def test_connections_to_one_server_share_what_they_agreed_on() -> None:
    first, second = agreed(), agreed()
    assert first.server_properties == START.server_properties
    assert first.server_properties is second.server_properties
    assert first.client_properties is second.client_properties
    assert first.mechanisms is second.mechanisms
    assert first.tuning is second.tuning


def test_properties_of_the_users_own_are_shared_with_nobody() -> None:
    own: Table = {"task": bytearray(b"x")}
    first, second = agreed(properties=own), agreed(properties=own)
    assert first.client_properties == second.client_properties
    assert first.client_properties is not second.client_properties


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, 1.0), ("a", b"a"), ([], {}), ([1], [True])]
)
def test_only_the_very_same_is_shared(one: FieldValue, other: FieldValue) -> None:
    assert shared({"value": one})["value"] is one
    assert shared({"value": other})["value"] is other


@pytest.mark.parametrize("value", [Decimal("1.5"), datetime(2026, 1, 1, tzinfo=UTC)])
def test_values_that_cannot_be_compared_at_once_are_kept_as_they_are(value: FieldValue) -> None:
    table: Table = {"value": value}
    assert shared(table) is table
    assert shared(dict(table)) is not table


def test_servers_that_always_say_something_else_fill_no_memory() -> None:
    for number in range(3 * sharing.MOST):
        table: Table = {"number": number}
        assert shared(table) is table
        assert shared({"number": number}) is table
    assert len(sharing._tables) <= sharing.MOST


def test_copies_have_nothing_in_common_with_what_is_shared() -> None:
    table: Table = {"capabilities": {"list": [1, {"deep": None}]}, "text": "x"}
    copy = copied(table)
    assert copy == table
    copy["capabilities"]["list"][1]["deep"] = 1  # type: ignore[call-overload, index]
    assert table == {"capabilities": {"list": [1, {"deep": None}]}, "text": "x"}


def test_what_was_agreed_on_cannot_be_changed() -> None:
    tuning = agreed().tuning
    assert tuning is not None
    with pytest.raises(AttributeError, match=r"Tuning\.heartbeat is agreed and cannot be changed"):
        tuning.heartbeat = 5
    with pytest.raises(AttributeError, match=r"Negotiated\.agreed"):
        tuning.report[0].agreed = 5
