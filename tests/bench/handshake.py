"""Opening a connection and closing it again, on the loopback."""

from __future__ import annotations

from functools import partial

from tests.bench.clients import CLIENTS, LIMIT
from tests.bench.model import Bench, Case, Panel, Samples, interleaved
from tests.bench.session import Session

LIBRARIES = (*CLIENTS, LIMIT)
#: These get fewer connections, so that all take a similar time.
SLOW = ("amqpstorm",)
NOTES = """\
A process opens a connection to RabbitMQ and closes it again, one after the other; each library as
it comes, by the function that its documentation begins with. The processor time is the client's,
the kernel's part included. `hand-packed` is no library but a script: a blocking socket, bytes that
were packed beforehand, next to no checks. Most of the time on the clock is the broker's.

Client and broker have processors of their own, which do not sleep while nothing is to be done. In
the last column they share them, and sleep: after every wait the client then finds caches that have
other memory in them, the more so where machines are virtual and processors are shared with others.
"""


def measure(session: Session, quick: bool) -> Samples:
    """Each round is one process for each library."""
    count = 25 if quick else 100
    contenders = {
        library: partial(
            session.work,
            library,
            "open_close",
            session.url,
            count // 5 if library in SLOW else count,
        )
        for library in LIBRARIES
    }
    rounds = 3 if quick else 9
    with session.apart():
        samples = interleaved(rounds, contenders)
    shared = interleaved(rounds, contenders)
    return {**samples, "cpu shared": shared["cpu"]}


BENCH = Bench(
    key="handshake",
    title="Handshake",
    notes=NOTES,
    cases=(
        Case("cpu", "client's processor", "ms"),
        Case("wall", "on the clock", "ms"),
        Case("cpu shared", "client's processor, shared", "ms"),
    ),
    libraries=LIBRARIES,
    base="hand-packed",
    measure=measure,
    panels=(Panel("processor time of the client for one connection, ms", ("cpu",)),),
)
