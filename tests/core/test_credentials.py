"""Credentials that a function of the user's gives: what may be said, what is asked when, what goes
out, and what the function may do wrong.
"""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from amqpconn._plan import planned
from amqpconn.auth import AuthMethod, amqplain_auth, plain_auth
from amqpconn.core.events import HangUp, Opened, SecretWanted
from amqpconn.core.states import State
from amqpconn.credentials import Credentials, fetched_auth
from amqpconn.errors import (
    ConnectionForced,
    CredentialsFailed,
    HandshakeFailed,
    InvalidParameter,
    UnexpectedMethod,
)
from amqpconn.mechanisms import check_blocking, is_async
from amqpconn.secret import Secret
from amqpconn.sync import Endpoint
from amqpconn_spec.v0_9_1 import connection
from tests.core.server import START, TUNE, Client, Echo, SlowToRespond, SlowToStart

CANARY = "c4n4ry-s3cr3t"


def given(coroutine: object) -> object:
    """What a coroutine gives that waits for nothing."""
    assert isinstance(coroutine, Coroutine)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    return stopped.value.value


async def awaiting(something: Any) -> object:
    return await something


def asked(auth: AuthMethod, **settings: Any) -> tuple[Client, SecretWanted]:
    """A client whose core wants a secret of the driver."""
    client = Client(**settings).connect([auth])
    client.feed(START)
    assert client.sent() == []
    return client, client.event(SecretWanted)


async def fetch_later() -> Credentials:
    return Credentials("ann", CANARY, 60.0)


def fetch() -> Credentials:
    return Credentials("ann", CANARY, 60.0)


# --- what they are ---


def test_credentials_show_nothing() -> None:
    found = Credentials("ann", CANARY, 60.0)
    assert (found.username, found.password, found.expires_in_s) == ("ann", CANARY, 60.0)
    assert repr(found) == "<Credentials for 60 s>"
    assert repr(Credentials("ann", CANARY)) == "<Credentials>"
    secret = Secret(CANARY, 1)
    assert (secret.reveal(), secret.expires_in_s) == (CANARY.encode(), 1.0)
    assert (repr(secret), Secret(b"x").expires_in_s) == ("<secret>", None)
    for each in (found, secret):
        assert not hasattr(each, "__dict__")
        for copier in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                copier(each)


@pytest.mark.parametrize("life", [0, -1.0, float("nan"), float("inf"), True, "60"])
@pytest.mark.parametrize("make", [partial(Credentials, "ann"), Secret])
def test_a_life_that_is_none(make: Callable[..., object], life: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"expires_in_s is .*above 0, or None") as caught:
        make(CANARY, life)
    assert "has not expired yet" in caught.value.remedy
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Credentials("ann", CANARY.encode()), "password must be a str, not bytes"),  # type: ignore[arg-type]
        (lambda: Credentials([CANARY], "x"), "username must be a str, not list"),  # type: ignore[arg-type]
        (lambda: Secret([CANARY]), "a secret is bytes or a str, not list"),  # type: ignore[arg-type]
    ],
)
def test_values_of_the_wrong_kind_are_not_shown(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message) as caught:
        make()
    assert CANARY not in shown(caught.value)


def shown(error: BaseException) -> str:
    """All that a report with the variables of each frame could show of an error and its causes."""
    parts = [repr(error), str(error), *traceback.format_exception(error)]
    for each in (error, error.__cause__, error.__context__):
        for frame, _ in traceback.walk_tb(each.__traceback__ if each else None):
            if frame.f_code.co_filename != __file__:
                parts.append(repr(frame.f_locals))
    return "".join(parts)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (fetch_later, True),
        (partial(partial(fetch_later)), True),
        (SlowToStart("X").initial_response, True),
        (Echo("X").initial_response, False),
        (fetch, False),
        (len, False),
        (lambda: fetch_later(), False),  # noqa: PLW0108 - it is what people write
        (type("Fetcher", (), {"__call__": fetch_later})(), True),
        (type("Fetcher", (), {"__call__": fetch})(), False),
        (type("Fetcher", (type("Base", (), {"__call__": fetch_later}),), {})(), True),
    ],
)
def test_coroutine_functions_are_known(function: object, expected: bool) -> None:
    assert is_async(function) is expected


def test_a_driver_that_cannot_await_refuses_coroutine_functions() -> None:
    for plain in (plain_auth("a", "b"), fetched_auth(fetch), Echo("X")):
        check_blocking(plain)
    for auth in (fetched_auth(fetch_later), SlowToStart("X-SLOW"), SlowToRespond("X-SLOW")):
        with pytest.raises(InvalidParameter, match=f"for {auth.name} come from a coroutine") as no:
            check_blocking(auth)
        assert "or use amqpconn.asyncio" in no.value.remedy


def test_what_cannot_be_called_and_other_mechanisms_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="given by a function, not by Credentials"):
        fetched_auth(fetch())  # type: ignore[arg-type]
    with pytest.raises(InvalidParameter, match=r"mechanism is 'EXTERNAL'; .* PLAIN and AMQPLAIN"):
        fetched_auth(fetch, "EXTERNAL")


def test_the_mechanisms_of_a_url() -> None:
    query = "?auth_mechanism=external&auth_mechanism=amqplain&auth_mechanism=plain"
    _, request = planned(Endpoint, f"amqp://localhost/{query}", credentials=fetch)
    methods = request.auth_methods
    assert [method.name for method in methods] == ["EXTERNAL", "AMQPLAIN", "PLAIN"]
    assert [method.may_block for method in methods] == [False, True, True]
    url = "amqp://bob:other@localhost/"
    (auth,) = planned(Endpoint, url, credentials=fetch_later)[1].auth_methods
    assert repr(auth) == "<AuthMethod for PLAIN, asked for when needed>"


# --- asked for the login ---


@pytest.mark.parametrize(
    ("name", "same"),
    [("PLAIN", plain_auth("ann", CANARY)), ("AMQPLAIN", amqplain_auth("ann", CANARY))],
)
@pytest.mark.parametrize("is_later", [False, True])
def test_the_login_waits_for_the_answer(name: str, same: AuthMethod, is_later: bool) -> None:
    auth = fetched_auth(fetch_later if is_later else fetch, name)
    client, wanted = asked(auth)
    assert (wanted.method, wanted.mechanism) == ("connection.start-ok", name)
    assert wanted.may_block is not is_later
    assert client.state is State.START
    client.wait(5.0)
    answer = wanted.ask()
    client.core.take_secret(wanted, given(answer) if is_later else answer, client.now)
    (start_ok,) = client.methods()
    assert isinstance(start_ok, connection.StartOk)
    assert (start_ok.mechanism, start_ok.response) == (name, same.initial_response())
    agreement = client.core.manager.agreement
    assert agreement is not None
    assert agreement.login_size == len(start_ok.encode_frame(0))
    client.feed(TUNE)
    client.feed(connection.OpenOk())
    assert isinstance(client.events()[-1], Opened)


def test_a_challenge_waits_for_its_answer_too() -> None:
    client = Client().connect([SlowToRespond("PLAIN")])
    client.feed(START)
    assert [method.NAME for method in client.methods()] == ["connection.start-ok"]
    login_size = client.core.manager.agreement.login_size  # type: ignore[union-attr]
    for challenge in (b"1", b"2"):
        client.feed(connection.Secure(challenge))
        wanted = client.event(SecretWanted)
        assert (wanted.method, client.methods()) == ("connection.secure-ok", [])
        client.core.take_secret(wanted, given(wanted.ask()), client.now)
        assert client.methods() == [connection.SecureOk(b"re: " + challenge)]
    assert client.core.manager.agreement.login_size == login_size  # type: ignore[union-attr]
    client.feed(TUNE)
    assert client.state is State.OPEN


def test_a_plain_function_that_gives_something_to_await() -> None:
    class Wrapped(Echo):
        def initial_response(self) -> Any:
            return SlowToStart("PLAIN").initial_response()

    client, wanted = asked(Wrapped("PLAIN"))
    assert not wanted.may_block
    client.core.take_secret(wanted, given(wanted.ask()), client.now)
    assert [method.NAME for method in client.methods()] == ["connection.start-ok"]


@pytest.mark.parametrize("answer", [b"hello", bytearray(b"hello"), memoryview(b"hello")])
def test_all_kinds_of_bytes_will_do(answer: Any) -> None:
    client, wanted = asked(SlowToStart("PLAIN"))
    client.core.take_secret(wanted, answer, client.now)
    (start_ok,) = client.methods()
    assert isinstance(start_ok, connection.StartOk)
    assert start_ok.response == b"hello"


def test_known_credentials_need_no_driver() -> None:
    client = Client().connect([plain_auth("a", "b")])
    client.feed(START)
    assert [method.NAME for method in client.methods()] == ["connection.start-ok"]
    assert client.events() == []


@pytest.mark.parametrize("early", [TUNE, connection.Secure(b"?"), connection.OpenOk()])
def test_a_server_that_goes_on_without_the_login(early: Any) -> None:
    client, wanted = asked(SlowToStart("PLAIN"))
    client.feed(early)
    assert type(client.error) is UnexpectedMethod
    assert "in state 'start'; expected: connection.close" in client.error.what
    assert client.event(HangUp).quick
    client.core.take_secret(wanted, b"late", client.now)
    assert client.sent() == []


# --- an answer that comes too late ---


def closed_by_server(client: Client) -> None:
    client.feed(connection.Close(320, "going down"))
    assert client.methods() == [connection.CloseOk()]


@pytest.mark.parametrize(
    "end",
    [
        closed_by_server,
        Client.eof,
        lambda client: client.wait(30.0),
        lambda client: client.core.abort(client.now),
        lambda client: client.core.close(client.now),
    ],
    ids=["close", "end of stream", "deadline", "abort", "user's close"],
)
@pytest.mark.parametrize("is_answer", [True, False])
def test_what_comes_when_it_is_over_is_dropped(
    end: Callable[[Client], object], is_answer: bool
) -> None:
    client, wanted = asked(SlowToStart("PLAIN"))
    end(client)
    error = client.error
    if is_answer:
        client.core.take_secret(wanted, b"late", client.now)
    else:
        client.core.no_secret(wanted, ValueError("late"), client.now)
    assert client.core.error is error
    assert client.sent() == []
    client.down()
    client.core.take_secret(wanted, b"later", client.now)
    assert client.core.error is error


def test_a_close_that_comes_meanwhile_is_the_reason() -> None:
    client, _ = asked(SlowToStart("PLAIN"))
    closed_by_server(client)
    assert isinstance(client.error, ConnectionForced)
    assert client.error.phase == "start"


def test_an_answer_counts_once() -> None:
    client, wanted = asked(SlowToStart("PLAIN"))
    client.core.take_secret(wanted, b"one", client.now)
    client.core.take_secret(wanted, b"two", client.now)
    client.core.no_secret(wanted, ValueError(), client.now)
    assert len(client.methods()) == 1
    assert client.core.error is None


# --- what the function may do wrong ---


@pytest.mark.parametrize(
    ("raised", "said", "retryable"),
    [
        (ValueError(CANARY), "mechanism PLAIN raised ValueError", False),
        (ConnectionRefusedError(CANARY), "mechanism PLAIN raised ConnectionRefusedError", True),
        (TimeoutError(), "mechanism PLAIN raised TimeoutError", True),
        (KeyboardInterrupt(), "mechanism PLAIN raised KeyboardInterrupt", False),
        (InvalidParameter("no such vault", remedy="make it"), "no such vault", False),
    ],
)
def test_what_it_raises_is_the_cause(raised: BaseException, said: str, retryable: bool) -> None:
    client, wanted = asked(fetched_auth(fetch))
    client.core.no_secret(wanted, raised, client.now)
    error = client.error
    assert type(error) is CredentialsFailed
    assert (error.what, error.retryable, error.phase) == (said, retryable, "start")
    assert error.__cause__ is raised
    assert CANARY not in f"{error} {error!r} {error.args}"
    assert error.remedy
    assert client.event(HangUp).quick
    assert client.down() is error


def test_an_error_of_ours_comes_through() -> None:
    client, wanted = asked(fetched_auth(fetch))
    ours = HandshakeFailed("the vault is sealed")
    client.core.no_secret(wanted, ours, client.now)
    assert client.error is ours


@pytest.mark.parametrize("gives", [None, ("ann", CANARY), CANARY])
@pytest.mark.parametrize("is_later", [False, True])
def test_a_function_that_gives_something_else(gives: object, is_later: bool) -> None:
    async def later() -> object:
        return gives

    function: Any = later if is_later else lambda: gives
    for ask in (fetched_auth(function).initial_response, fetched_auth(function).renew):
        with pytest.raises(CredentialsFailed, match="not Credentials") as caught:
            given(ask()) if is_later else ask()
        assert type(gives).__name__ in caught.value.what
        assert CANARY not in f"{caught.value} {caught.value!r}"


def test_a_plain_function_with_a_coroutine_inside_is_awaited() -> None:
    auth = fetched_auth(lambda: fetch_later())  # noqa: PLW0108 - it is what people write
    assert auth.may_block
    secret = given(awaiting(auth.initial_response()))
    assert isinstance(secret, Secret)
    assert secret.reveal() == plain_auth("ann", CANARY).initial_response()


@pytest.mark.parametrize("password", [f"{CANARY}\0", f"{CANARY}\ud800"])
def test_a_password_that_the_mechanism_cannot_carry(password: str) -> None:
    auth = fetched_auth(lambda: Credentials("ann", password))
    with pytest.raises(InvalidParameter, match="password contains") as caught:
        auth.initial_response()
    assert CANARY not in shown(caught.value)


def test_a_mechanism_without_a_renewal() -> None:
    with pytest.raises(CredentialsFailed, match="mechanism X-ECHO expire, and it has no new ones"):
        Echo().renew()


def test_a_wrong_answer_to_a_question() -> None:
    client, wanted = asked(SlowToStart("PLAIN"))
    client.core.take_secret(wanted, CANARY, client.now)
    assert type(client.error) is CredentialsFailed
    assert client.error.what == (
        "mechanism PLAIN gave str for connection.start-ok, not bytes or a Secret"
    )
    assert client.error.phase == "start"
