"""The server's side of one connection, without I/O: the other half of `amqpconn.core`."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from amqpconn.core.assembler import PARTS_OF_A_BODY_FRAME, content_parts
from amqpconn.core.connection import short_text
from amqpconn.core.dialect import dialect_for
from amqpconn.core.states import SENT, IllegalStep, Machine, Role, State
from amqpconn.errors import ConnectionFailed
from amqpconn.testing.channels import ChannelSide
from amqpconn.testing.incoming import Incoming
from amqpconn.testing.rules import HEARTBEAT
from amqpconn.testing.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.core.heartbeat import Heartbeat
    from amqpconn.testing.behaviour import Behaviour
    from amqpconn.testing.queues import Queues
    from amqpconn.testing.received import Received
    from amqpconn.testing.rules import Rule
    from amqpconn_spec._base import Method
    from amqpconn_spec._wire import Table

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
        self.heartbeat: Heartbeat | None = None  # since tune-ok, if one was agreed on
        self.machine = Machine(Role.SERVER)
        self.dialect = dialect_for(behaviour.protocols[-1])
        self._incoming = Incoming(self)
        self._channels: dict[int, ChannelSide] = {}
        self.stage = Stage(self, rules)
        self.outbox = self.stage.outbox

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
        if self.heartbeat is not None:
            self.heartbeat.received(now)
        try:
            self._incoming.receive(data)
        except (ConnectionFailed, IllegalStep) as error:
            # A client is told what is wrong, not what its user might do about it.
            self.close(501, error.what if isinstance(error, ConnectionFailed) else str(error))
            self.finish()
        self.stage.count()

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now."""
        self.now = now
        data = self.outbox.take(now)
        if data and self.heartbeat is not None:
            self.heartbeat.sent(now)
        return data

    def next_deadline(self) -> float | None:
        """When `handle_timer` is due."""
        own = None if self.heartbeat is None else self.heartbeat.next_deadline()
        times = [own, self.outbox.next_deadline()]
        return min((time for time in times if time is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Send a heartbeat, or give a silent client up, as brokers do: without a word."""
        self.now = now
        if self.heartbeat is None:
            return
        if self.heartbeat.check(now) is not None:
            self.outbox.end("cut")
        elif self.heartbeat.due(now):
            self.heartbeat.sent(now)
            if self.sends_heartbeats:
                self.stage.send(HEARTBEAT, partial(self.outbox.put_ahead, self.dialect.heartbeat))

    def end(self) -> None:
        """The stream is gone."""
        self.machine.abandon()
        self.heartbeat = None
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
        if channel or self.machine.step(SENT + method.NAME):
            self._put(method, channel, content)

    def say(self, name: str, **fields: object) -> None:
        """Send a method of channel 0, in the client's version of the protocol."""
        method: Any = self.dialect.by_name[name]
        self.send(method(**fields))

    def send_anyway(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method whether the state machine allows it or not."""
        if channel == 0:
            with suppress(IllegalStep):
                self.machine.step(SENT + method.NAME)
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
        """Close this channel, or for 0 the connection, before its start too."""
        if channel and about:
            self.side(channel).refuse(reply_code, reply_text, about)
        elif self.machine.state is State.HEADER_SENT:
            close = self.dialect.Close(reply_code, short_text(reply_text), 0, 0)
            self.send_anyway(close)
        else:
            self.close(reply_code, reply_text, about)

    def tell(self, name: str, **fields: object) -> None:
        """Say something to a client whose connection is open and whose version has it."""
        if self.is_open and name in self.dialect.by_name:
            self.say(name, **fields)

    def fall_silent(self) -> None:
        """Say nothing more, and take no notice of what comes."""
        self.outbox.mute()
        self.heartbeat = None

    def finish(self) -> None:
        """Take nothing more, and end the stream after what is to be sent."""
        self.is_over = True
        self.outbox.put(partial(self.outbox.end, "cut"))

    def _put(self, method: Method, channel: int, content: Content | None) -> None:
        self.outbox.put(method.encode_frame(channel))
        if content is not None:
            frame_max = self._incoming.frame_max
            header, *bodies = content_parts(
                self.dialect, channel, method.CLASS_ID, content, frame_max
            )
            self.outbox.put(bytes(header))
            for at in range(0, len(bodies), PARTS_OF_A_BODY_FRAME):
                self.outbox.put(b"".join(bodies[at : at + PARTS_OF_A_BODY_FRAME]))

    def side(self, channel: int) -> ChannelSide:
        """Our side of a channel."""
        if channel not in self._channels:
            self._channels[channel] = ChannelSide(self, channel)
        return self._channels[channel]
