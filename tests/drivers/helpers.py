"""What tests of the drivers need beside a peer: threads with results, waits, silent servers."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Generic, TypeVar

import pytest

from amqpconn import AuthMethod, Content, plain_auth
from amqpconn_spec.v0_9_1 import basic

T = TypeVar("T")

GUEST = plain_auth("guest", "guest")
# Longer than anything takes, on a busy machine too; only a test that fails waits so long.
PATIENCE = 10.0


class Background(Generic[T]):
    """A function that runs on a thread of its own; `result` has what it gave or raised."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._value: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="test-background")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value.append(self._function())
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            self._error = error

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait for its end. Raises TimeoutError."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("it is still running")

    def result(self) -> T:
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value[0]

    def error(self) -> BaseException | None:
        """What it raised."""
        self.wait()
        return self._error


def threads(name: str = "amqpconn-io") -> list[threading.Thread]:
    """Those of this name that run."""
    return [thread for thread in threading.enumerate() if thread.name == name]


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is so. Fails when it is not in time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


class Challenged(AuthMethod):
    """A mechanism that the server asks back in."""

    name = "ECHO"

    def initial_response(self) -> bytes:
        return b"hello"

    def respond(self, challenge: bytes) -> bytes:
        return b"re: " + challenge


def end_in_reset(sock: socket.socket) -> None:
    """From here on closing this socket resets the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def listening(backlog: int = 5) -> Iterator[socket.socket]:
    """A port where the system accepts connections and nobody answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield listener


@contextmanager
def dropping() -> Iterator[tuple[str, int]]:
    """An address that drops packets: the queue of its listener is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening(backlog=0))
        address = listener.getsockname()
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)
        yield address


def refusing() -> tuple[str, int]:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: tuple[str, int] = listener.getsockname()
    return address


Found = list[tuple[int, int, int, str, tuple[str, int]]]


def resolving(*addresses: tuple[str, int]) -> Callable[..., Found]:
    """A getaddrinfo that finds these."""
    return lambda *_, **__: [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)
        for address in addresses
    ]


@contextmanager
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that answers when this is over."""
    over = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> Found:
        over.wait(PATIENCE)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        yield
    finally:
        over.set()


def url_of(address: tuple[str, int]) -> str:
    return f"amqp://{address[0]}:{address[1]}/"


def message(body: bytes = b"", **properties: Any) -> Content:
    return Content(body, basic.Properties(**properties))
