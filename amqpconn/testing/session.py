"""The server's side of one connection, without I/O: the other half of `amqpconn.core`."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from amqpconn.core.assembler import Assembler, content_frames
from amqpconn.core.connection import short_text
from amqpconn.core.dialect import dialect_for, dialect_of_header
from amqpconn.core.framing import FrameReader
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.states import HEADER, IllegalStep, Machine, Role, State
from amqpconn.errors import ConnectionFailed
from amqpconn.testing.actions import Moment
from amqpconn.testing.channels import ChannelSide
from amqpconn.testing.control import Control
from amqpconn.testing.received import Received
from amqpconn.testing.rules import HEARTBEAT
from amqpconn.testing.stage import Stage
from amqpconn_spec._base import Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.core.dialect import Dialect
    from amqpconn.testing.behaviour import Behaviour
    from amqpconn.testing.queues import Queues
    from amqpconn.testing.rules import Rule
    from amqpconn_spec._wire import Table
    from amqpconn_spec.v0_9_1.frames import ContentHeader

_PROTOCOL_HEADER_SIZE = 8
_NO_LIMIT = 2**32
_READ_SIZE = 65536


class Session:
    """One client, from its protocol header to the end.

    Attributes:
        received: all methods that came, in order.
        heartbeats: how many came.
        bytes_received, bytes_sent: how many bytes there have been; without TLS's own.
        client_properties, mechanism, virtual_host: as the client gave them.
        is_open: whether the handshake is done and nobody has closed.
        is_over: whether nothing more is taken from the client.
        is_reading, sends_heartbeats: whether it does; may be changed at any time.
        now: the time of the clock that drives it, in seconds.
    """

    def __init__(self, behaviour: Behaviour, queues: Queues, rules: Iterable[Rule] = ()) -> None:
        self.behaviour = behaviour
        self.queues = queues
        self.received: list[Received] = []
        self.heartbeats = self.bytes_received = 0
        self.client_properties: Table = {}
        self.mechanism = self.virtual_host = ""
        self.is_over = False
        self.is_reading = self.sends_heartbeats = True
        self.now = 0.0
        self.heartbeat = Heartbeat()
        self.machine = Machine(Role.SERVER)
        self._speak(dialect_for(behaviour.protocols[-1]))
        self._header = b""
        self._control = Control(self)
        self._channels: dict[int, ChannelSide] = {}
        self._assemblers: dict[int, Assembler] = {}
        self.stage = Stage(self, rules)
        self.outbox = self.stage.outbox

    def _speak(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._reader = FrameReader(dialect, dialect.frame_min_size)

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and nobody has closed."""
        return self.machine.state is State.OPENED

    @property
    def bytes_sent(self) -> int:
        """How many bytes have been given to the client's stream."""
        return self.outbox.bytes_sent

    @property
    def appetite(self) -> int:
        """How many bytes may be read at once, so that no rule about their number is missed."""
        return min(_READ_SIZE, self.stage.bytes_to_next_rule())

    # --- for whoever moves the bytes and keeps the time ---

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes from the client. What cannot be read ends the session with a close (501)."""
        self.now = now
        self.bytes_received += len(data)
        self.heartbeat.received(now)
        try:
            rest = self._after_header(data)  # first: it changes the reader
            for channel, what in self._reader.receive(rest):
                if not self.is_over:
                    self._take(channel, what)
        except (ConnectionFailed, IllegalStep) as error:
            self.close(501, str(error))
            self.finish()
        self.stage.count()

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now."""
        self.now = now
        data = self.outbox.take(now)
        if data:
            self.heartbeat.last_out = now
        return data

    def next_deadline(self) -> float | None:
        """When `handle_timer` is due."""
        times = [self.heartbeat.next_deadline(), self.outbox.next_deadline()]
        return min((time for time in times if time is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Send a heartbeat, or give a silent client up, as brokers do: without a word."""
        self.now = now
        if self.heartbeat.check(now) is not None:
            self.outbox.end("cut")
        elif self.heartbeat.due(now):
            self.heartbeat.last_out = now
            if self.sends_heartbeats:
                self.stage.send(HEARTBEAT, partial(self.outbox.put_ahead, self.dialect.heartbeat))

    def end(self) -> None:
        """The stream is gone."""
        self.machine.abandon()
        self.heartbeat.stop()
        for side in self._channels.values():
            side.end()

    # --- what is said to the client ---

    def send(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method to the client; on channel 0 the state machine must allow it."""
        if self.behaviour.silent_from == method.NAME:
            self.fall_silent()
        send = partial(self._send_if_legal, method, channel, content)
        self.stage.send(method.NAME, send, channel, method)

    def _send_if_legal(self, method: Method, channel: int, content: Content | None) -> None:
        if channel or self.machine.send(method.NAME):
            self._put(method, channel, content)

    def say(self, name: str, **fields: object) -> None:
        """Send a method of channel 0, in the client's version of the protocol."""
        method: Any = self.dialect.by_name[name]
        self.send(method(**fields))

    def send_anyway(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method whether the state machine allows it or not."""
        if channel == 0:
            with suppress(IllegalStep):
                self.machine.send(method.NAME)
        self._put(method, channel, content)

    def close(self, reply_code: int, reply_text: str, about: Method | None = None) -> None:
        """Send connection.close, unless it is closed or closing already."""
        if self.machine.state in (State.CLOSED, State.HEADER_SENT, State.CLOSE_SENT):
            self.finish()
            return
        if self.machine.state is not State.CLOSE_RECEIVED:
            class_id, method_id = (about.CLASS_ID, about.METHOD_ID) if about else (0, 0)
            self.say(
                "connection.close",
                reply_code=reply_code,
                reply_text=short_text(reply_text),
                class_id=class_id,
                method_id=method_id,
            )

    def refuse(self, channel: int, reply_code: int, reply_text: str, about: Method | None) -> None:
        """Close this channel, or for 0 the connection."""
        if channel and about:
            self._side(channel).refuse(reply_code, reply_text, about)
        else:
            self.close(reply_code, reply_text, about)

    def tell(self, name: str, **fields: object) -> None:
        """Say something to a client whose connection is open and whose version has it."""
        if self.is_open and name in self.dialect.by_name:
            self.say(name, **fields)

    def fall_silent(self) -> None:
        """Say nothing more, and take no notice of what comes."""
        self.outbox.mute()
        self.heartbeat.stop()

    def finish(self) -> None:
        """Take nothing more, and end the stream after what is to be sent."""
        self.is_over = True
        self.outbox.put(partial(self.outbox.end, "cut"))

    # --- what comes in ---

    def _after_header(self, data: bytes) -> bytes:
        """Take the protocol header off the stream."""
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
        is_spoken = wanted is not None and wanted.protocol in self.behaviour.protocols
        if wanted and is_spoken:
            self._speak(wanted)
        usual = self._control.greet if is_spoken else self._control.decline
        self._answer(HEADER, Moment(self, usual=usual))

    def _take(self, channel: int, what: Method | ContentHeader | bytes | None) -> None:
        if what is None:
            self.heartbeats += 1
            self._answer(HEARTBEAT, Moment(self))
            return
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
        if self.outbox.is_muted:
            return
        if channel == 0 and self.machine.receive(method.NAME):
            self._note(method)
            usual = partial(self._control.take, method)
        elif channel and self.is_open:
            usual = partial(self._side(channel).take, method, content)
        else:
            return
        self._answer(method.NAME, Moment(self, channel, method, usual))

    def _answer(self, name: str, moment: Moment) -> None:
        if not self.stage.instead(name, moment):
            moment.usual()

    def _note(self, method: Any) -> None:
        if method.NAME == "connection.start-ok":
            self.client_properties, self.mechanism = method.client_properties, method.mechanism
        elif method.NAME == "connection.tune-ok":
            self._reader.frame_max = method.frame_max or _NO_LIMIT
            self.heartbeat.start(method.heartbeat, self.now)
        elif method.NAME == "connection.open":
            self.virtual_host = method.virtual_host

    def _put(self, method: Method, channel: int, content: Content | None) -> None:
        self.outbox.put(method.encode_frame(channel))
        if content is not None:
            frame_max = self._reader.frame_max
            self.outbox.put(
                *content_frames(self.dialect, channel, method.CLASS_ID, content, frame_max)
            )

    def _side(self, channel: int) -> ChannelSide:
        if channel not in self._channels:
            self._channels[channel] = ChannelSide(self, channel)
        return self._channels[channel]
