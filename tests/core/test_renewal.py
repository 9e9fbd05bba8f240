"""Credentials that expire: when they are asked for again, what goes out, and what can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from amqpconn.auth import AuthMethod
from amqpconn.core.endpoint import EndpointState
from amqpconn.core.events import Call, SecretFailed, SecretWanted
from amqpconn.core.renewal import lead_s
from amqpconn.core.states import State
from amqpconn.credentials import Credentials, fetched_auth
from amqpconn.errors import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionForced,
    CredentialsFailed,
    InvalidParameter,
    NotAllowed,
    SecretRefused,
)
from amqpconn.secret import Secret
from amqpconn_spec.v0_9_1 import connection
from tests.core.server import EPOCH, START, TUNE, Client, Echo

if TYPE_CHECKING:
    from amqpconn.auth import Answer

CANARY = "c4n4ry-s3cr3t"
REFUSED = connection.Close(530, "NOT_ALLOWED - New secret was refused", 10, 70)


class Tokens(AuthMethod):
    """Gives tokens at once: 'token-1' and so on, each for `life` seconds."""

    name = "PLAIN"

    def __init__(self, life: float | None, *more: float | None) -> None:
        self.lives = [life, *more]
        self.count = 0
        self.error: Exception | None = None

    def initial_response(self) -> Answer:
        return self.renew()

    def renew(self) -> Answer:
        if self.error is not None:
            raise self.error
        self.count += 1
        life = self.lives[min(self.count, len(self.lives)) - 1]
        return Secret(f"token-{self.count}", life)


def opened(auth: AuthMethod, **settings: Any) -> Client:
    client = Client(**settings).connect([auth])
    client.feed(START)
    wanted = [event for event in client.all_events() if isinstance(event, SecretWanted)]
    for each in wanted:
        client.core.take_secret(each, each.ask(), client.now)
    client.feed(connection.Tune(2047, 131072, 0))
    client.feed(connection.OpenOk())
    client.sent()
    client.events()
    assert client.state is State.OPENED
    return client


def update(token: str) -> connection.UpdateSecret:
    return connection.UpdateSecret(token.encode(), "renewed before it expires")


def failures(client: Client) -> list[ConnectionFailed]:
    events = client.events()
    assert all(isinstance(event, SecretFailed | Call | SecretWanted) for event in events)
    return [event.error for event in events if isinstance(event, SecretFailed)]


def asked_to_renew() -> tuple[Client, SecretWanted]:
    """A client whose core wants new credentials, 12 seconds before the old ones expire."""
    client = opened(fetched_auth(lambda: Credentials("ann", CANARY, 60.0)))
    client.wait(48.0)
    wanted = client.event(SecretWanted)
    assert client.methods() == []
    return client, wanted


# --- in good order ---


@pytest.mark.parametrize(
    ("life", "lead"), [(86400.0, 17280.0), (60.0, 12.0), (20.0, 5.0), (10.0, 5.0), (4.0, 2.0)]
)
def test_it_begins_in_good_time(life: float, lead: float) -> None:
    assert lead_s(life) == lead
    client = opened(Tokens(life))
    assert client.core.next_deadline() == EPOCH + life - lead
    client.wait(life - lead - 0.01)
    assert client.methods() == []
    client.wait(0.01)
    assert client.methods() == [update("token-2")]
    assert client.events() == []


def test_each_new_one_begins_anew() -> None:
    client = opened(Tokens(60.0, 100.0, 10.0))
    for wait, token in ((48.0, "token-2"), (80.0, "token-3"), (5.0, "token-4")):
        client.wait(wait)
        assert client.methods() == [update(token)]
        client.feed(connection.UpdateSecretOk())
        assert failures(client) == []
    assert client.core.renewal.error is None


def test_its_life_counts_from_when_it_was_given() -> None:
    client = opened(Tokens(60.0))
    client.wait(48.0)
    client.wait(8.0)
    client.feed(connection.UpdateSecretOk())
    assert client.core.next_deadline() == EPOCH + 48.0 + 48.0


def test_the_life_of_the_login_counts_from_the_answer() -> None:
    client = Client().connect([fetched_auth(lambda: Credentials("ann", CANARY, 60.0))])
    client.feed(START)
    client.wait(7.0)
    wanted = client.event(SecretWanted)
    client.core.take_secret(wanted, wanted.ask(), client.now)
    client.wait(3.0)
    client.feed(connection.Tune(2047, 131072, 0))
    client.feed(connection.OpenOk())
    assert client.core.next_deadline() == EPOCH + 7.0 + 48.0


def test_a_life_that_is_nearly_over_before_it_is_open() -> None:
    client = Client().connect([Tokens(4.0)])
    client.feed(START)
    client.wait(3.0)
    client.feed(TUNE)
    client.feed(connection.OpenOk())
    client.sent()
    client.core.handle_timer(client.now)
    assert client.methods() == [update("token-2")]


def test_a_function_is_asked_through_the_driver() -> None:
    client, wanted = asked_to_renew()
    assert (wanted.method, wanted.may_block) == ("connection.update-secret", True)
    client.core.take_secret(wanted, wanted.ask(), client.now)
    assert client.methods() == [update(CANARY)]
    client.core.take_secret(wanted, b"once more", client.now)
    client.core.no_secret(wanted, ValueError(), client.now)
    assert (client.methods(), client.events()) == ([], [])


@pytest.mark.parametrize("lives", [(None,), (60.0, None)])
def test_what_does_not_expire_is_not_renewed(lives: tuple[float | None, ...]) -> None:
    client = opened(Tokens(*lives))
    for _ in lives[1:]:
        client.wait(48.0)
        assert client.methods() == [update("token-2")]
        client.feed(connection.UpdateSecretOk())
    assert client.core.next_deadline() is None


def test_the_last_answer_of_a_challenge_tells_the_life() -> None:
    class Rounds(Echo):
        def respond(self, challenge: bytes) -> Any:
            return Secret(b"answer", 60.0) if challenge == b"2" else b"answer"

        def renew(self) -> bytes:
            return b"new"

    client = Client().connect([Rounds("PLAIN")])
    for method in (START, connection.Secure(b"1"), connection.Secure(b"2"), TUNE):
        client.feed(method)
    client.feed(connection.OpenOk())
    client.sent()
    client.wait(30.0)
    client.feed(client.core.dialect.heartbeat)
    client.sent()
    client.now += 18.0
    client.core.handle_timer(client.now)
    assert update("new") in client.methods()


def test_a_user_who_updates_the_secret_as_well() -> None:
    client = opened(Tokens(60.0))
    call = client.core.update_secret(b"own", "", client.now, None)
    client.wait(48.0)
    client.feed(connection.UpdateSecretOk())
    assert call.done
    assert client.core.next_deadline() == EPOCH + 60.0, "the renewal is not answered yet"
    client.feed(connection.UpdateSecretOk())
    assert client.core.next_deadline() == EPOCH + 96.0


def test_an_answer_to_the_users_own_update_is_not_the_renewals() -> None:
    client, wanted = asked_to_renew()
    client.core.take_secret(wanted, wanted.ask(), client.now)
    client.feed(connection.UpdateSecretOk())
    client.wait(48.0)
    wanted = client.event(SecretWanted)
    client.core.update_secret(b"own", "", client.now, None)
    client.feed(connection.UpdateSecretOk())
    client.sent()
    client.core.take_secret(wanted, b"next", client.now)
    assert client.methods() == [update("next")]


# --- no new ones ---


def test_a_failure_is_told_and_tried_again_until_they_expire() -> None:
    auth = Tokens(60.0)
    client = opened(auth)
    auth.error = OSError(CANARY)
    times, told = [], []
    while (deadline := client.core.next_deadline()) is not None:
        client.wait(deadline - client.now)
        times.append(client.now - EPOCH)
        told += failures(client)
        assert type(told[-1]) is CredentialsFailed
        assert told[-1].phase == "opened"
        assert CANARY not in f"{told[-1]} {told[-1]!r}"
    error = told[-1]
    assert len(told) == len(times)
    assert times == [48.0, 49.0, 51.0, 55.0, 60.0]
    assert error.what == "the credentials have expired and could not be renewed"
    assert isinstance(error.__cause__, CredentialsFailed)
    assert error.__cause__.what == "mechanism PLAIN raised OSError"
    assert error.__cause__.__cause__ is auth.error
    assert client.core.state is EndpointState.CONNECTED
    assert client.methods() == []


def test_what_succeeds_in_the_end_begins_anew() -> None:
    auth = Tokens(60.0)
    client = opened(auth)
    auth.error = OSError()
    client.wait(50.0)
    assert len(failures(client)) == 2
    auth.error = None
    client.wait(1.0)
    assert client.methods() == [update("token-2")]
    client.feed(connection.UpdateSecretOk())
    assert client.core.next_deadline() == EPOCH + 51.0 + 48.0
    auth.error = OSError()
    client.wait(49.0)
    assert len(failures(client)) == 2, "it waits a second again, and not four"


def test_of_a_short_life_several_attempts_fit_in() -> None:
    auth = Tokens(2.0)
    client = opened(auth)
    auth.error = OSError()
    client.wait(10.0)
    assert len(failures(client)) == 4  # after 1, 1.25, 1.75, and the end at 2


def test_retries_are_a_minute_apart_at_most() -> None:
    auth = Tokens(3600.0)
    client = opened(auth)
    auth.error = OSError()
    client.wait(2880.0 + 63.0)
    assert len(failures(client)) == 7  # after 0, 1, 3, 7, 15, 31, 63 seconds
    client.wait(120.0)
    assert len(failures(client)) == 2


def test_a_function_that_does_not_answer_in_time() -> None:
    client, wanted = asked_to_renew()
    client.wait(12.0)
    (error,) = failures(client)
    assert error.what.endswith("the function for them has not given new ones")
    client.wait(5.0)
    client.core.take_secret(wanted, b"late", client.now)
    assert client.methods() == [update("late")], "the server may not have looked yet"
    client.feed(connection.UpdateSecretOk())
    assert client.core.renewal.error is None


def test_what_it_raises_is_told() -> None:
    client, wanted = asked_to_renew()
    raised = ValueError(CANARY)
    client.core.no_secret(wanted, raised, client.now)
    (error,) = failures(client)
    assert error.__cause__ is raised
    assert CANARY not in f"{error} {error!r}"
    client.wait(1.0)
    assert isinstance(client.event(SecretWanted), SecretWanted)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("text", "gave str for connection.update-secret"),
        (b"x" * 131072, "the agreed frame_max is 131072"),
    ],
)
def test_a_secret_that_cannot_be_sent(given: object, said: str) -> None:
    client, wanted = asked_to_renew()
    client.core.take_secret(wanted, given, client.now)
    (error,) = failures(client)
    assert type(error) is CredentialsFailed
    assert said in error.what
    assert client.methods() == []
    assert client.core.manager.is_open


def test_no_answer_is_no_refusal() -> None:
    client = opened(Tokens(60.0))
    client.wait(48.0)
    client.sent()
    client.wait(11.9)
    assert failures(client) == []
    client.wait(0.1)
    (error,) = failures(client)
    assert error.what.endswith("has not answered connection.update-secret with new ones")
    client.feed(connection.UpdateSecretOk())
    assert client.core.next_deadline() == EPOCH + 60.0 + 36.0


def test_an_older_version_cannot_renew() -> None:
    auth = Tokens(60.0)
    client = Client(protocol="0-8").connect([auth])
    for name in ("start", "tune", "open-ok"):
        kind: Any = client.core.dialect.by_name[f"connection.{name}"]
        client.feed(kind(8, 0, {}, b"PLAIN", b"en_US") if name == "start" else kind())
    client.sent()
    client.events()
    client.wait(48.0)
    (error,) = failures(client)
    assert "AMQP 0-8 has no connection.update-secret" in error.what
    assert auth.count == 1, "nobody is asked for what cannot be used"


# --- blocked ---


def test_a_blocked_server_is_waited_for() -> None:
    auth = Tokens(60.0)
    client = opened(auth)
    client.feed(connection.Blocked("low on memory"))
    client.wait(50.0)
    assert (client.methods(), auth.count) == ([], 1)
    client.events()
    client.feed(connection.Unblocked())
    assert client.methods() == [update("token-2")]


def test_blocked_until_they_have_expired() -> None:
    client = opened(Tokens(60.0))
    client.feed(connection.Blocked("low on memory"))
    client.events()
    client.wait(60.0)
    (error,) = failures(client)
    assert error.what.endswith("the server is blocked and reads no new ones")
    client.feed(connection.Unblocked())
    assert client.methods() == [update("token-2")]


def test_blocked_again_while_it_is_asked_for() -> None:
    client = opened(fetched_auth(lambda: Credentials("ann", CANARY, 60.0)))
    client.feed(connection.Blocked("low on memory"))
    client.wait(50.0)
    client.feed(connection.Unblocked())
    wanted = client.event(SecretWanted)
    client.feed(connection.Blocked("low on memory"))
    client.feed(connection.Unblocked())
    assert not [event for event in client.events() if isinstance(event, SecretWanted)]
    client.core.take_secret(wanted, b"new", client.now)
    assert client.methods() == [update("new")]


def test_unblocked_before_they_are_about_to_expire() -> None:
    client = opened(Tokens(60.0))
    client.feed(connection.Blocked("low on memory"))
    client.feed(connection.Unblocked())
    assert client.methods() == []
    client.wait(48.0)
    assert client.methods() == [update("token-2")]


# --- refused, and closed ---


def test_a_refusal_is_the_connections_error_and_names_the_occasion() -> None:
    client = opened(Tokens(60.0))
    client.wait(48.0)
    client.feed(REFUSED)
    error = client.error
    assert isinstance(error, SecretRefused)
    assert isinstance(error, NotAllowed)
    assert isinstance(error, ConnectionClosed)
    assert (error.reply_code, error.failing_method) == (530, "connection.update-secret")
    assert "New secret was refused" in str(error)
    assert "were renewed without being asked to" in error.cause
    assert "new token is valid" in error.remedy
    assert not error.retryable
    assert not client.core.renewal.error
    assert "token" not in error.what
    assert failures(client) == [error]


def test_a_refusal_of_the_users_own_is_not_the_renewals() -> None:
    client = opened(Tokens(60.0))
    call = client.core.update_secret(b"own", "", client.now, None)
    client.feed(REFUSED)
    client.down()
    assert isinstance(call.error, SecretRefused)
    assert call.error.cause == ""
    assert not [event for event in client.all_events() if isinstance(event, SecretFailed)]


def test_a_close_at_expiry_names_what_went_wrong_before() -> None:
    auth = Tokens(60.0)
    client = opened(auth)
    auth.error = OSError()
    client.wait(48.0)
    client.feed(connection.Close(320, "CONNECTION_FORCED - credential expired"))
    assert isinstance(client.error, ConnectionForced)
    assert client.error.cause == (
        "perhaps the credentials have expired: mechanism PLAIN raised OSError"
    )
    assert isinstance(client.error.__cause__, CredentialsFailed)


@pytest.mark.parametrize(
    "end",
    [
        lambda client: client.core.close(client.now, None),
        lambda client: client.core.abort(client.now),
        lambda client: client.feed(connection.Close(320, "bye")),
        Client.eof,
    ],
    ids=["close", "abort", "closed", "end of stream"],
)
@pytest.mark.parametrize("is_asked", [True, False])
def test_nothing_happens_after_the_end(end: Callable[[Client], object], is_asked: bool) -> None:
    wanted = None
    if is_asked:
        client, wanted = asked_to_renew()
    else:
        client = opened(Tokens(60.0))
    end(client)
    client.sent()
    client.events()
    if wanted is not None:
        client.core.take_secret(wanted, b"late", client.now)
        client.core.no_secret(wanted, ValueError(), client.now)
    assert (client.sent(), client.events()) == ([], [])
    assert client.core.next_deadline() in (None, client.now + 1.0)  # a server's farewell
    client.wait(100.0)
    assert [event for event in client.events() if isinstance(event, SecretFailed)] == []
    client.down()
    assert client.core.next_deadline() is None


@pytest.mark.parametrize("is_blocked", [True, False])
def test_a_user_who_closes_from_inside(is_blocked: bool) -> None:
    class Closing(Tokens):
        def renew(self) -> Answer:
            if self.count == 1:
                client.core.close(client.now, None)
            return super().renew()

    client = opened(Closing(60.0))
    if is_blocked:
        client.feed(connection.Blocked(""))
    client.wait(48.0)
    if is_blocked:
        client.feed(connection.Unblocked())
    assert [method.NAME for method in client.methods()] == ["connection.close"]
    assert [event for event in client.events() if isinstance(event, SecretFailed)] == []


def test_one_who_closes_from_inside_and_raises() -> None:
    class Closing(Tokens):
        def renew(self) -> Answer:
            if self.count == 1:
                client.core.close(client.now, None)
                raise InvalidParameter("closed")
            return super().renew()

    client = opened(Closing(60.0))
    client.wait(48.0)
    assert failures(client) == []
    assert client.core.next_deadline() is None
