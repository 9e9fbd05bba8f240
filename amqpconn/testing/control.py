"""Channel 0 of a session: the handshake and what follows it, as a broker answers by itself."""

from __future__ import annotations

from amqpconn.core.states import HEADER, SENT, State
from amqpconn.testing.behaviour import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method


class Control:
    """The usual answers on channel 0."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._handlers: dict[str, Callable[[Any], None]] = {
            "connection.start-ok": self._judge,
            "connection.secure-ok": self._judge,
            "connection.open": self._on_open,
            "connection.update-secret": self._on_update_secret,
            "connection.close": self._on_close,
            "connection.close-ok": self._on_close_ok,
        }

    def greet(self) -> None:
        """The answer to a protocol header that is spoken here."""
        behaviour, (major, minor) = self._session.behaviour, self._session.dialect.version
        self._session.say(
            "connection.start",
            version_major=major,
            version_minor=minor,
            server_properties=behaviour.server_properties,
            mechanisms=" ".join(behaviour.mechanisms).encode(),
            locales=" ".join(behaviour.locales).encode(),
        )

    def decline(self) -> None:
        """The answer to any other: our own header, and the end."""
        session = self._session
        session.machine.step(SENT + HEADER)
        session.outbox.put(session.dialect.protocol_header)
        session.finish()

    def take(self, method: Method) -> None:
        """The answer to a method."""
        own = self._session.behaviour.answers.get(method.NAME)
        try:
            if own is None:
                handler = self._handlers.get(method.NAME) or _nothing
                handler(method)
            elif (answer := own(method)) is not None:
                self._session.send(answer[0] if isinstance(answer, tuple) else answer)
        except Refused as refused:
            self._session.close(refused.reply_code, refused.reply_text, method)

    def _judge(self, method: Any) -> None:
        session, behaviour = self._session, self._session.behaviour
        verdict = behaviour.authenticate(session.mechanism, method.response)
        if isinstance(verdict, bytes):
            session.say("connection.secure", challenge=verdict)
        elif verdict:
            session.say(
                "connection.tune",
                channel_max=behaviour.channel_max,
                frame_max=behaviour.frame_max,
                heartbeat=behaviour.heartbeat,
            )
        else:
            raise Refused(403, f"ACCESS_REFUSED - no login with mechanism {session.mechanism}")

    def _on_open(self, open_: Any) -> None:
        session = self._session
        target = session.behaviour.redirect_to
        if target and not getattr(open_, "insist", True):
            session.say("connection.redirect", host=target)
            session.finish()
        elif session.virtual_host in session.behaviour.virtual_hosts:
            session.say("connection.open-ok")
        else:
            raise Refused(530, f"NOT_ALLOWED - vhost {session.virtual_host} not found")

    def _on_update_secret(self, _: Method) -> None:
        self._session.say("connection.update-secret-ok")

    def _on_close(self, _: Method) -> None:
        crossing = self._session.machine.state is State.CLOSE_SENT
        self._session.say("connection.close-ok")
        if not crossing:
            self._session.finish()

    def _on_close_ok(self, _: Method) -> None:
        self._session.finish()


def _nothing(_: Method) -> None:
    """Methods that need no answer, such as tune-ok."""
