"""asyncio: a connection belongs to the event loop that opened it, and says so anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from amqpconn.asyncio import Channel, Connection, Endpoint, connect
from amqpconn.errors import NotOpen, WrongEventLoop
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, tx
from tests.drivers.helpers import GUEST, Background, message

pytestmark = pytest.mark.usefixtures("leaks")

Work = Callable[[Connection, Channel], Coroutine[Any, Any, None]]


def run_with(peer: Peer, work: Work) -> None:
    """Run `work` with an open connection and a channel of it, which must be whole afterwards."""

    async def connected() -> None:
        async with connect(peer.url()) as connection:
            channel = await connection.endpoint.open_channel()
            await work(connection, channel)
            assert await channel.call(tx.Select()) == tx.SelectOk()

    asyncio.run(connected(), debug=True)


def coroutines(
    connection: Connection, channel: Channel
) -> dict[str, Callable[[], Coroutine[Any, Any, object]]]:
    endpoint = connection.endpoint

    async def opened_channel() -> Channel:
        return await endpoint.open_channel()

    return {
        "call": lambda: channel.call(tx.Select()),
        "fetch": lambda: channel.fetch(basic.Get()),
        "send": lambda: channel.send(basic.Publish(), message(b"x")),
        "receive": lambda: channel.receive(timeout=5),
        "channel.close": channel.close,
        "open_channel": opened_channel,
        "update_secret": lambda: connection.update_secret("x"),
        "wait_unblocked": lambda: connection.wait_unblocked(timeout=5),
        "wait_closed": lambda: connection.wait_closed(timeout=5),
        "close": connection.close,
        "open": lambda: connection.open(GUEST),
    }


def functions(connection: Connection, channel: Channel) -> dict[str, Callable[[], object]]:
    return {
        "abort": connection.endpoint.abort,
        "on": lambda: channel.on(basic.Deliver, print),
    }


async def called(function: Callable[[], object]) -> None:
    function()


def check_refused(start: Callable[[], object], name: str) -> None:
    refused = Background(start).error()
    assert isinstance(refused, WrongEventLoop), f"{name}: {refused!r}"
    assert "connection.loop" in refused.remedy


def test_use_from_another_loop_is_refused_at_once(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        for name, use in coroutines(connection, channel).items():
            await asyncio.to_thread(
                check_refused, lambda use=use: asyncio.run(use()), name  # type: ignore[misc]
            )
        for name, function in functions(connection, channel).items():
            await asyncio.to_thread(
                check_refused,
                lambda function=function: asyncio.run(called(function)),  # type: ignore[misc]
                name,
            )

    run_with(peer, work)
    assert len(peer.received()) == len("start-ok tune-ok open open select close".split())


def test_use_from_a_thread_without_a_loop_is_refused_at_once(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        for name, function in functions(connection, channel).items():
            await asyncio.to_thread(check_refused, function, name)
        for name, use in coroutines(connection, channel).items():
            await asyncio.to_thread(
                check_refused, lambda use=use: use().send(None), name  # type: ignore[misc]
            )

    run_with(peer, work)


def test_remedy_is_one(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        def elsewhere() -> object:
            calling = asyncio.run_coroutine_threadsafe(channel.call(tx.Select()), connection.loop)
            return calling.result(10)

        assert await asyncio.to_thread(elsewhere) == tx.SelectOk()

    run_with(peer, work)


def test_loop_that_stands_still_may_be_prepared_from_outside(peer: Peer) -> None:
    """As programs do that run their loop in pieces."""
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(connected(peer))
        channel = loop.run_until_complete(opened(connection))
        arrived: list[object] = []
        channel.on(basic.Return, lambda *taken: arrived.append(taken))
        publish = basic.Publish(routing_key="none", mandatory=True)
        loop.run_until_complete(channel.send(publish, message(b"x")))
        loop.run_until_complete(channel.call(tx.Select()))
        assert len(arrived) == 1
        connection.endpoint.abort()
        loop.run_until_complete(connection.wait_closed(timeout=5))
    finally:
        loop.close()


async def connected(peer: Peer) -> Connection:
    return await connect(peer.url())


async def opened(connection: Connection) -> Channel:
    return await connection.endpoint.open_channel()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_connection_whose_loop_is_closed_says_so(peer: Peer) -> None:
    connection = asyncio.run(connected(peer))
    with pytest.raises(WrongEventLoop, match="is closed"):
        connection.endpoint.abort()
    with pytest.raises(WrongEventLoop, match="is closed"):
        asyncio.run(connection.close())


def test_connection_that_is_over_may_be_closed_from_anywhere(peer: Peer) -> None:
    async def closed() -> tuple[Connection, Channel]:
        async with connect(peer.url()) as connection:
            channel = await connection.endpoint.open_channel()
        return connection, channel

    async def again(connection: Connection, channel: Channel) -> None:
        connection.endpoint.abort()
        await channel.close()
        await connection.close()
        await connection.wait_closed()
        with pytest.raises(NotOpen):
            await channel.call(tx.Select())

    asyncio.run(again(*asyncio.run(closed())))


def test_endpoint_that_is_not_open_belongs_to_no_loop(peer: Peer) -> None:
    connection = Connection(Endpoint(peer.host, peer.port))
    connection.endpoint.abort()
    asyncio.run(connection.close())

    async def work() -> None:
        await connection.open(GUEST)
        await connection.close()

    asyncio.run(work())
