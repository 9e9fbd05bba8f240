"""Figures that targets are about, each a function of the results of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.bench.model import Results
from tests.bench.stream import SIZES

Measured = Callable[[Results], float]


def times_as_fast(bench: str, cases: Iterable[str], peer: str) -> Measured:
    """How many times as long as ours a peer's takes, the geometric mean over cases."""
    return lambda results: results.mean_ratio(bench, tuple(cases), peer, "amqpconn")


def ratio(bench: str, case: str, ours: str, other: str) -> Measured:
    """How many times another's ours is."""
    return lambda results: results.ratio(bench, case, ours, other)


def worst_ratio(bench: str, cases: Iterable[str], ours: str, other: str) -> Measured:
    """The worst of such ratios over cases."""
    return lambda results: max(results.ratio(bench, case, ours, other) for case in tuple(cases))


def median(bench: str, case: str, library: str) -> Measured:
    """The figure itself."""
    return lambda results: results.median(bench, case, library)


def above(bench: str, case: str, library: str, base: str) -> Measured:
    """By how much a figure is above another one."""
    return lambda results: (
        results.median(bench, case, library) - results.median(bench, case, base)
    )


def whole(measured: Measured) -> Measured:
    """The whole part: round trips that were begun and not finished are work, not waiting."""
    return lambda results: float(int(measured(results)))


def spread_of_chunks(results: Results) -> float:
    """The time per byte in the worst size of chunks over that in the best."""
    times = [results.median("chunks", f"deliver {size}", "amqpconn") for size in SIZES if size > 64]
    return max(times) / min(times)


def growth(what: str, library: str) -> Measured:
    """The cost of one of 5,000 connections over that of one of 200."""
    return lambda results: (
        results.median("many", f"{what} 5000", library)
        / results.median("many", f"{what} 200", library)
    )
