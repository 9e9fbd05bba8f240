"""Every way in which something with a secret in it can fail, and who has the secret then.

A case is a function of a `Stage` that fails. To add one is to add a line: `FAILURES` for what
happens with a peer, `MISTAKES` for what is wrong before anything is sent.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import amqpconn
from amqpconn import (
    AuthMethod,
    Credentials,
    LoggingObserver,
    Observer,
    Secret,
    amqplain_auth,
    external_auth,
    fetched_auth,
    plain_auth,
)
from amqpconn.testing import Cut, Ignore, On, Peer, Refuse, Reset, Send
from amqpconn_spec.v0_9_1.connection import OpenOk, Start
from tests.drivers.adapter import Driver
from tests.drivers.helpers import refusing
from tests.secrets.search import PASSWORD, TOKEN

# Longer than a short string can be: what goes with a secret cannot be written.
TOO_LONG = "x" * 300
USER = f"ann:{PASSWORD}"


class Challenged(AuthMethod):
    """A mechanism that answers a challenge with the secret."""

    name = "PLAIN"

    def initial_response(self) -> bytes:
        return b""

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002 - any
        return TOKEN


SHAPES: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "str": bytes.decode,
    "list": lambda given: [given],
}


class Raw(AuthMethod):
    """A mechanism that gives what it was made with, at once or from a thread of its own."""

    name = "PLAIN"

    def __init__(self, response: Any, may_block: bool) -> None:
        self._response = Secret(TOKEN)
        self._shape: Callable[[bytes], Any] = SHAPES[type(response).__name__]
        self.may_block = may_block

    def initial_response(self) -> bytes:
        given: Any = self._response.reveal()
        return self._shape(given)  # type: ignore[no-any-return]


class Seen(Observer):
    """Keeps every frame that an observer is told of, as it would be shown."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    def frame_sent(self, frame: object) -> None:
        self.frames.append(f"{frame} {frame!r}")


class Stage:
    """What a case plays on: a driver and a peer; what it makes is kept, to be searched."""

    def __init__(self, driver: Driver, peer: Peer) -> None:
        self.driver = driver
        self.peer = peer
        self.made: list[object] = []
        self.seen = Seen()

    def by_url(self, query: str = "", userinfo: str = USER, **options: Any) -> Any:
        """Connect by URL; the peer knows another password unless a case says so."""
        url = self.peer.url(userinfo, query=query)
        connection = self.driver.connect(url, **self._watched(), **options)
        self.made.append(connection)
        return connection

    def by_hand(self, *methods: AuthMethod, timeout: float = 5.0, **options: Any) -> Any:
        """Open with these methods."""
        endpoint = self.driver.Endpoint(
            "127.0.0.1", self.peer.port, timeout=timeout, **self._watched(), **options
        )
        connection = self.driver.Connection(endpoint)
        self.made += [endpoint, connection]
        connection.open(list(methods) or [plain_auth("ann", PASSWORD)])
        return connection

    def _watched(self) -> dict[str, Any]:
        """All that keeps or tells what goes over the wire."""
        self.seen = Seen()
        return {"flight_recorder": 20, "observers": [LoggingObserver(), self.seen]}

    def open_with(self, methods: Any) -> None:
        """Open with what may be no methods at all."""
        self.driver.Connection(self.driver.Endpoint()).open(methods)

    def opened(self) -> Any:
        """An open connection."""
        return self.by_hand(plain_auth("guest", "guest"))

    def script(self, *rules: Any) -> object:
        self.peer.behaviour.script = list(rules)
        return self

    def unwritable(self) -> object:
        """The server wants a locale that no start-ok can have."""
        self.peer.behaviour.locales = [TOO_LONG]
        return self

    def authenticate(self, judge: Any) -> object:
        self.peer.behaviour.authenticate = judge
        return self


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


FAILURES: dict[str, Callable[[Stage], object]] = {
    "PLAIN refused": lambda stage: stage.by_url(),
    "PLAIN refused, by hand": lambda stage: stage.by_hand(),
    "AMQPLAIN refused": lambda stage: stage.by_url("auth_mechanism=AMQPLAIN"),
    "AMQPLAIN refused, by hand": lambda stage: stage.by_hand(amqplain_auth("ann", PASSWORD)),
    "EXTERNAL not offered": lambda stage: stage.by_hand(external_auth(PASSWORD)),
    "refused with another code": on_start_ok(Refuse(530, "no")),
    "hung up after the login": on_start_ok(Cut()),
    "reset after the login": on_start_ok(Reset()),
    "garbage after the login": on_start_ok(Send(b"garbage and more")),
    "out of order after the login": on_start_ok(Send(OpenOk())),
    "silent after the login": lambda stage: (
        stage.script(On("connection.start-ok", Ignore())),
        stage.by_hand(timeout=0.1),
    ),
    "hung up before the login": deaf,
    "closed by another": closed_by_another,
    "login that cannot be written": lambda stage: (stage.unwritable(), stage.by_url()),
    "login that is too large": lambda stage: stage.by_hand(client_properties={"p": "x" * 9000}),
    "locale that is too long": lambda stage: stage.by_url(f"locale={TOO_LONG}"),
    "credentials refused": lambda stage: stage.by_hand(fetched_auth(ann)),
    "credentials refused, by URL": lambda stage: stage.by_url(credentials=ann),
    "credentials refused, AMQPLAIN": lambda stage: stage.by_hand(fetched_auth(ann, "AMQPLAIN")),
    "credentials with NUL": lambda stage: stage.by_hand(
        fetched_auth(lambda: Credentials("ann", PASSWORD + "\0"))
    ),
    "credentials of no kind": lambda stage: stage.by_hand(
        fetched_auth(lambda: PASSWORD)  # type: ignore[arg-type, return-value]
    ),
    "credentials that cannot be written": lambda stage: (
        stage.unwritable(),
        stage.by_url(credentials=ann),
    ),
    **{
        f"{type(response).__name__} of a mechanism{' on a thread' * may_block}": raw(
            response, may_block
        )
        for response in (TOKEN, PASSWORD, [PASSWORD])
        for may_block in (False, True)
    },
    "silent after the credentials": lambda stage: (
        stage.script(On("connection.start-ok", Ignore())),
        stage.by_hand(fetched_auth(ann), timeout=0.1),
    ),
    "secure-ok refused": on_secure_ok(Refuse(403, "no")),
    "hung up after secure-ok": on_secure_ok(Cut()),
    "challenged without an answer": lambda stage: (
        stage.authenticate(lambda *_: b"?"),
        stage.by_url(),
    ),
    "virtual host refused": lambda stage: (
        stage.authenticate(lambda *_: True),
        stage.driver.connect(stage.peer.url(USER, virtual_host="nowhere")),
    ),
    "update refused": on_update(Refuse(530, "no")),
    "update without an answer": on_update(Ignore()),
    "hung up after update": on_update(Cut()),
    "update that cannot be written": on_update(reason=TOO_LONG),
    "update when closed": update_when_closed,
    "update in a version without it": update_in_another_version,
    "update with a list": update_with([PASSWORD]),
    "update with a table": update_with({PASSWORD: 1}),
    "update with a surrogate": update_with(PASSWORD + "\ud800"),
    "nobody listens": nobody_listens,
    "TLS where there is none": lambda stage: stage.driver.connect(
        f"amqps://{USER}@127.0.0.1:{stage.peer.port}/"
    ),
    "an option that does not exist": lambda stage: stage.by_url(nonsense=1),
    "an option that is wrong": lambda stage: stage.by_url(heartbeat=-1),
}

#: URLs that cannot be used, with the password in each place where it can be by mistake.
WRONG_URLS = (
    f"http://ann:{PASSWORD}@h/",
    f"amqp:/ann:{PASSWORD}@h/",
    f"ann:{PASSWORD}@h",
    f"amqp://ann:{PASSWORD}/x@h/",
    f"amqp://ann:{PASSWORD}#@h/",
    f"amqp://ann:{PASSWORD}?@h/",
    f"amqp://ann:{PASSWORD}@@h/",
    f"amqp://ann:{PASSWORD}%zz@h/",
    f"amqp://ann:{PASSWORD}%ff@h/",
    f"amqp://ann:{PASSWORD}\x01@h/",
    f"amqp://ann:{PASSWORD} @h/",
    f"amqp://ann:{PASSWORD}\ud800@h/",
    f"amqp://ann:{PASSWORD}:h/",
    f"amqp://{PASSWORD}:5672:5672/",
    f"amqp://ann:{PASSWORD}",
    f"amqp://ann@{PASSWORD}!/",
    f"amqp://ann@[{PASSWORD}]/",
    f"amqp://:{PASSWORD}@h:{PASSWORD}/",
    f"amqp://@{PASSWORD}/",
    f"amqp://ann:{PASSWORD}@h/a/b",
    f"amqp://ann:{PASSWORD}@h/{'v' * 300}",
    f"amqp://ann:{PASSWORD}@h/?{PASSWORD}=1",
    f"amqp://ann:{PASSWORD}@h/?heartbeat={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?connection_timeout={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?auth_mechanism={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?locale={PASSWORD}%00",
    f"amqp://ann:{PASSWORD}@h/?server_hostname={PASSWORD}",
    f"amqps://ann:{PASSWORD}@h/?server_hostname={PASSWORD}!",
    f"amqps://ann:{PASSWORD}@h/?keyfile={PASSWORD}",
    f"amqps://ann:{PASSWORD}@h/?cafile=/nowhere/at/all",
    f"amqp://ann:{PASSWORD}%00@h/",
)

MISTAKES: dict[str, Callable[[Stage], object]] = {
    "PLAIN with NUL": lambda _: plain_auth("ann", PASSWORD + "\0"),
    "PLAIN with a surrogate": lambda _: plain_auth("ann", PASSWORD + "\ud800"),
    "PLAIN with bytes": lambda _: plain_auth("ann", TOKEN),  # type: ignore[arg-type]
    "PLAIN with a wrong user": lambda _: plain_auth("ann\0", PASSWORD),
    "PLAIN with a wrong identity": lambda _: plain_auth("ann", PASSWORD, "\0"),
    "AMQPLAIN with a surrogate": lambda _: amqplain_auth("ann", PASSWORD + "\ud800"),
    "AMQPLAIN with bytes": lambda _: amqplain_auth("ann", TOKEN),  # type: ignore[arg-type]
    "AMQPLAIN with a wrong user": lambda _: amqplain_auth("\ud800", PASSWORD),
    "EXTERNAL with NUL": lambda _: external_auth(PASSWORD + "\0"),
    "credentials of bytes": lambda _: Credentials("ann", TOKEN),  # type: ignore[arg-type]
    "credentials without a user": lambda _: Credentials(None, PASSWORD),  # type: ignore[arg-type]
    "credentials that never held": lambda _: Credentials("ann", PASSWORD, -1.0),
    "secret of no kind": lambda _: Secret([PASSWORD]),  # type: ignore[arg-type]
    "secret that never held": lambda _: Secret(TOKEN, -1.0),
    "secret with a surrogate": lambda _: Secret(PASSWORD + "\ud800"),
    "no list of methods": lambda stage: stage.open_with(PASSWORD),
    "a password for a method": lambda stage: stage.open_with([PASSWORD]),
    **{f"URL {number}": url(text) for number, text in enumerate(WRONG_URLS)},
    **{f"URL {number}, parsed": parsed(text) for number, text in enumerate(WRONG_URLS[:-2])},
}
