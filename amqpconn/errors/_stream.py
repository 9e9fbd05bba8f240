"""There is no connection, or no longer: the byte stream, and time."""

from __future__ import annotations

from amqpconn.errors._base import PHASES, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# All before open-ok.
OPENING: Final[tuple[str, ...]] = PHASES[:8]
# Those in which there is a byte stream.
STREAM: Final[tuple[str, ...]] = PHASES[1:9]


class TransportError(ConnectionFailed, OSError):
    """The byte stream could not be set up, or broke, for a reason that has no class of its own.

    `__cause__` is the system's error where there was one, and `errno` its number.
    """

    retryable = True
    phases: tuple[str, ...] = PHASES[:9]
    remedy = "look at the system's error, which is the cause of this one"


class PeerHungUp(TransportError):
    """The peer ended the byte stream without a connection.close.

    Its subclasses say in which phase.
    """

    phases: tuple[str, ...] = STREAM
    remedy = "read the broker's log at this time; look for a proxy or load balancer in between"


# --- time, and our own doing ---


class OpenTimeout(ConnectionFailed, TimeoutError):
    """The deadline for opening passed; `phase` tells what was waited for."""

    retryable = True
    phases: tuple[str, ...] = OPENING
    remedy = "look at `phase`; give a larger timeout where the broker is known to be slow"


class OpenAborted(ConnectionFailed):
    """Somebody closed the connection, or the caller was interrupted, before it was open."""

    phases: tuple[str, ...] = OPENING
    remedy = "make a new attempt when a connection is wanted after all"


class HeartbeatsMissed(ConnectionFailed, TimeoutError):
    """Nothing came from the peer for two and a half heartbeat intervals."""

    retryable = True
    phases: tuple[str, ...] = ("open", "opened")
    cause = "perhaps the broker is stopped or overloaded, or the network between drops packets"
    remedy = "look at the network and at the broker's load"


class ProcessStalled(ConnectionFailed, TimeoutError):
    """This process did not run for so long that the connection was lost by it: no heartbeat went
    out, and none was read.

    `stalled_s`: for how long, in seconds.
    """

    retryable = True
    phases: tuple[str, ...] = ("open", "opened")
    remedy = (
        "do not block the event loop; look for a suspended or overloaded process, or ask for a"
        " longer heartbeat"
    )

    stalled_s: float = 0.0
