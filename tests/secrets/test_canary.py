"""No secret in any repr, log, error, transcript or traceback's frames, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn.testing import Ignore, On, Peer
from tests.drivers.adapter import Driver
from tests.drivers.helpers import PATIENCE, Background
from tests.secrets.cases import FAILURES, MISTAKES
from tests.secrets.search import (
    CANARY,
    PASSWORD,
    TOKEN,
    in_error,
    in_pickle,
    in_reach,
    in_tasks,
    in_threads,
)
from tests.secrets.stage import USER, Stage


@contextmanager
def everything_shown(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[list[str]]:
    """What is logged, warned of and printed meanwhile, if it shows the canary."""
    leaks: list[str] = []
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield leaks
    printed = capfd.readouterr()
    texts = {"log": caplog.text, "output": printed.out, "error output": printed.err}
    leaks += [f"the {name}" for name, text in texts.items() if CANARY in text]
    leaks += [f"the warning {each.category}" for each in warned if CANARY in str(each.message)]


def leaks_of(fail: Callable[[Stage], object], stage: Stage) -> list[str]:
    """Play a case, which must fail; what of it shows the canary."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of whatever kind
        fail(stage)
    found = [*in_error(caught.value), *in_reach([stage.made, stage.seen.frames])]
    return found + ["a pickle"] * in_pickle(stage.made)


@pytest.fixture
def stage(driver: Driver) -> Iterator[Stage]:
    with Peer() as peer:
        yield Stage(driver, peer)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_shows_no_secret(
    name: str,
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with everything_shown(caplog, capfd) as shown:
        leaks = leaks_of(FAILURES[name], stage)
    assert leaks + shown == []


def test_a_mistake_shows_no_secret(
    stage: Stage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with everything_shown(caplog, capfd) as shown:
        leaks = {name: leaks_of(fail, stage) for name, fail in MISTAKES.items()}
    assert {name: found for name, found in leaks.items() if found} == {}
    assert shown == []


def test_waiting_shows_no_secret(stage: Stage) -> None:
    """What a dump of all threads and tasks would have in it while the login is judged."""
    stage.script(On("connection.start-ok", Ignore()))
    waiting = Background(stage.by_url)
    stage.peer.wait_for("connection.start-ok")
    end = time.monotonic() + PATIENCE
    # Whoever sent it may still be on the way back from the system's call.
    while (leaks := [*in_threads(), *in_tasks()]) and time.monotonic() < end:
        time.sleep(0.001)
    stage.peer.drop_connections()
    assert waiting.error() is not None
    assert leaks == []


@pytest.mark.parametrize("waiting", ["connection.start-ok", "connection.update-secret"])
def test_cancelling_shows_no_secret(waiting: str) -> None:
    async def cancelled(peer: Peer) -> BaseException:
        task = asyncio.create_task(login_and_update(peer))
        await peer.until_received(waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    async def login_and_update(peer: Peer) -> None:
        async with amqpconn.asyncio.connect(peer.url(USER)) as connection:
            await connection.update_secret(TOKEN)

    with Peer(users={"ann": PASSWORD}, script=[On(waiting, Ignore())]) as peer:
        assert in_error(asyncio.run(cancelled(peer))) == []


@pytest.mark.parametrize("waiting", ["connection.start-ok", "connection.update-secret"])
def test_interrupting_shows_no_secret(waiting: str) -> None:
    def interrupt(peer: Peer) -> None:
        peer.wait_for(waiting)
        time.sleep(0.02)  # it may still be on its way from writing to waiting
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def login_and_update(peer: Peer) -> None:
        with amqpconn.sync.connect(peer.url(USER)) as connection:
            connection.update_secret(TOKEN)

    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    with Peer(users={"ann": PASSWORD}, script=[On(waiting, Ignore())]) as peer:
        background = Background(lambda: interrupt(peer))
        with pytest.raises(KeyboardInterrupt) as caught:
            login_and_update(peer)
        background.result()
    signal.signal(signal.SIGUSR1, before)
    assert in_error(caught.value) == []


def test_an_open_connection_shows_no_secret(stage: Stage) -> None:
    stage.peer.behaviour.users = {"ann": PASSWORD}
    with stage.by_url() as connection:
        connection.update_secret(PASSWORD)
        assert stage.peer.received("connection.update-secret")
        assert len(stage.seen.frames) > 3
        assert in_reach([stage.made, stage.seen.frames]) == []
        assert [*in_threads(), *in_tasks()] == []
    assert in_reach(stage.made) == []


class Careless:
    """Shows what it should not, as the things in all the other tests do not."""

    def __repr__(self) -> str:
        return PASSWORD


def test_the_search_would_find_it() -> None:
    def raise_it(secret: object) -> None:
        raise ValueError("a text without it") from KeyError(secret)

    with pytest.raises(ValueError, match="without") as caught:
        raise_it(PASSWORD)
    found = in_error(ExceptionGroup("several", [caught.value]))
    assert "KeyError.args" in found
    assert "KeyError pickled" in found
    found = in_reach([{"deep": [Careless(), TOKEN]}])
    assert sorted(found) == ["bytes of 12 bytes", "the repr of Careless"]
    assert in_pickle({"a": PASSWORD})


def test_the_search_looks_into_the_frames_of_others() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(PASSWORD)
    assert "JSONDecodeError: the local s in __init__.py:loads" in in_error(caught.value)
