"""What comes from a client of a session: its header, then frames, put together to methods."""

from __future__ import annotations

from functools import partial

from amqpconn.core.assembler import Assembler
from amqpconn.core.dialect import dialect_of_header
from amqpconn.core.framing import FrameReader
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.states import HEADER, RECEIVED, IllegalStep
from amqpconn.testing.actions import Moment
from amqpconn.testing.control import Control
from amqpconn.testing.received import Received
from amqpconn.testing.rules import HEARTBEAT
from amqpconn_spec._base import ContentHeader, Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.core.framing import Payload
    from amqpconn.testing.session import Session

_PROTOCOL_HEADER_SIZE = 8
_NO_LIMIT = 2**32


class Incoming:
    """Reads bytes and has the rules, or the session's usual answers, deal with what they say."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._control = Control(session)
        self._header = b""
        self._reader = FrameReader(session.dialect, session.dialect.frame_min_size)
        self._assemblers: dict[int, Assembler] = {}

    @property
    def frame_max(self) -> int:
        """The largest frame that was agreed on."""
        return self._reader.frame_max

    def receive(self, data: bytes) -> None:
        """Bytes from the client. Raises ConnectionFailed and IllegalStep for wrong ones."""
        rest = self._after_header(data)  # first: it changes the reader
        for channel, what in self._reader.receive(rest):
            if not self._session.is_over:
                self._take(channel, what)

    def _after_header(self, data: bytes) -> bytes:
        """Take the protocol header off the stream."""
        missing = _PROTOCOL_HEADER_SIZE - len(self._header)
        if missing <= 0:
            return data
        self._header += data[:missing]
        if len(self._header) == _PROTOCOL_HEADER_SIZE:
            self._on_header()
            if self._session.behaviour.drops_early:
                return b""
        return data[missing:]

    def _on_header(self) -> None:
        session = self._session
        session.machine.step(RECEIVED + HEADER)
        usual = self._control.decline
        wanted = dialect_of_header(self._header)
        if wanted is not None and wanted.protocol in session.behaviour.protocols:
            session.dialect = wanted
            self._reader = FrameReader(wanted, wanted.frame_min_size)
            usual = self._control.greet
        self._answer(HEADER, Moment(session, usual=usual))

    def _take(self, channel: int, what: Method | ContentHeader | Payload | None) -> None:
        if what is None:
            self._session.heartbeats += 1
            self._answer(HEARTBEAT, Moment(self._session))
            return
        assembler = self._assemblers.setdefault(channel, Assembler())
        if isinstance(what, Method):
            if what.HAS_CONTENT:
                assembler.begin(what)
                return
            self._arrived(channel, what, None)
            return
        whole = assembler.header(what) if isinstance(what, ContentHeader) else assembler.body(what)
        if whole is not None:
            self._arrived(channel, *whole)

    def _arrived(self, channel: int, method: Method, content: Content | None) -> None:
        session = self._session
        session.received.append(Received(channel, method, content))
        if session.outbox.is_muted:
            return
        if channel:
            if session.is_open:
                usual = partial(session.side(channel).take, method, content)
                self._answer(method.NAME, Moment(session, channel, method, usual))
            return
        self._note(method)
        moment = Moment(session, 0, method, partial(self._control.take, method))
        try:
            if session.machine.step(RECEIVED + method.NAME):
                self._answer(method.NAME, moment)
        except IllegalStep:
            if not session.stage.instead(method.NAME, moment):  # a script may allow it
                raise

    def _answer(self, name: str, moment: Moment) -> None:
        if not self._session.stage.instead(name, moment):
            moment.usual()

    def _note(self, method: Any) -> None:
        session = self._session
        if method.NAME == "connection.start-ok":
            session.client_properties, session.mechanism = (
                method.client_properties,
                method.mechanism,
            )
        elif method.NAME == "connection.tune-ok":
            self._reader.frame_max = method.frame_max or _NO_LIMIT
            interval_s = method.heartbeat
            session.heartbeat = Heartbeat(interval_s, session.now) if interval_s else None
        elif method.NAME == "connection.open":
            session.virtual_host = method.virtual_host
