"""What cases play on: a driver, a peer, and mechanisms that have the secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amqpconn import AuthMethod, LoggingObserver, Observer, Secret, plain_auth
from amqpconn.testing import Peer
from tests.drivers.adapter import Driver
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
