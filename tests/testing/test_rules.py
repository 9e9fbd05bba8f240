"""What is wrong with a script is said when it is written, with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import amqpconn.sync
import amqpconn.testing
from amqpconn.errors import InvalidParameter, PeerHungUp
from amqpconn.testing import (
    After,
    Before,
    Behaviour,
    Cut,
    Ignore,
    On,
    Peer,
    ReceivedBytes,
    SentBytes,
    Usual,
)
from amqpconn_spec.v0_9_1 import basic, connection

CLASS: Any = Cut
pytestmark = pytest.mark.usefixtures("leaks")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: On("connection.opne", Cut()), r"On\('connection.opne'\).*no client sends that"),
        (lambda: On(connection.Tune, Cut()), r"On\('connection.tune'\).*no client sends that"),
        (lambda: Before("connection.open"), r"no server sends that; .* such as 'connection.tune'"),
        (lambda: After(basic.Publish), "no server sends that"),
        (lambda: On("connection.open", CLASS), r"<class .*Cut'> is no action; .* such as Cut\(\)"),
        (lambda: SentBytes(1, 2), "2 is no action"),  # type: ignore[arg-type]
        (lambda: SentBytes(-1, Cut()), r"SentBytes\(-1\) can never come true; begin at 0"),
        (lambda: ReceivedBytes(0, Cut()), r"ReceivedBytes\(0\) can never come true; begin at 1"),
        (lambda: Before("connection.tune", Usual()), r"Usual\(\) in Before has no meaning"),
        (lambda: SentBytes(1, Ignore()), r"Ignore\(\) in SentBytes has no meaning"),
        (lambda: Behaviour(script=[Cut()]), "is no rule; rules are On, Before"),  # type: ignore[list-item]
    ],
)
def test_rules_that_cannot_work_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        make()


def test_names_of_every_version_are_known() -> None:
    for name in ("confirm.select", "access.request", "protocol-header", "heartbeat"):
        On(name)
    for name in ("connection.redirect", "connection.blocked", "protocol-header", "heartbeat"):
        Before(name)
        After(name)


def test_rule_comes_true_every_time_or_the_nth() -> None:
    counts = {"all": 0, "second": 0}

    def count(which: str) -> Any:
        def action(moment: Any) -> None:
            counts[which] += 1
            moment.usual()

        return action

    script = [On("channel.open", count("all")), On("channel.close", count("second"), nth=2)]
    with Peer(script=script) as peer:
        for _ in range(2):
            with amqpconn.sync.connect(peer.url()) as connected:
                for _ in range(3):
                    connected.endpoint.open_channel().close()
    assert counts == {"all": 6, "second": 2}


def test_wrong_scripts_of_functions_are_told_in_the_end() -> None:
    peer = Peer(script=lambda number: [number])
    with pytest.raises(InvalidParameter, match="0 in a script is no rule"), peer:
        with pytest.raises(PeerHungUp):
            amqpconn.sync.connect(peer.url())


def test_actions_that_raise_end_the_session_and_are_told() -> None:
    def fail(_: Any) -> None:
        raise LookupError("of the test")

    peer = Peer(script=[SentBytes(100, fail)])
    with pytest.raises(LookupError, match="of the test"), peer, pytest.raises(PeerHungUp):
        amqpconn.sync.connect(peer.url())


def test_every_public_name_resolves() -> None:
    names = amqpconn.testing.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(amqpconn.testing, name).__module__.startswith("amqpconn.testing.")
        assert name in dir(amqpconn.testing)
    with pytest.raises(AttributeError, match=r"amqpconn\.testing.*'nothing'"):
        _ = amqpconn.testing.nothing
