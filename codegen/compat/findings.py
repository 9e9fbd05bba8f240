"""What a comparison finds, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ..diagnostics import Origin

if TYPE_CHECKING:
    from .comparison import Comparison


class Category(Enum):
    """What a finding touches, from strict to lax; each value says it in words."""

    WIRE = "bytes change, or are read otherwise"
    REPLY = "answers or directions change"
    SOURCE = "names, signatures or values of the generated package change"
    DOC = "labels and docs change"

    def as_strict_as(self, other: Category) -> bool:
        """Whether this category is `other` or a stricter one."""
        order = list(Category)
        return order.index(self) <= order.index(other)


@dataclass(frozen=True, order=True)
class Subject:
    """What a finding is about.

    `order` sorts as a specification is read: the protocol, its constants, its domains, then each
    class with its methods, by number.
    """

    order: tuple[int, int, int]
    name: str


@dataclass(frozen=True)
class Change:
    """What the function of a rule finds: a sentence about a difference, and where it is written.

    `old` or `new` is None where one of the two specifications has nothing of it. `breaking` is true
    when peers, or code that uses the generated package, can fail because of it.
    """

    subject: Subject
    message: str
    old: Origin | None
    new: Origin | None
    breaking: bool = True


@dataclass(frozen=True)
class Rule:
    """A rule by its id; `purpose` says what it holds the new version to."""

    id: str
    category: Category
    find: Callable[[Comparison], Iterable[Change]]
    purpose: str


@dataclass(frozen=True)
class Finding:
    """A difference between two specifications, and the rule that found it."""

    rule: Rule
    change: Change
