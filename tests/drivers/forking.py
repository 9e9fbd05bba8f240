"""A program whose connections meet a fork: `python -m tests.drivers.forking DRIVER URL`.

It opens a connection, forks, has the child try everything with it, and goes on to use it: while the
child is there and when it is gone. It prints 'done' when all was as it should be. It is a program
of its own because forks are not safe beside the threads of a test run.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import Content
from amqpconn.errors import WrongProcess
from amqpconn.uri import parse_url
from amqpconn_spec.v0_9_1 import basic, queue

ROOT = Path(__file__).parents[2]
# Longer than half a heartbeat interval: a child whose copy still lived would send one.
CHILD_LIVES_S = 0.7
HEARTBEAT_S = 1
NAME = "meets a fork"
QOS = basic.Qos(prefetch_count=1)


def uses(connection: Any, channel: Any) -> dict[str, Callable[[], Any]]:
    """All that touches the stream."""
    endpoint = connection.endpoint
    return {
        "call": lambda: channel.call(QOS),
        "fetch": lambda: channel.fetch(basic.Get(queue="q")),
        "send": lambda: channel.send(basic.Publish(), Content(b"x")),
        "receive": lambda: channel.receive(timeout=5),
        "on": lambda: channel.on(basic.Deliver, print),
        "channel.close": channel.close,
        "open_channel": endpoint.open_channel,
        "update_secret": lambda: connection.update_secret("x"),
        "wait_unblocked": lambda: connection.wait_unblocked(timeout=5),
        "wait_closed": lambda: connection.wait_closed(timeout=5),
        "close": connection.close,
    }


def check_refused(name: str, use: Callable[[], object]) -> None:
    refused: list[WrongProcess] = []
    try:
        use()
    except WrongProcess as error:
        refused.append(error)
    assert [str(os.getppid()) in str(error) for error in refused] == [True], name


def check_ended_well(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed"


def check_copies_dropped(url: str) -> None:
    """A descriptor of the child's would keep the stream from ending with its parent's."""
    port = parse_url(url).port
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            with socket.socket(fileno=os.dup(int(entry.name))) as sock:
                assert sock.getpeername()[1:2] != (port,), f"descriptor {entry.name} is open"
        except OSError:  # no socket, or not connected, or the one that listed this folder
            continue


# --- blocking ---


def run_sync(url: str) -> None:
    with amqpconn.sync.connect(url, heartbeat=HEARTBEAT_S, connection_name=NAME) as connection:
        with connection.endpoint.open_channel() as channel:
            # The child leaves both `with` blocks, and Python in order.
            with forked(lambda: child_sync(url, connection, channel)):
                busy_until = time.monotonic() + CHILD_LIVES_S + 0.2
                while time.monotonic() < busy_until:
                    assert channel.call(QOS, timeout=5) == basic.QosOk()
                    time.sleep(0.01)
            name = channel.call(queue.Declare(exclusive=True)).queue
            channel.send(basic.Publish(routing_key=name), Content(b"after"))
            _, content = channel.fetch(basic.Get(queue=name, no_ack=True))
            assert content is not None
            assert content.body == b"after"
    assert connection.endpoint.error is None


def child_sync(url: str, connection: Any, channel: Any) -> None:
    check_copies_dropped(url)
    for name, use in uses(connection, channel).items():
        check_refused(name, use)
    connection.endpoint.abort()
    check_refused("call", lambda: channel.call(QOS))
    with amqpconn.sync.connect(url, connection_name=NAME) as own:
        assert own.endpoint.open_channel().call(QOS) == basic.QosOk()
    time.sleep(CHILD_LIVES_S)
    gc.collect()


class forked:  # noqa: N801 - reads as a function
    """Runs `child` in a child, which leaves the block with SystemExit; the block is the parent's.

    Raises AssertionError in the end when the child did not end well.
    """

    def __init__(self, child: Callable[[], object]) -> None:
        self._child = child

    def __enter__(self) -> None:
        self._pid = os.fork()
        if self._pid == 0:
            self._child()
            sys.exit(0)

    def __exit__(self, *raised: object) -> None:
        if self._pid:
            check_ended_well(self._pid)


# --- asyncio ---


def run_asyncio(url: str) -> None:
    """The loop stands still at the fork, as a program's does that forks in between."""
    loop = asyncio.new_event_loop()
    run = loop.run_until_complete
    connection = run(_opened(url))
    channel = run(_channel(connection))
    with forked(lambda: child_asyncio(loop, url, connection, channel)):
        run(_busy(channel))
    run(_after(connection, channel))
    loop.close()


def run_coroutine(url: str) -> None:
    """The fork is in the middle of a coroutine, and the child leaves it."""
    asyncio.run(_forking(url))


async def _forking(url: str) -> None:
    async with amqpconn.asyncio.connect(
        url, heartbeat=HEARTBEAT_S, connection_name=NAME
    ) as connection:
        async with connection.endpoint.open_channel() as channel:
            pid = os.fork()
            if pid == 0:
                for name, use in uses(connection, channel).items():
                    check_refused(name, lambda use=use: _begin(use()))  # type: ignore[misc]
                sys.exit(0)
            await _busy(channel)
            check_ended_well(pid)
            assert await channel.call(QOS) == basic.QosOk()
    assert connection.endpoint.error is None


async def _opened(url: str) -> amqpconn.asyncio.Connection:
    return await amqpconn.asyncio.connect(url, heartbeat=HEARTBEAT_S, connection_name=NAME)


async def _channel(connection: amqpconn.asyncio.Connection) -> amqpconn.asyncio.Channel:
    return await connection.endpoint.open_channel()


async def _busy(channel: amqpconn.asyncio.Channel) -> None:
    end = time.monotonic() + CHILD_LIVES_S + 0.2
    while time.monotonic() < end:
        assert await channel.call(QOS, timeout=5) == basic.QosOk()
        await asyncio.sleep(0.01)


async def _after(connection: amqpconn.asyncio.Connection, channel: Any) -> None:
    async with connection:
        name = (await channel.call(queue.Declare(exclusive=True))).queue
        await channel.send(basic.Publish(routing_key=name), Content(b"after"))
        _, content = await channel.fetch(basic.Get(queue=name, no_ack=True))
        assert content.body == b"after"
    assert connection.endpoint.error is None


def child_asyncio(loop: asyncio.AbstractEventLoop, url: str, connection: Any, channel: Any) -> None:
    """The loop of the parent is run on, as it must not be: not even that does harm."""
    check_copies_dropped(url)
    for name, use in uses(connection, channel).items():
        check_refused(name, lambda use=use: loop.run_until_complete(_use(use)))  # type: ignore[misc]
        check_refused(name, lambda use=use: asyncio.run(_use(use)))  # type: ignore[misc]
    loop.run_until_complete(asyncio.sleep(CHILD_LIVES_S))
    connection.endpoint.abort()
    asyncio.run(_on_its_own(url))
    gc.collect()


async def _use(use: Callable[[], Any]) -> None:
    done = use()
    if done is not None:
        await done


async def _on_its_own(url: str) -> None:
    async with amqpconn.asyncio.connect(url, connection_name=NAME) as connection:
        async with connection.endpoint.open_channel() as channel:
            assert await channel.call(QOS) == basic.QosOk()


def _begin(awaitable: Awaitable[object] | None) -> None:
    """Go on to the first wait, which must not be reached: no loop runs in the child."""
    if isinstance(awaitable, Coroutine):
        awaitable.send(None)
    elif awaitable is not None:
        awaitable.__await__().send(None)


def check_forks(urls: Iterable[str]) -> None:
    """Run the program with each driver and each URL, all at the same time."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"}
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.forking", run, url],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for run in RUNS
        for url in urls
    ]
    printed = [program.communicate(timeout=40)[0] for program in programs]
    failed = [text for text in printed if text != "done\n"]
    assert not failed, "\n".join(failed)
    assert [program.returncode for program in programs] == [0] * len(programs)


RUNS: dict[str, Callable[[str], None]] = {
    "sync": run_sync,
    "asyncio": run_asyncio,
    "asyncio-coroutine": run_coroutine,
}


if __name__ == "__main__":
    RUNS[sys.argv[1]](sys.argv[2])
    print("done")  # noqa: T201 - for the test that reads it
