"""A real broker does not notice that a client has forked."""

from __future__ import annotations

import pytest

from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import eventually
from tests.drivers.forking import NAME, check_forks


@pytest.mark.usefixtures("leaks")
def test_connection_goes_on_in_the_parent_of_a_fork(
    broker: RabbitMQNode, certificates: Certificates
) -> None:
    check_forks([broker.url(), f"{broker.url(tls=True)}?cafile={certificates.authority}"])
    # Those of the parents, and those that the children of two of the three opened for themselves.
    eventually(lambda: broker.log_of(NAME).count("closing AMQP connection") == 10)
    assert "unexpectedly" not in broker.log_of(NAME)
    assert "error" not in broker.log_of(NAME)
