"""A peer, and clients of it that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import amqpconn.sync
from amqpconn.testing import Peer


@pytest.fixture
def connection(peer: Peer) -> Iterator[amqpconn.sync.Connection]:
    with amqpconn.sync.connect(peer.url()) as connection:
        yield connection
