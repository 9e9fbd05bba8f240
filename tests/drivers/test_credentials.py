"""Credentials that a function gives, in both drivers: whenever it answers, and whatever it does,
the attempt ends as it should, and what expires is renewed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from amqpconn import AuthMethod, ConnectionFailed, Credentials, Secret, fetched_auth
from amqpconn.core.states import State
from amqpconn.errors import (
    AuthenticationRefused,
    ConnectionForced,
    CredentialsFailed,
    InvalidParameter,
    OpenAborted,
    PeerHungUp,
    SecretRefused,
)
from amqpconn.testing import Close, Cut, Ignore, On, Peer, Refuse
from amqpconn_spec.v0_9_1 import connection as methods
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Background, eventually
from tests.drivers.test_deadlines import times_out

# Of a life this short the renewal begins after half.
LIFE_S = 0.3


class Vault:
    """Gives credentials for guest, one password after the other; and blocks while it is shut."""

    def __init__(self, *passwords: str, life: float | None = None) -> None:
        self.asked = 0
        self.errors: dict[int, BaseException] = {}
        self.is_open = threading.Event()
        self.is_open.set()
        self._passwords = passwords or ("guest",)
        self._life = life

    def __call__(self) -> Credentials:
        self.asked += 1
        password = self._passwords[min(self.asked, len(self._passwords)) - 1]
        self.is_open.wait()
        if self.asked in self.errors:
            raise self.errors[self.asked]
        return Credentials("guest", password, self._life)


@pytest.fixture
def shut() -> Iterator[Vault]:
    """A vault that does not answer before the test is over."""
    vault = Vault()
    vault.is_open.clear()
    yield vault
    vault.is_open.set()
    eventually(lambda: "amqpconn-credentials" not in [each.name for each in threading.enumerate()])


class Challenger(AuthMethod):
    """A mechanism that looks its answer up, which takes its time."""

    name = "ECHO"
    may_block = True

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def initial_response(self) -> bytes:
        return b"hello"

    def respond(self, challenge: bytes) -> Secret:
        return Secret(challenge + self._vault().password.encode())


# --- the login ---


def test_it_is_asked_anew_for_every_attempt(driver: Driver, peer: Peer) -> None:
    vault = Vault("wrong", "changed")
    peer.behaviour.users = {"guest": "changed"}
    with pytest.raises(AuthenticationRefused):
        driver.connect(peer.url("nobody:nothing"), credentials=vault)
    with driver.connect(peer.url("nobody:nothing"), credentials=vault) as connection:
        assert connection.is_open
    assert vault.asked == 2


def test_a_redirect_is_another_login(driver: Driver, peer: Peer) -> None:
    vault = Vault()
    with (
        Peer(redirect_to=f"{peer.host}:{peer.port}") as first,
        driver.connect(first.url(), credentials=vault, protocol="0-9"),
    ):
        assert vault.asked == 2


def test_another_version_is_no_login_yet(driver: Driver) -> None:
    vault = Vault()
    with (
        Peer(protocols=["0-8"]) as peer,
        driver.connect(peer.url(), credentials=vault, protocol="auto"),
    ):
        assert vault.asked == 1


def test_over_tls_too(driver: Driver, certificates: Certificates) -> None:
    with Peer(ssl=certificates.server.server_context()) as peer:
        ssl = certificates.client_context()
        methods = [Challenger(Vault()), fetched_auth(Vault(), "AMQPLAIN")]
        with driver.connect(peer.url(), auth_methods=methods, ssl=ssl) as connection:
            assert connection.mechanism == "AMQPLAIN"
            with connection.endpoint.open_channel() as channel:
                assert channel.is_open


def test_a_challenge_may_take_its_time(driver: Driver) -> None:
    rounds = [b"1", b"2", b"3"]
    answers = []

    def authenticate(_: str, response: bytes) -> bool | bytes:
        answers.append(response)
        return rounds.pop(0) if rounds else True

    with Peer(mechanisms=["ECHO"], authenticate=authenticate) as peer:
        with driver.connect(peer.url(), auth_methods=Challenger(Vault("x", "y", "z"))) as opened:
            assert opened.is_open
    assert answers == [b"hello", b"1x", b"2y", b"3z"]


@pytest.mark.parametrize("phase", ["start", "secure"])
def test_one_that_hangs_ends_with_the_deadline(driver: Driver, shut: Vault, phase: str) -> None:
    auth = fetched_auth(shut) if phase == "start" else Challenger(shut)
    with Peer(mechanisms=["PLAIN", "ECHO"], authenticate=lambda *_: b"?") as peer:
        error = times_out(
            phase, lambda limit: driver.connect(peer.url(), auth_methods=auth, timeout=limit)
        )
    assert shut.asked
    assert "it was waiting for the credentials" in error.what


@pytest.mark.parametrize(
    ("action", "error"),
    [(Close(320, "going down"), ConnectionForced), (Cut(), PeerHungUp)],
    ids=["close", "cut"],
)
def test_what_the_server_does_meanwhile_is_noticed(
    driver: Driver, peer: Peer, shut: Vault, action: Any, error: type[ConnectionFailed]
) -> None:
    attempt = Background(lambda: driver.connect(peer.url(), credentials=shut))
    eventually(lambda: shut.asked)
    peer.do(action)
    assert isinstance(attempt.error(), error)


@pytest.mark.parametrize("way", ["close", "abort"])
def test_it_can_be_given_up_meanwhile(driver: Driver, peer: Peer, shut: Vault, way: str) -> None:
    endpoint = driver.Endpoint(peer.host, peer.port)
    connection = driver.Connection(endpoint)
    attempt = Background(lambda: connection.open(fetched_auth(shut)))
    eventually(lambda: shut.asked)
    connection.close() if way == "close" else endpoint.abort()
    assert isinstance(attempt.error(), OpenAborted)


@pytest.mark.parametrize("raised", [OSError("c4n4ry"), SystemExit(3), StopIteration("c4n4ry")])
def test_what_it_raises_ends_the_attempt(driver: Driver, peer: Peer, raised: BaseException) -> None:
    vault = Vault()
    vault.errors = {1: raised}
    with pytest.raises(CredentialsFailed, match=f"raised {type(raised).__name__}") as caught:
        driver.connect(peer.url(), credentials=vault)
    assert caught.value.__cause__ is raised
    assert "c4n4ry" not in str(caught.value)
    (session,) = peer.sessions
    peer.wait_until(lambda: session.machine.state is State.CLOSED)


def test_both_kinds_of_credentials_are_one_too_many(driver: Driver, peer: Peer) -> None:
    with pytest.raises(InvalidParameter, match="both auth_methods and credentials are given"):
        driver.connect(peer.url(), credentials=Vault(), auth_methods=fetched_auth(Vault()))


# --- the renewal ---


def test_they_are_renewed_again_and_again(driver: Driver, peer: Peer) -> None:
    vault = Vault("guest", "second", "third", life=LIFE_S)
    with driver.connect(peer.url(), credentials=vault) as connection:
        came = peer.wait_for(methods.UpdateSecret, 2)
        assert connection.is_open
    assert [each.method.new_secret for each in came[:2]] == [b"second", b"third"]


def test_a_failure_is_told_and_the_connection_goes_on(driver: Driver, peer: Peer) -> None:
    vault, told = Vault(life=1.0), list[ConnectionFailed]()
    vault.errors = {2: OSError("no route")}
    with driver.connect(peer.url(), credentials=vault) as connection:
        connection.endpoint.on_secret_error(told.append)
        peer.wait_for(methods.UpdateSecret)
        assert connection.endpoint.error is None
    assert vault.asked == 3
    (error,) = told
    assert isinstance(error, CredentialsFailed)
    assert (error.__cause__, error.phase) == (vault.errors[2], "opened")


def test_a_refusal_is_told_and_the_connections_error(driver: Driver) -> None:
    told = list[ConnectionFailed]()
    with Peer(script=[On("connection.update-secret", Refuse(530, "NOT_ALLOWED - no"))]) as peer:
        connection = driver.connect(peer.url(), credentials=Vault(life=LIFE_S))
        connection.endpoint.on_secret_error(told.append)
        with pytest.raises(SecretRefused, match=r"530 .*NOT_ALLOWED - no") as raised:
            connection.wait_closed(10.0)
    assert "renewed without being asked to" in raised.value.cause
    eventually(lambda: told)
    assert [type(error) for error in told] == [SecretRefused]


@pytest.mark.parametrize("is_silent", [True, False], ids=["no answer", "not asked"])
def test_closing_while_a_renewal_is_under_way(driver: Driver, is_silent: bool) -> None:
    vault, told = Vault(life=LIFE_S), list[ConnectionFailed]()
    with Peer(script=[On("connection.update-secret", Ignore())]) as peer:
        with driver.connect(peer.url(), credentials=vault) as connection:
            connection.endpoint.on_secret_error(told.append)
            if is_silent:
                peer.wait_for(methods.UpdateSecret)
            else:
                vault.is_open.clear()
                eventually(lambda: vault.asked == 2)
        assert connection.endpoint.error is None
        vault.is_open.set()
    assert not [error for error in told if "expired" not in str(error)]
