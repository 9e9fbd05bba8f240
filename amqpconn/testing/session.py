"""The server's side of one connection, without I/O: the other half of `amqpconn.core`."""

from __future__ import annotations

from amqpconn.core.assembler import Assembler, content_frames
from amqpconn.core.dialect import dialect_for
from amqpconn.core.framing import FrameReader
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.states import HEADER, IllegalStep, Machine, Role, State
from amqpconn.errors import ConnectionFailed
from amqpconn.testing.channels import ChannelSide
from amqpconn_spec._base import Method
from amqpconn_spec._wire import decode_table
from amqpconn_spec.v0_9_1 import connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.testing.queues import Queues
    from amqpconn_spec._wire import FieldValue, Table
    from amqpconn_spec.v0_9_1.frames import ContentHeader

    # Given mechanism and response: True lets the client in, False refuses, bytes are a challenge.
    Authenticate = Callable[[str, bytes], bool | bytes]
    # Given a method: what to answer, nothing for None.
    Answer = Callable[[Method], Method | None]

_PROTOCOL_HEADER_SIZE = 8
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}


class Received:
    """Something that came from a client: `channel`, `method`, `content` (None without)."""

    __slots__ = ("channel", "content", "method")
    __match_args__ = ("channel", "method", "content")

    def __init__(self, channel: int, method: Method, content: Content | None) -> None:
        self.channel = channel
        self.method = method
        self.content = content

    def __repr__(self) -> str:
        return f"Received(channel={self.channel}, {self.method!r}, {self.content!r})"


class Behaviour:
    """What a peer offers and whom it lets in.

    Attributes:
        users: passwords by user name, for PLAIN and AMQPLAIN.
        virtual_hosts: those that exist.
        mechanisms, locales: offered in start.
        server_properties: shown in start.
        channel_max, frame_max, heartbeat: offered in tune.
        authenticate: decides instead of `users`: called with mechanism and response, it gives True,
            False, or bytes for a challenge, whose answer it is called with next.
        answers: by a method's name, functions that answer it instead of the peer.
    """

    def __init__(  # noqa: PLR0913 - each is named and has a default
        self,
        *,
        users: Mapping[str, str] | None = None,
        virtual_hosts: Sequence[str] = ("/",),
        mechanisms: Sequence[str] = ("PLAIN", "AMQPLAIN"),
        locales: Sequence[str] = ("en_US",),
        server_properties: Mapping[str, FieldValue] | None = None,
        channel_max: int = 2047,
        frame_max: int = 131072,
        heartbeat: int = 60,
        authenticate: Authenticate | None = None,
    ) -> None:
        self.users = {"guest": "guest"} if users is None else users
        self.virtual_hosts = virtual_hosts
        self.mechanisms = mechanisms
        self.locales = locales
        self.server_properties: Table = {
            "product": "amqpconn.testing",
            "capabilities": dict(CAPABILITIES),
            **(server_properties or {}),
        }
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat
        self.authenticate = authenticate or self._by_password
        self.answers: dict[str, Answer] = {}

    def _by_password(self, mechanism: str, response: bytes) -> bool:
        if mechanism == "PLAIN":
            _, username, password = [*response.split(b"\0"), b"", b""][:3]
            return self.users.get(username.decode()) == password.decode()
        if mechanism == "AMQPLAIN":
            table, _ = decode_table(len(response).to_bytes(4, "big") + response)
            login, secret = table.get("LOGIN"), table.get("PASSWORD")
            return isinstance(login, str) and self.users.get(login) == secret
        return mechanism in self.mechanisms


class Session:
    """One client, from its protocol header to the end.

    Attributes:
        received: all methods that came, in order.
        client_properties, virtual_host: as the client gave them.
        is_over: whether the stream is to be closed once everything is written.
    """

    def __init__(self, behaviour: Behaviour, queues: Queues) -> None:
        self.behaviour = behaviour
        self.queues = queues
        self.received: list[Received] = []
        self.client_properties: Table = {}
        self.virtual_host = ""
        self.is_over = False
        self.heartbeat = Heartbeat()
        self.dialect = dialect_for("0-9-1")
        self.machine = Machine(Role.SERVER)
        self._mechanism = ""
        self._header = b""
        self._now = 0.0
        self._reader = FrameReader(self.dialect, self.dialect.frame_min_size)
        self._channels: dict[int, ChannelSide] = {}
        self._assemblers: dict[int, Assembler] = {}
        self._output: list[bytes] = []
        self._handlers: dict[str, Callable[[Any], None]] = {
            "connection.start-ok": self._on_start_ok,
            "connection.secure-ok": self._on_secure_ok,
            "connection.tune-ok": self._on_tune_ok,
            "connection.open": self._on_open,
            "connection.update-secret": self._on_update_secret,
            "connection.close": self._on_close,
            "connection.close-ok": self._on_close_ok,
        }

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes from the client. What cannot be read ends the session with a close (501)."""
        self._now = self.heartbeat.last_in = now
        try:
            for channel, what in self._reader.receive(self._after_header(data)):
                if what is not None and not self.is_over:
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
        if self.heartbeat.check(now) is not None:
            self.is_over = True
        elif self.heartbeat.due(now):
            self._output.append(self.dialect.heartbeat)

    def send(self, method: Method, channel: int = 0, content: Content | None = None) -> None:
        """Send a method to the client; on channel 0 the state machine must allow it."""
        if channel == 0 and not self.machine.send(method.NAME):
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
            self.send(connection.Close(reply_code, reply_text, class_id, method_id))

    def end(self) -> None:
        """The stream is gone."""
        self.machine.abandon()
        self.heartbeat.interval_s = 0
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
        if self._header != self.dialect.protocol_header:
            self.machine.send(HEADER)
            self._output.append(self.dialect.protocol_header)
            self.is_over = True
            return
        behaviour = self.behaviour
        self.send(
            connection.Start(
                version_minor=9,
                server_properties=behaviour.server_properties,
                mechanisms=" ".join(behaviour.mechanisms).encode(),
                locales=" ".join(behaviour.locales).encode(),
            )
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
        if channel == 0:
            if self.machine.receive(method.NAME):
                self._handlers[method.NAME](method)
        elif self.machine.state is State.OPENED:
            self._side(channel).take(method, content)

    def _side(self, channel: int) -> ChannelSide:
        if channel not in self._channels:
            self._channels[channel] = ChannelSide(self, channel)
        return self._channels[channel]

    # --- channel 0 ---

    def _on_start_ok(self, start_ok: connection.StartOk) -> None:
        self.client_properties = start_ok.client_properties
        self._mechanism = start_ok.mechanism
        self._judge(start_ok.response, start_ok)

    def _on_secure_ok(self, secure_ok: connection.SecureOk) -> None:
        self._judge(secure_ok.response, secure_ok)

    def _judge(self, response: bytes, method: Method) -> None:
        verdict = self.behaviour.authenticate(self._mechanism, response)
        if isinstance(verdict, bytes):
            self.send(connection.Secure(verdict))
        elif verdict:
            behaviour = self.behaviour
            self.send(
                connection.Tune(behaviour.channel_max, behaviour.frame_max, behaviour.heartbeat)
            )
        else:
            self.close(403, f"ACCESS_REFUSED - no login with mechanism {self._mechanism}", method)

    def _on_tune_ok(self, tune_ok: connection.TuneOk) -> None:
        self._reader.frame_max = tune_ok.frame_max
        self.heartbeat.start(tune_ok.heartbeat, self._now)

    def _on_open(self, open_: connection.Open) -> None:
        self.virtual_host = open_.virtual_host
        if open_.virtual_host in self.behaviour.virtual_hosts:
            self.send(connection.OpenOk())
        else:
            self.close(530, f"NOT_ALLOWED - vhost {open_.virtual_host} not found", open_)

    def _on_update_secret(self, _: connection.UpdateSecret) -> None:
        self.send(connection.UpdateSecretOk())

    def _on_close(self, _: connection.Close) -> None:
        crossing = self.machine.state is State.CLOSE_SENT
        self.send(connection.CloseOk())
        self.is_over = not crossing

    def _on_close_ok(self, _: connection.CloseOk) -> None:
        self.is_over = True
