"""Credentials are seen by nobody but the server: whatever the core has is shown, and searched."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from amqpconn.auth import AuthMethod, amqplain_auth, plain_auth
from amqpconn.core.events import Call
from amqpconn.errors import AMQPError
from amqpconn_spec.v0_9_1 import connection
from tests.core.server import START, TUNE, Client, Echo

CANARY = "c4n4ry-s3cr3t"
TOKEN = CANARY.encode()


class Talkative(Echo):
    """Answers a challenge with the secret."""

    def respond(self, challenge: bytes) -> bytes:
        return challenge + TOKEN


class Leaking(Echo):
    """Has the secret in its own error, as a careless user's mechanism may."""

    def initial_response(self) -> bytes:
        raise ValueError(f"no login with {CANARY}")


class Confused(Echo):
    """Gives a str with the secret, where bytes are needed."""

    def initial_response(self) -> bytes:
        return CANARY  # type: ignore[return-value]


def reachable(root: object) -> Iterator[object]:
    """Everything that can be reached from an object, code and modules apart."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        found = waiting.pop()
        yield found
        for other in gc.get_referents(found):
            if id(other) not in seen and not isinstance(other, type | ModuleType | FunctionType):
                seen.add(id(other))
                waiting.append(other)


def is_raw(found: object) -> bool:
    """The credential itself, or the frame that waits to be written: they have it to send it."""
    return isinstance(found, bytes | str | list | tuple | dict | memoryview)


def shows(root: object) -> list[str]:
    """What shows the canary in its repr or str, of all that can be reached from `root`."""
    texts = [
        text for found in reachable(root) if not is_raw(found) for text in (repr(found), str(found))
    ]
    assert len(texts) > 50
    return [text for text in texts if CANARY in text]


def told(error: BaseException | None) -> str:
    """All the text there is about an error."""
    assert error is not None
    said = [str(error), repr(error), repr(error.args), *traceback.format_exception(error)]
    return "".join([*said, str(getattr(error, "transcript", "")), repr(vars(error))])


def recorded() -> Client:
    """A client that keeps a transcript."""
    return Client(flight_recorder=100)


def greet(client: Client, auth: AuthMethod) -> Client:
    client.connect([auth])
    client.feed(connection.Start(0, 9, {}, auth.name.encode(), b"en_US"))
    return client


@pytest.mark.parametrize("auth", [plain_auth("guest", CANARY), amqplain_auth("guest", CANARY)])
@pytest.mark.parametrize("is_written", [False, True])
def test_a_password_on_its_way(auth: AuthMethod, is_written: bool) -> None:
    client = greet(recorded(), auth)
    if is_written:
        assert TOKEN in client.core.data_to_send(client.now)
    assert shows(client.core) == []
    client.feed(connection.Close(403, "no"))
    client.eof()
    client.down()
    assert shows([client.core, *client.all_events()]) == []
    assert CANARY not in told(client.error)


@pytest.mark.parametrize("is_opened", [True, False])
def test_credentials_are_kept_no_longer_than_they_are_needed(is_opened: bool) -> None:
    client = greet(recorded(), plain_auth("guest", CANARY))
    assert TOKEN in client.core.data_to_send(client.now)
    if is_opened:
        client.feed(TUNE)
        client.feed(connection.OpenOk())
    else:
        client.down()
    kept = [found for found in reachable(client.core) if isinstance(found, bytes)]
    assert kept
    assert not [found for found in kept if TOKEN in found]


def test_a_token_in_secure_ok() -> None:
    client = greet(recorded(), Talkative("X-TOKEN"))
    client.feed(connection.Secure(b"?"))
    assert shows(client.core) == []
    assert TOKEN in client.core.data_to_send(client.now)
    client.eof()
    assert shows(client.core) == []


def update(client: Client) -> Call:
    return client.core.update_secret(TOKEN, "expires", client.now, 1.0)


@pytest.mark.parametrize(
    "end",
    [
        lambda client: client.feed(connection.UpdateSecretOk()),
        lambda client: client.feed(connection.Close(530, "no", 10, 70)),
        lambda client: client.wait(1.0),
        Client.eof,
    ],
    ids=["answered", "refused", "timed out", "hung up"],
)
def test_a_new_secret(end: Callable[[Client], object]) -> None:
    client = recorded().connect()
    for method in (START, TUNE, connection.OpenOk()):
        client.feed(method)
    call = update(client)
    assert isinstance(call.method, connection.UpdateSecret)
    assert call.method.new_secret == b""  # the output has it, and the call may wait for long
    assert TOKEN in b"".join(client.core.output._rest)
    end(client)
    client.down()
    assert call in client.all_events()
    assert shows([client.core, call]) == []
    if call.error is not None:
        assert CANARY not in told(call.error)


@pytest.mark.parametrize("secret", [CANARY, [CANARY], {CANARY: 1}])
def test_a_secret_of_the_wrong_kind(secret: Any) -> None:
    client = greet(Client(), plain_auth("a", "b"))
    client.feed(TUNE)
    client.feed(connection.OpenOk())
    with pytest.raises(ValueError, match="new_secret must be bytes") as caught:
        client.core.update_secret(secret, "", client.now, None)
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("auth", [Leaking("PLAIN"), Confused("PLAIN")])
def test_what_a_users_mechanism_does_wrong_is_not_quoted(auth: AuthMethod) -> None:
    client = greet(recorded(), auth)
    error: AMQPError = client.error
    assert CANARY not in str(error)
    assert CANARY not in repr(error)
    assert CANARY not in str(error.clone())


def test_the_search_would_find_it() -> None:
    class Careless:
        def __repr__(self) -> str:
            return CANARY

    client = Client()
    client.core.channels.control.owner = [{"deep": (Careless(),)}]
    assert shows(client.core) == [CANARY, CANARY]
