"""Finds out what in the new specification a part of the old one has become.

A name decides as long as both have it. What is left can be the same thing under another name:
that takes the same number, or the same place among its neighbours, and the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from .parts import FieldPart


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
Named = TypeVar("Named", bound=_Named)
Key = Callable[[FieldPart], str | None]
Indexes = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pair(Generic[T]):
    """The same thing in both specifications."""

    old: T
    new: T


@dataclass(frozen=True)
class Matching(Generic[T]):
    """What two lists have in common, and what only one of them has."""

    pairs: tuple[Pair[T], ...]
    deleted: tuple[T, ...]
    added: tuple[T, ...]


@dataclass(frozen=True)
class Fields:
    """The fields of a method in both specifications.

    `aligned` pairs follow one another in both; the names of the `moved` ones are in both, but
    elsewhere.
    """

    aligned: tuple[Pair[FieldPart], ...]
    moved: tuple[Pair[FieldPart], ...]
    deleted: tuple[FieldPart, ...]
    inserted: tuple[FieldPart, ...]

    @property
    def pairs(self) -> tuple[Pair[FieldPart], ...]:
        """All fields that both have, in the new order."""
        return tuple(sorted((*self.aligned, *self.moved), key=lambda pair: pair.new.place))


def match(
    old: Sequence[Named], new: Sequence[Named], renamed: Callable[[Named, Named], bool]
) -> Matching[Named]:
    """Pair by name; then what `renamed` recognises under another name."""
    names = {part.name: part for part in new}
    known = {part.name for part in old}
    pairs = [Pair(part, names[part.name]) for part in old if part.name in names]
    free = [part for part in new if part.name not in known]
    deleted = []
    for part in old:
        if part.name in names:
            continue
        found = next((other for other in free if renamed(part, other)), None)
        if found is None:
            deleted.append(part)
        else:
            pairs.append(Pair(part, found))
            free.remove(found)
    return Matching(tuple(pairs), tuple(deleted), tuple(free))


def align(old: Sequence[FieldPart], new: Sequence[FieldPart]) -> Fields:
    """Pair fields by name and order; between such pairs, those of one kind in the same order.

    Reserved fields have no names that matter, so what counts for them is the order alone, unless
    nothing of the same kind is there.
    """
    both = {part.name for part in old if not part.reserved}
    both &= {part.name for part in new if not part.reserved}
    keys: tuple[Key, ...] = (
        lambda part: None if part.reserved else part.name,
        lambda part: None if _in(part, both) else part.kind,
        lambda part: None if _in(part, both) else part.name,
    )
    found: Indexes = ()
    for key in keys:
        found = _refine(old, new, found, key)
    aligned = tuple(Pair(old[at], new[to]) for at, to in found)
    return Fields(aligned, *_rest(old, new, aligned, both))


def _in(part: FieldPart, names: set[str]) -> bool:
    return not part.reserved and part.name in names


def _rest(
    old: Sequence[FieldPart],
    new: Sequence[FieldPart],
    aligned: tuple[Pair[FieldPart], ...],
    both: set[str],
) -> tuple[tuple[Pair[FieldPart], ...], tuple[FieldPart, ...], tuple[FieldPart, ...]]:
    """What is not aligned: moved, deleted, inserted."""
    places = {pair.old.place for pair in aligned}, {pair.new.place for pair in aligned}
    gone = [part for part in old if part.place not in places[0]]
    come = [part for part in new if part.place not in places[1]]
    targets = {part.name: part for part in come if _in(part, both)}
    moved = tuple(Pair(part, targets[part.name]) for part in gone if _in(part, both))
    deleted = tuple(part for part in gone if not _in(part, both))
    return moved, deleted, tuple(part for part in come if not _in(part, both))


def _refine(
    old: Sequence[FieldPart], new: Sequence[FieldPart], found: Indexes, key: Key
) -> Indexes:
    """The pairs that were found, with more in the gaps between them."""
    result: list[tuple[int, int]] = []
    start = (0, 0)
    for end in (*found, (len(old), len(new))):
        gap = _longest(old[start[0] : end[0]], new[start[1] : end[1]], key)
        result += [(start[0] + at, start[1] + to) for at, to in gap]
        result.append(end)
        start = (end[0] + 1, end[1] + 1)
    return tuple(result[:-1])


def _longest(old: Sequence[FieldPart], new: Sequence[FieldPart], key: Key) -> Indexes:
    """The longest sequence that both have by `key`; of several, one that keeps most places."""
    # A score is how many pairs there are, and how many of them stay in their place.
    empty: tuple[tuple[int, int], Indexes] = ((0, 0), ())
    best = [[empty] * (len(new) + 1) for _ in range(len(old) + 1)]
    for at, part in enumerate(old):
        for to, other in enumerate(new):
            options = [best[at][to + 1], best[at + 1][to]]
            if key(part) is not None and key(part) == key(other):
                (count, kept), pairs = best[at][to]
                score = (count + 1, kept + (part.place == other.place))
                options.append((score, (*pairs, (at, to))))
            best[at + 1][to + 1] = max(options, key=lambda option: option[0])
    return best[-1][-1][1]
