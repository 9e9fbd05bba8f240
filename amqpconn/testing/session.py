"""The server's side of one connection, without I/O: the other half of `amqpconn.core`."""

from __future__ import annotations

from amqpconn.core.assembler import Assembler, content_frames
from amqpconn.core.dialect import dialect_for, dialect_of_header
from amqpconn.core.framing import FrameReader
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.states import HEADER, IllegalStep, Machine, Role, State
from amqpconn.errors import ConnectionFailed
from amqpconn.testing.behaviour import Refused
from amqpconn.testing.channels import ChannelSide
from amqpconn.testing.received import Received
from amqpconn_spec._base import Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.core.dialect import Dialect
    from amqpconn.testing.behaviour import Behaviour
    from amqpconn.testing.queues import Queues
    from amqpconn_spec._wire import Table
    from amqpconn_spec.v0_9_1.frames import ContentHeader

_PROTOCOL_HEADER_SIZE = 8
_NO_LIMIT = 2**32


class Session:
    """One client, from its protocol header to the end.

    Attributes:
        received: all methods that came, in order.
        heartbeats: how many came.
        client_properties, mechanism, virtual_host: as the client gave them.
        is_open: whether the handshake is done and nobody has closed.
        is_over: whether the stream is to be closed once everything is written.
    """

    def __init__(self, behaviour: Behaviour, queues: Queues) -> None:
        self.behaviour = behaviour
        self.queues = queues
        self.received: list[Received] = []
        self.heartbeats = 0
        self.client_properties: Table = {}
        self.mechanism = self.virtual_host = ""
        self.is_over = False
        self.heartbeat = Heartbeat()
        self._speak(dialect_for(behaviour.protocols[-1]))
        self.machine = Machine(Role.SERVER)
        self._is_silent = False
        self._header = b""
        self._now = 0.0
        self._channels: dict[int, ChannelSide] = {}
        self._assemblers: dict[int, Assembler] = {}
        self._output: list[bytes] = []
        self._handlers: dict[str, Callable[[Any], None]] = {
            "connection.start-ok": self._judge,
            "connection.secure-ok": self._judge,
            "connection.open": self._on_open,
            "connection.update-secret": self._on_update_secret,
            "connection.close": self._on_close,
            "connection.close-ok": self._on_close_ok,
        }

    def _speak(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._reader = FrameReader(dialect, dialect.frame_min_size)

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and nobody has closed."""
        return self.machine.state is State.OPENED

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes from the client. What cannot be read ends the session with a close (501)."""
        self._now = now
        self.heartbeat.received(now)
        try:
            rest = self._after_header(data)
            for channel, what in self._reader.receive(rest):
                if what is None:
                    self.heartbeats += 1
                elif not self.is_over:
                    self._take(channel, what)
        except (ConnectionFailed, IllegalStep) as error:
            self.close(501, str(error)[:200])
            self.is_over = True

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now."""
        data = b"".join(self._output)
        self._output.clear()
        if data:
            self.heartbeat.last_out = now
        return data

    def next_deadline(self) -> float | None:
        """When `handle_timer` is due."""
        return self.heartbeat.next_deadline()

    def handle_timer(self, now: float) -> None:
        """Send a heartbeat, or give a silent client up, as brokers do: without a word."""
        if self._is_silent:
            self.heartbeat.stop()
        elif self.heartbeat.check(now) is not None:
            self.is_over = True
        elif self.heartbeat.due(now):
            self._output.append(self.dialect.heartbeat)

    def send(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method to the client; on channel 0 the state machine must allow it."""
        self._is_silent = self._is_silent or self.behaviour.silent_from == method.NAME
        if self._is_silent or (channel == 0 and not self.machine.send(method.NAME)):
            return
        self._output.append(method.encode_frame(channel))
        if content is not None:
            frame_max = self._reader.frame_max
            self._output += content_frames(
                self.dialect, channel, method.CLASS_ID, content, frame_max
            )

    def close(self, reply_code: int, reply_text: str, about: Method | None = None) -> None:
        """Send connection.close, unless it is closed or closing already."""
        if self.machine.state in (State.CLOSED, State.HEADER_SENT, State.CLOSE_SENT):
            self.is_over = True
            return
        if self.machine.state is not State.CLOSE_RECEIVED:
            class_id, method_id = (about.CLASS_ID, about.METHOD_ID) if about else (0, 0)
            self.say(
                "connection.close",
                reply_code=reply_code,
                reply_text=reply_text,
                class_id=class_id,
                method_id=method_id,
            )

    def end(self) -> None:
        """The stream is gone."""
        self.machine.abandon()
        self.heartbeat.stop()
        for side in self._channels.values():
            side.end()

    # --- what comes in ---

    def _after_header(self, data: bytes) -> bytes:
        """Take the protocol header off the stream; another version is answered with ours."""
        missing = _PROTOCOL_HEADER_SIZE - len(self._header)
        if missing <= 0:
            return data
        self._header += data[:missing]
        if len(self._header) == _PROTOCOL_HEADER_SIZE:
            self._on_header()
        return data[missing:]

    def _on_header(self) -> None:
        self.machine.receive(HEADER)
        wanted = dialect_of_header(self._header)
        if wanted is None or wanted.protocol not in self.behaviour.protocols:
            self.machine.send(HEADER)
            self._output.append(self.dialect.protocol_header)
            self.is_over = True
            return
        self._speak(wanted)
        behaviour, (major, minor) = self.behaviour, wanted.version
        self.say(
            "connection.start",
            version_major=major,
            version_minor=minor,
            server_properties=behaviour.server_properties,
            mechanisms=" ".join(behaviour.mechanisms).encode(),
            locales=" ".join(behaviour.locales).encode(),
        )

    def _take(self, channel: int, what: Method | ContentHeader | bytes) -> None:
        assembler = self._assemblers.setdefault(channel, Assembler())
        if isinstance(what, Method):
            if what.HAS_CONTENT:
                assembler.begin(what)
                return
            self._arrived(channel, what, None)
            return
        whole = assembler.body(what) if isinstance(what, bytes) else assembler.header(what)
        if whole is not None:
            self._arrived(channel, *whole)

    def _arrived(self, channel: int, method: Method, content: Content | None) -> None:
        self.received.append(Received(channel, method, content))
        if self._is_silent:
            return
        if channel == 0:
            self._on_control(method)
        elif self.is_open:
            self._side(channel).take(method, content)

    def _on_control(self, method: Method) -> None:
        if not self.machine.receive(method.NAME):
            return
        self._note(method)
        own = self.behaviour.answers.get(method.NAME)
        try:
            if own is None:
                handler = self._handlers.get(method.NAME) or _nothing
                handler(method)
            elif (answer := own(method)) is not None:
                self.send(answer[0] if isinstance(answer, tuple) else answer)
        except Refused as refused:
            self.close(refused.reply_code, refused.reply_text, method)

    def _note(self, method: Any) -> None:
        if method.NAME == "connection.start-ok":
            self.client_properties, self.mechanism = method.client_properties, method.mechanism
        elif method.NAME == "connection.tune-ok":
            self._reader.frame_max = method.frame_max or _NO_LIMIT
            self.heartbeat.start(method.heartbeat, self._now)
        elif method.NAME == "connection.open":
            self.virtual_host = method.virtual_host

    def say(self, name: str, **fields: object) -> None:
        """Send a method of channel 0, in the client's version of the protocol."""
        method: Any = self.dialect.by_name[name]
        self.send(method(**fields))

    def _side(self, channel: int) -> ChannelSide:
        if channel not in self._channels:
            self._channels[channel] = ChannelSide(self, channel)
        return self._channels[channel]

    # --- channel 0 ---

    def _judge(self, method: Any) -> None:
        behaviour = self.behaviour
        verdict = behaviour.authenticate(self.mechanism, method.response)
        if isinstance(verdict, bytes):
            self.say("connection.secure", challenge=verdict)
        elif verdict:
            self.say(
                "connection.tune",
                channel_max=behaviour.channel_max,
                frame_max=behaviour.frame_max,
                heartbeat=behaviour.heartbeat,
            )
        else:
            raise Refused(403, f"ACCESS_REFUSED - no login with mechanism {self.mechanism}")

    def _on_open(self, open_: Any) -> None:
        target = self.behaviour.redirect_to
        if target and not getattr(open_, "insist", True):
            self.say("connection.redirect", host=target)
            self.is_over = True
        elif self.virtual_host in self.behaviour.virtual_hosts:
            self.say("connection.open-ok")
        else:
            raise Refused(530, f"NOT_ALLOWED - vhost {self.virtual_host} not found")

    def _on_update_secret(self, _: Method) -> None:
        self.say("connection.update-secret-ok")

    def _on_close(self, _: Method) -> None:
        crossing = self.machine.state is State.CLOSE_SENT
        self.say("connection.close-ok")
        self.is_over = not crossing

    def _on_close_ok(self, _: Method) -> None:
        self.is_over = True


def _nothing(_: Method) -> None:
    """Methods that need no answer, such as tune-ok."""
