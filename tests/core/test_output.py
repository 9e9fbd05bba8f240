"""What waits to be written and read, and what is known of a protocol version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn import Content
from amqpconn.config import Settings
from amqpconn.core.dialect import dialect_for
from amqpconn.core.endpoint import EndpointCore
from amqpconn.core.output import Output
from amqpconn.errors import InvalidParameter
from amqpconn_spec.v0_9_1 import basic, constants
from tests.core.server import EPOCH, opened

# --- output ---


@given(st.lists(st.tuples(st.sampled_from(["write", "first", "take", "clear"]), st.binary())))
def test_answers_first_and_everything_in_order(steps: list[tuple[str, bytes]]) -> None:
    output, first, rest = Output(), b"", b""
    for what, data in steps:
        if what == "write":
            output.write(data)
            rest += data
        elif what == "first":
            output.write_first(data)
            first += data
        else:
            if what == "take":
                assert b"".join(output.take()) == first + rest
            else:
                output.clear()
            first = rest = b""
        assert output.size == len(first) + len(rest)


def test_a_single_piece_is_not_copied() -> None:
    client, data = opened(), bytes(1000)
    client.core.output.write(data)
    assert client.core.data_to_send(client.now) is data
    assert client.core.data_to_send(client.now) == b""


def test_parts_are_given_as_they_are_for_a_stream_that_gathers() -> None:
    client, body = opened(), bytes(1000)
    client.core.send(basic.Publish(), client.open_channel(), Content(body))
    parts = client.core.parts_to_send(client.now)
    assert any(part is body for part in parts)
    assert client.core.parts_to_send(client.now) == []


def test_the_core_forgets_what_it_gives() -> None:
    client = opened()
    client.core.send(basic.Ack(1), client.open_channel())
    size = client.core.output.size
    client.now += 7.0
    assert len(client.core.data_to_send(client.now)) == size > 0
    assert client.core.output.size == 0
    assert client.core.next_deadline() == EPOCH + 7.0 + 30.0
    client.now += 1.0
    assert client.core.data_to_send(client.now) == b""
    assert client.core.next_deadline() == EPOCH + 7.0 + 30.0


def test_drivers_can_see_how_much_of_a_frame_has_come() -> None:
    client = opened()
    assert client.core.unfinished == 0
    for data, unfinished in ((b"\x08\x00", 2), (b"\x00\x00\x00\x00\x00", 7), (b"\xce", 0)):
        client.core.receive_data(data, client.now)
        assert client.core.unfinished == unfinished


# --- dialect ---


def test_a_dialect_is_made_once() -> None:
    assert dialect_for("0-9-1") is dialect_for("0-9-1")


@pytest.mark.parametrize("protocol", ["0-7", "1.0", "", "0.9.1", "AUTO"])
def test_versions_that_we_do_not_speak(protocol: str) -> None:
    with pytest.raises(InvalidParameter, match=r"known are 0-8, 0-9, 0-9-1, auto"):
        EndpointCore(Settings(protocol=protocol))


@pytest.mark.parametrize(
    ("class_id", "method_id", "name"),
    [
        (0, 0, ""),
        (50, 10, "queue.declare"),
        (10, 40, "connection.open"),
        (50, 0, "method 50.0"),
        (0, 7, "method 0.7"),
        (65535, 65535, "method 65535.65535"),
    ],
)
def test_names_of_methods_that_a_close_is_about(class_id: int, method_id: int, name: str) -> None:
    assert dialect_for("0-9-1").method_name(class_id, method_id) == name


def test_what_the_core_takes_from_the_specification() -> None:
    dialect = dialect_for("0-9-1")
    assert dialect.version == (constants.MAJOR, constants.MINOR)
    assert dialect.protocol_header == b"AMQP\x00\x00\x09\x01"
    assert dialect.frame_min_size == constants.FRAME_MIN_SIZE
    assert dialect.reply_codes["not-found"] == constants.NOT_FOUND
    assert set(dialect.names) == set(dialect.methods)
    assert set(dialect.names.values()) == set(dialect.by_name)
