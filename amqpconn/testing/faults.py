"""Actions about the stream itself: when it goes on, what becomes of its bytes, how it ends."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.testing.actions import Moment


class Wait:
    """Send what follows only after a time. Heartbeats go on, except in the middle of a frame."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, moment: Moment) -> None:
        """Hold the stream here."""
        moment.session.outbox.pause(moment.session.now + self.seconds)


class Hold:
    """Keep what follows until `Release`, and send it in one burst then."""

    def __call__(self, moment: Moment) -> None:
        """Hold the stream here."""
        moment.session.outbox.pause()


class Release:
    """End a `Hold`, or a `Wait`. This one does not wait for its turn."""

    def __call__(self, moment: Moment) -> None:
        """Let the stream go on."""
        moment.session.outbox.resume()


class Drip:
    """From here on send a few bytes at a time, with a pause (in seconds) after each piece."""

    def __init__(self, size: int = 1, pause_s: float = 0.0) -> None:
        self.size = size
        self.pause_s = pause_s

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.outbox.drip(self.size, self.pause_s)


class Replace:
    """Send these bytes in the place of as many that follow."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.outbox.overwrite(self.data)


class Cut:
    """End the stream without a word (FIN); what the client sends then is read and ignored."""

    def __call__(self, moment: Moment) -> None:
        """End it here."""
        moment.session.outbox.end("cut")


class Reset:
    """Break the stream (RST). A Unix socket, which has no such thing, is closed."""

    def __call__(self, moment: Moment) -> None:
        """Break it here."""
        moment.session.outbox.end("reset")


class Silence:
    """Say nothing more, heartbeats included, and ignore the client; the stream stays open."""

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.fall_silent()


class StopReading:
    """Read nothing more from this client, as a blocked broker; the rest goes on."""

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.is_reading = False


class ResumeReading:
    """Read again."""

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.is_reading = True


class StopHeartbeats:
    """Send no heartbeats any more; the rest goes on."""

    def __call__(self, moment: Moment) -> None:
        """Begin here."""
        moment.session.sends_heartbeats = False
