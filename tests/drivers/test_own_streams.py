"""Byte streams that no selector or event loop knows: anything that reads, writes and closes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import Content
from amqpconn.asyncio._stream import StreamTransport
from amqpconn.errors import AuthenticationRefused, ConnectionFailed, ConnectionForced, PeerHungUp
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


def test_transport_of_a_reader_and_a_writer_closes_once() -> None:
    async def body() -> None:
        lost: list[Exception | None] = []

        class Noting(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                lost.append(exc)

        writer = Discarding()
        transport = StreamTransport(asyncio.StreamReader(), writer, Noting())
        assert not transport.is_closing()
        transport.close()
        transport.close()
        assert transport.is_closing()
        await asyncio.sleep(0.01)
        transport.abort()
        await asyncio.sleep(0)
        assert lost == [None]
        assert writer.closed

    asyncio.run(body(), debug=True)


class Slow:
    """A writer that keeps bytes until they are drained, which takes its time."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.drained = 0

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def drain(self) -> None:
        await asyncio.sleep(0.01)
        self.drained += 1
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()


def run_slowly(
    peer: Peer, work: Callable[[amqpconn.asyncio.Connection, Slow], Awaitable[None]], **options: Any
) -> None:
    """Run with a connection whose writer is slow."""
    writers: list[Slow] = []

    async def connector(_: object) -> tuple[asyncio.StreamReader, Slow]:
        reader, writer = await asyncio.open_connection(peer.host, peer.port)
        writers.append(Slow(writer))
        return reader, writers[-1]

    async def main() -> None:
        url = peer.url()
        async with amqpconn.asyncio.connect(url, connector=connector, **options) as connection:
            await work(connection, writers[-1])
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(0)

    asyncio.run(main(), debug=True)


def test_what_a_slow_writer_has_arrives_before_the_close() -> None:
    async def work(connection: amqpconn.asyncio.Connection, slow: Slow) -> None:
        channel = await connection.endpoint.open_channel()
        await channel.send(basic.Publish(routing_key="none"), Content(BODY))
        peer.close_connections()
        with pytest.raises(ConnectionForced):
            await connection.wait_closed(timeout=10)
        assert slow.drained

    with Peer() as peer:
        run_slowly(peer, work)
        assert len(peer.received("basic.publish")) == 1
        assert len(peer.received("connection.close-ok")) == 1


def test_orderly_end_waits_for_a_slow_writer() -> None:
    """Blocked: our close and the end follow each other at once."""

    async def work(connection: amqpconn.asyncio.Connection, _: Slow) -> None:
        blocked = asyncio.Event()
        connection.endpoint.on_blocked(lambda _: blocked.set())
        peer.block()
        await blocked.wait()
        await connection.close()

    with Peer() as peer:
        run_slowly(peer, work)
        peer.wait_for("connection.close")


def test_abort_does_not_wait_for_a_slow_writer() -> None:
    async def work(connection: amqpconn.asyncio.Connection, slow: Slow) -> None:
        channel = await connection.endpoint.open_channel()
        await channel.send(basic.Ack(1))
        before = slow.drained
        connection.endpoint.abort()
        await connection.wait_closed(timeout=10)
        assert slow.drained == before

    with Peer() as peer:
        run_slowly(peer, work)


@pytest.mark.parametrize("error", [OSError(5, "of the test"), LookupError("of the test")])
def test_what_a_writer_raises_is_the_reason(error: Exception) -> None:
    async def work(connection: amqpconn.asyncio.Connection, slow: Slow) -> None:
        async def drain() -> None:
            raise error

        channel = await connection.endpoint.open_channel()
        slow.drain = drain  # type: ignore[method-assign]
        await channel.send(basic.Ack(1))
        with pytest.raises(ConnectionFailed) as raised:
            await connection.wait_closed(timeout=10)
        causes = [raised.value.__cause__, getattr(raised.value.__cause__, "__cause__", None)]
        assert error in causes

    with Peer() as peer:
        run_slowly(peer, work)


def test_versions_are_found_on_streams_too() -> None:
    async def work(connection: amqpconn.asyncio.Connection, _: Slow) -> None:
        assert connection.protocol_version == "0-9"

    with Peer(protocols=["0-9"]) as peer:
        run_slowly(peer, work, protocol="auto")
        assert len(peer.sessions) == 2


class Broke(Pipe):
    """A pipe that breaks when it is written to, or says so when it is closed."""

    def write(self, data: bytes) -> None:
        if b"broken" in data:
            raise LookupError("of the test")
        super().write(data)

    def close(self) -> None:
        super().close()
        raise LookupError("of the test")


def test_blocking_stream_that_breaks_is_the_end() -> None:
    with (
        Peer() as peer,
        amqpconn.sync.connect(peer.url(), connector=lambda _: Broke(peer)) as connection,
    ):
        channel = connection.endpoint.open_channel()
        channel.send(basic.Publish(routing_key="none"), Content(b"broken"))
        with pytest.raises(PeerHungUp):
            connection.wait_closed(timeout=10)


def test_blocking_stream_ends_with_a_failed_attempt() -> None:
    with Peer() as peer, pytest.raises(AuthenticationRefused):
        amqpconn.sync.connect(peer.url("guest:wrong"), connector=lambda _: Pipe(peer))
