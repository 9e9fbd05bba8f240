"""A real broker does not notice that a client has forked."""

from __future__ import annotations

import pytest

from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.drivers.forking import check_forks


@pytest.mark.usefixtures("leaks")
def test_connection_goes_on_in_the_parent_of_a_fork(
    broker: RabbitMQNode, certificates: Certificates
) -> None:
    before = len(broker.log)
    check_forks([broker.url(), f"{broker.url(tls=True)}?cafile={certificates.authority}"])
    complaints = [line for line in broker.log[before:].splitlines() if " [error] " in line]
    complaints += [line for line in broker.log[before:].splitlines() if "unexpectedly" in line]
    assert complaints == []
