"""What the children do with amqpconn works, on a peer instead of a broker. Nothing is timed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from amqpconn.sync import connect
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, connection, queue
from tests.bench import child
from tests.bench.clients import HEARTBEAT_S
from tests.bench.idling import WARM_UP
from tests.bench.process import Process
from tests.bench.session import ROOT

OURS = ("with_amqpconn_sync", "with_amqpconn_asyncio")
Work = Callable[..., Any]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Work:
    """What a child prints for its work."""

    def run(module: str, what: str, *arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["child", module, what, json.dumps(arguments)])
        child.main()
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


@pytest.mark.parametrize("client", [*OURS, "with_sockets"])
def test_connections_are_opened_and_closed(peer: Peer, work: Work, client: str) -> None:
    assert set(work(f"clients.{client}", "open_close", peer.url(), 3)) == {"cpu", "wall"}
    assert len(peer.received("connection.close")) == 4  # one before the time begins
    times = work(f"clients.{client}", "first_channel", peer.url())
    assert times["connection"] <= times["channel"]


@pytest.mark.parametrize("what", ["together", "ahead"])
@pytest.mark.parametrize("client", OURS)
def test_the_second_connection_counts(peer: Peer, work: Work, client: str, what: str) -> None:
    assert set(work("opening", "second", client, what, peer.url())) == {"channel"}
    assert len(peer.received("channel.open")) == 2


@pytest.mark.parametrize("client", OURS)
@pytest.mark.parametrize("acknowledges", [False, True])
def test_messages_are_published_and_consumed(
    peer: Peer, work: Work, client: str, acknowledges: bool
) -> None:
    with connect(peer.url()) as opened, opened.endpoint.open_channel() as channel:
        channel.call(queue.Declare("tasks"))
    work(f"clients.{client}", "publish", peer.url(), "tasks", 5, 100)
    contents = [received.content for received in peer.received(basic.Publish)]
    assert [content and len(content.body) for content in contents] == [100] * 5
    work(f"clients.{client}", "consume", peer.url(), "tasks", 5, acknowledges)
    assert len(peer.received("basic.ack")) == (5 if acknowledges else 0)


@pytest.mark.parametrize("client", OURS)
def test_idle_connections_are_held_and_counted(peer: Peer, client: str) -> None:
    arguments = json.dumps([client, [peer.url()], WARM_UP + 2, 0])
    command = [sys.executable, "-m", "tests.bench.child", "idling", "idle", arguments]
    with Process(
        command, ROOT, {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"}
    ) as held:
        assert held.hear() == "ready"
        assert len(peer.sessions) == WARM_UP + 2
        held.tell()
        assert json.loads(held.hear())["cpu"] == []
    tuned = [received.method for received in peer.received(connection.TuneOk)]
    assert [method.heartbeat for method in tuned] == [HEARTBEAT_S] * (WARM_UP + 2)


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="unheard of"):
        with Process([sys.executable, "-c", "raise SystemExit('unheard of')"], ROOT, {}) as child:
            child.hear()
