"""Where an endpoint tells its observers, the flight recorder among them.

An endpoint without observers has none of this. One with observers is made with a reader, an output
and a way to emit events that tell, in the places of those that do not; so nothing asks, frame by
frame, whether anybody wants to know, and an observer costs what it overrides.
"""

from __future__ import annotations

from amqpconn._typing import cast
from amqpconn.core import events
from amqpconn.core.framing import FrameReader
from amqpconn.core.output import Output
from amqpconn.core.recording import RecordMaker
from amqpconn.core.transcript import FlightRecorder
from amqpconn.core.watched import CountingReader, WatchedOutput, WatchedReader
from amqpconn.observer import HOOKS, Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.dialect import Dialect
    from amqpconn.core.lifecycle import Lifecycle
    from amqpconn.core.transcript import Transcript


class Watch:
    """All observers of one endpoint.

    Args:
        core: whose time and address they are told, with the observers in its settings.
        emit: takes events for the driver.
    """

    def __init__(self, core: Lifecycle, emit: Callable[[events.Event], None]) -> None:
        self._core = core
        self._emit = emit
        self._began: float | None = None
        self._reader: FrameReader | None = None
        self._latest: tuple[object, Transcript | None] = None, None
        size = core.settings.flight_recorder
        self._recorder = FlightRecorder(size) if size else None
        observers = [*([self._recorder] if self._recorder else []), *core.settings.observers]
        self._hooks = {
            name: [getattr(each, name) for each in observers if _overrides(each, name)]
            for name in HOOKS
        }
        self._handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.StateChanged: self._on_state_changed,
            events.Blocked: self._on_blocked,
            events.SecretFailed: self._on_secret_failed,
            events.Call: self._on_call,
            events.ChannelDown: self._on_channel_down,
            events.Down: self._on_down,
        }

    @property
    def now(self) -> float:
        """The endpoint's time."""
        return self._core._now

    def tell(self, name: str, *what: object) -> None:
        """Call this of every observer that has it; what one raises goes to the driver."""
        for hook in self._hooks[name]:
            try:
                hook(*what)
            except Exception as error:  # noqa: BLE001 - the driver reports it
                self._emit(events.ObserverFailed(hook, error))

    # --- what the endpoint is made with ---

    def reader(self, dialect: Dialect, frame_max: int) -> FrameReader:
        """A reader for a new stream."""
        self.maker = RecordMaker(dialect)
        if self._hooks["frame_received"]:
            self._reader = WatchedReader(dialect, frame_max, self)
        elif self._hooks["bytes_received"]:
            self._reader = CountingReader(dialect, frame_max, self)
        else:
            self._reader = FrameReader(dialect, frame_max)
        return self._reader

    def output(self) -> Output:
        """An output for the endpoint."""
        tells = self._hooks["bytes_sent"] or self._hooks["frame_sent"]
        return WatchedOutput(self) if tells else Output()

    def emit(self, event: events.Event) -> None:
        """Tell observers first, then the driver."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        self._emit(event)

    # --- what it asks ---

    def transcript(self) -> Transcript | None:
        """What the flight recorder has; None without one."""
        if self._recorder is None:
            return None
        rest = cast("WatchedReader", self._reader).beginning()
        until = self._recorder.total, rest and rest.size, self._core.peer
        if self._latest[0] != until:  # every call that fails with its connection asks for it
            began = self.now if self._began is None else self._began
            self._latest = until, self._recorder.transcript(rest, began, self._core.peer)
        return self._latest[1]

    def entered(self, phase: str) -> None:
        """The attempt has come to another phase."""
        self.tell("phase_entered", phase)

    def sent(self, data: bytes) -> None:
        """Whole frames were taken to be written."""
        self.tell("bytes_sent", len(data))
        if self._hooks["frame_sent"]:
            for record in self.maker.sent(data, self.now):
                self.tell("frame_sent", record)

    # --- events ---

    def _on_state_changed(self, event: events.StateChanged) -> None:
        if self._began is None:
            self._began = self.now
        self.tell("state_changed", event.old, event.new)

    def _on_blocked(self, event: events.Blocked) -> None:
        if event.reason is None:
            self.tell("unblocked")
        else:
            self.tell("blocked", event.reason)

    def _on_secret_failed(self, event: events.SecretFailed) -> None:
        self.tell("secret_failed", event.error)

    def _on_call(self, call: events.Call) -> None:
        if call.began is not None:
            seconds = self.now - call.began
            self.tell("call_finished", call.method.NAME, call.channel.id, seconds, call.error)

    def _on_channel_down(self, event: events.ChannelDown) -> None:
        self.tell("channel_closed", event.channel.id, event.error)

    def _on_down(self, event: events.Down) -> None:
        self.tell("closed", event.error)


def _overrides(observer: Observer, name: str) -> bool:
    """Whether it is more than the method of the base class, which does nothing."""
    return getattr(getattr(observer, name), "__func__", None) is not getattr(Observer, name)
