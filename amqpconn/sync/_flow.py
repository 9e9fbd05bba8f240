"""What moves bytes between a blocking stream and the core, and events to the endpoint.

Everything here is done by whoever holds `lock`.
"""

from __future__ import annotations

import socket
import sys
import threading
from abc import abstractmethod
from contextlib import suppress

from amqpconn import transport
from amqpconn._gathering import WORTH_GATHERING, gather
from amqpconn._ownership import Owned
from amqpconn.core.events import (
    Down,
    HangUp,
    Opened,
    Redial,
    SecretWanted,
    told_nobody,
)
from amqpconn.sync._dial import is_ours
from amqpconn.sync._waiting import has_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Event
    from amqpconn.sync._dial import Stream
    from amqpconn.transport import Target

READ_SIZE = 65536
# After a read that got all it asked for there is probably more, and others wait for their turn.
_READS_IN_TURN = 4
# Of large bodies more is read at once, because they take little time: from so much of one on.
_LARGE = 4096
_READ_MORE = 262144
NOTHING = b""


class Flow(Owned):
    """One stream, and what has been said about its end.

    Attributes:
        lock: held by whoever touches the core.
        is_down: whether the stream is gone and everybody has been told.
    """

    __slots__ = (
        "_changed",
        "_harmless",
        "_hung_up",
        "_on_event",
        "_opened",
        "_quick",
        "_redial",
        "_stream",
        "_target",
        "_unsent",
        "is_down",
        "lock",
    )

    def __init__(
        self, core: EndpointCore, target: Target, on_event: Callable[[Event], None]
    ) -> None:
        self.lock = threading.RLock()
        self._changed: threading.Condition | None = None  # since somebody waited for something
        super().__init__(core)
        self.is_down = False
        self._target = target
        self._on_event = on_event
        self._stream: Stream | None = None
        self._unsent: bytes | memoryview = NOTHING
        self._redial: Redial | None = None
        self._opened = self._hung_up = self._quick = False
        self._harmless: BaseException | None = None  # the interrupt of a wait

    def __enter__(self) -> None:
        """For something that must not be left half done: `with link.lock, link`."""

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> None:
        """Interrupted in the middle of it, nobody knows what has gone out: the stream must go."""
        if kind is not None and not issubclass(kind, Exception) and error is not self._harmless:
            self.break_off()
        self._harmless = None

    @property
    def changed(self) -> threading.Condition:
        """Notified, with the lock held, when anything that users wait for may have changed."""
        if self._changed is None:
            self._changed = threading.Condition(self.lock)
        return self._changed

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait with the lock, which is released meanwhile; an interrupt does no harm here."""
        try:
            return self.changed.wait_for(condition, timeout)
        except BaseException as error:
            self._harmless = error
            raise

    @abstractmethod
    def break_off(self) -> None:
        """End the stream at once, in whatever state things are."""

    def _read(self, now: float) -> bool:
        """Take in what has come. False: nothing but signs of life."""
        stream, is_news = self._stream, False
        if stream is None or self._hung_up:
            return False
        size, reads = READ_SIZE, 1
        try:
            while data := stream.recv(size):
                is_news = self._core.receive_data(data, now) or is_news
                if len(data) == size and reads < _READS_IN_TURN:
                    size = _READ_MORE if self._core.unfinished > _LARGE else READ_SIZE
                elif type(stream) is socket.socket or not has_more(stream):
                    return is_news
                reads += 1
            self._core.receive_eof(now)
        except OSError as error:
            if _would_block(error):
                return is_news
            self._core.lost(transport.failed(error, self._target), now)
        return True

    def _flush(self, now: float) -> None:
        """Write what there is until the stream takes no more; the reactor goes on when it does."""
        stream, output, was_full = self._stream, self._core.output, bool(self._unsent)
        try:
            while stream is not None and (self._unsent or output.size):
                if self._unsent or output.size < WORTH_GATHERING:
                    rest = self._unsent = self._unsent or b"".join(self._core.parts_to_send(now))
                    sent = stream.send(rest)
                else:
                    size, parts = output.size, self._core.parts_to_send(now)
                    sent = gather(stream, parts, size)
                    rest = b"".join(parts) if sent < size else NOTHING
                # Nothing in place of an empty part, which would keep the whole.
                self._unsent = memoryview(rest)[sent:] if sent < len(rest) else NOTHING
            if was_full:
                self._notify()
        except OSError as error:
            if not _would_block(error):
                self._broken(error, now)
        except BaseException:
            # Interrupted between a write and noting it: the same bytes must not go out twice.
            self._unsent = NOTHING
            self.break_off()
            raise

    def _broken(self, error: OSError, now: float) -> None:
        """A write failed. Why may wait to be read: the peer's close, or an alert of TLS."""
        self._unsent = NOTHING
        try:
            while self._stream is not None:
                self._stream.settimeout(0)
                data = self._stream.recv(READ_SIZE)
                if not data:
                    break
                self._core.receive_data(data, now)
        except OSError as last:
            error = error if _would_block(last) else last
        self._core.lost(transport.failed(error, self._target), now)

    def _dispatch(self) -> None:
        """Tell of everything, and wake once whoever waits for any of it."""
        try:
            while (event := self._core.next_event()) is not None:
                handle = _OF_STREAMS.get(type(event))
                if handle is None:
                    self._on_event(event)
                else:
                    handle(self, event)
        finally:
            self.is_down = self._hung_up and self._core.is_down
            if self._changed is not None:
                self._changed.notify_all()

    def _on_opened(self, event: Opened) -> None:
        self._opened = True
        self._on_event(event)

    def _on_down(self, event: Down) -> None:
        """The last event. The endpoint, which has us, needs no garbage collector from here on."""
        tell, self._on_event = self._on_event, told_nobody
        tell(event)

    def _on_hang_up(self, event: HangUp) -> None:
        self._hung_up, self._quick = True, self._quick or event.quick

    def _on_redial(self, event: Redial) -> None:
        self._redial = event

    @abstractmethod
    def _on_secret_wanted(self, wanted: SecretWanted) -> None:
        """Get a secret for the core."""

    def _close(self) -> None:
        stream, self._stream, self._unsent = self._stream, None, NOTHING
        if stream is not None:
            if type(stream) is not socket.socket:
                _end_tls(stream)
            stream.close()


# What is done about the stream itself; all other events are for the endpoint alone.
_OF_STREAMS: Final[dict[type[Event], Callable[[Flow, Any], None]]] = {
    Opened: Flow._on_opened,
    Down: Flow._on_down,
    HangUp: Flow._on_hang_up,
    Redial: Flow._on_redial,
    SecretWanted: lambda flow, wanted: flow._on_secret_wanted(wanted),
}


def _end_tls(stream: Stream) -> None:
    """Send TLS's close_notify, if that needs no waiting.

    Without it RabbitMQ 3.10 goes on with a part of the connections until its own 30 seconds are up.
    """
    unwrap = getattr(stream, "unwrap", None)
    if unwrap is not None:
        with suppress(OSError, ValueError):  # no room, or TLS never came up
            stream.settimeout(0)
            unwrap()


def _would_block(error: OSError) -> bool:
    """Whether the stream is only not ready; TLS has errors of its own for that."""
    if isinstance(error, BlockingIOError | InterruptedError | TimeoutError):
        return not isinstance(error, TimeoutError) or is_ours(error)
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError)
