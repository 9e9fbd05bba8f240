"""What tests of every kind share: both drivers in one shape, missing programs, and leaks."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import amqpconn.sync
from amqpconn.sync import _reactor
from amqpconn.testing import Peer
from tests.drivers.adapter import DRIVERS, Driver

if TYPE_CHECKING:
    from tests.broker.certificates import Certificates

Require = Callable[[Path, str], Path]

# Deadlines measure the machine and not the code: ours are the per-test timeout. `thorough` is for
# a search by hand: HYPOTHESIS_PROFILE=thorough make test.
settings.register_profile(
    "default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def in_ci() -> bool:
    """Say whether this run decides on a change, so that nothing may be left out of it."""
    return os.environ.get("CI", "") not in ("", "0", "false")


@pytest.fixture(scope="session")
def require() -> Require:
    """Give a function that ends the test unless a file or folder of the system is there.

    `require(path, how)` returns `path`. Where it is missing the test fails in CI and is skipped
    elsewhere, both times with `how`, the command that installs it.
    """

    def check(path: Path, how: str) -> Path:
        if not path.exists():
            message = f"{path} is missing; install it with: {how}"
            if in_ci():
                pytest.fail(message)
            pytest.skip(message)
        return path

    return check


def open_files() -> dict[str, str]:
    """Return this process's file descriptors and what each of them is."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:  # the descriptor that this listing itself used
            continue
    return found


def holdings() -> set[str]:
    """Return all that a test may leave behind: descriptors, and threads by name and id.

    The blocking driver's thread has its pause cut short: it would end by itself a moment later.
    """
    _reactor.settle()
    files = {f"descriptor {number}: {target}" for number, target in open_files().items()}
    threads = {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}
    return files | threads


@pytest.fixture
def leaks() -> Iterator[None]:
    """Fail the test if it leaves a descriptor or a thread behind.

    It must be set up before what it watches: name it first among the arguments, or put
    `pytestmark = pytest.mark.usefixtures("leaks")` into the module. What closes in the background
    has two seconds for it.
    """
    before = holdings()
    yield
    deadline = time.monotonic() + 2.0
    while (left := holdings() - before) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)
    assert not left, "left behind: " + ", ".join(sorted(left))


@pytest.fixture(params=sorted(DRIVERS))
def driver(
    request: pytest.FixtureRequest,
    leaks: None,  # noqa: ARG001 - it watches what follows
) -> Iterator[Driver]:
    """Each of the drivers in turn, as blocking calls; the test must leave nothing behind."""
    with DRIVERS[request.param]() as adapted:
        yield adapted


@pytest.fixture
def both_drivers(
    leaks: None,  # noqa: ARG001 - it watches what follows
) -> Iterator[list[Driver]]:
    """Both drivers in one test, for what takes long and can be watched at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(DRIVERS[name]()) for name in sorted(DRIVERS)]


@pytest.fixture
def peer(leaks: None) -> Iterator[Peer]:  # noqa: ARG001 - it watches what follows
    """A peer as brokers are by default."""
    with Peer() as peer:
        yield peer


@pytest.fixture
def channel(connection: amqpconn.sync.Connection) -> amqpconn.sync.Channel:
    """An open channel of the `connection` that tests of this kind have; it goes with it."""
    return connection.endpoint.open_channel()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority, right certificates and wrong ones."""
    from tests.broker.certificates import Certificates  # late: few tests need that much

    return Certificates(tmp_path_factory.mktemp("certificates"))
