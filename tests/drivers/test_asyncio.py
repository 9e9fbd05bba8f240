"""What only the asyncio driver has: a loop, coroutine handlers, nothing that runs while idle."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing, suppress
from typing import Any

import pytest

from amqpconn._gathering import gather
from amqpconn.asyncio import Channel, Connection, Endpoint, _socket, connect
from amqpconn.asyncio._clock import STAYS_S, clock_of
from amqpconn.asyncio._flow import WORTH_A_WRITE
from amqpconn.asyncio._guard import read_little
from amqpconn.core.endpoint import EndpointCore
from amqpconn.errors import (
    AlreadyOpen,
    CallTimeout,
    ConnectionForced,
    NotOpen,
    OpenAborted,
    OpenTimeout,
    PeerHungUp,
)
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from tests.broker.certificates import Certificates
from tests.drivers.held import held_by_the_loop
from tests.drivers.helpers import GUEST, PATIENCE, hanging_resolver, message

pytestmark = pytest.mark.usefixtures("leaks")
HIGH_WATER = 65536
PUBLISH = basic.Publish(routing_key="none")
Work = Callable[[Connection, Channel], Awaitable[None]]


def timers() -> list[object]:
    return [held for held in held_by_the_loop() if isinstance(held, asyncio.TimerHandle)]


def run(work: Coroutine[Any, Any, None]) -> list[Any]:
    """Run in a loop in debug mode; what reached the exception handler."""
    reported: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context))
        await work
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main(), debug=True)
    return reported


def run_with(peer: Peer, work: Work, **options: Any) -> list[Any]:
    """Run `work` with an open connection and a channel of it."""

    async def connected() -> None:
        async with connect(peer.url(), **options) as connection:
            await work(connection, await connection.endpoint.open_channel())

    return run(connected())


async def consume(channel: Channel, *bodies: bytes) -> None:
    await channel.call(queue.Declare(queue="q"))
    await channel.call(basic.Consume(queue="q"))
    for body in bodies:
        await channel.send(basic.Publish(routing_key="q"), message(body))


def test_idle_connection_is_no_task_and_one_timer(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        for _ in range(50):
            await channel.call(tx.Select(), timeout=5)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert len(timers()) == 1
        await connection.close()
        assert timers() == []

    assert run_with(peer, work) == []


def test_without_heartbeats_it_is_not_even_a_timer(peer: Peer) -> None:
    async def work() -> None:
        async with connect(peer.url(), heartbeat=0) as connection:
            assert connection.is_open
            assert timers() == []

    assert run(work()) == []


def test_loop_is_the_one_in_which_it_was_opened(peer: Peer) -> None:
    async def work() -> None:
        endpoint = Endpoint(peer.host, peer.port)
        connection = Connection(endpoint)
        with pytest.raises(NotOpen):
            _ = connection.loop
        with pytest.raises(NotOpen):
            _ = endpoint.loop
        await connection.open(GUEST)
        assert connection.loop is endpoint.loop is asyncio.get_running_loop()
        await connection.close()

    assert run(work()) == []


def test_endpoint_may_be_made_where_no_loop_runs(peer: Peer) -> None:
    connection = Connection(Endpoint(peer.host, peer.port))

    async def work() -> None:
        await connection.open(GUEST)
        await connection.close()

    assert run(work()) == []


def writes_of(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all writes from now on."""
    kind, sizes = type(connection.endpoint._link._transport), list[int]()
    write: Any = getattr(kind, "write")  # noqa: B009 - of whichever kind it is

    def counted(transport: asyncio.Transport, data: bytes) -> None:
        sizes.append(len(data))
        write(transport, data)

    def counted_too(*args: Any) -> int:
        if taken := gather(*args):
            sizes.append(taken)
        return taken

    monkeypatch.setattr(kind, "write", counted)
    monkeypatch.setattr(_socket, "gather", counted_too)
    return sizes


def test_what_is_sent_in_one_turn_of_the_loop_is_one_write(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        sizes = writes_of(connection, monkeypatch)
        for _ in range(3):
            for number in range(4):
                await channel.send(PUBLISH, message(b"%d" % number))
            await asyncio.sleep(0)
        assert len(sizes) == 3
        await channel.send(PUBLISH, message(b"4"))
        await channel.call(tx.Select())  # takes along what waits
        assert len(sizes) == 4
        numbers = [it.content.body for it in peer.wait_for("basic.publish", 13) if it.content]
        assert numbers == [b"0", b"1", b"2", b"3"] * 3 + [b"4"]

    assert run_with(peer, work) == []


def test_much_is_written_at_once(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        sizes = writes_of(connection, monkeypatch)
        for _ in range(1000):
            await channel.send(PUBLISH, message(bytes(1000)))
        assert 1_000_000 - WORTH_A_WRITE < sum(sizes) <= 1000 * (1000 + 100)
        assert len(sizes) <= 1_100_000 / WORTH_A_WRITE
        await channel.send(PUBLISH, message(bytes(300_000)))
        assert sum(sizes) > 1_300_000

    assert run_with(peer, work) == []


def test_what_a_blocked_peer_has_not_taken_is_given_to_the_stream_once(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop's own stream has got a part of it only, because it would copy all."""

    def connector(factory: Callable[[], asyncio.Protocol]) -> Awaitable[object]:
        return asyncio.get_running_loop().create_connection(factory, peer.host, peer.port)

    async def work(connection: Connection, channel: Channel) -> None:
        blocked = asyncio.Event()
        connection.endpoint.on_blocked(lambda _: blocked.set())
        peer.block()
        await asyncio.wait_for(blocked.wait(), PATIENCE)
        peer.pause_reading()
        sizes = writes_of(connection, monkeypatch)
        await channel.send(PUBLISH, message(bytes(8_000_000)))
        assert sum(sizes) < 8_000_000
        closing = asyncio.create_task(connection.close())  # it does not wait for an answer
        await asyncio.sleep(0)
        peer.resume_reading()
        await closing
        assert 8_000_000 < sum(sizes) < 8_010_000

    assert run_with(peer, work, connector=connector) == []


def test_small_messages_are_bounded_too_while_the_peer_is_slow(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        link, most = connection.endpoint._link, 0
        transport = link._transport
        assert transport is not None
        peer.pause_reading()
        with suppress(CallTimeout):
            while True:
                await channel.send(PUBLISH, message(bytes(1000)), timeout=0.05)
                kept = link._core.output.size + transport.get_write_buffer_size()
                most = max(most, kept)
        assert 0 < most <= HIGH_WATER + WORTH_A_WRITE + 1200
        peer.resume_reading()

    assert run_with(peer, work) == []


def test_more_is_read_at_once_while_much_comes(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """For little, of a size for which the system need not map memory anew each time."""
    sizes, receive = list[int](), EndpointCore.receive_data

    def counted(core: EndpointCore, data: bytes, now: float) -> bool:
        sizes.append(len(data))
        return receive(core, data, now)

    async def work(connection: Connection, channel: Channel) -> None:
        await consume(channel, bytes(500_000))
        monkeypatch.setattr(EndpointCore, "receive_data", counted)
        content = (await channel.receive(timeout=PATIENCE))[1]
        assert content == message(bytes(500_000))
        assert sizes[0] <= 65536
        assert max(sizes) <= 262144
        await channel.call(tx.Select())
        assert getattr(connection.endpoint._link._transport, "_read_size", 0) == 65536

    assert run_with(peer, work) == []


@pytest.mark.parametrize("name", ["max_size", "another"])
def test_other_transports_that_can_be_told_read_little_at_once(name: str) -> None:
    class Transport(asyncio.Transport):
        pass

    transport = Transport()
    setattr(transport, name, 262144)
    read_little(transport)
    assert getattr(transport, name) == (65536 if name == "max_size" else 262144)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_what_was_sent_before_the_end_goes_out(peer: Peer, end: str) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        for number in range(10):
            await channel.send(PUBLISH, message(b"%d" % number))
        if end == "close":
            await connection.close()
        else:
            connection.endpoint.abort()
        assert len(peer.wait_for("basic.publish", 10)) == 10

    assert run_with(peer, work) == []


def test_opening_is_awaited_once(peer: Peer) -> None:
    async def work() -> None:
        opening = connect(peer.url())
        async with opening as connection:
            assert connection.is_open
            with pytest.raises(AlreadyOpen, match="awaited before"):
                await opening
            channel_opening = connection.endpoint.open_channel()
            await channel_opening
            with pytest.raises(AlreadyOpen):
                async with channel_opening:
                    pass
        assert len(peer.sessions) == 1

    assert run(work()) == []


def test_opening_that_is_not_awaited_does_nothing(peer: Peer) -> None:
    async def work(connection: Connection, _: Channel) -> None:
        connect(peer.url())
        connection.endpoint.open_channel()
        await connection.close()
        assert len(peer.sessions) == 1
        assert len(peer.received("channel.open")) == 1

    assert run_with(peer, work) == []


def test_coroutine_handlers_may_use_the_connection(peer: Peer) -> None:
    async def work(connection: Connection, channel: Channel) -> None:
        done: asyncio.Queue[object] = asyncio.Queue()

        async def handle(deliver: Any, _: object) -> None:
            await channel.send(basic.Ack(deliver.delivery_tag))
            async with connection.endpoint.open_channel() as other:
                done.put_nowait(await other.call(tx.Select()))

        channel.on(basic.Deliver, handle)
        await consume(channel, b"1", b"2")
        assert [await done.get(), await done.get()] == [tx.SelectOk()] * 2
        assert len(peer.wait_for("basic.ack", 2)) == 2

    assert run_with(peer, work) == []


def test_coroutine_handler_is_kept_while_it_runs(peer: Peer) -> None:
    async def work(_: Connection, channel: Channel) -> None:
        done = asyncio.Event()
        awaited: list[weakref.ref[asyncio.Future[None]]] = []

        async def handle(*_: object) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            awaited.append(weakref.ref(future))  # nobody but this task keeps it
            await future
            done.set()

        channel.on(basic.Deliver, handle)
        await consume(channel, b"1")
        await channel.call(tx.Select())
        gc.collect()
        future = awaited[0]()
        assert future is not None
        future.set_result(None)
        await done.wait()

    assert run_with(peer, work) == []


def test_exception_of_a_coroutine_handler_is_reported(peer: Peer) -> None:
    async def work(_: Connection, channel: Channel) -> None:
        async def handle(*_: object) -> None:
            raise LookupError("of the test")

        channel.on(basic.Deliver, handle)
        await consume(channel, b"1")
        assert await channel.call(tx.Select()) == tx.SelectOk()

    (context,) = run_with(peer, work)
    assert isinstance(context["exception"], LookupError)


def test_exception_of_a_handler_is_reported_with_its_name(peer: Peer) -> None:
    async def work(_: Connection, channel: Channel) -> None:
        def handle(*_: object) -> None:
            raise LookupError("of the test")

        channel.on(basic.Deliver, handle)
        await consume(channel, b"1")
        assert await channel.call(tx.Select()) == tx.SelectOk()

    (context,) = run_with(peer, work)
    assert isinstance(context["exception"], LookupError)
    assert "handle" in context["message"]


def test_many_tasks_share_a_connection(peer: Peer) -> None:
    async def work(connection: Connection, shared: Channel) -> None:
        async def one(number: int) -> None:
            name = f"q{number}"
            async with connection.endpoint.open_channel() as own:
                for channel in (own, shared):
                    assert (await channel.call(queue.Declare(queue=name))).queue == name
                    await channel.send(basic.Publish(routing_key=name), message(name.encode()))
                    _, content = await channel.fetch(basic.Get(queue=name, no_ack=True))
                    assert content == message(name.encode())

        await asyncio.gather(*(one(number) for number in range(50)))

    assert run_with(peer, work) == []


def test_aborting_again_while_an_attempt_is_broken_off_is_harmless() -> None:
    async def hangs(_: object) -> Any:
        await asyncio.get_running_loop().create_future()

    async def work() -> None:
        endpoint = Endpoint(connector=hangs)
        connection = Connection(endpoint)
        opening = asyncio.create_task(connection.open(GUEST))
        await asyncio.sleep(0)
        for _ in range(4):
            endpoint.abort()
            await asyncio.sleep(0)
        with pytest.raises(OpenAborted):
            await opening
        await connection.close()

    assert run(work()) == []


def test_stream_that_comes_after_the_end_is_closed(peer: Peer) -> None:
    """A connector that swallows its cancellation."""

    async def stubborn(factory: Callable[[], asyncio.Protocol]) -> Any:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            loop = asyncio.get_running_loop()
            return await loop.create_connection(factory, peer.host, peer.port)

    async def work() -> None:
        endpoint = Endpoint(connector=stubborn)
        opening = asyncio.create_task(Connection(endpoint).open(GUEST))
        await asyncio.sleep(0)
        endpoint.abort()
        with pytest.raises(OpenAborted):
            await opening
        await asyncio.sleep(0.01)
        assert held_by_the_loop() == []

    assert run(work()) == []
    assert peer.received() == []


def test_waiting_for_messages_is_fair_to_several_tasks(peer: Peer) -> None:
    async def work(_: Connection, channel: Channel) -> None:
        waiting = [asyncio.create_task(channel.receive(timeout=10)) for _ in range(5)]
        await consume(channel, *(b"%d" % number for number in range(5)))
        received = [content.body for _, content in await asyncio.gather(*waiting) if content]
        assert sorted(received) == [b"0", b"1", b"2", b"3", b"4"]

    assert run_with(peer, work) == []


def test_resolver_that_hangs_does_not_keep_the_program_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        with pytest.raises(OpenTimeout):
            await connect("amqp://slow.invalid", timeout=0.05)

    with hanging_resolver(monkeypatch):
        before = time.monotonic()
        assert run(work()) == []
        assert time.monotonic() - before < PATIENCE / 2


@pytest.mark.parametrize("tls", [False, True])
def test_last_words_of_the_peer_are_read_when_a_write_fails(
    certificates: Certificates, tls: bool
) -> None:
    """It says why and resets the stream; we find out by writing, before the loop has read."""

    async def work() -> None:
        connection = await connect(peer.url(), ssl=certificates.client_context() if tls else None)
        channel = await connection.endpoint.open_channel()
        peer.close_connections(320, "last words")
        peer.wait_until(lambda: not peer.sessions[0].is_open)  # the loop stands still meanwhile
        stream = connection.endpoint._link._transport
        assert stream is not None
        sock = stream.get_extra_info("socket")
        assert select.select([sock], [], [], PATIENCE)[0]
        sock.shutdown(socket.SHUT_WR)
        await channel.send(basic.Ack(1))
        with pytest.raises(ConnectionForced, match="last words"):
            await connection.wait_closed(timeout=10)

    with Peer(ssl=certificates.server.server_context() if tls else None) as peer:
        assert run(work()) == []


def test_many_idle_connections_are_one_timer(peer: Peer) -> None:
    async def work() -> None:
        connections = [await connect(peer.url(), heartbeat=60 + n) for n in range(5)]
        assert len(timers()) == 1
        for connection in connections:
            assert len(timers()) == 1
            await connection.close()
        assert timers() == []

    assert run(work()) == []


def test_what_a_callback_that_ends_the_loop_leaves_untold_is_told_when_it_goes_on(
    peer: Peer,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def opened() -> tuple[Connection, asyncio.Task[object]]:
        connection = await connect(peer.url())
        channel = await connection.endpoint.open_channel()
        waiting = asyncio.get_running_loop().create_task(channel.call(tx.Select()))
        await asyncio.sleep(0)
        connection.endpoint.on_state_change(interrupt)
        return connection, waiting

    peer.answer("tx.select", lambda _: None)
    with closing(asyncio.new_event_loop()) as loop:
        connection, waiting = loop.run_until_complete(opened())
        peer.drop_connections()
        with pytest.raises(KeyboardInterrupt):
            loop.run_forever()
        assert not waiting.done()
        with suppress(KeyboardInterrupt):
            loop.run_until_complete(called(connection.endpoint.abort))
        with pytest.raises(PeerHungUp):
            loop.run_until_complete(asyncio.wait_for(waiting, PATIENCE))


async def called(function: Callable[[], object]) -> None:
    function()


def test_timer_that_nobody_needs_is_left_to_ring_when_it_does_so_soon(peer: Peer) -> None:
    async def left_by(close_timeout: float) -> list[asyncio.TimerHandle]:
        await (await connect(peer.url())).close(close_timeout)
        loop: Any = asyncio.get_running_loop()
        return [timer for timer in loop._scheduled if not timer.cancelled()]

    async def work() -> None:
        assert await left_by(2 * STAYS_S) == []
        timers = await left_by(STAYS_S)
        assert len(timers) == 1
        assert timers[0].when() <= asyncio.get_running_loop().time() + STAYS_S
        assert await left_by(STAYS_S) == timers  # the next one finds it
        assert await left_by(2 * STAYS_S) == timers
        timers[0]._run()  # its time has come
        timers[0].cancel()
        assert await left_by(2 * STAYS_S) == []

    assert run(work()) == []


def test_what_one_connection_raises_costs_no_other_its_heartbeat() -> None:
    """Not even what ends the event loop: the others are woken when it goes on."""
    loop = asyncio.new_event_loop()
    reported, clock = list[Any](), clock_of(loop)
    loop.set_exception_handler(lambda _, context: reported.append(context))
    assert clock_of(loop) is clock

    class Raising:
        def __init__(self, error: BaseException | None) -> None:
            self.error = error
            self.ticks = 0

        def tick(self, _: float) -> None:
            self.ticks += 1
            if self.error is not None:
                raise self.error

    links = [Raising(error) for error in (None, ValueError("x"), KeyboardInterrupt(), None)]
    for link in links:
        clock.wake(link, loop.time())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert [link.ticks for link in links] == [1, 1, 1, 1]
    assert [type(context["exception"]) for context in reported] == [ValueError]
    loop.close()
