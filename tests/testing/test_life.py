"""The peer's life: started, stopped and started again, from coroutines too, and never in vain."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn.errors import ConnectionFailed, PeerHungUp
from amqpconn.testing import After, On, Peer, Send, Silence, server
from amqpconn_spec.v0_9_1 import basic, tx
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background

pytestmark = pytest.mark.usefixtures("leaks")


def test_it_comes_back_where_it_was(driver: Driver) -> None:
    with Peer() as peer:
        url = peer.url()
        connection = driver.connect(url)
    with pytest.raises(PeerHungUp):
        connection.wait_closed(timeout=10)
    with pytest.raises(ConnectionFailed):
        driver.connect(url)
    with peer:
        assert peer.url() == url
        driver.connect(url).close()
    assert len(peer.received("connection.open")) == 2


def test_unix_socket_comes_back_where_it_was(tmp_path: Path) -> None:
    peer = Peer(path=tmp_path / "p.sock")
    for _ in range(2):
        with peer:
            amqpconn.sync.connect(peer.url(), path=peer.path).close()


def test_it_may_be_stopped_twice_and_before_it_is_started() -> None:
    peer = Peer()
    peer.stop()
    with peer:
        peer.stop()
    peer.stop()


def test_it_is_started_once() -> None:
    with Peer() as peer, pytest.raises(RuntimeError, match="runs already"):
        peer.start()


def test_unix_socket_may_have_been_removed(tmp_path: Path) -> None:
    with Peer(path=tmp_path / "p.sock"):
        (tmp_path / "p.sock").unlink()


def test_it_must_be_started_to_be_used() -> None:
    for use in (Peer().received, Peer().freeze, Peer().unblock):
        with pytest.raises(RuntimeError, match="not started: use it in `with`, or call start"):
            use()


def test_exceptions_are_raised_once() -> None:
    def fail(_: Any) -> None:
        raise LookupError("of the test")

    peer = Peer(script=[On("connection.open", fail)]).start()
    with pytest.raises(PeerHungUp):
        amqpconn.sync.connect(peer.url())
    with pytest.raises(LookupError):
        peer.stop()
    peer.stop()


# --- what holds it up ---


def test_function_that_does_not_return_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "PATIENCE_S", 0.02)
    over, begun = threading.Event(), threading.Event()

    def hang(_: Any) -> None:
        begun.set()
        over.wait(10)

    peer = Peer(script=[On("basic.ack", hang)]).start()
    connection = amqpconn.sync.connect(peer.url())
    connection.endpoint.open_channel().send(basic.Ack(1))
    begun.wait(10)
    for use in (peer.received, peer.freeze, peer.drop_connections, lambda: peer.do(Silence())):
        with pytest.raises(TimeoutError, match=r"did not react for 0.02 s; it is held up in line"):
            use()
    with pytest.raises(TimeoutError, match=r"0.02 s.*held up"):
        peer.wait_for("tx.select", timeout=0.01)
    with pytest.raises(TimeoutError, match=r"0.01 s.*held up in line \d+ of .*threading.py"):
        peer.stop(timeout=0.01)
    over.set()
    with pytest.raises(PeerHungUp):
        connection.wait_closed(timeout=10)


def test_frozen_peer_is_stopped_in_the_middle_of_everything() -> None:
    script = [After("connection.open-ok", Send(basic.Deliver(), channel=1))]
    with Peer(script=script) as peer:
        peer.pause_reading()
        peer.freeze()
        waiting = Background(lambda: peer.wait_for("connection.open", timeout=0.05))
        assert isinstance(waiting.error(), TimeoutError)


# --- coroutines ---


def test_it_serves_coroutines_that_start_and_stop_it() -> None:
    async def work() -> None:
        async with Peer() as peer:
            async with amqpconn.asyncio.connect(peer.url()) as connection:
                waiting = asyncio.create_task(peer.until_received(tx.Select, 2))
                async with connection.endpoint.open_channel() as channel:
                    for _ in range(2):
                        assert not waiting.done()
                        await channel.call(tx.Select())
                    assert len(await waiting) == 2
                    await peer.until(lambda: peer.sessions[0].is_open)
        with pytest.raises(ConnectionFailed):
            await amqpconn.asyncio.connect(peer.url())

    asyncio.run(work(), debug=True)


def test_event_loop_goes_on_while_a_peer_is_stopped() -> None:
    over, begun = threading.Event(), threading.Event()

    def dawdle(_: Any) -> None:
        begun.set()
        over.wait(10)

    async def work() -> None:
        async with Peer(script=[On("protocol-header", dawdle)]) as peer:
            opening = asyncio.create_task(open_one(peer))
            await asyncio.to_thread(begun.wait, 10)
            asyncio.get_running_loop().call_later(0.02, over.set)
        assert over.is_set()
        with pytest.raises(ConnectionFailed):
            await opening

    async def open_one(peer: Peer) -> None:
        await amqpconn.asyncio.connect(peer.url())

    asyncio.run(work(), debug=True)


def test_waiting_coroutines_time_out_and_can_be_cancelled() -> None:
    async def work() -> None:
        async with Peer() as peer:
            with pytest.raises(TimeoutError, match=r"0 of 1 tx\.select came after 0.01 s"):
                await peer.until_received("tx.select", timeout=0.01)
            before = time.monotonic()
            task = asyncio.create_task(peer.until_received("tx.select", timeout=30))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - before < 10

    asyncio.run(work(), debug=True)


def test_exceptions_of_functions_are_raised_to_coroutines() -> None:
    def fail(_: Any) -> None:
        raise LookupError("of the test")

    async def work() -> None:
        async with Peer(script=[On("connection.open", fail)]) as peer:
            with pytest.raises(PeerHungUp):
                await amqpconn.asyncio.connect(peer.url())

    with pytest.raises(LookupError, match="of the test"):
        asyncio.run(work(), debug=True)
