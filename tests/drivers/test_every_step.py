"""The blocking driver, disturbed at each of its steps in turn: interrupted, or closed by another
thread. Nobody hangs, nothing stays.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest

from amqpconn.errors import ConnectionFailed, NotOpen, OpenAborted
from amqpconn.sync import Channel, Connection, Endpoint, connect
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue, tx
from tests.conftest import holdings
from tests.drivers.helpers import GUEST, PATIENCE, Background, message
from tests.drivers.stepping import Step

pytestmark = pytest.mark.usefixtures("reported")

DRIVER = ("sync", "transport.py", "_ownership.py")
# The collector closes a socket that was made and not yet noted, and warns.
UNNOTED = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


class Steps:
    """Each step of something in turn: `for step in Steps(...): step.run(...)`, until it ends
    without having come to its step. After each of them nothing must be left.
    """

    def __init__(self, action: Callable[[], object], least: int, *parts: str) -> None:
        self._action = action
        self._least = least
        self._parts = parts or DRIVER

    def __iter__(self) -> Iterator[Step]:
        before = holdings()
        for number in count(1):
            step = Step(number, self._action, *self._parts)
            yield step
            if not step.where:
                assert number > self._least, f"only {number - 1} steps"
                return
            check_nothing_left(before, step.where)


def check_nothing_left(before: set[str], where: str) -> None:
    end = time.monotonic() + PATIENCE
    while left := holdings() - before:
        assert time.monotonic() < end, f"left behind at {where}: {left}"
        gc.collect(0)
        time.sleep(0.001)


def interrupt() -> None:
    raise KeyboardInterrupt


def in_time(function: Callable[[], object], where: str) -> None:
    """Call it on another thread, where a lock that nobody let go would hold it up."""
    try:
        Background(function).result()
    except TimeoutError:
        pytest.fail(f"it hangs after {where}")


@UNNOTED
def test_interrupted_while_it_opens_and_closes(peer: Peer) -> None:
    def work(connection: Connection) -> None:
        connection.open(GUEST)
        connection.close()

    for step in Steps(interrupt, 200):
        connection = Connection(Endpoint(peer.host, peer.port))
        with suppress(KeyboardInterrupt):
            step.run(lambda: work(connection))  # noqa: B023
        in_time(connection.endpoint.abort, step.where)
        in_time(connection.close, step.where)
        assert connection.endpoint.state.value in ("off", "disconnected", "failed"), step.where


Use = Callable[[Connection, Channel], object]
USES: dict[str, Use] = {
    "call": lambda _, channel: channel.call(queue.Declare(queue="q")),
    "send": lambda _, channel: channel.send(basic.Publish(routing_key="q"), message(b"x" * 9)),
    "open_channel": lambda connection, _: connection.endpoint.open_channel().close(),
    "receive": lambda _, channel: channel.receive(timeout=10),
}


@pytest.mark.parametrize("name", USES)
def test_interrupted_in_use_it_works_or_is_gone(peer: Peer, name: str) -> None:
    """Interrupted while frames are put together it must go: half a message is worse."""
    returned = (basic.Return(312, "no route"), message(b"x"))
    peer.answer("basic.publish", lambda _: returned if name == "receive" else None)
    for step in Steps(interrupt, 5, *DRIVER, "core"):
        with connect(peer.url(), heartbeat=0) as connection:
            channel, other = (connection.endpoint.open_channel() for _ in range(2))
            if name == "receive":
                channel.send(basic.Publish(routing_key="none"), message(b"x"))
            with suppress(KeyboardInterrupt):
                step.run(lambda: USES[name](connection, channel))  # noqa: B023
            with suppress(NotOpen, ConnectionFailed):
                assert other.call(tx.Select(), timeout=10) == tx.SelectOk(), step.where
        assert connection.endpoint.error is None, step.where


@UNNOTED
@pytest.mark.parametrize("end", ["close", "abort"])
def test_closed_by_another_thread_while_it_opens(peer: Peer, end: str) -> None:
    closing: list[Background[None]] = []
    current: list[Connection] = []

    def close() -> None:
        connection = current[0]
        closing.append(
            Background(connection.close if end == "close" else connection.endpoint.abort)
        )
        closing[0]._thread.join(0.002)  # as far as it comes while this thread stands still

    for step in Steps(close, 150):
        current[:] = [Connection(Endpoint(peer.host, peer.port))]
        with suppress(OpenAborted):
            step.run(lambda: current[0].open(GUEST))
        for closer in closing:
            closer.result()
        # It may have come before there was anything to close.
        in_time(current[0].close, step.where)
        assert current[0].endpoint.state.value in ("disconnected", "failed"), step.where
        closing.clear()
