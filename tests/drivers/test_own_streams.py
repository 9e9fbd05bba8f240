"""Byte streams that no selector or event loop knows: anything that reads, writes and closes."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import Content
from amqpconn.errors import PeerHungUp
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue

pytestmark = pytest.mark.usefixtures("leaks")

BODY = bytes(range(256)) * 4000


class Pipe:
    """A blocking byte stream without a file number."""

    def __init__(self, peer: Peer) -> None:
        self._sock = socket.create_connection((peer.host, peer.port))

    def read(self, size: int) -> bytes:
        return self._sock.recv(size)

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


def test_blocking_stream_without_a_file_number_carries_a_connection() -> None:
    with (
        Peer() as peer,
        amqpconn.sync.connect(peer.url(), connector=lambda _: Pipe(peer)) as connection,
    ):
        with connection.endpoint.open_channel() as channel:
            channel.call(queue.Declare(queue="q"))
            channel.send(basic.Publish(routing_key="q"), Content(BODY))
            _, content = channel.fetch(basic.Get(queue="q"))
    assert content is not None
    assert content.body == BODY


def test_end_of_a_blocking_stream_is_noticed() -> None:
    with (
        Peer() as peer,
        amqpconn.sync.connect(peer.url(), connector=lambda _: Pipe(peer)) as connection,
    ):
        peer.drop_connections()
        with pytest.raises(PeerHungUp):
            connection.wait_closed(timeout=10)


def test_reader_and_writer_carry_a_connection() -> None:
    async def body(peer: Peer) -> bytes:
        options = {"connector": lambda _: asyncio.open_connection(peer.host, peer.port)}
        async with amqpconn.asyncio.connect(peer.url(), **options) as connection:
            async with connection.endpoint.open_channel() as channel:
                await channel.call(queue.Declare(queue="q"))
                await channel.send(basic.Publish(routing_key="q"), Content(BODY))
                _, content = await channel.fetch(basic.Get(queue="q"))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return content.body if content else b""

    with Peer() as peer:
        assert asyncio.run(body(peer), debug=True) == BODY


def test_end_of_a_reader_is_noticed() -> None:
    async def body(peer: Peer) -> None:
        options = {"connector": lambda _: asyncio.open_connection(peer.host, peer.port)}
        async with amqpconn.asyncio.connect(peer.url(), **options) as connection:
            peer.drop_connections()
            with pytest.raises(PeerHungUp):
                await connection.wait_closed(timeout=10)

    with Peer() as peer:
        asyncio.run(body(peer), debug=True)


class Broken(asyncio.StreamReader):
    """A reader that fails."""

    async def read(self, n: int = -1) -> bytes:
        assert n > 0
        raise ConnectionResetError(104, "Connection reset by peer")


class Discarding:
    """A writer that goes nowhere."""

    closed = False

    def write(self, data: bytes) -> None:
        assert data

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        self.closed = True


def test_what_a_reader_raises_is_the_reason() -> None:
    async def body() -> None:
        writer = Discarding()

        async def connector(_: object) -> tuple[asyncio.StreamReader, Discarding]:
            return Broken(), writer

        with pytest.raises(PeerHungUp) as raised:
            await amqpconn.asyncio.connect("amqp://localhost", connector=connector)
        assert isinstance(raised.value.__cause__, ConnectionResetError | PeerHungUp)
        assert writer.closed

    asyncio.run(body(), debug=True)
