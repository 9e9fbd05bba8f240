"""The peer: what tests hold in their hands."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from itertools import count

from amqpconn._typing import cast
from amqpconn.testing.behaviour import Behaviour
from amqpconn.testing.queues import Queues
from amqpconn.testing.server import Server
from amqpconn.testing.session import Session
from amqpconn.testing.watching import Watching, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from ssl import SSLContext
    from typing import Any, Self

    from typing_extensions import TypeVar

    from amqpconn.core.assembler import Content
    from amqpconn.testing.behaviour import Reply
    from amqpconn.testing.rules import Action
    from amqpconn_spec._base import Method

    A = TypeVar("A", default=Any)


class Peer(Watching):
    """An AMQP server in this process, from `with` or `async with` to the end of it, or from `start`
    to `stop`.

    Args:
        behaviour: what it offers and whom it lets in; `options` are arguments of `Behaviour`, for
            example `Peer(users={"ann": "secret"}, heartbeat=0)`.
        host, port: the address to listen on; 0 finds a free port, which a peer that is stopped and
            started again keeps.
        path: a Unix socket instead; clients are told of it with `path=peer.path`.
        ssl: a server's context; then it speaks TLS.

    Attributes:
        host, port, path: where it listens.
        behaviour: may be changed at any time; it holds for what comes then.
        sessions: of all clients so far, in the order in which they came.

    What functions given to it raise (`authenticate`, `answer`) ends the session, and is raised
    again in the end, when the peer is stopped.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str | PathLike[str] | None = None,
        ssl: SSLContext | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.behaviour = behaviour or Behaviour(**options)
        self.host = host
        self.port = port
        self.path = None if path is None else os.fspath(path)
        self._ssl = ssl
        self._queues = Queues()
        self._numbers = count()
        self._is_reading = True
        self._is_running = False

    def start(self) -> Self:
        """Listen. Raises RuntimeError when it does so already."""
        if self._is_running:
            raise RuntimeError("the peer runs already; `with Peer() as peer` starts it")
        listener = self._listener()
        self.port = 0 if self.path else listener.getsockname()[1]
        self._started = Server(listener, self._ssl, self._new_session)
        self._is_running = True
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """End all connections, unless that is done already.

        Raises what functions of the test raised, and TimeoutError when one of them does not return.
        """
        if not self._is_running:
            return
        self._is_running = False
        if self.path is not None:
            with suppress(FileNotFoundError):
                os.unlink(self.path)  # noqa: PTH108 - pathlib would be one more import
        self._server.stop(timeout)
        errors = self._server.errors
        if len(errors) > 1:
            raise BaseExceptionGroup("functions of the test raised", errors)
        if errors:
            raise errors[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        from asyncio import shield, to_thread

        self._server.ask_to_stop()
        await shield(to_thread(self.stop))

    def url(self, userinfo: str = "guest:guest", virtual_host: str = "", query: str = "") -> str:
        """A URL for `connect`; the parts are written as they stand in a URL (%2F for /)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = "localhost" if self.path else f"{host}:{self.port}"
        scheme = "amqps" if self._ssl else "amqp"
        return f"{scheme}://{userinfo}@{place}/{virtual_host}{'?' if query else ''}{query}"

    # --- what it does ---

    def answer(self, what: type[A] | str, function: Callable[[A], Reply]) -> None:
        """Answer methods of this class or name with what `function(method)` gives.

        That is a method, a method and its content, or None for no answer. It may raise `Refused` to
        have the channel closed. For methods of class connection too.
        """
        self.behaviour.answers[name_of(cast("str | type[Method]", what))] = function

    def do(self, *actions: Action) -> None:
        """Do these now with all clients, before everything that waits to be sent to them."""
        self._to_all(lambda session: session.stage.do(actions))

    def send(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method to all clients whose connection is open."""

        def send(session: Session) -> None:
            if session.is_open:
                session.send(method, channel, content)

        self._to_all(send)

    def block(self, reason: str = "low on memory") -> None:
        """Say connection.blocked to all clients."""
        self._say("connection.blocked", reason=reason)

    def unblock(self) -> None:
        """Say connection.unblocked to all clients."""
        self._say("connection.unblocked")

    def _say(self, name: str, **fields: object) -> None:
        """Send a method of channel 0 to all clients whose version of the protocol has it."""

        self._to_all(lambda session: session.tell(name, **fields))

    def close_connections(self, reply_code: int = 320, reply_text: str = "by the test") -> None:
        """Say connection.close to all clients."""
        self._to_all(lambda session: session.close(reply_code, reply_text))

    def drop_connections(self) -> None:
        """End the byte streams of all clients without a word."""
        with self._server.locked():
            for client in list(self._server.clients):
                self._server.end(client)

    def pause_reading(self) -> None:
        """Read nothing more, as a blocked broker; the rest, heartbeats included, goes on."""
        self._set_reading(False)

    def resume_reading(self) -> None:
        """Read again."""
        self._set_reading(True)

    def freeze(self) -> None:
        """Stand still, as a process that was stopped: new clients get no more than a connection."""
        self._server.freeze()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._server.thaw()

    def _to_all(self, function: Callable[[Session], None]) -> None:
        with self._server.locked():
            for client in self._server.clients:
                function(client.session)
            self._server.touch()

    def _set_reading(self, is_reading: bool) -> None:
        def set_reading(session: Session) -> None:
            session.is_reading = is_reading

        with self._server.locked():
            self._is_reading = is_reading
            self._to_all(set_reading)

    def _listener(self) -> socket.socket:
        if self.path is None:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family, backlog=512)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        listener.listen(512)
        return listener

    def _new_session(self) -> Session:
        session = Session(self.behaviour, self._queues, self.behaviour.rules(next(self._numbers)))
        session.is_reading = self._is_reading
        self.sessions.append(session)
        return session
