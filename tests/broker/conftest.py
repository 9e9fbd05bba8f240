"""Real brokers for tests: one that all share, and as many special ones as a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker.certificates import CLIENT_NAME, Certificates
from tests.broker.rabbitmq import HOW_TO_GET, SERVER, RabbitMQNode
from tests.broker.waiting import eventually
from tests.conftest import Require

# RABBIT-CR-DEMO asks a question of its own (connection.secure), which no other mechanism does.
CONFIG = """\
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
auth_mechanisms.4 = RABBIT-CR-DEMO
auth_backends.1 = internal
auth_backends.2 = rabbit_auth_backend_oauth2
auth_oauth2.resource_server_id = rabbitmq
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share a broker (it takes five seconds to start) on one worker, and those
    with brokers of their own, to kill and to freeze, on another.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            shared = "broker" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("broker" if shared else "own brokers"))


@pytest.fixture(scope="session")
def broker(
    require: Require, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RabbitMQNode]:
    """A node for all tests that leave it as it was: do not stop it, nor leave connections open.

    It listens in clear and for TLS, offers all four mechanisms (EXTERNAL over TLS only, whether or
    not the client shows a certificate), and has the users guest and, for the client certificate,
    CLIENT_NAME. Who is none of them may show a token (JWT); test_credentials.py signs some.
    """
    require(SERVER, HOW_TO_GET)
    node = RabbitMQNode(
        tmp_path_factory.mktemp("broker") / "node",
        config=CONFIG,
        plugins=["rabbitmq_auth_mechanism_ssl", "rabbitmq_auth_backend_oauth2"],
        certificates=certificates,
        users={"guest": "guest", CLIENT_NAME: None},
    )
    with node:
        yield node


@pytest.fixture(autouse=True)
def nothing_left_at_the_broker(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a connection of the shared broker open."""
    yield
    if "broker" in request.fixturenames:
        node: RabbitMQNode = request.getfixturevalue("broker")
        try:
            eventually(lambda: node.connection_count() == 0)
        except AssertionError:
            node.close_connections("left open by a test")  # the next ones are not to blame
            raise


@pytest.fixture
def node_factory(require: Require, tmp_path: Path) -> Iterator[Callable[..., RabbitMQNode]]:
    """Make and start nodes with `RabbitMQNode`'s keyword arguments; they end with the test."""
    require(SERVER, HOW_TO_GET)
    nodes: list[RabbitMQNode] = []

    def make(**arguments: Any) -> RabbitMQNode:
        node = RabbitMQNode(tmp_path / f"node-{len(nodes)}", **arguments)
        nodes.append(node)
        node.start()
        return node

    yield make
    for node in nodes:
        node.close()
