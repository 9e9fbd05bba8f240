"""asyncio: the transport of plain sockets, against what a protocol may expect of a transport."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest

from amqpconn.asyncio import connect
from amqpconn.asyncio._socket import SocketTransport
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import queue
from tests.drivers.held import held_by_the_loop
from tests.drivers.helpers import PATIENCE

pytestmark = pytest.mark.usefixtures("leaks")
MUCH = bytes(range(256)) * 20000  # more than a socket takes at once


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(test(*args, **kwargs), debug=True)

    return run


class Noting(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def connection_made(self, _: asyncio.BaseTransport) -> None:
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> None:
        self.told.append("eof")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(exc if exc is None else type(exc))


@asynccontextmanager
async def served(protocol: Noting) -> AsyncIterator[tuple[SocketTransport, socket.socket]]:
    """A transport that has begun, and the other end of its stream."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    transport = SocketTransport(asyncio.get_running_loop(), ours, protocol)
    assert transport.begin()
    with theirs:
        yield transport, theirs
        transport.abort()
    assert transport.is_closing()
    assert transport.get_extra_info("socket") is ours
    assert ours.fileno() == -1
    assert held_by_the_loop() == []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)


async def received(sock: socket.socket) -> bytes:
    """All that comes, up to the end."""
    sock.setblocking(False)
    pieces = [b""]
    while piece := await asyncio.get_running_loop().sock_recv(sock, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


@in_a_loop
async def test_what_comes_is_told_and_the_end_closes() -> None:
    protocol = Noting()
    async with served(protocol) as (_, theirs):
        assert protocol.told == ["made"]
        theirs.send(b"some")
        await until(lambda: b"some" in protocol.told)
        theirs.shutdown(socket.SHUT_WR)
        await until(lambda: None in protocol.told)
    assert protocol.told == ["made", b"some", "eof", None]


@pytest.mark.parametrize("end", ["close", "abort"])
@in_a_loop
async def test_its_own_end_is_told_at_once_and_once(end: str) -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(b"last")
        getattr(transport, end)()
        assert protocol.told == ["made", None]
        transport.write(b"more")
        assert await received(theirs) == b"last"
        transport.close()
        transport.abort()
    assert protocol.told == ["made", None]


@in_a_loop
async def test_what_is_not_taken_at_once_pauses_and_follows() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(MUCH)
        assert protocol.told == ["made", "pause"]
        assert 0 < transport.get_write_buffer_size() < len(MUCH)
        reading = asyncio.create_task(received(theirs))
        await until(lambda: "resume" in protocol.told)
        assert transport.get_write_buffer_size() == 0
        transport.close()
        assert await reading == MUCH
    assert protocol.told == ["made", "pause", "resume", None]


@in_a_loop
async def test_parts_go_in_order_with_all_else() -> None:
    protocol = Noting()
    parts: list[bytes | memoryview] = [b"head", memoryview(MUCH), b"end"]
    whole, size = b"".join(parts), len(MUCH) + 7
    async with served(protocol) as (transport, theirs):
        transport.write(b"first")
        transport.write_parts([b"a", b"few"], 4)
        for _ in range(2):
            transport.write_parts(parts, size)
        transport.close()
        assert protocol.told == ["made", "pause"]
        assert await received(theirs) == b"firstafew" + 2 * whole


@in_a_loop
async def test_parts_on_a_broken_stream_end_it() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        theirs.close()
        transport.write_parts([MUCH], len(MUCH))
        assert protocol.told == ["made"]
        await until(lambda: len(protocol.told) > 1)
    assert protocol.told == ["made", BrokenPipeError]


@in_a_loop
async def test_close_waits_until_all_is_written() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(MUCH)
        transport.write(b"last")
        transport.close()
        assert transport.is_closing()
        assert protocol.told == ["made", "pause"]
        assert await received(theirs) == MUCH + b"last"
    assert protocol.told == ["made", "pause", None]


@in_a_loop
async def test_abort_drops_what_is_not_written() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(MUCH)
        transport.close()
        transport.abort()
        assert protocol.told == ["made", "pause", None]
        assert len(await received(theirs)) < len(MUCH)


@in_a_loop
async def test_write_that_fails_is_told_when_the_writer_is_done() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        theirs.close()
        transport.write(b"x")
        transport.write(b"x")
        assert protocol.told == ["made"]
        await until(lambda: BrokenPipeError in protocol.told)
    assert protocol.told == ["made", BrokenPipeError]


@in_a_loop
async def test_stream_that_breaks_while_something_is_unwritten() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(MUCH)
        transport.close()
        theirs.close()
        await until(lambda: len(protocol.told) > 2)
        assert transport.get_write_buffer_size() == 0
    assert protocol.told[2] in (BrokenPipeError, ConnectionResetError)


@in_a_loop
async def test_read_that_fails_is_told() -> None:
    protocol = Noting()
    async with served(protocol) as (transport, theirs):
        transport.write(b"which they do not read")
        theirs.close()
        await until(lambda: ConnectionResetError in protocol.told)
    assert protocol.told == ["made", ConnectionResetError]


@in_a_loop
async def test_protocol_that_fails_is_reported_and_loses_its_stream() -> None:
    class Failing(Noting):
        def data_received(self, _: bytes) -> None:
            raise ZeroDivisionError

    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    protocol = Failing()
    async with served(protocol) as (_, theirs):
        theirs.send(b"x")
        await until(lambda: len(protocol.told) > 1)
    assert protocol.told == ["made", ZeroDivisionError]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError]


@in_a_loop
async def test_other_protocol_is_told_from_then_on() -> None:
    first, second = Noting(), Noting()
    async with served(first) as (transport, theirs):
        transport.set_protocol(second)
        theirs.send(b"x")
        await until(lambda: second.told)
    assert (first.told, second.told) == (["made"], [b"x", None])


def test_loop_that_watches_no_sockets_serves_them_in_its_own_way(peer: Peer) -> None:
    """As Windows' usual one."""

    class Loop(asyncio.SelectorEventLoop):
        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    async def work() -> None:
        async with connect(peer.url()) as connection:
            channel = await connection.endpoint.open_channel()
            await channel.call(queue.Declare(queue="q"))
            assert not isinstance(connection.endpoint._link._transport, SocketTransport)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work())
