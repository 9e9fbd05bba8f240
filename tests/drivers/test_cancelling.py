"""asyncio: a task may be cancelled at any await; nothing is left, and what was there works."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from amqpconn.asyncio import Channel, Connection, Endpoint, connect
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from tests.broker.certificates import Certificates
from tests.drivers.cancelling import Cut, at_every_await
from tests.drivers.held import held_by_the_loop
from tests.drivers.helpers import GUEST, message

pytestmark = pytest.mark.usefixtures("leaks")
Options = dict[str, Any]


def plain(peer: Peer, _: Certificates) -> Options:
    return {"host": peer.host, "port": peer.port}


def by_name(peer: Peer, _: Certificates) -> Options:
    return {"host": "localhost", "port": peer.port}


def tls(peer: Peer, certificates: Certificates) -> Options:
    return {"host": peer.host, "port": peer.port, "ssl": certificates.client_context()}


def own_transport(peer: Peer, _: Certificates) -> Options:
    async def connector(factory: Callable[[], asyncio.Protocol]) -> object:
        loop = asyncio.get_running_loop()
        return await loop.create_connection(factory, peer.host, peer.port)

    return {"connector": connector}


def own_streams(peer: Peer, _: Certificates) -> Options:
    return {"connector": lambda _: asyncio.open_connection(peer.host, peer.port)}


@pytest.mark.parametrize(
    ("way", "least"), [(plain, 1), (by_name, 2), (tls, 2), (own_transport, 2), (own_streams, 2)]
)
def test_opening(
    way: Callable[[Peer, Certificates], Options], least: int, certificates: Certificates
) -> None:
    context = certificates.server.server_context() if way is tls else None
    with Peer(ssl=context) as peer:

        async def scenario(cut: Cut) -> None:
            endpoint = Endpoint(**way(peer, certificates))
            connection = Connection(endpoint)
            await cut(connection.open(GUEST))
            assert connection.is_open is cut.done
            await connection.close()
            # A cancellation that comes when it is just open disconnects it.
            assert endpoint.state.value in ("disconnected", "failed")
            assert not (cut.done and endpoint.error)

        at_every_await(scenario, least)


@pytest.mark.parametrize("abort_first", [False, True])
def test_opening_that_is_cancelled_and_aborted_in_one_turn(abort_first: bool) -> None:
    async def connector(_: Callable[[], asyncio.Protocol]) -> Any:
        await asyncio.sleep(10)

    async def work() -> None:
        endpoint = Endpoint(connector=connector)
        opening = asyncio.create_task(Connection(endpoint).open(GUEST))
        await asyncio.sleep(0)
        ends: list[Callable[[], object]] = [opening.cancel, endpoint.abort]
        for end in reversed(ends) if abort_first else ends:
            end()
        await asyncio.wait([opening])
        assert endpoint.state.value == "failed"
        assert held_by_the_loop() == []

    asyncio.run(work(), debug=True)


def test_opening_where_a_redirect_leads() -> None:
    with Peer() as there, Peer(redirect_to=f"{there.host}:{there.port}") as here:

        async def scenario(cut: Cut) -> None:
            endpoint = Endpoint(here.host, here.port, protocol="0-8")
            connection = Connection(endpoint)
            await cut(connection.open(GUEST))
            assert connection.is_open is cut.done
            await connection.close()
            assert endpoint.state.value in ("disconnected", "failed")

        at_every_await(scenario, least=2)


def test_connect_with_a_with_block(peer: Peer) -> None:
    async def work(url: str) -> None:
        async with connect(url) as connection, connection.endpoint.open_channel() as channel:
            await channel.call(tx.Select())

    async def scenario(cut: Cut) -> None:
        await cut(work(peer.url()))

    at_every_await(scenario, least=5)


@asynccontextmanager
async def opened(peer: Peer) -> AsyncIterator[tuple[Connection, Channel]]:
    async with connect(peer.url()) as connection:
        channel = await connection.endpoint.open_channel()
        await channel.call(queue.Declare(queue="q"))
        yield connection, channel


Use = Callable[[Connection, Channel], Awaitable[object]]
USES: dict[str, Use] = {
    "call": lambda _, channel: channel.call(queue.Declare(queue="q")),
    "fetch": lambda _, channel: channel.fetch(basic.Get(queue="q")),
    "open_channel": lambda connection, _: connection.endpoint.open_channel(),
    "update_secret": lambda connection, _: connection.update_secret("new"),
}


@pytest.mark.parametrize("name", USES)
def test_use_of_a_connection_that_goes_on(peer: Peer, name: str) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(peer) as (connection, channel):
            await cut(USES[name](connection, channel))
            # Late answers are dropped, and do not go to those who ask next.
            assert await channel.call(tx.Select()) == tx.SelectOk()
            reply, _ = await channel.fetch(basic.Get(queue="q"))
            assert reply == basic.GetEmpty()

    at_every_await(scenario, least=1)


def test_open_channel_leaves_no_channel_that_nobody_has(peer: Peer) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(peer) as (connection, channel):
            await cut(connection.endpoint.open_channel())
            if cut.done:
                return
            ids = connection._core.channels._by_id
            for _ in range(2000):
                if list(ids) == [channel.id]:
                    break
                await asyncio.sleep(0.001)
            assert list(ids) == [channel.id]
            assert (await connection.endpoint.open_channel()).id == 2

    at_every_await(scenario, least=1)


def test_closing_a_channel(peer: Peer) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(peer) as (connection, channel):
            await cut(channel.close())
            assert not channel.is_open
            async with connection.endpoint.open_channel() as other:
                assert await other.call(tx.Select()) == tx.SelectOk()

    at_every_await(scenario, least=1)


def test_closing_a_connection(peer: Peer) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(peer) as (connection, _):
            await cut(connection.close())
            await connection.wait_closed(timeout=10)

    at_every_await(scenario, least=1)


def test_closing_that_is_not_answered_ends_with_its_task(peer: Peer) -> None:
    async def work() -> None:
        async with opened(peer) as (connection, _):
            peer.answer("connection.close", lambda _: None)
            closing = asyncio.create_task(connection.close(timeout=None))
            await peer.until_received("connection.close")
            closing.cancel()
            await connection.wait_closed(timeout=10)

    asyncio.run(work(), debug=True)


def test_closing_a_connection_with_tls(certificates: Certificates) -> None:
    with Peer(ssl=certificates.server.server_context()) as peer:
        context = certificates.client_context()

        async def scenario(cut: Cut) -> None:
            connection = await connect(peer.url(), ssl=context)
            await cut(connection.close())
            await connection.wait_closed(timeout=10)

        at_every_await(scenario, least=1)


WAITS: dict[str, Use] = {
    "receive": lambda _, channel: channel.receive(timeout=100),
    "wait_closed": lambda connection, _: connection.wait_closed(timeout=100),
    "wait_unblocked": lambda connection, _: connection.wait_unblocked(timeout=100),
}


@pytest.mark.parametrize("name", WAITS)
def test_waits(peer: Peer, name: str) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(peer) as (connection, channel):
            blocked = asyncio.Event()
            connection.endpoint.on_blocked(lambda _: blocked.set())
            peer.block()
            await blocked.wait()
            waiting = asyncio.create_task(cut(WAITS[name](connection, channel)))
            await asyncio.sleep(0.005)
            peer.unblock()
            await channel.send(basic.Publish(routing_key="none", mandatory=True), message(b"x"))
            await channel.call(tx.Select())
            if name == "wait_closed" and not waiting.done():
                await connection.close()
            await waiting
            if name == "receive" and not cut.done:
                assert (await channel.receive(timeout=10))[1] == message(b"x")

    at_every_await(scenario, least=1)


@pytest.fixture
def full(peer: Peer) -> Iterator[Peer]:
    """A peer that reads nothing."""
    yield peer
    peer.resume_reading()


def test_sending_to_a_peer_that_does_not_read(full: Peer) -> None:
    async def scenario(cut: Cut) -> None:
        async with opened(full) as (_, channel):
            full.pause_reading()
            publish, body = basic.Publish(routing_key="none"), message(bytes(8_000_000))
            await channel.send(publish, body)
            sending = asyncio.create_task(cut(channel.send(publish, message(b"last"))))
            await asyncio.sleep(0.005)
            full.resume_reading()
            await sending
            assert await channel.call(tx.Select()) == tx.SelectOk()
            bodies = [len(it.content.body) for it in full.received("basic.publish") if it.content]
            assert bodies[-1] == (4 if cut.done else 8_000_000)

    at_every_await(scenario, least=1)


def test_task_that_dies_with_its_loop_leaves_no_socket(peer: Peer) -> None:
    async def forgetful() -> None:
        connection = await connect(peer.url())
        await connection.endpoint.open_channel()
        asyncio.get_running_loop().call_soon(connection.endpoint.abort)
        await asyncio.sleep(0)

    asyncio.run(forgetful(), debug=True)


def test_deadline_of_the_caller_around_everything(peer: Peer) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connect(f"amqp://127.0.0.1:{port}")
        async with asyncio.timeout(10), connect(peer.url()) as connection:
            assert connection.is_open

    asyncio.run(scenario(), debug=True)
