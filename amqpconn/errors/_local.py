"""What is the caller's doing, or only the caller's concern: the connection goes on, if there is
one.
"""

from __future__ import annotations

from amqpconn.errors._base import AMQPError


class LocalError(AMQPError):
    """The caller asked for something that cannot be done; the peer has not seen it."""


class NotOpen(LocalError):
    """The connection or channel is not open: not yet, or not any more.

    When it was open and has failed, `__cause__` is the error it failed with.
    """

    remedy = "open it first; after a failure, make a new endpoint and connection"


class AlreadyOpen(LocalError):
    """An endpoint and its connection open once; a new attempt takes new objects."""

    remedy = "make a new Endpoint and Connection for a new attempt"


class InvalidParameter(LocalError, ValueError):
    """An argument that can never work, named in the message."""


class InvalidURL(InvalidParameter):
    """A connection URL that cannot be used; the message names the part, never a password."""


class NoFreeChannel(LocalError):
    """As many channels are open as the negotiated channel_max allows."""

    remedy = "close channels that are not used any more, or ask for a larger channel_max"


class WrongProcess(LocalError):
    """A connection was used in the child of a fork; it is its parent's, and goes on there."""

    cause = "the process was forked (multiprocessing, a prefork server) when it was open already"
    remedy = (
        "open connections after the fork, one for each process; leave the parent's alone in the"
        " child, where endpoint.abort() drops the copy and says nothing to the broker"
    )


class WrongEventLoop(LocalError):
    """An asyncio connection was used outside the event loop that opened it."""

    cause = "it was used from another thread, or is kept over several calls of asyncio.run"
    remedy = (
        "use it in its own loop: asyncio.run_coroutine_threadsafe(coroutine, connection.loop) does"
        " so from any thread; connections of amqpconn.sync may be used from every thread"
    )


class CallTimeout(AMQPError, TimeoutError):
    """The peer did not answer in the time that the caller gave; the connection is still there.

    `failing_method` is the method that was not answered, empty when another thing was waited for.
    """

    retryable = True
    phases: tuple[str, ...] = ("opened", "closing")
    remedy = "wait longer, or look at the broker's load; an answer that comes late is dropped"
