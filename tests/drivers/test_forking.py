"""The child of a fork: its parent's connection is refused there, at once, and goes on in peace."""

from __future__ import annotations

import pytest

from amqpconn.testing import Peer
from tests.broker.certificates import Certificates
from tests.drivers.forking import check_forks

pytestmark = pytest.mark.usefixtures("leaks")


def test_child_of_a_fork_cannot_use_its_parents_connection_nor_disturb_it(
    certificates: Certificates,
) -> None:
    with (
        Peer(heartbeat=1) as clear,
        Peer(heartbeat=1, ssl=certificates.server.server_context()) as secure,
    ):
        check_forks([clear.url(), secure.url(query=f"cafile={certificates.authority}")])
        for peer in (clear, secure):
            # The three of the parents, and what two of the children opened for themselves; every
            # one of them spoke in order to its end.
            sent = [[it.method.NAME for it in session.received] for session in peer.sessions]
            assert len(sent) == 5
            for names in sent:
                assert names[:3] == ["connection.start-ok", "connection.tune-ok", "connection.open"]
                assert names[-1] == "connection.close"
                assert names.count("connection.close") == 1
