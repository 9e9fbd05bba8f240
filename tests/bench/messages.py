"""Messages through the whole client: published, and consumed again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from amqpconn.sync import Channel, connect
from amqpconn_spec.v0_9_1 import queue
from tests.bench.clients import CLIENTS, LIMIT
from tests.bench.model import Bench, Case, Panel, Samples, interleaved
from tests.bench.session import Session

QUEUE = "bench"
PRESSING = tuple(library for library in CLIENTS if library != "hand-packed")
LIBRARIES = (*PRESSING, LIMIT)


@dataclass(frozen=True)
class Load:
    """So many messages of a size, in rounds."""

    name: str
    size: int
    count: int
    rounds: int

    def quick(self) -> Load:
        return Load(self.name, self.size, self.count // 4, 2)


SMALL = Load("small", 100, 20_000, 5)
LARGE = Load("large", 100_000, 500, 8)

#: What the targets are about; acknowledging is for comparison.
CARRIED = tuple(f"{what} {load.name}" for load in (SMALL, LARGE) for what in ("publish", "consume"))

NOTES = f"""\
{SMALL.count * SMALL.rounds:,} messages of {SMALL.size} B in {SMALL.rounds} rounds and \
{LARGE.count * LARGE.rounds:,} of {LARGE.size // 1000} kB in {LARGE.rounds} go to a queue of
RabbitMQ, without publisher confirms, and come back to one consumer, without acknowledgements or
with one for each message. The figures are the processor time of the client for one message, until
the broker has answered a call that follows the last of them.

The memory is by how much a process grows at most in 0.8 s in which it publishes messages of 100 kB
to a server that does not read."""


def measure(session: Session, quick: bool) -> Samples:
    """Publish and consume with one library after the other, then let each press."""
    samples: Samples = {}
    with connect(session.url) as connection, connection.endpoint.open_channel() as channel:
        for load in (SMALL, LARGE):
            samples |= _carried(session, channel, load.quick() if quick else load)
    return samples | interleaved(
        1, {library: partial(_press, session, library) for library in PRESSING}
    )


def _carried(session: Session, channel: Channel, load: Load) -> Samples:
    """Each round is a new queue for each library, filled and emptied."""

    def carry(library: str) -> dict[str, float]:
        work = partial(_cpu, session, library, load.count)
        channel.call(queue.Declare(QUEUE))
        times = {"publish": work("publish", load.size), "consume": work("consume", False)}
        if load.name == SMALL.name:
            _cpu(session, LIMIT, load.count, "publish", load.size)
            times["acknowledge"] = work("consume", True)
        channel.call(queue.Delete(QUEUE))
        return {f"{what} {load.name}": time for what, time in times.items()}

    return interleaved(load.rounds, {library: partial(carry, library) for library in LIBRARIES})


def _cpu(session: Session, library: str, count: int, what: str, how: int | bool) -> float:
    """Seconds of the client's processor for a message."""
    return float(session.work(library, what, session.url, QUEUE, count, how)["cpu"])


def _press(session: Session, library: str) -> dict[str, float]:
    with session.start("serving", "stop_reading") as server:
        peak = session.child(
            "pressing", "press", CLIENTS[library], server.hear(), 10**6, LARGE.size
        )
    return {"memory": float(peak)}


BENCH = Bench(
    key="messages",
    title="Messages",
    notes=NOTES,
    cases=(
        Case("publish small", "publish 100 B", "us"),
        Case("consume small", "consume 100 B", "us"),
        Case("acknowledge small", "consume and acknowledge 100 B", "us"),
        Case("publish large", "publish 100 kB", "us"),
        Case("consume large", "consume 100 kB", "us"),
        Case("memory", "memory, not read", "MiB"),
    ),
    libraries=LIBRARIES,
    base="aiormq",
    measure=measure,
    panels=(
        Panel("publish a message of 100 B, us of processor", ("publish small",)),
        Panel("consume a message of 100 B, us of processor", ("consume small",)),
    ),
    why_not={f"memory/{LIMIT}": "it has no memory of its own for what it sends"},
)
