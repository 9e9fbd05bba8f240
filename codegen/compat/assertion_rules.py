"""Rules about assertions. Generated code looks at them only in `check`; brokers may be stricter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ..asserts import facts
from ..diagnostics import Origin
from .comparison import Comparison, FieldPair
from .findings import Change, Subject
from .parts import FieldPart
from .words import listed

#: How a sentence says what an assertion asks of a value.
ASKED = {
    "notnull": "not to be empty",
    "null": "to be empty",
    "ne": "not to be {}",
    "length": "to be no longer than {}",
    "regexp": "to match {}",
    "enum": "to be {}",
    "le": "to be no more than {}",
}

#: The part whose demands a rule looks at, and the one that they are compared with.
Sides = Callable[[FieldPair], tuple[FieldPart, FieldPart]]


@dataclass(frozen=True)
class _Demand:
    """An assertion as generated code has it."""

    check: str
    limit: object
    origin: Origin

    def implied_by(self, others: Iterable[_Demand]) -> bool:
        """Whether a value that meets the other demands meets this one."""
        return any(self.check == other.check and self._lets_through(other) for other in others)

    def _lets_through(self, other: _Demand) -> bool:
        """Whether what meets another demand of the same kind meets this one."""
        own, others = self.limit, other.limit
        if self.check == "length" and isinstance(own, int) and isinstance(others, int):
            return own >= others
        if self.check == "enum" and isinstance(own, tuple) and isinstance(others, tuple):
            return set(own) >= set(others)
        return own == others

    @property
    def shown(self) -> str:
        """What a value is compared with, in a sentence."""
        if isinstance(self.limit, tuple):
            return ".".join(self.limit) if self.check == "le" else listed(self.limit, "or")
        return str(self.limit)

    def __str__(self) -> str:
        return ASKED[self.check].format(self.shown)


@dataclass(frozen=True)
class _Group:
    """A demand of one version, what the other one has in its place, and which fields it is about.

    A demand of a domain is made of all fields that name the domain.
    """

    demand: _Demand
    instead: tuple[_Demand, ...]
    pairs: list[FieldPair]

    @property
    def fields(self) -> str:
        """The fields with their verb."""
        names = [f"{pair.name}.{pair.new.name}" for pair in self.pairs]
        return f"{listed(names)} {'is' if len(names) == 1 else 'are'}"

    def subject(self, part: FieldPart) -> Subject:
        """The domain if there are several fields, for only a domain can ask them all."""
        first = self.pairs[0]
        return first.subject if len(self.pairs) == 1 else domain_subject(part.raw.domain)

    def elsewhere(self, part: FieldPart) -> Origin:
        """Where the other version makes its demand, or has the field."""
        return self.instead[0].origin if self.instead else part.origin


def domain_subject(name: str) -> Subject:
    """A domain as the subject of a finding."""
    return Subject((2, 0, 0), f"domain {name}")


def tightened(both: Comparison) -> Iterator[Change]:
    """Demands that are new, or that other or fewer values meet."""
    for group in _groups(both, lambda pair: (pair.new, pair.old)):
        instead = [f"instead of {demand.shown}" for demand in group.instead[:1]]
        asked = " ".join([f"{group.fields} asked {group.demand}", *instead])
        message = f"{asked}: check() reports values that it accepted, and strict peers refuse them"
        first = group.pairs[0]
        old = group.elsewhere(first.old)
        yield Change(group.subject(first.new), message, old, group.demand.origin)


def loosened(both: Comparison) -> Iterator[Change]:
    """Demands that are gone, or that more values meet."""
    for group in _groups(both, lambda pair: (pair.old, pair.new)):
        if any(not demand.implied_by([group.demand]) for demand in group.instead):
            continue  # the new demand is not only looser, and that was told above
        asked = f"{group.fields} not asked any more {group.demand}"
        for demand in group.instead[:1]:
            asked = f"{group.fields} asked {demand} instead of {group.demand.shown}"
        message = f"{asked}: check() accepts more, and strict peers of the old version do not"
        first = group.pairs[0]
        new = group.elsewhere(first.new)
        yield Change(group.subject(first.old), message, group.demand.origin, new, breaking=False)


def _groups(both: Comparison, sides: Sides) -> Iterable[_Group]:
    """What one version demands and the other one does not."""
    groups: dict[tuple[Origin, tuple[_Demand, ...]], _Group] = {}
    for pair in both.visible_fields():
        own, other = (_demands(part, pair.name) for part in sides(pair))
        for demand in own:
            if not demand.implied_by(other):
                instead = tuple(known for known in other if known.check == demand.check)
                group = groups.setdefault((demand.origin, instead), _Group(demand, instead, []))
                group.pairs.append(pair)
    return groups.values()


def _demands(part: FieldPart, name: str) -> list[_Demand]:
    """What generated code checks of a field of the method or class `name`."""
    demands = []
    for assertion in part.field.asserts:
        alone = replace(part.field, asserts=(assertion,))
        for _, check, limit in facts((alone,), name.partition(".")[0]):
            demands.append(_Demand(check, limit, assertion.origin))
    return demands
