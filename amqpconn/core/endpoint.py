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

                        SecretWanted <-  ask the user's function, then
    take_secret(wanted, what, now)   ->  it gave something; no_secret(wanted, error, now): it raised

                        Redial       <-  drop the stream, get another one, then connected(now)
                        HangUp       <-  close the stream, then
    disconnected()                   ->  everybody is told; Down is the last event

Bytes from the peer never raise here: what is wrong with them becomes the error that callers get and
that Down carries.
"""

from __future__ import annotations

from amqpconn._late import Late
from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S
from amqpconn.core.connection import short_text
from amqpconn.core.events import Call, ChannelState
from amqpconn.core.incoming import FAREWELL_S, Incoming
from amqpconn.core.lifecycle import BLOCKED_LINGER_S, LINGER_S, EndpointState
from amqpconn.core.states import OPENED, SENT
from amqpconn.errors import ConnectionFailed, InvalidParameter, NotOpen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.core import outgoing
    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.events import SecretWanted
    from amqpconn.core.renewal import Renewal
    from amqpconn_spec._base import Method
else:
    outgoing = Late("amqpconn.core.outgoing")

__all__ = ["BLOCKED_LINGER_S", "FAREWELL_S", "LINGER_S", "EndpointCore", "EndpointState"]


class EndpointCore(Incoming):
    """Framing, channels, timers and errors of one connection. Single use.

    What is here is what users ask for; what peers send is in `Incoming`, and what begins, ends and
    passes the time in `Lifecycle`.
    """

    __slots__ = ()

    @property
    def renewal(self) -> Renewal:
        """What renews credentials; it is made when it is asked for, as most do not expire."""
        if self._renewal is None:
            from amqpconn.core.renewal import Renewal

            self._renewal = Renewal(self, self._deadlines)
        return self._renewal

    def take_secret(self, wanted: SecretWanted, given: object, now: float) -> None:
        """What the user's function gave. It is dropped when nobody waits for it any more."""
        self._now = now
        if wanted is self.renewal.question:
            self.renewal.take(given, now)
        elif wanted is self.manager.question:
            try:
                self.manager.take_secret(given)
            except ConnectionFailed as error:
                del given  # this frame goes with the error
                self.fail(error, now)
            else:
                self._note_phase(now)

    def no_secret(self, wanted: SecretWanted, error: BaseException, now: float) -> None:
        """What the user's function raised instead: the end of an attempt, or of one renewal."""
        from amqpconn.core import secrets

        self._now = now
        if wanted is self.renewal.question:
            self.renewal.failed(secrets.failure(wanted, error), now)
        elif wanted is self.manager.question:
            self.fail(secrets.failure(wanted, error), now)

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
        return self._begun(call, now)

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
        return self._begun(call, now)

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
        return self._begun(call, now)

    def update_secret(self, secret: bytes, reason: str, now: float, timeout: float | None) -> Call:
        """Give the server a new credential for this connection (RabbitMQ's update-secret).

        Raises NotOpen, InvalidParameter when the protocol version does not have it; EncodeError
        when a value does not fit.
        """
        kind = self.dialect.UpdateSecret
        method = None if kind is None else kind(new_secret=secret, reason=reason)
        del secret  # this frame goes with an error
        self.check_open()
        if method is None:
            raise InvalidParameter(f"AMQP {self.dialect.protocol} has no connection.update-secret")
        self.manager.step(SENT + method.NAME)
        call = self.call(method, self.channels.control, None, now, timeout)
        method.new_secret = b""  # it is in the output, and the call may wait for long
        return call

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
        """Close in order. Before open-ok the stream is closed at once; so it is when the server
        does not read (blocked), with a moment for what can still go out.

        Closing what is closed, closing or off is harmless.
        """
        if self.manager.state is OPENED:
            self._now = now
            self.manager.close(reply_code or self.dialect.reply_success, reply_text)
            self._disconnecting(now, timeout)
            if self.manager.blocked_reason is not None:
                self.hang_up(quick=False)
                self._deadlines.set("lingering", now + BLOCKED_LINGER_S)
        elif self.state is EndpointState.CONNECTING:
            self.abort(now)

    def _begun(self, call: Call, now: float) -> Call:
        call.began = now
        self._deadlines.watch(call)
        return call

    def _put(self, method: Method, channel: ChannelCore, content: Content | None) -> None:
        self.check_open()
        outgoing.check_usable(channel)
        outgoing.check_belongs(method, channel, content)
        parts = outgoing.parts(self.dialect, method, channel.id, content, self._reader.frame_max)
        self.output.write_parts(parts)
