"""The blocking driver has a socket take large bodies from where they are."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from amqpconn.sync._flow import gathered

pytestmark = pytest.mark.skipif(
    not hasattr(socket.socket, "sendmsg"), reason="this system's sockets do not gather"
)
PARTS: list[bytes | memoryview] = [b"head", memoryview(b"body")[1:], b"end"]
WHOLE = b"headodyend"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def fill(stream: socket.socket) -> int:
    """Write until it takes no more; how much it took."""
    sent = 0
    while True:
        try:
            sent += stream.send(bytes(100))
        except BlockingIOError:
            return sent


def test_parts_are_written_in_one_call(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert not gathered(ours, PARTS)
    assert theirs.recv(100) == WHOLE


def test_what_is_not_taken_is_left(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    large = bytes(range(256)) * 40_000
    rest = gathered(ours, [b"head", large])
    assert 0 < len(rest) < len(large)
    assert large.endswith(rest)
    taken = len(large) + 4 - len(rest)
    assert theirs.recv(taken, socket.MSG_WAITALL) == (b"head" + large)[:taken]


def test_all_is_left_when_there_is_no_room(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sent = fill(ours)
    assert gathered(ours, PARTS) == WHOLE
    assert theirs.recv(sent, socket.MSG_WAITALL) == bytes(sent)


def test_what_cannot_be_gathered_is_joined(pair: tuple[socket.socket, socket.socket]) -> None:
    class Other(socket.socket):
        """Not known to gather; those of TLS have the method, and raise."""

    ours, _ = pair
    assert gathered(ours, [b"x"] * 1001) == b"x" * 1001
    with Other(fileno=ours.detach()) as other:
        assert gathered(other, PARTS) == WHOLE


def test_errors_are_the_callers(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        gathered(ours, PARTS)
