"""A peer and a connection to it, closed again when the test is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import amqpconn.sync
from amqpconn.testing import Peer
from tests.drivers.adapter import Driver


@pytest.fixture
def reported(leaks: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:  # noqa: ARG001
    """What threads reported; a test that causes some removes them."""
    found: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: found.append(raised.exc_value))
    yield found
    assert found == []


@pytest.fixture
def connection(driver: Driver, peer: Peer) -> Iterator[amqpconn.sync.Connection]:
    """An open connection of each driver in turn."""
    with driver.connect(peer.url()) as connection:
        yield connection
