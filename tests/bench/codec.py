"""Whole frames, from values to bytes and back."""

from __future__ import annotations

from tests.bench.clients import LIMIT
from tests.bench.model import Bench, Case, Panel, Samples, add, add_all
from tests.bench.session import Session

LIBRARIES = ("amqpconn", "pamqp", "pika", "py-amqp")
FRAMES = "start start-ok tune tune-ok open close deliver publish ack header".split()

NOTES = """\
Encoding begins with Python values and ends with the bytes of a whole frame; decoding begins with
these and ends with an object that has all fields. `start` and `start-ok` have the property tables
of a RabbitMQ and of a client, `header` is a content header with six properties, one of them a
table of five entries. The libraries do not do quite the same: py-amqp makes no objects for
methods, pika leaves long strings as bytes, pamqp sorts tables, and librabbitmq copies nothing and
gives pointers into its input. All checks of amqpconn are on. aiormq, aio-pika and
amqpstorm have pamqp's codec."""


def measure(session: Session, quick: bool) -> Samples:
    """In each round one process times all libraries in turn, and the program in C follows."""
    from tests.bench.frames import frames  # it needs all libraries, and the report needs none

    listing = session.folder / "frames"
    listing.write_text("".join(f"{name} {data.hex()}\n" for name, data in frames().items()))
    samples: Samples = {}
    for _ in range(1 if quick else 3):
        add_all(samples, session.child("micro", "codec", 3 if quick else 5))
        for case, value in session.in_c("codec", listing).items():
            add(samples, case, LIMIT, [value])
    return samples


ENCODED = tuple(f"encode {name}" for name in FRAMES)
DECODED = tuple(f"decode {name}" for name in FRAMES)

BENCH = Bench(
    key="codec",
    title="Codec",
    notes=NOTES,
    cases=tuple(Case(name, name, "ns") for name in (*ENCODED, *DECODED)),
    libraries=(*LIBRARIES, LIMIT),
    base="amqpconn",
    measure=measure,
    panels=(
        Panel("encode: times as long as amqpconn, geometric mean of ten frames", ENCODED),
        Panel("decode: times as long as amqpconn, geometric mean of ten frames", DECODED),
    ),
    by_case=True,
)
