"""What is to be reached: all targets, and what a run makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.codec import DECODED, ENCODED
from tests.bench.figures import (
    Measured,
    above,
    growth,
    median,
    ratio,
    spread_of_chunks,
    times_as_fast,
    whole,
    worst_ratio,
)
from tests.bench.generator import COLD, WARM
from tests.bench.messages import CARRIED
from tests.bench.model import Results
from tests.bench.roundtrips import SPECIAL, WAYS
from tests.bench.stream import CHUNK

MS, US, KIB, MIB = 1e-3, 1e-6, 1024.0, 1024.0 * 1024
SYNC, ASYNCIO = "amqpconn.sync", "amqpconn.asyncio"


@dataclass(frozen=True)
class Yardstick:
    """Something else that takes its time where a limit in units of time was set, and here.

    Attributes:
        there: what it took there, in base units; `here` finds out what it takes in this run.
    """

    name: str
    there: float
    here: Measured


@dataclass(frozen=True)
class Target:
    """A figure of one benchmark and its limit.

    Attributes:
        unit: what is written behind the figures; `scale` is one of it, in base units.
        at_least: whether more is better.
        yardstick: what the figure is compared to, so that it says the same on all machines.
    """

    bench: str
    what: str
    limit: float
    unit: str
    measured: Measured
    scale: float = 1.0
    at_least: bool = False
    yardstick: Yardstick | None = None

    def value(self, results: Results) -> float | None:
        """What was measured, in the target's unit, as it would be where the limit was set; None
        where it was not measured.
        """
        try:
            here = self.measured(results) / self.scale
            yardstick = self.yardstick
            return here if yardstick is None else here * yardstick.there / yardstick.here(results)
        except KeyError:
            return None

    def is_reached(self, value: float) -> bool:
        """Whether such a value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit

    def verdict(self, results: Results) -> str:
        """reached, missed or not measured."""
        value = self.value(results)
        if value is None:
            return "not measured"
        return "reached" if self.is_reached(value) else "missed"

    def row(self, results: Results) -> tuple[str, ...]:
        """Cells of a table: what it is, the limit, the figure, and the verdict."""
        value = self.value(results)
        limit = f"at {'least' if self.at_least else 'most'} {self.limit:g} {self.unit}"
        figure = "-" if value is None else f"{value:.2f} {self.unit}"
        if value is not None and self.yardstick is not None:
            here = self.measured(results) / self.scale
            figure += f" by {self.yardstick.name} ({here:.2f} {self.unit} here)"
        return self.what, limit, figure, self.verdict(results)


def _fast(bench: str, what: str, least: float, cases: tuple[str, ...], peer: str) -> Target:
    """To be so many times as fast as a peer."""
    measured = times_as_fast(bench, cases, peer)
    return Target(bench, f"{what}, times as fast as {peer}", least, "x", measured, at_least=True)


def _handshakes(what: str, case: str) -> list[Target]:
    """The processor's part of opening and closing."""
    pairs = (SYNC, "hand-packed", 1.6), (ASYNCIO, "aiormq", 0.45)
    return [
        Target(
            "handshake",
            f"{library}, {what}, to {peer}",
            limit,
            "x",
            ratio("handshake", case, library, peer),
        )
        for library, peer, limit in pairs
    ]


def _round_trips(name: str, most: int) -> Target:
    """To wait for the server so often, until a channel can be used."""
    measured = whole(median("roundtrips", "trips", name))
    return Target("roundtrips", f"{name}, to an open channel", most, "round trips", measured)


# What the peers took on the machine on which the limits were set.
_PIKA_IDLE = Yardstick("pika", 15.9 * US, median("idle", "cpu 1000", "pika"))
_PIKA_IMPORT = Yardstick("pika", 53 * MS, above("imports", "import wall", "pika", "python"))
_ASYNCIO_IMPORT = Yardstick(
    "asyncio", 34 * MS, above("imports", "import wall", "asyncio", "python")
)


def _idle(library: str) -> list[Target]:
    """The targets of one driver's idle connections."""
    memory, cpu = (median("idle", f"{what} 1000", library) for what in ("memory", "cpu"))
    return [
        Target("idle", f"{library}, memory of one of 1,000", 6, "KiB", memory, KIB),
        Target(
            "idle",
            f"{library}, processor of one of 1,000, each second",
            10,
            "us",
            cpu,
            US,
            yardstick=_PIKA_IDLE,
        ),
        Target("many", f"{library}, memory: 5,000 to 200", 1.25, "x", growth("memory", library)),
        Target("many", f"{library}, processor: 5,000 to 200", 1.25, "x", growth("cpu", library)),
    ]


def _messages(library: str) -> list[Target]:
    """The targets of one driver's messages."""
    what = f"{library}, worst of publish and consume, small and large, to"
    memory = median("messages", "memory", library)
    return [
        Target(
            "messages",
            f"{what} aiormq",
            0.5,
            "x",
            worst_ratio("messages", CARRIED, library, "aiormq"),
        ),
        Target(
            "messages", f"{what} pika", 1, "x", worst_ratio("messages", CARRIED, library, "pika")
        ),
        Target("messages", f"{library}, memory when nobody reads", 4, "MiB", memory, MIB),
    ]


_MESSAGES, _HEARTBEATS = (f"deliver {CHUNK}",), (f"heartbeat {CHUNK}",)

TARGETS = (
    _fast("codec", "encode", 6, ENCODED, "pamqp"),
    _fast("codec", "encode", 3, ENCODED, "pika"),
    _fast("codec", "decode", 4.5, DECODED, "pamqp"),
    _fast("codec", "decode", 2.4, DECODED, "pika"),
    _fast("stream", "messages", 4.5, _MESSAGES, "pamqp"),
    _fast("stream", "messages", 3, _MESSAGES, "pika"),
    _fast("stream", "messages", 7, _MESSAGES, "aiormq"),
    _fast("stream", "heartbeats", 3, _HEARTBEATS, "pamqp"),
    Target("chunks", "from 128 B to 1 MiB, the worst to the best", 3, "x", spread_of_chunks),
    *_handshakes("processor", "cpu"),
    *_handshakes("shared processor", "cpu shared"),
    *(
        Target(
            "handshake",
            f"{library}, on the clock, to the hand-packed script",
            1.05,
            "x",
            ratio("handshake", "wall", library, "hand-packed"),
        )
        for library in (SYNC, ASYNCIO)
    ),
    *(_round_trips(name, WAYS[way][1]) for name, (_, way) in SPECIAL.items()),
    Target(
        "imports",
        "amqpconn, on the clock",
        4,
        "ms",
        above("imports", "import wall", "amqpconn", "python"),
        MS,
    ),
    Target(
        "imports",
        f"{SYNC} with opening and closing a connection, processor",
        22,
        "ms",
        above("imports", "connect cpu", SYNC, "python"),
        MS,
        yardstick=_PIKA_IMPORT,
    ),
    Target(
        "imports",
        f"{ASYNCIO}, on the clock, over asyncio",
        8,
        "ms",
        above("imports", "import wall", ASYNCIO, "asyncio"),
        MS,
        yardstick=_ASYNCIO_IMPORT,
    ),
    *_idle(ASYNCIO),
    *_idle(SYNC),
    *_messages(ASYNCIO),
    *_messages(SYNC),
    Target("generator", COLD, 3, "s", median("generator", "wall", COLD)),
    Target("generator", WARM, 0.5, "s", median("generator", "wall", WARM)),
)
