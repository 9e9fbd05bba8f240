"""Rules about how methods go back and forth: direction, answers, contents."""

from __future__ import annotations

from collections.abc import Iterator

from .comparison import Comparison, MethodPair
from .findings import Change
from .parts import MethodPart
from .words import listed, receivers, senders

PEER = {"clients": "servers", "servers": "clients"}


def content(both: Comparison) -> Iterator[Change]:
    """Whether a content follows."""
    for pair in both.methods:
        new, who = pair.new.found, receivers(pair.new.found)
        if new.has_content and not pair.old.found.has_content:
            follows = f"a content follows {new.full_name}"
            yield _change(pair, f"{follows}: {who} of the old version do not expect one")
        if pair.old.found.has_content and not new.has_content:
            follows = f"no content follows {new.full_name} any more"
            yield _change(pair, f"{follows}: {who} of the old version wait for one")


def direction(both: Comparison) -> Iterator[Change]:
    """Who may send a method: nobody is harmed by one more peer that may."""
    for pair in both.methods:
        old, new = _directions(pair.old), _directions(pair.new)
        name = pair.new.found.full_name
        for who in old - new:
            refused = f"{PEER[who]} of the new version do not accept it"
            yield _directed(pair, f"{who} may not send {name} any more: {refused}", breaking=True)
        for who in new - old:
            refused = f"{PEER[who]} of the old version do not expect it"
            yield _directed(pair, f"{who} may send {name} now: {refused}", breaking=False)


def _directions(part: MethodPart) -> set[str]:
    sent = {"clients": part.found.sent_by_client, "servers": part.found.sent_by_server}
    return {who for who, holds in sent.items() if holds}


def _directed(pair: MethodPair, message: str, breaking: bool) -> Change:
    """A change that is written at a chassis that only one of the two methods has."""
    old, new = (
        {chassis.name: chassis.origin for chassis in part.raw.chassis}
        for part in (pair.old, pair.new)
    )
    return Change(
        pair.new.subject,
        message,
        next((old[name] for name in old if name not in new), pair.old.origin),
        next((new[name] for name in new if name not in old), pair.new.origin),
        breaking,
    )


def responses(both: Comparison) -> Iterator[Change]:
    """Which methods answer a request; one that was renamed is the same."""
    for pair in both.methods:
        names = {other.old.name: other.new.name for other in pair.owner.methods.pairs}
        old = {response.name: response.origin for response in pair.old.raw.responses}
        new = {response.name: response.origin for response in pair.new.raw.responses}
        lost = [name for name in old if names.get(name) not in new]
        won = [name for name in new if name not in map(names.get, old)]
        if lost or won:
            yield Change(
                pair.new.subject,
                _answered(pair.new, lost, won),
                next((old[name] for name in lost), pair.old.origin),
                next((new[name] for name in won), pair.new.origin),
            )


def _answered(part: MethodPart, lost: list[str], won: list[str]) -> str:
    method, old = part.found, f"{receivers(part.found)} of the old version"
    changes = [
        *([f"wait for {listed(won, 'or')}, which {old} do not send"] if won else []),
        *([f"do not wait for {listed(lost, 'or')}, which {old} may send"] if lost else []),
    ]
    return f"{senders(method)} that send {method.full_name} {' and '.join(changes)}"


def synchronous(both: Comparison) -> Iterator[Change]:
    """Whether a method is part of an exchange that has to end before the next one."""
    for pair in both.methods:
        old, new = pair.old.found, pair.new.found
        if old.synchronous != new.synchronous:
            now = "is synchronous" if new.synchronous else "is not synchronous any more"
            message = (
                f"{new.full_name} {now}: {senders(new)} and {receivers(new)} of the two versions"
                " differ in what may come before its exchange is over"
            )
            yield _change(pair, message)


def deprecated(both: Comparison) -> Iterator[Change]:
    """Whether a method is deprecated, which only its docstring says."""
    for pair in both.methods:
        old, new = pair.old.found, pair.new.found
        if old.deprecated != new.deprecated:
            now = "says" if new.deprecated else "does not say any more"
            message = f"the docstring of {pair.new.python} {now} that it is deprecated"
            yield _change(pair, message, breaking=False)


def _change(pair: MethodPair, message: str, breaking: bool = True) -> Change:
    return Change(pair.new.subject, message, pair.old.origin, pair.new.origin, breaking)
