"""Many connections that do nothing but keep their heartbeats."""

from __future__ import annotations

import json
from contextlib import ExitStack

from tests.bench.clients import CLIENTS, HEARTBEAT_S, LIMIT
from tests.bench.model import Bench, Case, Panel, Samples
from tests.bench.session import Session

#: How many connections, and which of them are held on a peer of ours, not on RabbitMQ.
SIZES = (200, 1000, 5000)
ON_PEER = (5000,)
PEERS = 10
LIBRARIES = ("amqpconn.sync", "amqpconn.asyncio", "pika", "aiormq", "aio-pika")
OURS = LIBRARIES[:2]
WHY_NOT = {
    "py-amqp": "it leaves it to its user to call for heartbeats",
    "amqpstorm": "each of its connections has threads of its own",
    LIMIT: "it sends heartbeats only in a call that waits for something else",
}

NOTES = f"""\
A process for each library opens connections with a heartbeat of {HEARTBEAT_S} s and leaves them
alone. Memory is the growth of what is resident, for each connection after the first 20, at the end.
Processor time is taken over whole heartbeat intervals, all libraries at the same time, and is what
one connection takes in a second. 200 and 1,000 connections are held on RabbitMQ; 5,000, by amqpconn
only, on {PEERS} of `amqpconn.testing.Peer` in another process, to see whether the cost stays flat.
amqpconn.sync serves all of them with one thread; pika is its `AsyncioConnection`,
because a `BlockingConnection` needs its user's thread for its heartbeats."""


def measure(session: Session, quick: bool) -> Samples:
    """All libraries hold their connections at the same time, one size after the other."""
    samples: Samples = {}
    intervals = 1 if quick else 3
    for size in SIZES[:2] if quick else SIZES:
        if size in ON_PEER:
            with session.start("serving", "serve", PEERS) as server:
                costs = _hold(session, server.hear().split(), size, OURS, intervals)
        else:
            costs = _hold(session, [session.url], size, LIBRARIES, intervals)
        for library, cost in costs.items():
            samples.setdefault(f"memory {size}", {})[library] = cost["memory"]
            samples.setdefault(f"cpu {size}", {})[library] = cost["cpu"]
    return samples


def _hold(
    session: Session, urls: list[str], size: int, libraries: tuple[str, ...], intervals: int
) -> dict[str, dict[str, list[float]]]:
    """What `idling.idle` gives for each library."""
    with ExitStack() as stack:
        children = {
            library: stack.enter_context(
                session.start("idling", "idle", CLIENTS[library], urls, size, intervals)
            )
            for library in libraries
        }
        for child in children.values():
            child.hear()
        for child in children.values():
            child.tell()
        return {library: json.loads(child.hear()) for library, child in children.items()}


def _cases() -> tuple[Case, ...]:
    memory = [Case(f"memory {size}", f"memory, {size:,}", "KiB") for size in SIZES]
    return (*memory, *(Case(f"cpu {size}", f"processor, {size:,}", "us") for size in SIZES))


_FEWER = "the peers are measured at 200 and 1,000"
BENCH = Bench(
    key="idle",
    title="Idle connections",
    notes=NOTES,
    cases=_cases(),
    libraries=(*LIBRARIES, *WHY_NOT),
    base="amqpconn.asyncio",
    measure=measure,
    panels=(
        Panel("memory of one of 1,000 connections, KiB", ("memory 1000",)),
        Panel("processor time in a second for one of 1,000 connections, us", ("cpu 1000",)),
    ),
    why_not={
        f"{what} {size}/{library}": _FEWER
        for what in ("memory", "cpu")
        for size in ON_PEER
        for library in LIBRARIES[2:]
    }
    | WHY_NOT,
)
