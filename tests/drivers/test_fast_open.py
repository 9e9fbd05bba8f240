"""Fast open in both drivers, towards peers that pose as RabbitMQ, as it was remembered or not, and
towards one that does not and must never see a byte before its time.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import AuthMethod, Content, Credentials, forget_servers, plain_auth
from amqpconn.errors import (
    AuthenticationRefused,
    ConnectRefused,
    OpenAborted,
    OpenTimeout,
    VirtualHostRefused,
)
from amqpconn.testing import (
    Cut,
    Moment,
    On,
    Peer,
    Reset,
    Silence,
    Wait,
    challenges,
)
from amqpconn_spec.v0_9_1 import basic, queue
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import GUEST, Background, Challenged

RABBITMQ = {"product": "RabbitMQ", "version": "3.10.8"}
HEADER_SIZE = 8


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    forget_servers()
    yield
    forget_servers()


@pytest.fixture
def rabbitmq(leaks: None) -> Iterator[Peer]:  # noqa: ARG001 - it watches what follows
    """A peer that poses as one."""
    with Peer(server_properties=RABBITMQ) as peer:
        yield peer


def connect(driver: Driver, peer: Peer, **options: Any) -> amqpconn.sync.Connection:
    return driver.connect(peer.url(), fast_open=True, **options)


def learn(driver: Driver, peer: Peer, **options: Any) -> None:
    """Connect in the ordinary way, so that it is remembered."""
    with connect(driver, peer, **options) as connection:
        assert not connection.opened_fast


def is_early(moment: Moment) -> bool:
    return moment.session.bytes_received > HEADER_SIZE


def when_early(*actions: Callable[[Moment], object]) -> On:
    """Do this when more than the header came, and the usual otherwise."""

    def act(moment: Moment) -> None:
        if is_early(moment):
            for action in actions:
                action(moment)
        else:
            moment.usual()

    return On("protocol-header", act)


# --- as it was remembered ---


def test_the_second_time_it_opens_fast_and_is_of_use(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    with connect(driver, rabbitmq, first_channel=True) as connection:
        assert connection.opened_fast
        assert connection.detours == []
        assert connection.tuning.heartbeat == 60
        channel = connection.first_channel
        channel.call(queue.Declare("q"))
        channel.send(basic.Publish(routing_key="q"), Content(b"x" * 200_000))
        reply, content = channel.fetch(basic.Get("q"))
        assert isinstance(reply, basic.GetOk)
        assert content is not None
        assert len(content.body) == 200_000
    rabbitmq.wait_for("connection.close", 2)


def test_many_at_once(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    opening = [Background(lambda: connect(driver, rabbitmq)) for _ in range(8)]
    connections = [each.result() for each in opening]
    assert all(connection.opened_fast for connection in connections)
    for connection in connections:
        connection.close()


def test_by_its_url(driver: Driver, rabbitmq: Peer) -> None:
    for is_fast in (False, True):
        with driver.connect(rabbitmq.url(query="fast_open=true")) as connection:
            assert connection.opened_fast is is_fast
    with driver.connect(rabbitmq.url()) as connection:
        assert not connection.opened_fast


def test_what_is_remembered_can_be_forgotten(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    forget_servers()
    learn(driver, rabbitmq)


@pytest.mark.parametrize("path", [True, False])
def test_a_unix_socket_is_an_address_too(driver: Driver, tmp_path: Any, path: bool) -> None:
    with Peer(server_properties=RABBITMQ, path=tmp_path / "s" if path else None) as peer:
        options = {"path": peer.path} if path else {"port": peer.port, "host": "localhost"}
        for is_fast in (False, True):
            endpoint = driver.Endpoint(**options, fast_open=True)
            connection = driver.Connection(endpoint)
            connection.open(GUEST)
            assert connection.opened_fast is is_fast
            connection.close()


# --- never too early ---


def test_who_is_not_a_rabbitmq_sees_nothing_before_its_time(driver: Driver) -> None:
    def check(moment: Moment) -> None:
        sizes.append(moment.session.bytes_received)

    sizes: list[int] = []
    # What comes while it waits is out of order, and would be told so (501) by the peer's own table.
    rules = [
        On(name, check, Wait(0.02), check, lambda moment: moment.usual())
        for name in ("protocol-header", "connection.start-ok", "connection.open")
    ]
    with Peer(script=rules) as peer:
        for _ in range(2):
            del sizes[:]
            with connect(driver, peer, first_channel=True) as connection:
                assert not connection.opened_fast
                assert connection.detours == []
            assert sizes[0] == sizes[1] == HEADER_SIZE
            assert sizes[2] == sizes[3]
            assert sizes[4] == sizes[5]


def test_a_stream_of_ones_own_leads_nobody_knows_where(driver: Driver, rabbitmq: Peer) -> None:
    address = (rabbitmq.host, rabbitmq.port)
    for _ in range(2):
        learn(
            driver, rabbitmq, connector=driver.connector(lambda: socket.create_connection(address))
        )


def test_what_asks_back_is_never_used_ahead(driver: Driver) -> None:
    with Peer(
        server_properties=RABBITMQ, mechanisms=["ECHO"], authenticate=lambda *_: True
    ) as peer:
        for _ in range(2):
            learn(driver, peer, auth_methods=[Challenged()])


def test_a_server_that_asks_is_never_remembered(driver: Driver) -> None:
    with Peer(
        server_properties=RABBITMQ, mechanisms=["ECHO"], script=challenges(b"1", b"2")
    ) as peer:
        for _ in range(2):
            learn(driver, peer, auth_methods=[Challenged()])


def test_credentials_are_fetched_before_the_first_byte(driver: Driver, rabbitmq: Peer) -> None:
    seen: list[int] = []

    def fetch() -> Credentials:
        seen.append(rabbitmq.sessions[-1].bytes_received if rabbitmq.sessions else 0)
        return Credentials("guest", "guest")

    learn(driver, rabbitmq, credentials=fetch)
    rabbitmq.sessions.clear()
    with connect(driver, rabbitmq, credentials=fetch) as connection:
        assert connection.opened_fast
    assert seen == [HEADER_SIZE, 0]


def test_never_in_clear_what_was_learned_with_tls(
    driver: Driver, certificates: Certificates
) -> None:
    tls = Peer(server_properties=RABBITMQ, ssl=certificates.server.server_context())
    with tls:
        verified = certificates.client_context()
        options: dict[str, Any] = {"ssl": verified, "server_hostname": "localhost"}
        learn(driver, tls, **options)
        with connect(driver, tls, **options) as connection:
            assert connection.opened_fast
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        learn(driver, tls, ssl=unverified, server_hostname="localhost")
        with connect(driver, tls, **options) as connection:  # better than the last time
            assert connection.opened_fast
    with Peer(server_properties=RABBITMQ, port=tls.port) as clear:
        learn(driver, clear)


# --- when it comes otherwise ---


def has_fallen_back(connection: amqpconn.sync.Connection, reason: str) -> None:
    assert connection.is_open
    assert not connection.opened_fast
    (detour,) = connection.detours
    assert detour.was_fast
    assert reason in detour.reason


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "mechanisms": ({"mechanisms": ("PLAIN",)}, "start is not as the last time: mechanisms"),
    "locales": ({"locales": ("en_US", "de_DE")}, "start is not as the last time: locales"),
    "product": ({"server_properties": {"product": "LavinMQ"}}, "server_properties"),
    "version": ({"server_properties": {**RABBITMQ, "version": "4.1.0"}}, "server_properties"),
    "heartbeat": ({"heartbeat": 7}, "tune is not as the last time: heartbeat"),
    "frame_max": ({"frame_max": 8192}, "tune is not as the last time: frame_max"),
    "channel_max": ({"channel_max": 5}, "tune is not as the last time: channel_max"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_offer_is_answered_in_the_ordinary_way(
    driver: Driver, rabbitmq: Peer, change: str
) -> None:
    values, reason = CHANGES[change]
    learn(driver, rabbitmq)
    for name, value in values.items():
        setattr(rabbitmq.behaviour, name, value)
    with connect(driver, rabbitmq, first_channel=True) as connection:
        has_fallen_back(connection, reason)
        assert connection.first_channel.is_open
        assert len(rabbitmq._server.clients) == 1
    with connect(driver, rabbitmq) as connection:
        assert connection.opened_fast is (change != "product")
        assert connection.detours == []


@pytest.mark.parametrize("action", [Cut(), Reset()], ids=["end", "reset"])
def test_who_hangs_up_on_what_comes_early_is_not_tried_again(
    driver: Driver, rabbitmq: Peer, action: Callable[[Moment], object]
) -> None:
    learn(driver, rabbitmq)
    rabbitmq.behaviour.script = [when_early(action)]
    with connect(driver, rabbitmq) as connection:
        has_fallen_back(connection, "the peer ")
    with connect(driver, rabbitmq) as connection:
        assert not connection.opened_fast
        assert connection.detours == []


@pytest.mark.parametrize("way", ["drops", "silent"])
def test_who_swallows_what_comes_early_gets_a_part_of_the_time(
    driver: Driver, rabbitmq: Peer, way: str
) -> None:
    learn(driver, rabbitmq)
    if way == "drops":
        rabbitmq.behaviour.drops_early = True
    else:
        rabbitmq.behaviour.script = [when_early(Silence())]
    with connect(driver, rabbitmq, timeout=1.2) as connection:
        has_fallen_back(connection, "no answer in phase")


def test_so_it_is_with_credentials_that_are_fetched(driver: Driver, rabbitmq: Peer) -> None:
    def fetch() -> Credentials:
        time.sleep(0.02)  # by then the driver waits for the stream
        asked.append(len(rabbitmq.sessions))
        return Credentials("guest", "guest")

    asked: list[int] = []
    learn(driver, rabbitmq, credentials=fetch)
    rabbitmq.behaviour.script = [when_early(Silence())]
    with connect(driver, rabbitmq, credentials=fetch, timeout=1.2) as connection:
        has_fallen_back(connection, "no answer in phase")
    assert len(asked) == 3  # the last time for the ordinary handshake


def test_the_deadline_holds_for_both_together(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    rabbitmq.behaviour.script = [On("protocol-header", Silence())]
    with pytest.raises(OpenTimeout, match=r"not open after 0\.3 s"):
        connect(driver, rabbitmq, timeout=0.3)
    assert len(rabbitmq.sessions) == 3
    rabbitmq.wait_until(lambda: not rabbitmq._server.clients)


def test_a_wrong_password_has_its_usual_error(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    wrong: list[AuthMethod] = [plain_auth("guest", "wrong")]
    with pytest.raises(AuthenticationRefused) as caught:
        connect(driver, rabbitmq, auth_methods=wrong)
    assert caught.value.reply_code == 403
    assert caught.value.phase == "start"
    learn(driver, rabbitmq)
    with connect(driver, rabbitmq) as connection:
        assert connection.opened_fast


def test_a_virtual_host_that_is_gone_has_its_usual_error(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    rabbitmq.behaviour.virtual_hosts = ()
    with pytest.raises(VirtualHostRefused):
        connect(driver, rabbitmq, first_channel=True)
    rabbitmq.wait_until(lambda: not rabbitmq._server.clients)


def test_nobody_there_any_more_has_its_usual_error(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    rabbitmq.stop()
    with pytest.raises(ConnectRefused):
        connect(driver, rabbitmq)
    rabbitmq.start()
    with connect(driver, rabbitmq) as connection:
        assert connection.opened_fast


def test_whoever_closes_meanwhile_is_not_kept_waiting(driver: Driver, rabbitmq: Peer) -> None:
    learn(driver, rabbitmq)
    rabbitmq.sessions.clear()
    rabbitmq.behaviour.script = [when_early(Silence())]
    endpoint = driver.Endpoint(rabbitmq.host, rabbitmq.port, fast_open=True)
    connection = driver.Connection(endpoint)
    opening = Background(lambda: connection.open(GUEST))
    rabbitmq.wait_until(lambda: any(each.bytes_received for each in rabbitmq.sessions))
    connection.close()
    assert isinstance(opening.error(), OpenAborted)


def test_a_task_that_is_cancelled_meanwhile_leaves_nothing(rabbitmq: Peer) -> None:
    async def main() -> None:
        async with amqpconn.asyncio.connect(rabbitmq.url(), fast_open=True):
            rabbitmq.sessions.clear()
            rabbitmq.behaviour.script = [when_early(Silence())]
            opening = asyncio.ensure_future(_connecting(rabbitmq))
            await rabbitmq.until(lambda: any(each.bytes_received for each in rabbitmq.sessions))
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    rabbitmq.wait_until(lambda: not rabbitmq._server.clients)


async def _connecting(peer: Peer) -> None:
    await amqpconn.asyncio.connect(peer.url(), fast_open=True)


# --- versions and hosts ---


def test_auto_opens_fast_in_the_version_of_the_last_time(driver: Driver) -> None:
    with Peer(server_properties=RABBITMQ, protocols=["0-8"]) as peer:
        for is_fast in (False, True):
            with connect(driver, peer, protocol="auto") as connection:
                assert connection.opened_fast is is_fast
                assert connection.protocol_version == "0-8"
                assert [detour.was_fast for detour in connection.detours] == [False]


def test_a_redirect_of_what_went_ahead_is_followed(driver: Driver, rabbitmq: Peer) -> None:
    with connect(driver, rabbitmq, protocol="0-9"), Peer() as there:
        rabbitmq.behaviour.redirect_to = f"{there.host}:{there.port}"
        with connect(driver, rabbitmq, protocol="0-9") as connection:
            (detour,) = connection.detours
            assert (detour.is_redirect, detour.was_fast) == (True, True)
            assert not connection.opened_fast
