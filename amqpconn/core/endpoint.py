"""The endpoint: one AMQP client on one byte stream, without the stream.

    driver                               core
    connecting(now)                  ->  the deadline for opening runs
    enter("connect", now) ...        ->  for error reports
    connected(now)                   ->  the protocol header waits in data_to_send
    receive_data(bytes, now)         ->  frames -> connection manager (channel 0) or channels
    receive_eof(now), lost(why, now) ->  the stream ended, or broke
    handle_timer(now)                ->  heartbeats, timeouts

                        events       <-  next_event(), until it gives None
                        bytes        <-  data_to_send(now), for the stream
                        a time       <-  next_deadline(): sleep no longer, then handle_timer

                        Redial       <-  drop the stream, get another one, then connected(now)
                        HangUp       <-  close the stream, then
    disconnected()                   ->  everybody is told; Down is the last event

Bytes from the peer never raise here: what is wrong with them becomes the error that callers get and
that Down carries.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S
from amqpconn.core import outgoing, reasons
from amqpconn.core.channels import Channels, ChannelState, WrongChannel
from amqpconn.core.clockwork import Deadlines, Phases
from amqpconn.core.connection import ConnectionManager, short_text
from amqpconn.core.detour import Detour, check_count, parse_host
from amqpconn.core.dialect import AUTO, dialect_for, dialect_of_header
from amqpconn.core.events import Blocked, Call, Down, HangUp, Opened, Redial, StateChanged
from amqpconn.core.framing import FrameReader
from amqpconn.core.heartbeat import Heartbeat
from amqpconn.core.output import Output
from amqpconn.errors import (
    AlreadyOpen,
    CallTimeout,
    ConnectionFailed,
    InvalidParameter,
    NotOpen,
    OpenAborted,
    OpenTimeout,
    PeerHungUp,
    ProtocolViolation,
    VersionRefused,
)
from amqpconn_spec._base import Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.config import Settings
    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.events import Event
    from amqpconn.core.framing import Frame
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.core.negotiation import Tuning
    from amqpconn_spec.v0_9_1.frames import ContentHeader

# After we have answered its close the server ends the stream, as it should (2.2.4.4), or not:
# RabbitMQ does not after a refusal in the middle of a challenge, and callers wait for the error.
FAREWELL_S: Final = 1.0
# What is left to do when nothing more is to be said gets this long: for our last bytes to go out,
# and for the answer to a close that tells the server what it did wrong.
LINGER_S: Final = 3.0


class EndpointState(Enum):
    """The endpoint's life; the value is for people."""

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


class EndpointCore:
    """Framing, channels, timers and errors of one connection. Single use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.peer = settings.peer
        self.detours: list[Detour] = []
        self.state = EndpointState.OFF
        self.error: ConnectionFailed | None = None
        self.phases = Phases()
        self.heartbeat = Heartbeat()
        self.output = Output()
        self._events: deque[Event] = deque()
        self._deadlines = Deadlines()
        self._speak(dialect_for(settings.protocol))
        self._request: OpenRequest | None = None
        self._hung_up: HangUp | None = None
        self._now = 0.0

    def _speak(self, dialect: Dialect) -> None:
        """Begin with this version of the protocol, on a stream that has not been used."""
        self.dialect = dialect
        self._reader = FrameReader(dialect, dialect.frame_min_size)
        self.channels = Channels(dialect, self._events.append, self._reply, self._send)
        self.manager = ConnectionManager(self, dialect, self.settings)

    @property
    def is_alive(self) -> bool:
        """Whether there is, or may still be, a stream."""
        return self.state is not EndpointState.OFF and not self.is_down

    @property
    def is_down(self) -> bool:
        """Whether the stream is gone for good."""
        return self.state in (EndpointState.DISCONNECTED, EndpointState.FAILED)

    # --- the driver's side: the stream ---

    def connecting(self, request: OpenRequest, now: float) -> None:
        """Begin an attempt. Raises AlreadyOpen for a second one."""
        if self.state is not EndpointState.OFF:
            raise AlreadyOpen(f"this endpoint is {self.state.value}")
        self._request, self._now = request, now
        self._become(EndpointState.CONNECTING)
        if self.settings.timeout_s is not None:
            self._deadlines.set("opening", now + self.settings.timeout_s)

    def enter(self, phase: str, now: float) -> None:
        """Note what the driver is busy with: 'resolve', 'connect', 'tls'."""
        self._now = now
        self.phases.enter(phase, now)

    def connected(self, now: float) -> None:
        """The stream is there. Harmless a second time, and when the attempt is over."""
        is_first = self.state is EndpointState.CONNECTING and self.manager.is_closed
        if is_first and self._request is not None:
            self._now = now
            self.manager.start(self._request)
            self.phases.enter(self.manager.phase, now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes from the peer, in pieces of any size."""
        if not data or self.manager.is_closed:
            return
        self._now = now
        self.heartbeat.received(now)
        try:
            for frame in self._reader.receive(data):
                self._frame(frame, now)
                if self.manager.is_closed:
                    return
        except ConnectionFailed as error:
            self._unreadable(error, now)

    def receive_eof(self, now: float) -> None:
        """The peer ended the stream."""
        self.lost(None, now)

    def lost(self, cause: BaseException | None, now: float) -> None:
        """The stream ended (None) or broke. While closing that is no error."""
        if self.state is EndpointState.CONNECTING or not self.manager.is_discarding:
            self.fail(self._end_of_stream(cause), now)
        elif self.is_alive:
            self._hang_up(quick=True)

    def fail(self, error: ConnectionFailed, now: float) -> None:
        """Give up, with this reason unless there is one already."""
        if not self.is_alive:
            return
        if self.error is None:
            self.error = self._located(error, now)
        self._hang_up(quick=True)

    def disconnected(self) -> None:
        """The stream is closed: tell everybody."""
        if not self.is_alive:
            return
        if self._hung_up is None:  # nobody asked for it
            self.lost(None, self._now)
        self._request = None
        self._deadlines.clear()
        self.output.clear()
        self.channels.all_down(self.error)
        self._become(EndpointState.FAILED if self.error else EndpointState.DISCONNECTED)
        self._events.append(Down(self.error))

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now; the core forgets it."""
        data = self.output.take()
        if data:
            self.heartbeat.last_out = now
        return data

    def next_event(self) -> Event | None:
        """The next thing to tell the user, or None."""
        return self._events.popleft() if self._events else None

    # --- the driver's side: time ---

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called at the latest; None: never."""
        heartbeat, earliest = self.heartbeat.next_deadline(), self._deadlines.earliest()
        if heartbeat is None or earliest is None:
            return earliest if heartbeat is None else heartbeat
        return min(heartbeat, earliest)

    def remaining(self, now: float) -> float | None:
        """Seconds until the next deadline, at least 0; None when there is none."""
        deadline = self.next_deadline()
        return None if deadline is None else max(deadline - now, 0.0)

    def handle_timer(self, now: float) -> None:
        """Do what is due. Harmless when nothing is."""
        self._now = now
        for call in self._deadlines.passed_calls(now):
            self.channels.fail(
                call,
                CallTimeout(
                    f"no answer to {call.method.NAME} on channel {call.channel.id} in time"
                ),
            )
        for name in self._deadlines.passed(now):
            if name == "opening":
                self.fail(self._too_late(), now)
            else:
                self._hang_up(quick=True)
        missed = self.heartbeat.check(now)
        if missed is not None:
            self._silent(missed, now)
        elif self.heartbeat.due(now):
            if not self.output.size:  # what waits already is as good a sign of life
                self.output.write_first(self.dialect.heartbeat)
            self.heartbeat.last_out = now

    # --- the user's side ---

    def call(
        self,
        method: Method,
        channel: ChannelCore,
        content: Content | None,
        now: float,
        timeout: float | None,
    ) -> Call:
        """Send a method that is answered.

        Raises NotOpen, InvalidParameter; EncodeError when a value does not fit.
        """
        if not outgoing.is_answered(method):
            raise InvalidParameter(f"{method.NAME} is not answered (or no_wait is set): use send")
        call = Call(method, channel, None if timeout is None else now + timeout)
        self._put(method, channel, content)
        channel.pending.append(call)
        self._deadlines.watch(call)
        return call

    def send(self, method: Method, channel: ChannelCore, content: Content | None = None) -> None:
        """Send a method that is not answered.

        Raises NotOpen, InvalidParameter; EncodeError when a value does not fit.
        """
        if outgoing.is_answered(method):
            raise InvalidParameter(f"{method.NAME} is answered: use call")
        self._put(method, channel, content)

    def open_channel(self, now: float, timeout: float | None) -> Call:
        """Open a channel; `call.channel` is the new one. Raises NotOpen, NoFreeChannel."""
        self.check_open()
        call = self.channels.open(None if timeout is None else now + timeout)
        self._deadlines.watch(call)
        return call

    def close_channel(
        self,
        channel: ChannelCore,
        now: float,
        timeout: float | None,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> Call:
        """Close an open channel. Raises NotOpen when it is closed, or on its way, already."""
        self.check_open()
        outgoing.check_usable(channel)
        code = reply_code or self.dialect.reply_success
        call = self.channels.close(
            channel, code, short_text(reply_text), None if timeout is None else now + timeout
        )
        self._deadlines.watch(call)
        return call

    def update_secret(self, secret: bytes, reason: str, now: float, timeout: float | None) -> Call:
        """Give the server a new credential for this connection (RabbitMQ's update-secret).

        Raises NotOpen, InvalidParameter when the protocol version does not have it; EncodeError
        when a value does not fit.
        """
        self.check_open()
        if self.dialect.UpdateSecret is None:
            raise InvalidParameter(f"AMQP {self.dialect.protocol} has no connection.update-secret")
        method = self.dialect.UpdateSecret(new_secret=secret, reason=reason)
        self.manager.machine.send(method.NAME)
        return self.call(method, self.channels.control, None, now, timeout)

    def check_open(self) -> None:
        """Raises NotOpen when methods cannot be sent now, with the reason as its cause."""
        if not self.manager.is_open:
            raise NotOpen(f"the connection is {self.state.value}") from self.error

    def abandon(self, call: Call) -> None:
        """The caller has gone away.

        Its answer will be dropped, and a channel that nobody waits for is closed.
        """
        opened = call.method.NAME == "channel.open" and call.reply is not None
        self.channels.abandon(call)
        if opened and self.manager.is_open and call.channel.state is ChannelState.OPEN:
            self.channels.close_unwanted(call.channel)

    def close(
        self,
        now: float,
        timeout: float | None = DEFAULT_CLOSE_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close in order. Before open-ok, and when the server does not read (blocked), the stream
        is closed at once.

        Closing what is closed, closing or off is harmless.
        """
        if self.manager.is_open:
            self._now = now
            self.manager.close(reply_code or self.dialect.reply_success, reply_text)
            self._disconnecting(now, timeout)
            if self.manager.blocked_reason is not None:
                self._hang_up(quick=False)
        elif self.state is EndpointState.CONNECTING:
            self.abort(now)

    def abort(self, now: float) -> None:
        """Close the stream at once, without a word to the server.

        Harmless when there is nothing to close.
        """
        if self.state is EndpointState.CONNECTING:
            self.fail(OpenAborted("the connection was closed by its user before it was open"), now)
        elif self.state in (EndpointState.CONNECTED, EndpointState.DISCONNECTING):
            self._hang_up(quick=True)

    # --- what the connection manager says (its `Side`) ---

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        self.output.write(data)

    def tuned(self, tuning: Tuning) -> None:
        """Limits and heartbeats are in force from here on."""
        self._reader.frame_max = tuning.frame_max
        self.channels.channel_max = tuning.channel_max
        self.heartbeat.start(tuning.heartbeat, self._now)

    def opened(self) -> None:
        """The handshake is done, and with it the need for credentials."""
        self._request = None
        self._deadlines.set("opening", None)
        self._become(EndpointState.CONNECTED)
        self._events.append(Opened())

    def blocked(self, reason: str | None) -> None:
        """The server takes no messages, or takes them again."""
        self._events.append(Blocked(reason))

    def control_reply(self, method: Method) -> None:
        """An answer on channel 0."""
        self.channels.deliver(self.channels.control, method, None)

    def closing_by_peer(self, error: ConnectionFailed) -> None:
        """The server has closed.

        What waits is not wanted any more; the error is told when the stream is down.
        """
        self.error = self._located(error, self._now)
        self.output.clear()
        self.heartbeat.stop()
        self._deadlines.set("opening", None)
        self._deadlines.set("lingering", self._now + FAREWELL_S)
        self._become(EndpointState.DISCONNECTING)

    def redirected(self, host: str) -> None:
        """The server sends us to another host. Raises ProtocolViolation, RedirectRefused."""
        name, port = parse_host(host)
        check_count(self.detours, host, self.settings.max_redirects)
        self._redial(f"redirect to {host}", self.dialect, Redial(name, port))

    def closed_in_order(self) -> None:
        """Our close is answered."""
        self._hang_up(quick=False)

    # --- inside ---

    def _frame(self, frame: Frame, now: float) -> None:
        try:
            self._dispatch(*frame)
        except ProtocolViolation as error:
            self._violated(error, now)
        except ConnectionFailed as error:
            if not self.manager.is_closed:  # what was waited for has come: our part failed
                self.phases.enter(self.manager.phase, now)
            self.fail(error, now)
        if not self.manager.is_closed:
            self.phases.enter(self.manager.phase, now)

    def _dispatch(self, channel: int, what: Method | ContentHeader | bytes | None) -> None:
        if what is None:
            return
        if channel == 0:
            self._on_control(what)
        elif self.manager.is_open:
            self._on_channel(channel, what)
        elif not self.manager.is_discarding:
            raise WrongChannel(f"a frame came on channel {channel} before the connection was open")

    def _on_control(self, what: Method | ContentHeader | bytes) -> None:
        if isinstance(what, Method):
            self.manager.receive(what)
        elif not self.manager.is_discarding:
            raise WrongChannel("content came on channel 0")

    def _on_channel(self, channel: int, what: Method | ContentHeader | bytes) -> None:
        if isinstance(what, bytes):
            self.channels.body(channel, what)
        elif isinstance(what, Method):
            self.channels.method(channel, what)
        else:
            self.channels.header(channel, what)

    def _violated(self, error: ProtocolViolation, now: float) -> None:
        """The frames are readable, so the server can be told what it did wrong."""
        if not self.manager.is_open:
            self.fail(error, now)
            return
        self.error = self._located(error, now)
        self.output.clear()
        self.manager.close_for(error)
        self._disconnecting(now, LINGER_S)

    def _unreadable(self, error: ConnectionFailed, now: float) -> None:
        """No frame can be told from another any more: the server is told, and not listened to."""
        other = self._other_version(error)
        if other is not None:
            self._redial(error.what, other, Redial(None, None))
        elif self.manager.is_discarding:
            self._hang_up(quick=False)
        elif self.manager.is_open and isinstance(error, ProtocolViolation):
            self._violated(error, now)
            self._hang_up(quick=False)
        else:
            self.fail(error, now)

    def _other_version(self, error: ConnectionFailed) -> Dialect | None:
        """The version that the server offers instead, when we are to take it and have it."""
        if self.settings.protocol != AUTO or not isinstance(error, VersionRefused):
            return None
        other = dialect_of_header(error.header)
        tried = [self.dialect.protocol, *(detour.protocol for detour in self.detours)]
        return None if other is None or other.protocol in tried else other

    def _redial(self, reason: str, dialect: Dialect, redial: Redial) -> None:
        """Leave this stream, and begin anew on another one within the same deadline."""
        is_redirect = redial.host is not None
        self.detours.append(Detour(self.peer, self.dialect.protocol, reason, is_redirect))
        self.heartbeat.stop()
        self.output.clear()
        self._speak(dialect)
        self._events.append(redial)

    def _silent(self, error: ConnectionFailed, now: float) -> None:
        """The peer is given up. While closing that is no error."""
        if self.manager.is_discarding:
            self._hang_up(quick=True)
        else:
            self.fail(error, now)

    def _put(self, method: Method, channel: ChannelCore, content: Content | None) -> None:
        self.check_open()
        outgoing.check_usable(channel)
        outgoing.check_belongs(method, channel, content)
        for frame in outgoing.frames(
            self.dialect, method, channel.id, content, self._reader.frame_max
        ):
            self.output.write(frame)

    def _reply(self, method: Method, channel: int) -> None:
        self.output.write_first(method.encode_frame(channel))

    def _send(self, method: Method, channel: int) -> None:
        self.output.write(method.encode_frame(channel))

    def _disconnecting(self, now: float, timeout: float | None) -> None:
        self._deadlines.set("closing", None if timeout is None else now + timeout)
        self._become(EndpointState.DISCONNECTING)
        self.phases.enter(self.manager.phase, now)

    def _hang_up(self, quick: bool) -> None:
        """Ask the driver to close the stream, once, and once more when it has become urgent."""
        self.manager.abandon()
        self.heartbeat.stop()
        if quick:
            self.output.clear()
        else:
            self._deadlines.set("lingering", self._now + LINGER_S)
        self._become(EndpointState.DISCONNECTING)
        if self._hung_up is None or (quick and not self._hung_up.quick):
            self._hung_up = HangUp(quick)
            self._events.append(self._hung_up)

    def _become(self, state: EndpointState) -> None:
        if state is not self.state:
            self._events.append(StateChanged(self.state, state))
            self.state = state

    def _located(self, error: ConnectionFailed, now: float) -> ConnectionFailed:
        error.phase = self.phases.current
        error.elapsed = self.phases.elapsed(now)
        error.peer = self.peer
        return error

    def _too_late(self) -> OpenTimeout:
        return reasons.too_late(
            self.settings.timeout_s or 0.0, self.phases.current, self.manager.expected()
        )

    def _end_of_stream(self, cause: BaseException | None) -> ConnectionFailed:
        """The error for the end of the stream, from all that is known about it."""
        if isinstance(cause, ConnectionFailed) and not isinstance(cause, PeerHungUp):
            return cause  # it says more than that the stream is gone
        error = self._reader.eof() or reasons.hung_up(
            self.phases.current, self.manager.agreement, self._reader.unfinished
        )
        error.__cause__ = cause
        return error
