"""How targets read their input, and how they compare what came of it.

A target is a function of bytes. Its first bytes choose (a version of the protocol, a state, how
long the pieces are), so that one file is a whole case; what is missing counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from amqpconn.core.dialect import Dialect, dialect_for
from amqpconn.errors import WrongPeer
from amqpconn_spec import VERSIONS
from amqpconn_spec._base import ContentHeader, FieldSet

T = TypeVar("T")
LONGEST_TEXT = 2000

DIALECTS: tuple[Dialect, ...] = tuple(map(dialect_for, VERSIONS))


class Disagreement(AssertionError):
    """Two ways to the same thing led to different things."""


def taken(data: bytes, count: int) -> tuple[list[int], bytes]:
    """The first `count` bytes as numbers, and the rest."""
    return list(data[:count].ljust(count, b"\0")), data[count:]


def one_of(choices: Sequence[T], number: int) -> T:
    return choices[number % len(choices)]


def pieces(stream: bytes, number: int) -> list[bytes]:
    """The stream in pieces of `number` + 1 bytes."""
    return [stream[at : at + number + 1] for at in range(0, len(stream), number + 1)]


def shown(value: Any) -> object:
    """What makes a value what it is, secrets too; numbers and NaN are equal when they look so."""
    if isinstance(value, FieldSet):
        return value.NAME, [repr(getattr(value, name)) for name, _ in value.FIELDS]
    if isinstance(value, ContentHeader):
        return value.class_id, value.body_size, shown(value.properties)
    return repr(value)


def told(error: BaseException | None) -> object:
    """An error as it must come out whatever the pieces were.

    What shows the first bytes of a stranger has as many of them as had come.
    """
    return type(error), "" if isinstance(error, WrongPeer) else str(error)


def agree(first: object, second: object) -> None:
    """Raises Disagreement unless they are equal."""
    if first != second:
        raise Disagreement(f"\n{_short(first)}\n{_short(second)}")


def _short(value: object) -> str:
    text = repr(value)
    return (
        text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}... ({len(text)} characters)"
    )
