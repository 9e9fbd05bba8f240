"""The peer as people use it in their tests: what it takes, keeps, tells and raises."""

from __future__ import annotations

import asyncio
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

import amqpconn.asyncio
import amqpconn.sync
import amqpconn.testing
from amqpconn import Content
from amqpconn.errors import CallTimeout, ConnectionFailed, NotFound, OpenTimeout, PeerHungUp
from amqpconn.testing import Behaviour, Peer, Received, Refused
from amqpconn_spec.v0_9_1 import basic, exchange, queue, tx
from amqpconn_spec.v0_9_1 import connection as connection_class
from tests.drivers.helpers import eventually
from tests.testing.raw import HEADER, Raw

pytestmark = pytest.mark.usefixtures("leaks")
Channel = amqpconn.sync.Channel
Connection = amqpconn.sync.Connection


def test_example_of_the_package_runs() -> None:
    """The code in the docstring, as it stands there."""

    def run_what_is_to_be_tested(connection: Connection) -> None:
        with connection.endpoint.open_channel() as channel:
            channel.send(basic.Publish(routing_key="q"), Content(b"hello"))

    docstring = amqpconn.testing.__doc__ or ""
    lines = docstring.split("\n\n    ")[1:]
    code = textwrap.dedent("    " + "\n\n    ".join(lines).split("\n\nIt speaks")[0])
    names: dict[str, Any] = {
        "amqpconn": amqpconn,
        "run_what_is_to_be_tested": run_what_is_to_be_tested,
    }
    exec(compile(code, "docstring", "exec"), names)  # noqa: S102
    names["test_it_publishes"]()


def test_it_serves_coroutines() -> None:
    async def work(peer: Peer) -> list[Received[basic.Publish]]:
        async with amqpconn.asyncio.connect(peer.url()) as connection:
            waiting = asyncio.create_task(peer.until_received(basic.Publish))
            async with connection.endpoint.open_channel() as channel:
                await channel.send(basic.Publish(routing_key="q"), Content(b"hello"))
                return await waiting

    with Peer() as peer:
        (received,) = asyncio.run(work(peer), debug=True)
    assert received.content == Content(b"hello", basic.Properties())


def test_it_may_be_started_and_stopped_by_hand() -> None:
    peer = Peer().start()
    with amqpconn.sync.connect(peer.url()) as connection:
        assert connection.is_open
    peer.stop()
    with pytest.raises(ConnectionFailed):
        amqpconn.sync.connect(peer.url())


def test_stopping_it_ends_all_connections() -> None:
    with Peer() as peer:
        connection = amqpconn.sync.connect(peer.url())
    with pytest.raises(PeerHungUp):
        connection.wait_closed(timeout=10)


def test_behaviour_may_be_shared_and_changed(peer: Peer) -> None:
    behaviour = Behaviour(heartbeat=7)
    with Peer(behaviour) as first, Peer(behaviour) as second:
        behaviour.heartbeat = 9
        for each in (first, second):
            with amqpconn.sync.connect(each.url()) as connection:
                assert connection.tuning.heartbeat == 9
    peer.behaviour.users = {}
    with pytest.raises(ConnectionFailed):
        amqpconn.sync.connect(peer.url())


def test_urls_have_what_they_are_given(tmp_path: Path) -> None:
    with Peer() as peer:
        place = f"127.0.0.1:{peer.port}"
        assert peer.url() == f"amqp://guest:guest@{place}/"
        assert peer.url("a:b", "v%2Fh", "heartbeat=3") == f"amqp://a:b@{place}/v%2Fh?heartbeat=3"
    with Peer(host="::1") as peer:
        assert peer.url() == f"amqp://guest:guest@[::1]:{peer.port}/"
    with Peer(path=tmp_path / "p.sock") as peer:
        assert peer.url() == "amqp://guest:guest@localhost/"
        assert peer.path == os.fspath(tmp_path / "p.sock")
    assert not (tmp_path / "p.sock").exists()


# --- what came ---


def test_everything_that_comes_is_kept(peer: Peer, connection: Connection) -> None:
    with connection.endpoint.open_channel() as channel:
        channel.send(basic.Publish(routing_key="q"), Content(b"x"))
        channel.call(tx.Select())
    names = [received.method.NAME for received in peer.received()]
    assert names[3:] == ["channel.open", "basic.publish", "tx.select", "channel.close"]
    match peer.received("basic.publish"):
        case [Received(1, basic.Publish(routing_key="q"), Content(b"x"))]:
            pass
        case other:
            raise AssertionError(other)
    assert "basic.Publish" in repr(peer.received("basic.publish")[0])
    assert peer.received("queue.declare") == []


def test_sessions_are_told_apart(peer: Peer) -> None:
    for name in ("a", "b"):
        amqpconn.sync.connect(peer.url(), connection_name=name).close()
    names = [session.client_properties["connection_name"] for session in peer.sessions]
    assert names == ["a", "b"]
    assert [session.mechanism for session in peer.sessions] == ["PLAIN", "PLAIN"]
    assert [session.virtual_host for session in peer.sessions] == ["/", "/"]
    assert not any(session.is_open for session in peer.sessions)


def test_clients_that_have_gone_may_be_forgotten(peer: Peer, connection: Connection) -> None:
    amqpconn.sync.connect(peer.url()).close()
    peer.wait_until(lambda: not peer.sessions[1].is_open)
    first = peer.sessions[0]

    def is_alone() -> bool:
        peer.forget()
        return peer.sessions == [first]

    eventually(is_alone)
    assert connection.is_open
    assert len(peer.received("connection.open")) == 1


def test_waiting_says_what_is_missing(peer: Peer, channel: Channel) -> None:
    channel.call(queue.Declare())
    assert len(peer.wait_for("queue.declare")) == 1
    with pytest.raises(TimeoutError, match=r"1 of 2 queue\.declare came after 0.01 s"):
        peer.wait_for("queue.declare", 2, timeout=0.01)
    with pytest.raises(TimeoutError, match="still not so"):
        peer.wait_until(lambda: False, timeout=0.01)


# --- what it answers ---


def test_answers_are_given_by_functions(peer: Peer, channel: Channel) -> None:
    peer.answer("queue.declare", lambda declare: queue.DeclareOk(declare.queue, 5, 6))
    assert channel.call(queue.Declare(queue="q")) == queue.DeclareOk("q", 5, 6)
    found = Content(b"made up", basic.Properties(message_id="7"))
    peer.answer("basic.get", lambda _: (basic.GetOk(delivery_tag=9), found))
    assert channel.fetch(basic.Get(queue="q")) == (basic.GetOk(delivery_tag=9), found)
    peer.answer("basic.publish", lambda _: basic.Nack(delivery_tag=1))
    channel.send(basic.Publish(), Content())
    assert channel.receive(timeout=10) == (basic.Nack(delivery_tag=1), None)
    peer.answer("tx.select", lambda _: None)
    with pytest.raises(CallTimeout):
        channel.call(tx.Select(), timeout=0.02)


def test_classes_do_as_well_as_names(peer: Peer, channel: Channel) -> None:
    peer.answer(queue.Declare, lambda declare: queue.DeclareOk(declare.queue.upper()))
    assert channel.call(queue.Declare(queue="q")).queue == "Q"
    assert peer.received(queue.Declare)[0].method.queue == "q"
    assert peer.wait_for(queue.Declare)[0].method == queue.Declare(queue="q")
    assert peer.received(queue.Purge) == []
    with pytest.raises(TimeoutError, match=r"0 of 1 queue\.purge"):
        peer.wait_for(queue.Purge, timeout=0.01)


def test_functions_may_refuse(peer: Peer, connection: Connection) -> None:
    def refuse(method: Any) -> None:
        raise Refused(404, f"no {method.NAME}")

    peer.answer("queue.purge", refuse)
    with pytest.raises(NotFound, match=r"no queue\.purge"):
        connection.endpoint.open_channel().call(queue.Purge())
    assert connection.endpoint.open_channel().call(tx.Select()) == tx.SelectOk()
    peer.answer("connection.open", refuse)
    with pytest.raises(ConnectionFailed, match=r"no connection\.open"):
        amqpconn.sync.connect(peer.url())


def test_methods_of_the_connection_may_be_answered_otherwise(peer: Peer) -> None:
    limits = connection_class.Tune(3, 4096, 5)
    peer.answer("connection.start-ok", lambda _: limits)
    with amqpconn.sync.connect(peer.url()) as connection:
        tuning = connection.tuning
        assert (tuning.channel_max, tuning.frame_max, tuning.heartbeat) == (3, 4096, 5)
        assert peer.sessions[0].mechanism == "PLAIN"


def test_whatever_wants_an_answer_gets_one(channel: Channel) -> None:
    assert channel.call(exchange.Declare(exchange="e")) == exchange.DeclareOk()
    assert channel.call(queue.Bind(queue="q", exchange="e")) == queue.BindOk()
    assert channel.call(basic.Qos(prefetch_count=1)) == basic.QosOk()
    assert channel.call(basic.Recover()) == basic.RecoverOk()
    assert channel.call(tx.Commit()) == tx.CommitOk()


def test_methods_are_sent_when_tests_want_it(peer: Peer, channel: Channel) -> None:
    deliver = basic.Deliver("tag", 1, False, "e", "k")
    peer.send(deliver, channel.id, Content(b"made up"))
    method, content = channel.receive(timeout=10)
    assert method == deliver
    assert content == Content(b"made up", basic.Properties())


def declare(peer: Peer) -> None:
    with amqpconn.sync.connect(peer.url()) as connection:
        connection.endpoint.open_channel().call(queue.Declare(), timeout=10)


def fails_twice(peer: Peer) -> None:
    for _ in range(2):
        with pytest.raises(PeerHungUp):
            declare(peer)


@pytest.mark.parametrize("failing", ["queue.declare", "connection.open", "authenticate"])
def test_exceptions_of_functions_are_raised_in_the_end(failing: str) -> None:
    def fail(*_: object) -> Any:
        raise LookupError("of the test")

    peer = Peer(authenticate=fail) if failing == "authenticate" else Peer()
    peer.answer(failing, fail)
    with pytest.raises(LookupError, match="of the test"), peer, pytest.raises(PeerHungUp):
        declare(peer)  # the session ends, so the client does not wait in vain


def test_failed_assertions_in_functions_fail_the_test_and_all_are_told() -> None:
    def fail(_: object) -> None:
        pytest.fail("of the test")

    peer = Peer()
    peer.answer("queue.declare", fail)
    with pytest.raises(BaseExceptionGroup) as raised, peer:
        fails_twice(peer)
    assert [str(error) for error in raised.value.exceptions] == ["of the test"] * 2


# --- bad times ---


def test_silence_begins_with_the_method_that_is_named() -> None:
    with Peer(silent_from="queue.declare-ok") as peer:
        connection = amqpconn.sync.connect(peer.url())
        channel = connection.endpoint.open_channel()
        for method in (queue.Declare(), tx.Select()):
            with pytest.raises(CallTimeout):
                channel.call(method, timeout=0.02)
        connection.close(timeout=0.02)
        assert [received.method.NAME for received in peer.received()[-3:]] == [
            "queue.declare",
            "tx.select",
            "connection.close",
        ]


def test_frozen_peer_does_nothing_until_it_is_thawed(peer: Peer, channel: Channel) -> None:
    peer.freeze()
    with pytest.raises(CallTimeout):
        channel.call(tx.Select(), timeout=0.03)
    with pytest.raises(OpenTimeout):
        amqpconn.sync.connect(peer.url(), timeout=0.03)
    assert peer.received("tx.select") == []
    peer.thaw()
    assert channel.call(tx.Select()) == tx.SelectOk()
    assert len(peer.received("tx.select")) == 2


def test_frozen_peer_can_be_stopped() -> None:
    with Peer() as peer:
        peer.freeze()


def test_peer_that_does_not_read_goes_on_sending(peer: Peer, channel: Channel) -> None:
    peer.pause_reading()
    channel.send(basic.Ack(1))
    peer.send(basic.Ack(2), channel.id)
    assert channel.receive(timeout=10) == (basic.Ack(2), None)
    assert peer.received("basic.ack") == []
    peer.resume_reading()
    assert len(peer.wait_for("basic.ack")) == 1


def test_nothing_is_said_to_clients_that_are_not_open_yet(peer: Peer) -> None:
    with Raw(peer) as client:
        client.send(HEADER)
        assert client.method().NAME == "connection.start"
        peer.block()
        peer.unblock()
        peer.send(basic.Ack(1), 1)
        peer.drop_connections()
        assert client.frame() is None
