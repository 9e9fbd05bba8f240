"""Heartbeats of one second, kept for ten seconds by callers that are idle, busy or asleep."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amqpconn_spec.v0_9_1 import queue
from amqpconn_spec.v0_9_1.frames import HEARTBEAT
from tests.broker.busy_caller import BUSY_S
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.broker.waiting import eventually
from tests.drivers.adapter import Driver

ROOT = Path(__file__).parents[2]


@contextmanager
def busy_callers(url: str) -> Iterator[None]:
    """Run `busy_caller` beside the block, and wait for its good end."""
    path = f"{ROOT}:{ROOT / 'generated'}"
    command = [sys.executable, "-m", "tests.broker.busy_caller", url]
    with subprocess.Popen(
        command, env={"PYTHONPATH": path}, stderr=subprocess.PIPE, text=True
    ) as running:
        yield
        _, errors = running.communicate(timeout=30)
        assert running.returncode == 0, errors


def test_heartbeats_go_on_while_callers_are_idle_or_busy(
    broker: RabbitMQNode, both_drivers: list[Driver]
) -> None:
    options = "heartbeat=1&connection_name"
    with (
        busy_callers(f"{broker.url()}?{options}=busy"),
        Relay(broker.host, broker.port) as one,
        Relay(broker.host, broker.port) as other,
    ):
        relays = [one, other]
        idle = [
            driver.connect(f"amqp://127.0.0.1:{relay.port}/?{options}=idle")
            for driver, relay in zip(both_drivers, relays, strict=True)
        ]
        assert [connection.tuning.heartbeat for connection in idle] == [1, 1]
        time.sleep(BUSY_S)
        for connection in idle:
            assert connection.is_open
            with connection.endpoint.open_channel() as channel:
                assert channel.call(queue.Declare(exclusive=True)).consumer_count == 0
            connection.close()
    # Each side sends one after half a second of silence. A busy machine may be late.
    for relay in relays:
        assert BUSY_S < relay.sent.count(HEARTBEAT) < 3 * BUSY_S
        assert BUSY_S < relay.received.count(HEARTBEAT) < 3 * BUSY_S
    eventually(lambda: broker.log_of("idle").count("closing AMQP connection") == 2)
    eventually(lambda: broker.log_of("busy").count("closing AMQP connection") == 2)
    for name in ("idle", "busy"):
        assert "missed heartbeats" not in broker.log_of(name)
