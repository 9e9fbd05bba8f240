"""The bytes of representative frames are those of the grammar, and those of other libraries."""

from __future__ import annotations

import pytest

from amqpconn_spec.v0_9_1 import frames
from tests.wire.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_the_bytes_are_those_of_the_grammar_and_of_other_libraries(vector: Vector) -> None:
    octets = bytes.fromhex(vector.octets)
    assert vector.frame.encode() == octets
    assert bytes.fromhex(vector.recorded) == octets


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_the_bytes_are_read_as_the_frame(vector: Vector) -> None:
    octets = bytes.fromhex(vector.octets)
    if isinstance(vector.frame, frames.ProtocolHeader):
        assert frames.ProtocolHeader.decode(octets) == vector.frame
    else:
        assert frames.decode_frame(octets) == (vector.frame, len(octets))


def test_there_are_enough_of_them_and_of_every_kind() -> None:
    names = [str(vector) for vector in VECTORS]
    assert len(set(names)) == len(names)
    assert len(names) >= 40
    assert {type(vector.frame) for vector in VECTORS} == {
        frames.ProtocolHeader,
        frames.MethodFrame,
        frames.HeaderFrame,
        frames.BodyFrame,
        frames.HeartbeatFrame,
    }
