"""What many connections have alike: kept once, and changed by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amqpconn.core.dialect import dialect_for
from amqpconn.core.framing import MOST_BEGINNINGS, FrameReader
from amqpconn.core.handshake import Agreement
from amqpconn.core.sharing import copied
from amqpconn_spec.v0_9_1 import connection
from tests.core.server import START, Client

if TYPE_CHECKING:
    from amqpconn_spec._wire import Table


def agreed(start: connection.Start = START, **settings: object) -> Agreement:
    """What a connection whose server says this has agreed on."""
    client = Client(**settings).connect()
    client.feed(start)
    client.feed(connection.Tune(2047, 131072, 60))
    assert client.core.manager.agreement is not None
    return client.core.manager.agreement


def begun_with(properties: Table) -> connection.Start:
    """A start that says this."""
    return connection.Start(
        START.version_major, START.version_minor, properties, START.mechanisms, START.locales
    )


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


def test_a_server_that_says_something_else_is_heard() -> None:
    agreed()
    other = begun_with({"product": "other"})
    assert agreed(other).server_properties == {"product": "other"}
    assert agreed().server_properties == START.server_properties


def test_start_in_pieces_or_with_more_behind_it_is_read_as_it_comes() -> None:
    whole = START.encode_frame(0)
    for pieces in ([whole[:9], whole[9:]], [whole + connection.Tune().encode_frame(0)]):
        before = dict(dialect_for("0-9-1").beginnings)
        client = Client().connect()
        for piece in pieces:
            client.core.receive_data(piece, 0.0)
        assert client.core.manager.agreement is not None
        assert client.core.manager.agreement.server_properties == START.server_properties
        known = dialect_for("0-9-1").beginnings
        assert known.keys() - before.keys() <= {whole}


def test_only_start_is_kept() -> None:
    """Servers read with the same reader, and what clients begin with has their credentials."""
    dialect = dialect_for("0-9-1")
    login = connection.StartOk(mechanism="PLAIN", response=b"\0guest\0secret").encode_frame(0)
    assert len(list(FrameReader(dialect, dialect.frame_min_size).receive(login))) == 1
    assert login not in dialect.beginnings


def test_servers_that_always_begin_with_something_else_fill_no_memory() -> None:
    known = dialect_for("0-9-1").beginnings
    for number in range(3 * MOST_BEGINNINGS):
        assert agreed(begun_with({"n": number})).server_properties == {"n": number}
        assert len(known) <= MOST_BEGINNINGS


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
