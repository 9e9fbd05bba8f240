"""Functions that give credentials, in the blocking driver: on threads, and never in the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from amqpconn import Credentials, fetched_auth
from amqpconn.errors import CredentialsFailed, InvalidParameter, OpenAborted
from amqpconn.sync import Connection, Endpoint, connect
from amqpconn.testing import Peer
from tests.drivers.helpers import Background, eventually
from tests.drivers.test_interrupts import interrupted
from tests.drivers.test_interrupts import signals as signals

pytestmark = pytest.mark.usefixtures("leaks")


async def later() -> Credentials:
    return Credentials("guest", "guest")


def soon() -> Credentials:
    return Credentials("guest", "guest")


class Hanging:
    """Does not answer before `go` is set."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self) -> Credentials:
        self.asked.set()
        self.go.wait()
        return soon()


@pytest.fixture
def hanging(leaks: None) -> Iterator[Hanging]:  # noqa: ARG001 - it watches what follows
    function = Hanging()
    yield function
    function.go.set()


def test_coroutine_functions_are_refused_before_anything_is_done(peer: Peer) -> None:
    endpoint = Endpoint(peer.host, peer.port)
    with pytest.raises(InvalidParameter, match="which this driver cannot await") as raised:
        Connection(endpoint).open(fetched_auth(later))
    assert "give a plain function" in raised.value.remedy
    assert endpoint.state.value == "off"
    assert peer.sessions == []


class Lazy:
    """Can be awaited, and is no coroutine."""

    def __await__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize("gives", [later, Lazy])
def test_what_can_only_be_awaited_is_refused_when_it_comes(peer: Peer, gives: Any) -> None:
    def fetch() -> Any:
        return gives()

    with pytest.raises(CredentialsFailed, match="gave something to await") as raised:
        connect(peer.url(), credentials=fetch)
    assert "use amqpconn.asyncio" in raised.value.remedy


def test_it_can_be_interrupted(peer: Peer, hanging: Hanging) -> None:
    endpoint = Endpoint(peer.host, peer.port)
    with interrupted(hanging.asked.is_set):
        Connection(endpoint).open(fetched_auth(hanging))
    assert endpoint.state.value == "failed"


def test_what_comes_after_an_interruption_is_dropped(peer: Peer, hanging: Hanging) -> None:
    endpoint = Endpoint(peer.host, peer.port)
    with interrupted(hanging.asked.is_set):
        Connection(endpoint).open(fetched_auth(hanging))
    hanging.go.set()
    eventually(lambda: threading.active_count() == 1 or not _asking())
    assert not peer.received("connection.start-ok")


def _asking() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "amqpconn-credentials"]


class Wrapped:
    """A stream that has a file number and is no socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def test_on_a_stream_that_is_no_socket(peer: Peer) -> None:
    def stream(_: float | None) -> Any:
        return Wrapped(socket.create_connection((peer.host, peer.port)))

    with connect(peer.url(), connector=stream, credentials=soon, timeout=None) as connection:
        assert connection.is_open
    with pytest.raises(CredentialsFailed, match="raised ZeroDivisionError"):
        connect(peer.url(), connector=stream, credentials=lambda: 1 // 0, timeout=None)  # type: ignore[arg-type,unused-ignore]


def test_a_stream_that_its_user_closes_meanwhile(peer: Peer, hanging: Hanging) -> None:
    made: list[socket.socket] = []

    def stream(_: float | None) -> Any:
        made.append(socket.create_connection((peer.host, peer.port)))
        return Wrapped(made[0])

    attempt = Background(lambda: connect(peer.url(), connector=stream, credentials=hanging))
    hanging.asked.wait()
    made[0].close()
    assert isinstance(attempt.error(), OSError)


def test_a_system_without_threads(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "amqpconn-credentials":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CredentialsFailed, match="raised RuntimeError") as raised:
        connect(peer.url(), credentials=soon)
    assert "can't start" in str(raised.value.__cause__)


def test_an_abort_from_another_thread_is_not_kept_waiting(peer: Peer, hanging: Hanging) -> None:
    endpoint = Endpoint(peer.host, peer.port)
    attempt = Background(lambda: Connection(endpoint).open(fetched_auth(hanging)))
    hanging.asked.wait()
    endpoint.abort()
    assert isinstance(attempt.error(), OpenAborted)
