"""The endpoint's life: from off over connecting and connected to down, with every timer, and with
the error that ends it.
"""

from __future__ import annotations

from abc import abstractmethod
from enum import Enum

from amqpconn import errors
from amqpconn.core.circumstances import Circumstances
from amqpconn.core.clockwork import Deadlines
from amqpconn.core.dialect import dialect_for
from amqpconn.core.events import AFTER_THE_REST, AT_ONCE, Down, StateChanged
from amqpconn.core.output import Output
from amqpconn.core.states import PHASES
from amqpconn.errors import AlreadyOpen, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from amqpconn.config import Settings
    from amqpconn.core.channels import Channels
    from amqpconn.core.detour import Detour
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.events import Call, Event, HangUp
    from amqpconn.core.fast_open import FastOpen
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.core.heartbeat import Heartbeat
    from amqpconn.core.renewal import Renewal
    from amqpconn.core.servers import Servers
    from amqpconn.core.watch import Watch

# What is left to do when nothing more is to be said gets this long: for our last bytes to go out,
# and for the answer to a close that tells the server what it did wrong.
LINGER_S: Final = 3.0
# A server that is blocked does not read: what its system does not take soon does not go at all.
BLOCKED_LINGER_S: Final = 0.3


class EndpointState(Enum):
    """The endpoint's life; the value is for people."""

    __hash__ = object.__hash__  # as in State

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


# Found at once; a member of its class takes 0.1 us.
OFF, CONNECTING, CONNECTED, DISCONNECTING, DISCONNECTED, FAILED = EndpointState
_ALIVE: Final = frozenset({CONNECTING, CONNECTED, DISCONNECTING})


class Lifecycle(Circumstances):
    """State, time and end of one endpoint. What goes in and out is for `Incoming` and the
    `EndpointCore`.

    Attributes:
        is_down: whether the stream is gone for good.
        news: not empty when there is something for `next_event` to give.
        tells_states: whether StateChanged is among the events. A driver has it so when its user has
            asked to be told: four of seven events of a short connection are of this kind.
    """

    __slots__ = (
        "_channels",
        "_deadlines",
        "_emit",
        "_entered",
        "_hung_up",
        "_now",
        "_renewal",
        "_request",
        "_told",
        "_watch",
        "detours",
        "dialect",
        "error",
        "fast_open",
        "first",
        "heartbeat",
        "is_down",
        "is_leaving",
        "last_in",
        "last_out",
        "news",
        "output",
        "peer",
        "phase",
        "settings",
        "state",
        "tells_states",
    )

    dialect: Dialect
    _channels: Channels | None  # made when there is one
    _renewal: Renewal | None  # made when there is something to renew

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.peer = settings.peer
        self.detours: tuple[Detour, ...] = ()
        self.state = OFF
        self.is_down = False
        self.tells_states = True
        self.error: ConnectionFailed | None = None
        self.first: Call | None = None
        self.heartbeat: Heartbeat | None = None
        self.last_in: float | None = None
        self.last_out: float | None = None
        self.phase = ""
        self._entered: tuple[Any, ...] = ()
        self.news: list[Event] = []
        # Those before, the next one last; a deque would take 600 bytes.
        self._told: list[Event] | None = None
        self._emit: Callable[[Event], None] = self.news.append
        self._watch: Watch | None = None
        if settings.observers or settings.flight_recorder:
            self._observe()
        else:
            self.output = Output()
        self.fast_open = None if settings.servers is None else self._memory(settings.servers)
        self._deadlines = Deadlines()
        self._request: OpenRequest | None = None
        self._hung_up: HangUp | None = None
        self.is_leaving = False  # one stream for another; what happens to it is nothing to us
        self._now = 0.0
        self._speak(dialect_for(settings.protocol))

    def _observe(self) -> None:
        from amqpconn.core.watch import Watch  # late: hardly anybody looks

        watch = self._watch = Watch(self, self.news.append)
        self._emit, self.output = watch.emit, watch.output()

    @staticmethod
    def _memory(servers: Servers) -> FastOpen:
        from amqpconn.core.fast_open import FastOpen  # late, as above

        return FastOpen(servers)

    @property
    def is_alive(self) -> bool:
        """Whether there is, or may still be, a stream."""
        return self.state in _ALIVE

    # --- the stream ---

    def connecting(self, request: OpenRequest, now: float) -> None:
        """Begin an attempt. Raises AlreadyOpen for a second one."""
        if self.state is not OFF:
            raise AlreadyOpen(f"this endpoint is {self.state.value}")
        self._request, self._now = request, now
        self._become(CONNECTING)
        timeout_s = self.settings.timeout_s
        if timeout_s is not None:
            self._deadlines.set("opening", now + timeout_s)

    def enter(self, phase: str, now: float) -> None:
        """Note what is waited for from now on; of a driver's 'resolve', 'connect' or 'tls'."""
        self._now = now
        if phase != self.phase:
            self.phase = phase
            self._entered += (phase, now)
            if self._watch is not None:
                self._watch.entered(phase)

    def lost(self, cause: BaseException | None, now: float) -> None:
        """The stream ended (None) or broke. While closing that is no error."""
        self._now = now
        if self.is_leaving:
            return
        if self.state is CONNECTING or not self.manager.is_discarding:
            self._ended(self._end_of_stream(cause), now)
        elif self.is_alive:
            self.hang_up(quick=True)

    def fail(self, error: ConnectionFailed, now: float) -> None:
        """Give up, with this reason unless there is one already."""
        if not self.is_alive:
            return
        if self.error is None:
            from amqpconn.core import reasons  # late: only what went wrong needs it

            self.error = self._located(reasons.in_phase(error, self.phase), now)
        self.hang_up(quick=True)

    def disconnected(self) -> None:
        """The stream is closed: tell everybody."""
        if self.state not in _ALIVE:
            return
        self.is_leaving = False  # there will be no other
        if self._hung_up is None:  # nobody asked for it
            self.lost(None, self._now)
        self._request = None
        self._deadlines.clear()
        if self.output.size:
            self.output.clear()
        if self._channels is not None:
            self._channels.all_down(self.error)
        self._channels = self._renewal = None  # as the manager, which leaves us to nobody else
        self.is_down = True
        self._become(FAILED if self.error else DISCONNECTED)
        self._emit(Down(self.error))

    def abort(self, now: float) -> None:
        """Close the stream at once, without a word to the server.

        Harmless when there is nothing to close.
        """
        if self.state is CONNECTING:
            early = "the connection was closed by its user before it was open"
            self.fail(errors.OpenAborted(early), now)
        elif self.state in (CONNECTED, DISCONNECTING):
            self.hang_up(quick=True)

    # --- what the driver asks after every step ---

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now; the core forgets it."""
        return b"".join(self.parts_to_send(now))  # which is the part itself when there is only one

    def parts_to_send(self, now: float) -> list[bytes | memoryview]:
        """As `data_to_send`, for a stream that gathers parts, bodies from where their users have
        them.
        """
        self._now = now
        parts = self.output.take()
        if parts:
            self.last_out = now
            if self.heartbeat is not None:
                self.heartbeat.sent(now)
        return parts

    def next_event(self) -> Event | None:
        """The next thing to tell the user, or None."""
        if self._told:
            return self._told.pop()
        if not self.news:
            return None
        if len(self.news) > 1:
            waiting = self.news[::-1]
            self.news.clear()
            self._told = waiting
            return waiting.pop()
        return self.news.pop()

    def next_deadline(self) -> float | None:
        """When `handle_timer` is to be called at the latest; None: never."""
        deadlines = self._deadlines
        earliest = deadlines.earliest() if deadlines.calls else deadlines.first
        if self.heartbeat is None:
            return earliest
        look_again = self.heartbeat.next_deadline()
        return look_again if earliest is None or look_again < earliest else earliest

    def remaining(self, now: float) -> float | None:
        """Seconds until the next deadline, at least 0; None when there is none."""
        deadline = self.next_deadline()
        return None if deadline is None else max(deadline - now, 0.0)

    # --- time ---

    def handle_timer(self, now: float) -> None:
        """Do what is due. Harmless when nothing is."""
        self._now = now
        earliest = self._deadlines.earliest()
        if earliest is not None and earliest <= now:
            self._too_long(now)
        if self.heartbeat is not None:
            self._look_after(self.heartbeat, now)

    def _look_after(self, heartbeat: Heartbeat, now: float) -> None:
        missed = heartbeat.check(now)
        if missed is not None:
            self._silent(missed, now)
        elif heartbeat.due(now):
            if not self.output.size:  # what waits already is as good a sign of life
                self.output.write_first(self.dialect.heartbeat)
            heartbeat.sent(now)

    def _too_long(self, now: float) -> None:
        for call in self._deadlines.passed_calls(now):
            self.channels.fail(call, self._unanswered(call, now))
        for name, late_s in self._deadlines.passed(now):
            self._passed(name, now, late_s)

    def _passed(self, name: str, now: float, late_s: float) -> None:
        if name == "opening":
            self.fail(self._too_late(late_s), now)
        elif name == "ahead":
            self._fall_back(f"no answer in phase {self.phase}")
        elif name == "renewal":
            self.renewal.due(now)
        elif name == "expiry":
            self.renewal.expired(now)
        else:
            self.hang_up(quick=True)

    def _silent(self, error: ConnectionFailed, now: float) -> None:
        """The peer is given up. While closing that is no error."""
        if self.manager.is_discarding:
            self.hang_up(quick=True)
        else:
            self._ended(error, now)

    # --- inside ---

    @abstractmethod
    def _speak(self, dialect: Dialect) -> None:
        """Begin with this version of the protocol, on a stream that has not been used."""

    @property
    @abstractmethod
    def channels(self) -> Channels:
        """All channels; they are made when they are asked for."""

    @property
    @abstractmethod
    def renewal(self) -> Renewal:
        """What renews credentials; it is made when it is asked for."""

    @abstractmethod
    def _fall_back(self, reason: str) -> None:
        """Begin anew on another stream, and wait for each answer there."""

    def _ended(self, error: ConnectionFailed, now: float) -> None:
        """It is the peer who ended it: the connection, the attempt, or only the hurry."""
        if self.manager.is_ahead:
            self._fall_back(error.what)
        else:
            self.fail(error, now)

    def hang_up(self, quick: bool) -> None:
        """Ask the driver to close the stream, once, and once more when it has become urgent."""
        self.manager.abandon()
        self.heartbeat = None
        if quick:
            self.output.clear()
        else:
            self._deadlines.set("lingering", self._now + LINGER_S)
        self._become(DISCONNECTING)
        if self._hung_up is None or (quick and not self._hung_up.quick):
            self._hung_up = AT_ONCE if quick else AFTER_THE_REST
            self._emit(self._hung_up)

    def _disconnecting(self, now: float, timeout: float | None) -> None:
        self._deadlines.set("closing", None if timeout is None else now + timeout)
        self._become(DISCONNECTING)
        self.enter(PHASES[self.manager.state], now)

    def _become(self, state: EndpointState) -> None:
        if state is not self.state:
            if self._renewal is not None and self.state is CONNECTED:
                self._renewal.stop()
            if self.tells_states or self._watch is not None:
                self._emit(StateChanged(self.state, state))
            self.state = state
