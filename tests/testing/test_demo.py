"""`make demo`, without make."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amqpconn.testing import Peer

ROOT = Path(__file__).parents[2]


def run(url: str | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the demo as a program; `before` is code that runs first in its interpreter."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}", "COLUMNS": "120"}
    environment.pop("AMQP_URL", None)
    if url is not None:
        environment["AMQP_URL"] = url
    code = f"{before}\nimport runpy; runpy.run_module('amqpconn.testing.demo', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_it_shows_both_drivers_and_a_refusal() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "an in-process peer",
        "amqpconn.sync: open in",
        "amqpconn.asyncio: open in",
        "channel_max",
        "frame_max",
        "heartbeat",
        "asked for",
        "offered",
        "agreed",
        "PLAIN, AMQPLAIN",
        "AuthenticationRefused",
        "What to do",
    ):
        assert text in done.stdout
    assert done.stdout.count("through a queue and back: b'hello'") == 2


@pytest.mark.usefixtures("leaks")
def test_it_takes_the_broker_it_is_told() -> None:
    with Peer(users={"ann": "Tr0ub4dor"}, heartbeat=17) as peer:
        done = run(peer.url("ann:Tr0ub4dor"))
        assert (done.returncode, done.stderr) == (0, "")
        assert f"amqp://ann:***@127.0.0.1:{peer.port}/" in done.stdout
        assert "yours" in done.stdout
        assert "17" in done.stdout
        assert "Tr0ub4dor" not in done.stdout
        names = [session.client_properties["connection_name"] for session in peer.sessions]
        assert names == ["demo, blocking", "demo, asyncio"]


@pytest.mark.parametrize("url", ["amqp://127.0.0.1:1", "http://localhost"])
def test_it_fails_with_a_message_that_helps(url: str) -> None:
    done = run(url)
    assert (done.returncode, done.stderr) == (1, "")
    assert "What to do" in done.stdout


def test_it_says_what_is_missing() -> None:
    done = run(before="import sys; sys.modules['rich'] = None; sys.modules['rich.console'] = None")
    assert done.returncode == 1
    assert "pip install rich" in done.stderr
