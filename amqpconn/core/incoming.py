"""What comes from the peer: bytes become frames, and frames go to the connection manager or to the
channels. What is wrong with any of them leads to the right kind of end.
"""

from __future__ import annotations

from amqpconn import errors
from amqpconn._late import Late
from amqpconn._typing import cast
from amqpconn.core.connection import ConnectionManager
from amqpconn.core.dialect import AUTO, dialect_of_header
from amqpconn.core.events import Blocked, Opened, Redial, SecretFailed
from amqpconn.core.framing import FRAME_OVERHEAD, FrameReader
from amqpconn.core.lifecycle import (
    CONNECTED,
    CONNECTING,
    DISCONNECTING,
    LINGER_S,
    Lifecycle,
)
from amqpconn.core.states import CLOSED, OPENED, PHASES
from amqpconn.errors import ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.auth import AuthMethod
    from amqpconn.core import heartbeat
    from amqpconn.core.channels import Channels
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.events import SecretWanted
    from amqpconn.core.fast_open import FastOpen
    from amqpconn.core.negotiation import Tuning
    from amqpconn.errors import ProtocolViolation, WrongChannel
    from amqpconn_spec import _base as spec
    from amqpconn_spec._base import Method
else:
    heartbeat = Late("amqpconn.core.heartbeat")
    spec = Late("amqpconn_spec._base")

# After we have answered its close the server ends the stream, as it should (2.2.4.4), or not:
# RabbitMQ does not after a refusal in the middle of a challenge, and callers wait for the error.
FAREWELL_S: Final = 1.0


class Incoming(Lifecycle):
    """The receiving half of an endpoint; the connection manager's `Side`."""

    __slots__ = ("_reader", "manager")

    def _speak(self, dialect: Dialect) -> None:
        """Begin with this version of the protocol, on a stream that has not been used."""
        self.dialect = dialect
        self._channels = self._renewal = None
        reader = FrameReader if self._watch is None else self._watch.reader
        self._reader = reader(dialect, dialect.frame_min_size)
        self.manager = ConnectionManager(self, dialect, self.settings)

    @property
    def channels(self) -> Channels:
        """All channels; they are made when they are asked for, as not every connection has some."""
        if self._channels is None:
            from amqpconn.core.channels import Channels

            self._channels = Channels(self.dialect, self._emit, self.output, self)
        return self._channels

    # --- the stream ---

    def connected(self, now: float) -> None:
        """The stream is there. Harmless a second time, and when the attempt is over."""
        request, fast = self._request, self.fast_open
        if request is None or self.state is not CONNECTING or self.manager.state is not CLOSED:
            return
        self._now, self.is_leaving = now, False
        offer = None if fast is None else fast.offer(self.dialect, request)
        try:
            self.manager.start(request, offer)
        except ConnectionFailed as error:
            self._note_phase(now)
            self.fail(error, now)
        else:
            self._note_phase(now)

    def _note_phase(self, now: float) -> None:
        """What is waited for by now, if anything is; it stays where the end has come."""
        state = self.manager.state
        if state is not CLOSED:
            self.enter(PHASES[state], now)

    def receive_data(self, data: bytes, now: float) -> bool:
        """Bytes from the peer, in pieces of any size. False: there is nothing new for the driver,
        neither an event nor bytes nor an earlier deadline.
        """
        before = self.manager.state
        if not data or before is CLOSED:
            return False
        self._now = self.last_in = now
        if self.heartbeat is not None:
            self.heartbeat.received(now)
            if len(data) == FRAME_OVERHEAD and self._reader.is_heartbeat(data):
                return False
        self._read(data, now)
        return True

    @property
    def unfinished(self) -> int:
        """How many bytes of a frame have come whose rest has not."""
        return self._reader.unfinished

    def receive_eof(self, now: float) -> None:
        """The peer ended the stream."""
        self.lost(None, now)

    # --- what the connection manager says (its `Side`) ---

    def tuned(self, tuning: Tuning) -> None:
        """Limits and heartbeats are in force from here on."""
        self._reader.tuned(tuning.frame_max)
        if tuning.heartbeat:
            self.heartbeat = heartbeat.Heartbeat(tuning.heartbeat, self._now)
        if self._watch is not None:
            self._watch.tell("negotiated", self.manager.agreement)

    def sent_ahead(self) -> None:
        """All that leads to open-ok is said; the answers have a part of the deadline to come."""
        fast: FastOpen = cast("FastOpen", self.fast_open)
        self._deadlines.set("ahead", fast.waits_until(self._now, self._deadlines.at("opening")))

    def open_first_channel(self) -> None:
        """Ask for the channel that is wanted with the connection; `first` is the call."""
        self.first = self.channels.open(None)
        self.first.began = self._now

    def opened(self, heard: list[Method]) -> None:
        """The handshake is done, and with it the need for credentials. What is left of the deadline
        is for the first channel.
        """
        if self.fast_open is not None and self._request is not None:
            self.fast_open.learn(self.dialect, self._request, heard)
            self._deadlines.set("ahead", None)
        if self.first is not None:
            self.first.deadline = self._deadlines.at("opening")
            self._deadlines.watch(self.first)
        self._request = self.fast_open = None
        self._deadlines.set("opening", None)
        self._become(CONNECTED)
        self._emit(Opened())
        if self._renewal is not None:
            self._renewal.begin()

    def blocked(self, reason: str | None) -> None:
        """The server takes no messages, or takes them again."""
        self._emit(Blocked(reason))
        if reason is None and self._renewal is not None:
            self._renewal.unblocked(self._now)

    def control_reply(self, method: Method) -> None:
        """An answer on channel 0."""
        self.channels.deliver(self.channels.control, method, None)
        if self._renewal is not None:
            self._renewal.settle()

    def secret_wanted(self, question: SecretWanted) -> None:
        """The driver is to ask for a secret."""
        self._emit(question)

    def secret_used(self, auth: AuthMethod, life_s: float) -> None:
        """A secret goes out, which holds that long."""
        self.renewal.used(auth, life_s, self._now)

    def secret_failed(self, error: ConnectionFailed, now: float) -> None:
        """A new secret could not be had; the connection goes on while the old one holds."""
        self._emit(SecretFailed(self._located(error, now)))

    def closing_by_peer(self, error: ConnectionFailed) -> None:
        """The server has closed.

        What waits is not wanted any more; the error is told when the stream is down.
        """
        if self._renewal is not None:
            self._renewal.explain(error, self._now)
        self.error = self._located(error, self._now)
        self.output.clear()
        self.heartbeat = None
        self._deadlines.set("opening", None)
        self._deadlines.set("lingering", self._now + FAREWELL_S)
        self._become(DISCONNECTING)

    def closing_meanwhile(self, error: ConnectionFailed) -> None:
        """The server has closed while our close was on its way. It may have had a reason, such as
        something that was sent before: it is kept, and the end waits for close-ok as before.
        """
        if self.error is None:
            self.error = self._located(error, self._now)
        elif self.error.reply_code is None:
            self.error.reply_code, self.error.reply_text = error.reply_code, error.reply_text
            self.error.failing_method = error.failing_method
            self.error.add_note(error.what)

    def redirected(self, host: str) -> None:
        """The server sends us to another host. Raises ProtocolViolation, RedirectRefused."""
        from amqpconn.core.detour import check_count, parse_host

        name, port = parse_host(host)
        check_count(self.detours, host, self.settings.max_redirects)
        self._redial(f"redirect to {host}", self.dialect, Redial(name, port))

    # --- where frames go ---

    def _read(self, data: bytes, now: float) -> None:
        """All frames that these bytes complete: each to the manager, or to the channels."""
        try:
            for channel, what in self._reader.receive(data):
                before = self.manager.state
                try:
                    if channel and what is not None and before is OPENED:
                        (self._channels or self.channels).take(channel, what)
                        continue
                    if not channel and isinstance(what, spec.Method):
                        self.manager.receive(what)
                    elif what is not None and not self.manager.is_discarding:
                        raise _misplaced(channel)  # None is a heartbeat
                except ConnectionFailed as error:
                    self._wrong(error, now)
                state = self.manager.state
                if state is not before:
                    if state is CLOSED:
                        break
                    self.enter(PHASES[state], now)
        except ConnectionFailed as error:
            self._unreadable(error, now)

    # --- what is wrong with them ---

    def _wrong(self, error: ConnectionFailed, now: float) -> None:
        """One of them is not as it should be, or cannot be answered."""
        if isinstance(error, errors.ProtocolViolation):
            self._violated(error, now)
        else:
            self._note_phase(now)  # what was waited for has come: our part failed
            self._ended(error, now)

    def _violated(self, error: ProtocolViolation, now: float) -> None:
        """The frames are readable, so the server can be told what it did wrong."""
        if not self.manager.is_open:
            self._ended(error, now)
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
            self.hang_up(quick=False)
        elif self.manager.is_open and isinstance(error, errors.ProtocolViolation):
            self._violated(error, now)
            self.hang_up(quick=False)
        else:
            self._ended(error, now)

    def _other_version(self, error: ConnectionFailed) -> Dialect | None:
        """The version that the server offers instead, when we are to take it and have it."""
        if self.settings.protocol != AUTO or not isinstance(error, errors.VersionRefused):
            return None
        other = dialect_of_header(error.header)
        tried = [self.dialect.protocol, *(detour.protocol for detour in self.detours)]
        return None if other is None or other.protocol in tried else other

    def _fall_back(self, reason: str) -> None:
        """Begin anew on another stream, and wait for each answer there."""
        self._redial(f"fast open: {reason}", self.dialect, Redial(None, None))

    def _redial(self, reason: str, dialect: Dialect, redial: Redial) -> None:
        """Leave this stream, and begin anew on another one within the same deadline."""
        from amqpconn.core.detour import Detour

        is_redirect = redial.host is not None
        was_fast = self.manager.is_ahead
        if was_fast:
            fast: FastOpen = cast("FastOpen", self.fast_open)
            fast.failed()
        detour = Detour(self.peer, self.dialect.protocol, reason, is_redirect, was_fast)
        self.detours += (detour,)
        if self.first is not None:
            self.channels.abandon(self.first)
            self.first = None
        self.heartbeat = self.last_in = self.last_out = None
        self.output.clear()
        self._deadlines.set("ahead", None)
        self._speak(dialect)
        self.is_leaving = True
        self._emit(redial)


def _misplaced(channel: int) -> WrongChannel:
    """The error for a frame where none of its kind may be."""
    if channel:
        return errors.WrongChannel(
            f"a frame came on channel {channel} before the connection was open"
        )
    return errors.WrongChannel("content came on channel 0")
