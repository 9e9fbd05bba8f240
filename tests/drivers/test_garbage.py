"""What is done with is gone at once: programs may have switched the garbage collector off."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn.asyncio import _link as asyncio_link
from amqpconn.core.channels import ChannelCore, Channels
from amqpconn.core.connection import ConnectionManager
from amqpconn.core.endpoint import EndpointCore
from amqpconn.core.renewal import Renewal
from amqpconn.errors import AMQPError, ConnectionFailed
from amqpconn.sync import _link as sync_link
from amqpconn.testing import Close, Cut, On, Peer, Refuse
from amqpconn_spec.v0_9_1 import queue
from tests.drivers.helpers import eventually

OURS = (
    *(amqpconn.asyncio.Endpoint, amqpconn.asyncio.Connection, amqpconn.asyncio.Channel),
    *(amqpconn.sync.Endpoint, amqpconn.sync.Connection, amqpconn.sync.Channel),
    *(asyncio_link.Link, sync_link.Link),
    *(EndpointCore, ConnectionManager, Channels, ChannelCore, Renewal, AMQPError),
)


def left() -> Counter[type]:
    """What there is of a client, by type. The peer has other classes."""
    return Counter(type(each) for each in gc.get_objects() if isinstance(each, OURS))


def opened_and_closed(url: str) -> None:
    amqpconn.sync.connect(url).close()


def used(url: str) -> None:
    with amqpconn.sync.connect(url) as connection:
        channel = connection.endpoint.open_channel()
        channel.call(queue.Declare(queue="q"))
        channel.close()
        connection.endpoint.open_channel()


def failed(url: str) -> None:
    try:
        used(url)
    except ConnectionFailed:
        return
    pytest.fail("it has not failed")


async def opened_and_closed_in_a_loop(url: str) -> None:
    await (await amqpconn.asyncio.connect(url)).close()


async def used_in_a_loop(url: str) -> None:
    async with await amqpconn.asyncio.connect(url) as connection:
        channel = await connection.endpoint.open_channel()
        await channel.call(queue.Declare(queue="q"))
        await channel.close()
        await connection.endpoint.open_channel()


async def failed_in_a_loop(url: str) -> None:
    try:
        await used_in_a_loop(url)
    except ConnectionFailed:
        return
    pytest.fail("it has not failed")


WORK = {
    "sync opened and closed": opened_and_closed,
    "sync used": used,
    "asyncio opened and closed": lambda url: asyncio.run(opened_and_closed_in_a_loop(url)),
    "asyncio used": lambda url: asyncio.run(used_in_a_loop(url)),
}
FAILURES = {
    "sync": failed,
    "asyncio": lambda url: asyncio.run(failed_in_a_loop(url)),
}


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def check(work: Callable[[str], None], peer: Peer) -> None:
    before = left()
    work(peer.url())
    eventually(lambda: not left() - before)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
def test_a_closed_connection(peer: Peer, work: Callable[[str], None]) -> None:
    check(work, peer)


@pytest.mark.parametrize("work", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize(
    "rule",
    [
        On("connection.start-ok", Refuse(403, "ACCESS_REFUSED")),
        On("connection.start-ok", Cut()),
        On("queue.declare", Close(541, "INTERNAL_ERROR")),
        On("queue.declare", Cut()),
    ],
    ids=["refused", "cut while opening", "closed by the server", "cut in use"],
)
def test_a_failed_connection(rule: On, work: Callable[[str], None]) -> None:
    with Peer(script=[rule]) as peer:
        check(work, peer)


def test_it_is_found_what_needs_the_collector() -> None:
    before = left()
    error = ConnectionFailed("it refers to itself")
    error.args = (error,)
    del error
    assert (left() - before).total() == 1
    gc.collect()
    assert not left() - before
