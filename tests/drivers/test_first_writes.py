"""What leaves in which write while a connection opens: counted where the socket is, not timed."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from amqpconn import forget_servers, transport
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1.frames import MethodFrame, decode_frame
from tests.drivers.adapter import Driver

RABBITMQ = {"product": "RabbitMQ", "version": "3.10.8"}


class Recorded(socket.socket):
    """A socket that notes each write, and whether Nagle's delay was off at the time."""

    def note_in(self, writes: list[tuple[list[str], bool]]) -> None:
        self._writes = writes

    def send(self, data: bytes | memoryview, *flags: int) -> int:  # type: ignore[override]
        is_at_once = bool(self.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self._writes.append((said(bytes(data)), is_at_once))
        return super().send(data, *flags)


def said(data: bytes) -> list[str]:
    """What a write says, by name."""
    if data.startswith(b"AMQP"):
        return ["protocol-header", *said(data[8:])]
    if not data:
        return []
    frame, at = decode_frame(data, 0)
    assert isinstance(frame, MethodFrame)
    return [frame.method.NAME, *said(data[at:])]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], bool]]:
    """Every write of every connection that is made in the test."""
    made: list[tuple[list[str], bool]] = []
    usual: Callable[..., socket.socket] = transport.new_socket

    def new_socket(*info: object) -> socket.socket:
        sock = Recorded(fileno=usual(*info).detach())
        sock.setblocking(False)
        sock.note_in(made)
        return sock

    monkeypatch.setattr(transport, "new_socket", new_socket)
    return made


def test_nothing_waits_for_more_and_tune_ok_goes_with_open(
    driver: Driver, peer: Peer, writes: list[tuple[list[str], bool]]
) -> None:
    with driver.connect(peer.url()):
        assert [names for names, _ in writes] == [
            ["protocol-header"],
            ["connection.start-ok"],
            ["connection.tune-ok", "connection.open"],
        ]
        assert all(is_at_once for _, is_at_once in writes)


def test_with_a_rabbitmq_the_first_channel_goes_along(
    driver: Driver, writes: list[tuple[list[str], bool]]
) -> None:
    with (
        Peer(server_properties=RABBITMQ) as peer,
        driver.connect(peer.url(), first_channel=True),
    ):
        assert [names for names, _ in writes] == [
            ["protocol-header"],
            ["connection.start-ok"],
            ["connection.tune-ok", "connection.open", "channel.open"],
        ]


def test_with_another_server_the_first_channel_waits_for_open_ok(
    driver: Driver, peer: Peer, writes: list[tuple[list[str], bool]]
) -> None:
    with driver.connect(peer.url(), first_channel=True):
        assert [names for names, _ in writes][-2:] == [
            ["connection.tune-ok", "connection.open"],
            ["channel.open"],
        ]


def test_fast_open_is_one_write(driver: Driver, writes: list[tuple[list[str], bool]]) -> None:
    forget_servers()
    with Peer(server_properties=RABBITMQ) as peer:
        driver.connect(peer.url(), fast_open=True).close()
        del writes[:]
        with driver.connect(peer.url(), first_channel=True, fast_open=True) as connection:
            assert connection.opened_fast
            assert writes == [
                (
                    [
                        "protocol-header",
                        "connection.start-ok",
                        "connection.tune-ok",
                        "connection.open",
                        "channel.open",
                    ],
                    True,
                )
            ]
