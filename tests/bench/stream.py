"""Bytes as they come from a socket, to frames."""

from __future__ import annotations

from tests.bench.clients import LIMIT
from tests.bench.model import Bench, Case, Panel, Samples, add, add_all
from tests.bench.session import Session
from tests.bench.traffic import MEBIBYTE, units

LIBRARIES = ("amqpconn", "pamqp", "pika", "py-amqp", "aiormq")
CHUNK = 65536
#: Sizes of chunks that amqpconn is given, to see that none is bad.
SIZES = (1, 16, 64, 128, 256, 1024, 4096, 16384, CHUNK, 262144, MEBIBYTE)

NOTES = """\
1 MiB of one kind of traffic comes in chunks of 64 KiB, and all frames in it are read: heartbeats;
messages of 100 B, each a deliver, a header with two properties and a body; the same with a table of
three headers. The figures are for one frame. pamqp has no reader: measured is the loop that its
users have. aiormq has its own reader with an `asyncio.StreamReader`. py-amqp asks the socket for
each frame in three pieces; the calls to the kernel that this takes are not counted here."""


def measure(session: Session, quick: bool) -> Samples:
    """In each round one process times all libraries in turn, and the program in C follows."""
    kinds = list(units())
    samples: Samples = {}
    for _ in range(1 if quick else 3):
        add_all(samples, _read(session, list(LIBRARIES), kinds, [CHUNK], 3 if quick else 5))
        for case, time in _read_in_c(session, kinds).items():
            add(samples, case, LIMIT, [time])
    return samples


def measure_chunks(session: Session, quick: bool) -> Samples:
    """One process in each round reads the messages in chunks of all sizes."""
    samples: Samples = {}
    for _ in range(1 if quick else 3):
        add_all(samples, _read(session, ["amqpconn"], ["deliver"], list(SIZES), 3))
    return samples


def _read(
    session: Session, libraries: list[str], kinds: list[str], sizes: list[int], values: int
) -> Samples:
    """Seconds for one frame."""
    samples: Samples = session.child("micro", "stream", libraries, kinds, sizes, values)
    return {
        case: {
            library: [time / _frames(case.split()[0]) for time in times]
            for library, times in of_case.items()
        }
        for case, of_case in samples.items()
    }


def _read_in_c(session: Session, kinds: list[str]) -> dict[str, float]:
    times = {}
    for kind in kinds:
        told = session.in_c("stream", units()[kind].hex(), MEBIBYTE, CHUNK)
        times[f"{kind} {CHUNK}"] = told["seconds"] / told["frames"]
    return times


def _frames(kind: str) -> int:
    """How many frames a stream of this kind has."""
    unit = units()[kind]
    return MEBIBYTE // len(unit) * (1 if kind == "heartbeat" else 3)


_KINDS = {
    "heartbeat": "heartbeats",
    "deliver": "messages",
    "headers": "messages with headers",
}
BENCH = Bench(
    key="stream",
    title="Stream",
    notes=NOTES,
    cases=tuple(Case(f"{kind} {CHUNK}", title, "ns") for kind, title in _KINDS.items()),
    libraries=(*LIBRARIES, LIMIT),
    base="amqpconn",
    measure=measure,
    panels=(
        Panel("one heartbeat, ns", (f"heartbeat {CHUNK}",)),
        Panel("one frame of a message, ns", (f"deliver {CHUNK}",)),
    ),
)
CHUNKS = Bench(
    key="chunks",
    title="Sizes of chunks",
    notes="amqpconn reads the same messages in chunks of other sizes. Figures are for one frame.",
    cases=tuple(Case(f"deliver {size}", f"{size:,} B", "ns") for size in SIZES),
    libraries=("amqpconn",),
    base="amqpconn",
    measure=measure_chunks,
    by_case=True,
)
