"""Observers, logs and transcripts in both drivers, against a peer."""

from __future__ import annotations

import logging
import threading
import time

import pytest

import amqpconn.sync
from amqpconn import (
    Credentials,
    FrameRecord,
    LoggingObserver,
    Observer,
    Transcript,
    fetched_auth,
)
from amqpconn.errors import (
    AMQPError,
    AuthenticationRefused,
    CallTimeout,
    ConnectRefused,
    InvalidParameter,
    NotFound,
    PeerHungUp,
)
from amqpconn.testing import Peer
from amqpconn_spec.v0_9_1 import basic, queue
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, eventually, message, refusing

CANARY = "c4n4ry-s3cr3t"


def names(transcript: Transcript | None) -> list[str]:
    assert transcript is not None
    return [f"{'>' if frame.is_sent else '<'} {frame.name}" for frame in transcript]


class Watching(Observer):
    """Notes what it is told, and the threads on which it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.threads: list[str] = []

    def state_changed(self, _: object, new: amqpconn.EndpointState) -> None:
        self.told.append(new.value)
        self.threads.append(threading.current_thread().name)

    def frame_sent(self, frame: FrameRecord) -> None:
        self.told.append(f"> {frame.name}")

    def frame_received(self, frame: FrameRecord) -> None:
        self.told.append(f"< {frame.name}")
        self.threads.append(threading.current_thread().name)

    def closed(self, error: AMQPError | None) -> None:
        self.told.append("failed" if error else "closed")


class Failing(Observer):
    """Raises at every frame that comes."""

    def frame_received(self, frame: FrameRecord) -> None:
        raise LookupError(frame.name)


CONVERSATION = """
    connecting, > protocol header, < connection.start, > connection.start-ok, < connection.tune,
    > connection.tune-ok, > connection.open, < connection.open-ok, connected,
    > channel.open, < channel.open-ok, > queue.declare, < queue.declare-ok,
    disconnecting, > connection.close, < connection.close-ok, disconnected, closed
"""


def test_an_observer_is_told_all_in_order(driver: Driver, peer: Peer) -> None:
    observer = Watching()
    with driver.connect(peer.url(), observers=[observer]) as connection:
        connection.endpoint.open_channel().call(queue.Declare(queue="q"))
    eventually(lambda: observer.told[-1] == "closed")
    assert observer.told == [step.strip() for step in CONVERSATION.split(",")]
    caller = threading.current_thread().name
    where = {"asyncio": {"test-loop"}, "sync": {caller, "amqpconn-io"}}
    assert set(observer.threads) == where[driver.name]


def test_an_observer_that_raises_is_reported_and_harms_nobody(driver: Driver, peer: Peer) -> None:
    observer = Watching()
    with driver.connect(peer.url(), observers=[Failing(), observer]) as connection:
        channel = connection.endpoint.open_channel()
        assert channel.call(queue.Declare(queue="q")) == queue.DeclareOk("q", 0, 0)
    eventually(lambda: len(driver.reported) == 6)
    assert [str(error) for error in driver.reported][:2] == ["connection.start", "connection.tune"]
    assert {type(error) for error in driver.reported} == {LookupError}
    assert observer.told.count("< queue.declare-ok") == 1
    driver.reported.clear()


def test_observers_are_checked_before_anything_is_opened(driver: Driver) -> None:
    with pytest.raises(InvalidParameter, match="is no Observer"):
        driver.Endpoint(observers=[print])  # type: ignore[list-item]


def test_the_transcript_can_be_had_at_any_time(driver: Driver, peer: Peer) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port, flight_recorder=4)
    assert len(endpoint.transcript or ()) == 0
    with driver.connect(peer.url(), flight_recorder=4) as connection:
        assert names(connection.transcript)[-1] == "< connection.open-ok"
        channel = connection.endpoint.open_channel()
        channel.send(basic.Publish(routing_key="q"), message(b"hello"))
        assert names(connection.endpoint.transcript) == [
            "< channel.open-ok",
            "> basic.publish",
            "> content header",
            "> body",
        ]
    assert names(connection.transcript)[-2:] == ["> connection.close", "< connection.close-ok"]
    with driver.connect(peer.url()) as unrecorded:
        assert unrecorded.transcript is None


def test_a_refused_login_has_its_transcript(driver: Driver, peer: Peer) -> None:
    with pytest.raises(AuthenticationRefused) as raised:
        driver.connect(peer.url(f"guest:{CANARY}"), flight_recorder=100)
    transcript = raised.value.transcript
    assert names(transcript) == [
        "> protocol header",
        "< connection.start",
        "> connection.start-ok",
        "< connection.close",
    ]
    assert "response=<secret>" in str(transcript)
    assert CANARY not in str(transcript)


def test_a_closed_channel_and_a_late_answer_have_theirs(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url(), flight_recorder=100) as connection:
        channel = connection.endpoint.open_channel()
        with pytest.raises(NotFound) as missing:
            channel.call(queue.Declare(queue="nowhere", passive=True))
        assert names(missing.value.transcript)[-2:] == ["> queue.declare", "< channel.close"]
        channel = connection.endpoint.open_channel()
        with pytest.raises(CallTimeout) as nothing:
            channel.receive(timeout=0.01)
        assert names(nothing.value.transcript)[-1] == "< channel.open-ok"
        peer.freeze()
        with pytest.raises(CallTimeout) as late:
            channel.call(queue.Declare(queue="q"), timeout=0.05)
        assert names(late.value.transcript)[-1] == "> queue.declare"
        peer.thaw()


def test_a_connection_that_was_never_made_has_an_empty_one(driver: Driver) -> None:
    host, port = refusing()
    with pytest.raises(ConnectRefused) as raised:
        driver.connect(f"amqp://{host}:{port}?flight_recorder=5")
    assert str(raised.value.transcript).startswith(f"no frames with {host}:{port}")


def test_logs_of_a_connection(driver: Driver, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "amqpconn")
    observer = LoggingObserver("orders")
    with driver.connect(peer.url(), observers=[observer]) as connection:
        channel = connection.endpoint.open_channel()
        with pytest.raises(NotFound):
            channel.call(queue.Declare(queue="nowhere", passive=True))
        connection.endpoint.open_channel().close()
        peer.block("low on memory")
        eventually(lambda: connection.is_blocked)
        peer.unblock()
        eventually(lambda: not connection.is_blocked)
    eventually(lambda: "closed" in caplog.messages[-1])
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    for expected in [
        ("INFO", "orders: connecting, was off"),
        ("DEBUG", "orders: phase start"),
        ("INFO", "orders: AMQP 0-9-1, mechanism PLAIN,"),
        ("DEBUG", "orders: <-     0 connection.open-ok() [13 bytes]"),
        ("DEBUG", "orders: ->     1 channel.open() [13 bytes]"),
        ("DEBUG", "orders: queue.declare on channel 1 failed with NotFound after 0."),
        ("WARNING", "orders: channel 1 is closed: the server closed channel 1: 404"),
        ("DEBUG", "orders: channel.close on channel 1 answered after 0."),
        ("DEBUG", "orders: channel 1 is closed"),
        ("WARNING", "orders: the broker takes no messages: 'low on memory'"),
        ("INFO", "orders: the broker takes messages again"),
        ("INFO", "orders: the connection is closed"),
    ]:
        assert any(level == expected[0] and text.startswith(expected[1]) for level, text in said)


def test_logs_of_a_failure_show_no_password(
    driver: Driver, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("tests.of.my.own")
    caplog.set_level(logging.DEBUG, logger.name)
    with pytest.raises(AuthenticationRefused) as raised:
        driver.connect(peer.url(f"guest:{CANARY}"), observers=[LoggingObserver(logger=logger)])
    failure = logger.name, logging.ERROR, f"the connection has failed: {raised.value}"
    assert failure in caplog.record_tuples
    assert CANARY not in caplog.text


def test_logs_of_credentials_that_were_not_renewed(
    driver: Driver, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    given = iter([Credentials("guest", "guest", 0.1)])  # and no more
    auth = fetched_auth(lambda: next(given))
    with driver.connect(peer.url(), auth_methods=auth, observers=[LoggingObserver()]):
        eventually(lambda: "WARNING  amqpconn" in caplog.text)
    assert "the credentials were not renewed: " in caplog.text


def test_an_orderly_connection_logs_no_warning(
    driver: Driver, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "amqpconn")
    with driver.connect(peer.url(), observers=[LoggingObserver()]) as connection:
        assert connection.is_open
    assert caplog.messages == []


def test_what_came_before_the_end_is_told(driver: Driver, peer: Peer) -> None:
    observer = Watching()
    connection = driver.connect(peer.url(), observers=[observer], flight_recorder=10)
    peer.drop_connections()
    with pytest.raises(PeerHungUp) as raised:
        connection.wait_closed(timeout=10)
    eventually(lambda: observer.told[-1] == "failed")
    assert names(raised.value.transcript)[-1] == "< connection.open-ok"


class Exclusive(Observer):
    """Counts, and notices when it is called while it is being called."""

    def __init__(self) -> None:
        self.is_busy = False
        self.overlaps = 0
        self.published = 0

    def frame_sent(self, frame: FrameRecord) -> None:
        self.overlaps += self.is_busy
        self.is_busy = True
        time.sleep(0)  # whoever else wants to run may
        self.published += frame.name == "basic.publish"
        self.is_busy = False

    frame_received = frame_sent


def test_two_threads_never_call_an_observer_at_once(peer: Peer) -> None:
    observer = Exclusive()

    def publish(connection: amqpconn.sync.Connection) -> None:
        channel = connection.endpoint.open_channel()
        for _ in range(50):
            channel.send(basic.Publish(routing_key="q"), message(b"hello"))
        channel.close()

    with amqpconn.sync.connect(peer.url(), observers=[observer]) as connection:
        for job in [Background(lambda: publish(connection)) for _ in range(8)]:
            job.result()
    assert observer.published == 400
    assert observer.overlaps == 0
