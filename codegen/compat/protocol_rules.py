"""Rules about what is outside of all classes: header, port and constants."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Constant
from ..naming import constant_name
from ..resolve import FRAMING
from .comparison import CONSTANTS, PROTOCOL, Comparison
from .findings import Change
from .matching import Pair

LEVEL_WORDS = {
    "soft-error": "a soft error, which closes a channel",
    "hard-error": "a hard error, which closes the connection",
    None: "no error",
}


def header(both: Comparison) -> Iterator[Change]:
    """The first eight bytes of a connection."""
    old, new = both.old.protocol.header, both.new.protocol.header
    if old != new:
        message = (
            f"clients open a connection with {_header(new)} instead of {_header(old)}: servers that"
            " speak only the old version refuse it and answer with theirs"
        )
        yield Change(PROTOCOL, message, both.old.spec.origin, both.new.spec.origin)


def _header(octets: bytes) -> str:
    return " ".join([octets[:4].decode("ascii"), *map(str, octets[4:])])


def port(both: Comparison) -> Iterator[Change]:
    """The port of the protocol."""
    old, new = both.old.protocol.port, both.new.protocol.port
    if old != new:
        message = f"constants.PORT is {new} instead of {old}: who relies on it connects elsewhere"
        yield Change(PROTOCOL, message, both.old.spec.origin, both.new.spec.origin)


def framing(both: Comparison) -> Iterator[Change]:
    """The numbers that frames are made of."""
    for pair in _other_values(both):
        if pair.new.name in FRAMING:
            message = (
                f"{pair.new.name} is {pair.new.value} instead of {pair.old.value}:"
                " peers of the two versions cannot read each other's frames"
            )
            yield _change(pair, message)


def value(both: Comparison) -> Iterator[Change]:
    """The numbers of all other constants."""
    for pair in _other_values(both):
        if pair.new.name not in FRAMING:
            message = (
                f"{pair.new.name} is {pair.new.value} instead of {pair.old.value}:"
                " peers of the two versions do not mean the same by it"
            )
            yield _change(pair, message)


def _other_values(both: Comparison) -> Iterator[Pair[Constant]]:
    return (pair for pair in both.constants.pairs if pair.old.value != pair.new.value)


def _change(pair: Pair[Constant], message: str) -> Change:
    return Change(CONSTANTS, message, pair.old.origin, pair.new.origin)


def deleted(both: Comparison) -> Iterator[Change]:
    """Constants that are gone."""
    for constant in both.constants.deleted:
        gone = f"constants.{constant_name(constant.name)} ({constant.value}) is gone"
        unknown = f", and a peer that sends the reply code {constant.value} is not understood"
        message = gone + (unknown if constant.error else "") + ": code that names it fails"
        yield Change(CONSTANTS, message, constant.origin, None)


def added(both: Comparison) -> Iterator[Change]:
    """Constants that are new."""
    for constant in both.constants.added:
        name = f"constants.{constant_name(constant.name)} ({constant.value})"
        error = LEVEL_WORDS[constant.error]
        sent = f", {error}: peers of the old version have no name for it"
        message = f"{name} is new{sent if constant.error else ': code can name it'}"
        yield Change(CONSTANTS, message, None, constant.origin, breaking=False)


def renamed(both: Comparison) -> Iterator[Change]:
    """Constants with another name and the same number."""
    for pair in both.constants.pairs:
        if pair.old.name != pair.new.name:
            old, new = (constant_name(constant.name) for constant in (pair.old, pair.new))
            message = (
                f"constants.{old} ({pair.old.value}) is called {new}:"
                " code that names it has to be changed"
            )
            yield _change(pair, message)


def error_class(both: Comparison) -> Iterator[Change]:
    """What a reply code ends: nothing, a channel or the connection."""
    for pair in both.constants.pairs:
        if pair.old.error != pair.new.error:
            old, new = (LEVEL_WORDS[constant.error] for constant in (pair.old, pair.new))
            message = (
                f"{pair.new.name} ({pair.new.value}) is {new}, instead of {old}:"
                " peers of the two versions act on it differently"
            )
            yield _change(pair, message)
