"""Many connections that do nothing but keep their heartbeats."""

from __future__ import annotations

import json
from contextlib import ExitStack

from tests.bench.clients import CLIENTS, HEARTBEAT_S, LIMIT
from tests.bench.model import Bench, Case, Panel, Samples, add
from tests.bench.session import Session

#: How many connections on RabbitMQ; and on peers of ours, which have no limits and are many.
SIZES = (200, 1000)
PEER_SIZES = (200, 5000)
PEERS = 10
LIBRARIES = ("amqpconn.sync", "amqpconn.asyncio", "pika", "aiormq", "aio-pika")
OURS = LIBRARIES[:2]
WHY_NOT = {
    "py-amqp": "it leaves it to its user to call for heartbeats",
    "amqpstorm": "each of its connections has threads of its own",
    LIMIT: "it sends heartbeats only in a call that waits for something else",
}

NOTES = f"""\
A process for each library opens connections to RabbitMQ with a heartbeat of {HEARTBEAT_S} s and
leaves them alone. Memory is the growth of what is resident, for each connection after the first 20,
at the end. Processor time is taken over whole heartbeat intervals, all libraries at the same time,
and is what one connection takes in a second. amqpconn.sync serves all of them with one thread; pika
is its `AsyncioConnection`, because a `BlockingConnection` needs its user's thread for its
heartbeats."""

PEER_NOTES = f"""\
The same with amqpconn on {PEERS} of `amqpconn.testing.Peer` in another process, which do not limit
how many there are: whether what one connection costs stays the same."""


def measure(session: Session, quick: bool) -> Samples:
    """All libraries hold their connections at the same time, one size after the other."""
    samples: Samples = {}
    for size in SIZES:
        _hold(session, [session.url], [(library, size) for library in LIBRARIES], quick, samples)
    return samples


def measure_on_peers(session: Session, quick: bool) -> Samples:
    """Both drivers hold few and many at the same time."""
    samples: Samples = {}
    held = [(library, size) for library in OURS for size in PEER_SIZES]
    with session.start("serving", "serve", PEERS) as server:
        _hold(session, server.hear().split(), held, quick, samples)
    return samples


def _hold(
    session: Session, urls: list[str], held: list[tuple[str, int]], quick: bool, samples: Samples
) -> None:
    """Add what `idling.idle` gives for so many connections of each library."""
    intervals = 1 if quick else 3
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                session.start("idling", "idle", CLIENTS[library], urls, size, intervals)
            )
            for library, size in held
        ]
        for child in children:
            child.hear()
        for child in children:
            child.tell()
        for child, (library, size) in zip(children, held, strict=True):
            for what, values in json.loads(child.hear()).items():
                add(samples, f"{what} {size}", library, values)


def _cases(sizes: tuple[int, ...]) -> tuple[Case, ...]:
    memory = [Case(f"memory {size}", f"memory, {size:,}", "KiB") for size in sizes]
    return (*memory, *(Case(f"cpu {size}", f"processor, {size:,}", "us") for size in sizes))


BENCH = Bench(
    key="idle",
    title="Idle connections",
    notes=NOTES,
    cases=_cases(SIZES),
    libraries=(*LIBRARIES, *WHY_NOT),
    base="amqpconn.asyncio",
    measure=measure,
    panels=(
        Panel("memory of one of 1,000 connections, KiB", ("memory 1000",)),
        Panel("processor time in a second for one of 1,000 connections, us", ("cpu 1000",)),
    ),
    why_not=WHY_NOT,
)
ON_PEERS = Bench(
    key="many",
    title="Thousands of idle connections",
    notes=PEER_NOTES,
    cases=_cases(PEER_SIZES),
    libraries=OURS,
    base="amqpconn.asyncio",
    measure=measure_on_peers,
    is_long=True,
)
