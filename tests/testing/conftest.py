"""A peer, and clients of it that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import amqpconn.sync
from amqpconn.testing import Peer
from tests.broker.certificates import Certificates


@pytest.fixture
def peer(leaks: None) -> Iterator[Peer]:  # noqa: ARG001 - it watches what follows
    with Peer() as peer:
        yield peer


@pytest.fixture
def connection(peer: Peer) -> Iterator[amqpconn.sync.Connection]:
    with amqpconn.sync.connect(peer.url()) as connection:
        yield connection


@pytest.fixture
def channel(connection: amqpconn.sync.Connection) -> amqpconn.sync.Channel:
    return connection.endpoint.open_channel()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and what it issued."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
