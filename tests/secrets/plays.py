"""How things fail: what cases are made of."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import amqpconn
from amqpconn import Credentials, fetched_auth, forget_servers, plain_auth
from amqpconn.core.servers import REMEMBERED
from amqpconn.testing import Ignore, On
from amqpconn_spec.v0_9_1.connection import Start
from tests.drivers.helpers import PATIENCE, eventually, refusing
from tests.secrets.search import PASSWORD, TOKEN
from tests.secrets.stage import USER, Challenged, Raw, Stage


def raw(response: object, may_block: bool) -> Callable[[Stage], object]:
    return lambda stage: (stage.unwritable(), stage.by_hand(Raw(response, may_block)))


def ann() -> Credentials:
    """As a user's function gives them."""
    return Credentials("ann", PASSWORD, 60.0)


def on_start_ok(*actions: Any) -> Callable[[Stage], object]:
    """The peer does something else than to take the login."""

    def fail(stage: Stage) -> None:
        stage.script(On("connection.start-ok", *actions))
        stage.by_hand()

    return fail


def sent_ahead(*rules: Any) -> Callable[[Stage], object]:
    """The login went ahead of what the server said, by what it said the last time."""

    def fail(stage: Stage) -> None:
        forget_servers()
        stage.peer.behaviour.server_properties["product"] = "RabbitMQ"
        stage.authenticate(lambda *_: True)
        stage.by_hand(fast_open=True).close()
        stage.authenticate(lambda *_: False)
        stage.script(*rules)
        stage.made.append(REMEMBERED)
        stage.by_hand(fast_open=True)

    return fail


def on_secure_ok(*actions: Any) -> Callable[[Stage], object]:
    """The same with the answer to a challenge."""

    def fail(stage: Stage) -> None:
        stage.script(On("connection.secure-ok", *actions))
        stage.authenticate(lambda *_: b"?")
        stage.by_hand(Challenged())

    return fail


def on_update(*actions: Any, reason: str = "why") -> Callable[[Stage], object]:
    """The same with a new secret for an open connection."""

    def fail(stage: Stage) -> None:
        stage.script(On("connection.update-secret", *actions))
        stage.opened().update_secret(TOKEN, reason, timeout=0.05)

    return fail


def update_when_closed(stage: Stage) -> None:
    connection = stage.opened()
    connection.close()
    connection.update_secret(TOKEN)


def update_with(secret: object) -> Callable[[Stage], object]:
    return lambda stage: stage.opened().update_secret(secret)


def update_in_another_version(stage: Stage) -> None:
    connection = stage.by_hand(plain_auth("guest", "guest"), protocol="0-8")
    connection.update_secret(TOKEN)


def deaf(stage: Stage) -> None:
    """The other side is closed by the time that the login is written."""
    ours, theirs = socket.socketpair()
    start = Start(0, 9, mechanisms=b"PLAIN", locales=b"en_US").encode_frame(0)
    with theirs:
        theirs.sendall(start)
    endpoint = stage.driver.Endpoint(connector=stage.driver.connector(lambda: ours))
    stage.driver.Connection(endpoint).open([plain_auth("ann", PASSWORD)])


def closed_by_another(stage: Stage) -> None:
    """Somebody else aborts the attempt while the login is judged."""
    endpoint = stage.driver.Endpoint("127.0.0.1", stage.peer.port, timeout=5.0)
    stage.script(On("connection.start-ok", Ignore()))
    stage.made.append(endpoint)
    timer = threading.Timer(0.1, endpoint.abort)
    timer.start()
    try:
        stage.driver.Connection(endpoint).open([plain_auth("ann", PASSWORD)])
    finally:
        timer.join()


def url(text: str) -> Callable[[Stage], object]:
    return lambda stage: stage.driver.connect(text)


def nobody_listens(stage: Stage) -> None:
    stage.driver.connect(f"amqp://{USER}@127.0.0.1:{refusing()[1]}/")


def parsed(text: str) -> Callable[[Stage], object]:
    return lambda _: amqpconn.parse_url(text)


def renewal(*actions: Any) -> Callable[[Stage], object]:
    """Credentials are renewed without being asked to, and the server does this about it."""

    def fail(stage: Stage) -> None:
        stage.authenticate(lambda *_: True)
        stage.script(On("connection.update-secret", *actions))
        connection = stage.by_hand(fetched_auth(lambda: Credentials("ann", PASSWORD, 0.1)))
        connection.wait_closed(PATIENCE)

    return fail


def renewal_that_has_nothing(stage: Stage) -> None:
    """The function gives credentials once, and then what are none."""
    given: Any = iter([Credentials("ann", PASSWORD, 0.1), PASSWORD, PASSWORD])
    told: list[BaseException] = []
    stage.authenticate(lambda *_: True)
    with stage.by_hand(fetched_auth(lambda: next(given))) as connection:
        connection.endpoint.on_secret_error(told.append)
        eventually(lambda: told)
    raise told[0]
