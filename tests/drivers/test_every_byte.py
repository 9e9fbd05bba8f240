"""A server that fails after any byte of its handshake and of its close-ok: nobody hangs, nothing
stays.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from amqpconn.errors import ConnectionFailed, OpenAborted, OpenTimeout, PeerHungUp
from amqpconn.sync import Connection, Endpoint, connect
from amqpconn.testing import Cut, Moment, Peer, Replace, Reset, Send, SentBytes, Silence
from amqpconn.uri import parse_url
from amqpconn_spec.v0_9_1 import connection, tx
from tests.drivers.attempts import (
    ATTEMPTS,
    CLOSE_TIMEOUT_S,
    Outcome,
    Stopwatch,
    asyncio_attempt,
)
from tests.drivers.cancelling import comes_to_nothing
from tests.drivers.counting import check_nothing_grows
from tests.drivers.held import held_by_the_loop
from tests.drivers.helpers import GUEST
from tests.testing.raw import HEADER, Raw

pytestmark = pytest.mark.usefixtures("leaks")

# Far more than a busy machine needs to notice that a time has passed, and far less than for ever.
LATENESS_S = 10.0
CLOSE_OK = connection.CloseOk().encode_frame(0)
Attempts = Callable[[int, str, float, int], list[Outcome]]
Action = Callable[[Moment], object]
Fault = Callable[[int, bytes], Action]
FAULTS: dict[str, Fault] = {
    "cut": lambda _, __: Cut(),
    "reset": lambda _, __: Reset(),
    "silence": lambda _, __: Silence(),
    "another byte": lambda offset, whole: Replace(bytes((whole[offset] ^ 0xFF,))),
    "a byte too much": lambda _, __: Send(b"\xaa"),
}


@pytest.fixture(params=sorted(ATTEMPTS))
def attempts(request: pytest.FixtureRequest) -> Attempts:
    """Many attempts with each of the drivers."""
    return ATTEMPTS[str(request.param)]


@pytest.fixture
def whole(peer: Peer) -> bytes:
    """All that the peer says, from start to close-ok."""
    login = connection.StartOk({}, "PLAIN", b"\0guest\0guest", "en_US")
    with Raw(peer) as client:
        client.send(HEADER, login, connection.TuneOk(10, 131072, 0), connection.Open("/"))
        client.send(connection.Close(200, "bye", 0, 0))
        said = client.everything()
    assert said.endswith(CLOSE_OK)
    return said


def check_outcome(outcome: Outcome, timeout: float) -> None:
    """It ended in time, with an error of ours or with a connection that closed quietly."""
    if outcome.opened:
        assert outcome.error is None
    else:
        assert isinstance(outcome.error, ConnectionFailed), repr(outcome.error)
        assert outcome.error.phase in ("connect", "header", "start", "open", "opened")
        assert outcome.error.remedy
    assert outcome.opening_s < timeout + LATENESS_S
    assert outcome.closing_s < CLOSE_TIMEOUT_S + LATENESS_S


def meet(
    name: str, timeout: float, peer: Peer, whole: bytes, attempts: Attempts
) -> tuple[list[Outcome], list[int]]:
    """An attempt for each byte; how they ended, and how many bytes each client was sent."""
    first = len(peer.sessions)
    peer.behaviour.script = lambda number: [
        SentBytes(number - first, FAULTS[name](number - first, whole))
    ]
    outcomes = attempts(len(whole), peer.url(), timeout, len(whole) if name == "silence" else 24)
    for outcome in outcomes:
        check_outcome(outcome, timeout)
    return outcomes, [session.bytes_sent for session in peer.sessions[first:]]


def check_stopped(outcomes: list[Outcome], expected: type[ConnectionFailed]) -> None:
    """Those failed that did not get all of the handshake; whether the end that comes with its last
    byte is noticed before or after open-ok is no matter.
    """
    opened = sum(outcome.opened for outcome in outcomes)
    assert len(CLOSE_OK) - 1 <= opened <= len(CLOSE_OK)
    for outcome in outcomes:
        assert outcome.opened or isinstance(outcome.error, expected), repr(outcome.error)


@pytest.mark.parametrize("name", ["cut", "reset"])
def test_stream_that_ends_after_any_byte(
    peer: Peer, whole: bytes, attempts: Attempts, name: str
) -> None:
    outcomes, sent = meet(name, 30.0, peer, whole, attempts)
    assert sent == [*range(len(whole))]
    check_stopped(outcomes, PeerHungUp)
    assert max(outcome.opening_s for outcome in outcomes) < 20


def test_silence_after_any_byte(peer: Peer, whole: bytes, attempts: Attempts) -> None:
    """All at the same time: the first deadline is enough unless the machine is very busy."""
    for timeout in (0.5, 2.0, 8.0):
        outcomes, sent = meet("silence", timeout, peer, whole, attempts)
        if sent == [*range(len(whole))]:
            check_stopped(outcomes, OpenTimeout)
            return
    pytest.fail("the handshakes did not come to their bytes")


@pytest.mark.parametrize("name", ["another byte", "a byte too much"])
def test_wrong_byte_anywhere(peer: Peer, whole: bytes, attempts: Attempts, name: str) -> None:
    """In the middle of a name it may be right; in a length it makes us wait for more."""
    outcomes, _ = meet(name, 0.5, peer, whole, attempts)
    assert sum(outcome.opened for outcome in outcomes) < len(whole) / 2


MANY = 1000


def failing(peer: Peer, whole: bytes, attempts: Attempts) -> Callable[[int], list[Outcome]]:
    """Attempts that meet every way of failing, but silence, after every byte."""
    ways = [fault for name, fault in FAULTS.items() if name != "silence"]
    offsets = range(len(whole))
    places = cycle([(way, offset) for offset in offsets for way in ways])

    def script(_: int) -> list[SentBytes]:
        way, offset = next(places)
        return [SentBytes(offset, way(offset, whole))]

    def fail(count: int) -> list[Outcome]:
        peer.behaviour.script = script
        outcomes = attempts(count, peer.url(), 0.1, 24)
        peer.behaviour.script = ()
        assert sum(not outcome.opened for outcome in outcomes) > 0.8 * count
        return outcomes

    return fail


def test_thousand_failures_leave_nothing(peer: Peer, whole: bytes, attempts: Attempts) -> None:
    check_nothing_grows(failing(peer, whole, attempts), MANY, peer)


def test_thousand_failures_beside_a_connection_leave_nothing(peer: Peer, whole: bytes) -> None:
    """The blocking driver's thread goes on, with all that it keeps."""
    with Peer() as other, connect(other.url()) as connection:
        check_nothing_grows(failing(peer, whole, ATTEMPTS["sync"]), MANY, peer)
        assert connection.endpoint.open_channel().call(tx.Select()) == tx.SelectOk()


def test_what_stays_is_noticed(peer: Peer, whole: bytes) -> None:
    """An error in four that somebody keeps is more than enough."""
    fail = failing(peer, whole, ATTEMPTS["sync"])
    kept: list[Outcome] = []
    with pytest.raises(AssertionError, match="objects"):
        check_nothing_grows(lambda count: kept.extend(fail(count)[::4]), MANY, peer, patience_s=0.2)


def cancelled(count: int, url: str, timeout: float, at_once: int) -> list[Outcome]:
    """Attempts of tasks that are cancelled a moment later, each a little later than the last."""

    async def one(number: int, turns: asyncio.Semaphore) -> Outcome:
        async with turns:
            task = asyncio.create_task(asyncio_attempt(url, timeout))
            await asyncio.sleep(number % 20 * 0.0002)
            task.cancel()
            return await task

    async def every() -> list[Outcome]:
        turns = asyncio.Semaphore(at_once)
        outcomes = await asyncio.gather(*(one(number, turns) for number in range(count)))
        await comes_to_nothing(held_by_the_loop, pause=0)
        return outcomes

    return asyncio.run(every())


def aborted(count: int, url: str, timeout: float, at_once: int) -> list[Outcome]:
    """Attempts that another thread gives up a moment later."""

    def one(number: int) -> Outcome:
        parsed = parse_url(url)
        connection = Connection(Endpoint(parsed.host, parsed.port, timeout=timeout))
        giving_up = threading.Timer(number % 20 * 0.0002, connection.close)
        giving_up.start()
        with Stopwatch() as opening:
            connection.open(GUEST)
        giving_up.join()
        connection.close()  # the other thread may have come too early
        return Outcome(opening.error is None, opening.error, opening.seconds)

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize("give_up", [cancelled, aborted])
def test_thousand_attempts_that_are_given_up_leave_nothing(peer: Peer, give_up: Attempts) -> None:
    def work(count: int) -> None:
        for outcome in give_up(count, peer.url(), 30.0, 8):
            error = outcome.error
            assert error is None or isinstance(error, asyncio.CancelledError | OpenAborted), error

    check_nothing_grows(work, MANY, peer)
