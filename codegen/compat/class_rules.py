"""Rules about which classes and methods there are, and by which numbers they are known."""

from __future__ import annotations

from collections.abc import Iterator

from .comparison import ClassPair, Comparison, MethodPair
from .findings import Change
from .parts import ClassPart, MethodPart
from .versions import Side
from .words import counted, receivers, senders


def deleted(both: Comparison) -> Iterator[Change]:
    """Classes that are gone."""
    for part in both.classes.deleted:
        methods = counted(len(part.methods), "method")
        known = _class_meaning(part, both.new)
        message = f"{part} is gone with its {methods}: peers of the new version {known}"
        yield Change(part.subject, message, part.origin, None)


def added(both: Comparison) -> Iterator[Change]:
    """Classes that are new."""
    for part in both.classes.added:
        methods = counted(len(part.methods), "method")
        known = _class_meaning(part, both.old)
        message = f"{part} is new, with {methods}: peers of the old version {known}"
        yield Change(part.subject, message, None, part.origin, breaking=False)


def _class_meaning(part: ClassPart, side: Side) -> str:
    """What a peer that knows one side makes of a class of the other."""
    for found in side.protocol.classes:
        if found.class_id == part.found.class_id:
            return f"take its number for class {found.name}"
    return "know none of it"


def renamed(both: Comparison) -> Iterator[Change]:
    """Classes with another name, the same number and the same methods."""
    for pair in both.class_pairs:
        if pair.old.name != pair.new.name:
            message = (
                f"{pair.old} is called {pair.new.name}: code has to import the module"
                f" {pair.new.found.module} instead of {pair.old.found.module}"
            )
            yield _class_change(pair, message)


def number(both: Comparison) -> Iterator[Change]:
    """Numbers of classes."""
    for pair in both.class_pairs:
        old, new = pair.old.found.class_id, pair.new.found.class_id
        if old != new:
            message = (
                f"class {pair.new.name} has the number {new} instead of {old}: peers of the other"
                " version know none of its methods and contents, or take them for others"
            )
            yield _class_change(pair, message)


def _class_change(pair: ClassPair, message: str) -> Change:
    return Change(pair.new.subject, message, pair.old.origin, pair.new.origin)


def methods_deleted(both: Comparison) -> Iterator[Change]:
    """Methods that are gone, from classes that are not."""
    for owner in both.class_pairs:
        for part in owner.methods.deleted:
            message = (
                f"{senders(part.found)} cannot send {part} any more: "
                f"{receivers(part.found)} of the new version"
                f" {_meaning(part.found.method_id, owner.new.methods, 'it')}"
            )
            yield Change(part.subject, message, part.origin, None)


def methods_added(both: Comparison) -> Iterator[Change]:
    """Methods that are new, in classes that are not."""
    for owner in both.class_pairs:
        for part in owner.methods.added:
            message = (
                f"{senders(part.found)} can send {part}: "
                f"{receivers(part.found)} of the old version"
                f" {_meaning(part.found.method_id, owner.old.methods, 'it')}"
            )
            yield Change(part.subject, message, None, part.origin, breaking=False)


def methods_renamed(both: Comparison) -> Iterator[Change]:
    """Methods with another name, the same number and the same bytes."""
    for pair in both.methods:
        if pair.old.name != pair.new.name:
            message = (
                f"{pair.old} is called {pair.new.found.full_name}: code has to use"
                f" {pair.new.python} instead of {pair.old.python}; the bytes are the same"
            )
            yield _method_change(pair, message)


def methods_number(both: Comparison) -> Iterator[Change]:
    """Numbers of methods within their classes."""
    for pair in both.methods:
        old, new = pair.old.found.method_id, pair.new.found.method_id
        if old != new:
            who = receivers(pair.new.found)
            message = (
                f"{senders(pair.new.found)} that send {pair.new.found.full_name} write the method"
                f" number {new} instead of {old}: {who} of the old version"
                f" {_meaning(new, pair.owner.old.methods, 'it')}, and {who} of the new version"
                f" {_meaning(old, pair.owner.new.methods, str(old))}"
            )
            yield _method_change(pair, message)


def _meaning(number: int, methods: tuple[MethodPart, ...], what: str) -> str:
    """What a peer that knows these methods makes of a number, which the sentence calls `what`."""
    for part in methods:
        if part.found.method_id == number:
            return f"take {what} for {part.found.full_name}"
    return f"do not know {what}"


def _method_change(pair: MethodPair, message: str) -> Change:
    return Change(pair.new.subject, message, pair.old.origin, pair.new.origin)
