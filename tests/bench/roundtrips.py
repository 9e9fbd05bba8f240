"""How often the two sides wait for each other before a channel can be used."""

from __future__ import annotations

from functools import partial

from tests.bench.clients import CLIENTS, LIMIT, place
from tests.bench.model import Bench, Case, Panel, Samples, interleaved
from tests.bench.relaying import DELAY_S
from tests.bench.session import Session

OURS = ("amqpconn.sync", "amqpconn.asyncio")
#: Ways of amqpconn to open a channel, beside the ordinary one: the function of its clients, and how
#: many round trips it is to take.
WAYS = {"first_channel=True": ("together", 3), "fast_open=True": ("ahead", 1)}
SPECIAL = {f"{library}, {way}": (library, way) for library in OURS for way in WAYS}

NOTES = f"""\
RabbitMQ is behind a relay in a process of its own, which keeps all bytes for {1000 * DELAY_S:.0f}
ms each way; only to accept a TCP connection takes no time. The time runs from the call that
connects until the connection is open, and until a channel on it is open; the last column is that
divided by the {2 * DELAY_S * 1000:.0f} ms of a round trip. Each process connects twice, and the
second time counts. `first_channel=True` asks for the channel together with the connection;
`fast_open=True` does so too, and sends everything at once to a server that it knows from the first
time."""


def measure(session: Session, quick: bool) -> Samples:
    """Each round is one process for each library."""
    with session.start("relaying", "relay", session.url) as relay:
        url = relay.hear()
        contenders = {
            library: partial(_open, session, library, "first_channel", url)
            for library in (*CLIENTS, LIMIT)
        }
        for name, (library, way) in SPECIAL.items():
            contenders[name] = partial(_open, session, library, WAYS[way][0], url)
        return interleaved(2 if quick else 5, contenders)


def _open(session: Session, library: str, what: str, url: str) -> dict[str, float]:
    times: dict[str, float]
    if library == LIMIT:
        times = session.in_c(what, *place(url))
    else:
        times = session.child("opening", "second", CLIENTS[library], what, url)
    return times | {"trips": times["channel"] / (2 * DELAY_S)}


BENCH = Bench(
    key="roundtrips",
    title="Round trips",
    notes=NOTES,
    cases=(
        Case("connection", "to an open connection", "ms"),
        Case("channel", "to an open channel", "ms"),
        Case("trips", "round trips to the channel", ""),
    ),
    libraries=(*SPECIAL, *CLIENTS, LIMIT),
    base="hand-packed",
    measure=measure,
    panels=(Panel("time to an open channel, 50 ms for each round trip, ms", ("channel",)),),
    why_not={f"connection/{name}": "both are open at the same moment" for name in SPECIAL},
)
