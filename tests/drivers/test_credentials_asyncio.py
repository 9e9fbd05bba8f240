"""Coroutine functions that give credentials: they belong to their attempt, and end with it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from amqpconn import AuthMethod, Credentials, Secret, fetched_auth
from amqpconn.asyncio import Connection, Endpoint, connect
from amqpconn.errors import ConnectionForced, CredentialsFailed, OpenAborted, OpenTimeout
from amqpconn.testing import Close, Peer
from amqpconn_spec.v0_9_1 import connection as methods
from tests.drivers.cancelling import Cut, at_every_await
from tests.drivers.held import held_by_the_loop
from tests.drivers.test_deadlines import DEADLINES

pytestmark = pytest.mark.usefixtures("leaks")


class Vault:
    """Gives credentials after a turn of the loop, or never; it knows how it ended."""

    def __init__(self, life: float | None = None) -> None:
        self.asked = self.cancelled = 0
        self.hangs = False
        self.life = life

    async def was_asked(self, times: int) -> None:
        while self.asked < times:  # noqa: ASYNC110 - it is a test
            await asyncio.sleep(0.001)

    async def __call__(self) -> Credentials:
        self.asked += 1
        try:
            await (asyncio.Event().wait() if self.hangs else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Credentials("guest", "guest", self.life)


class Challenged(AuthMethod):
    """A mechanism whose every step is awaited."""

    name = "ECHO"

    async def initial_response(self) -> bytes:
        await asyncio.sleep(0)
        return b"hello"

    async def respond(self, challenge: bytes) -> Secret:
        await asyncio.sleep(0)
        return Secret(b"re: " + challenge, 0.2)

    async def renew(self) -> bytes:
        await asyncio.sleep(0)
        return b"renewed"


async def nothing_left() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
    assert [each for each in held_by_the_loop() if isinstance(each, asyncio.Task)] == []


def test_every_step_may_be_awaited() -> None:
    rounds: list[bool | bytes] = [b"1", b"2", True]

    async def main(peer: Peer) -> None:
        async with connect(peer.url(), auth_methods=Challenged()) as connection:
            await peer.until_received(methods.UpdateSecret)
            assert connection.is_open

    with Peer(mechanisms=["ECHO"], authenticate=lambda *_: rounds.pop(0)) as peer:
        asyncio.run(main(peer), debug=True)
        (came,) = peer.received(methods.UpdateSecret)
        assert came.method.new_secret == b"renewed"


def plain() -> Credentials:
    return Credentials("guest", "guest")


async def awaited() -> Credentials:
    return Credentials("guest", "guest")


def hidden() -> Any:
    return awaited()


@pytest.mark.parametrize("function", [plain, awaited, hidden])
def test_all_kinds_of_functions(function: Any) -> None:
    async def main(peer: Peer) -> None:
        async with connect(peer.url(), credentials=function) as connection:
            assert connection.is_open
        await nothing_left()

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


def test_a_function_on_a_thread_has_the_context_of_its_caller() -> None:
    variable = contextvars.ContextVar("variable", default="")

    def fetch() -> Credentials:
        return Credentials("guest", variable.get())

    async def main(peer: Peer) -> None:
        variable.set("guest")
        async with connect(peer.url(), credentials=fetch) as connection:
            assert connection.is_open

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("server", ConnectionForced),
        ("cancelled", asyncio.CancelledError),
        ("abort", OpenAborted),
    ],
)
def test_it_is_cancelled_with_its_attempt(end: str, error: type[BaseException]) -> None:
    async def main(peer: Peer) -> None:
        vault = Vault()
        vault.hangs = True
        endpoint = Endpoint(peer.host, peer.port)
        attempt = asyncio.create_task(Connection(endpoint).open(fetched_auth(vault)))
        await vault.was_asked(1)
        assert vault.cancelled == 0
        if end == "server":
            peer.do(Close(320, "going down"))
        elif end == "cancelled":
            attempt.cancel()
        else:
            endpoint.abort()
        with pytest.raises(error):
            await attempt
        await nothing_left()
        assert vault.cancelled == 1

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


def test_it_is_cancelled_by_the_deadline() -> None:
    async def main(peer: Peer) -> None:
        for deadline in DEADLINES:
            vault = Vault()
            vault.hangs = True
            with pytest.raises(OpenTimeout):
                await connect(peer.url(), credentials=vault, timeout=deadline)
            await nothing_left()
            if vault.asked:
                assert vault.cancelled == 1
                return
        pytest.fail("it never came to the credentials")

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


def test_a_renewal_is_cancelled_with_its_connection() -> None:
    async def main(peer: Peer) -> None:
        vault = Vault(life=0.5)
        async with connect(peer.url(), credentials=vault):
            vault.hangs = True
            await vault.was_asked(2)
        await nothing_left()
        assert vault.cancelled == 1

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


def test_one_that_will_not_be_cancelled_changes_nothing() -> None:
    async def stubborn() -> Credentials:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
        return Credentials("guest", "guest")

    async def main(peer: Peer) -> None:
        with pytest.raises(OpenTimeout):
            await connect(peer.url(), credentials=stubborn, timeout=0.1)
        await asyncio.sleep(0.05)
        await nothing_left()
        assert not peer.received(methods.StartOk)

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


def give_up() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("is_awaited", [True, False])
def test_one_that_cancels_itself_has_failed(is_awaited: bool) -> None:
    async def awaited() -> None:
        give_up()

    async def main(peer: Peer) -> None:
        with pytest.raises(CredentialsFailed, match="raised CancelledError"):
            await connect(peer.url(), credentials=awaited if is_awaited else give_up)
        await nothing_left()

    with Peer() as peer:
        asyncio.run(main(peer), debug=True)


@pytest.mark.parametrize(
    "make", [Vault, lambda: lambda: Credentials("guest", "guest")], ids=["coroutine", "thread"]
)
def test_opening_cut_at_every_await(make: Callable[[], Any]) -> None:
    with Peer() as peer:

        async def scenario(cut: Cut) -> None:
            connection = Connection(Endpoint(peer.host, peer.port))
            await cut(connection.open(fetched_auth(make())))
            await connection.close()

        at_every_await(scenario, least=2)
