"""Sockets are given large bodies from where they are."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from amqpconn._gathering import gather

PARTS: list[bytes | memoryview] = [b"head", memoryview(bytes(range(256)) * 100)[1:], b"end"]
WHOLE = b"".join(PARTS)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def test_parts_are_written_in_one_call(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert gather(ours, PARTS, len(WHOLE)) == len(WHOLE)
    assert theirs.recv(len(WHOLE), socket.MSG_WAITALL) == WHOLE


def test_a_part_is_taken_when_there_is_no_room_for_all(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    whole = WHOLE * 300
    taken = gather(ours, PARTS * 300, len(whole))
    assert 0 < taken < len(whole)
    while True:
        try:
            taken += ours.send(whole[taken:])
        except BlockingIOError:
            break
    assert gather(ours, PARTS * 300, len(whole)) == 0
    assert theirs.recv(taken, socket.MSG_WAITALL) == whole[:taken]


def test_small_parts_and_very_many_are_to_be_joined(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = pair
    assert gather(ours, [b"x" * 4095] * 2, 8190) == 0
    assert gather(ours, [b"x" * 4096] * 1001, 4096 * 1001) == 0


def test_other_streams_have_to_have_them_joined(pair: tuple[socket.socket, socket.socket]) -> None:
    class Other(socket.socket):
        """Not known to gather; those of TLS have the method, and raise."""

    with Other(fileno=pair[0].detach()) as other:
        assert gather(other, PARTS, len(WHOLE)) == 0


def test_errors_are_the_callers(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        gather(ours, PARTS, len(WHOLE))
