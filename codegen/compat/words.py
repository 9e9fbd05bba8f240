"""Words for the sentences of findings: who sends, how fields and lists are called."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import ResolvedMethod


def senders(method: ResolvedMethod) -> str:
    """Who sends a method."""
    if method.sent_by_client and method.sent_by_server:
        return "peers"
    return "clients" if method.sent_by_client else "servers"


def receivers(method: ResolvedMethod) -> str:
    """Who gets a method."""
    if method.sent_by_client and method.sent_by_server:
        return "peers"
    return "servers" if method.sent_by_client else "clients"


def listed(names: Iterable[str], end: str = "and") -> str:
    """Names in a row: "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} {end} {last}" if most else last


def counted(number: int, thing: str) -> str:
    """A number with its noun: "1 method", "2 methods"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
