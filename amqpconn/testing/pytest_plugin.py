"""Fixtures for everybody's tests; pytest finds them by itself where amqpconn is installed.

    def test_it_publishes(amqp_peer):
        with amqpconn.sync.connect(amqp_peer.url()) as connection:
            ...

It is imported in every run of pytest, so it imports nothing more before a fixture is asked for.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amqpconn.testing.peer import Peer


@pytest.fixture
def amqp_peers() -> Iterator[Callable[..., Peer]]:
    """A function that starts AMQP servers in this process: `amqp_peers(heartbeat=1, script=[...])`.

    It takes what `amqpconn.testing.Peer` takes. All are stopped after the test, which fails if
    something that it gave them raised.
    """
    from contextlib import ExitStack

    from amqpconn.testing import Peer

    with ExitStack() as stack:

        def start(*args: object, **options: object) -> Peer:
            return stack.enter_context(Peer(*args, **options))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def amqp_peer(amqp_peers: Callable[..., Peer]) -> Peer:
    """An AMQP server in this process, as brokers are by default: `amqpconn.testing.Peer()`."""
    return amqp_peers()
