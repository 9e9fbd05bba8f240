"""What the template of a class of content properties is given."""

from __future__ import annotations

from dataclasses import dataclass

from .asserts import Fact, facts
from .layout import FIXED_TYPES, PropertyFlag, property_flags
from .model import ResolvedClass, ResolvedField
from .parameters import Parameter, property_parameter
from .structs import pack_name, read_name

#: How many properties make a group.
GROUP = 5


@dataclass(frozen=True)
class PropertyView:
    """A content property to print; `python` is "" for a reserved one, which is only passed over.

    `pack` and `read` handle its value, or the length before it, when that is a number.
    """

    python: str
    type: str
    mask: str
    pack: str
    read: str
    size: int


@dataclass(frozen=True)
class GroupView:
    """Neighbouring properties, and all their bits: most contents have few, so whole groups of them
    are found missing at once.
    """

    mask: str
    properties: tuple[PropertyView, ...]


@dataclass(frozen=True)
class WordView:
    """A flag word: its variable, that of the word before it, and the bits without a meaning.

    `unknown` is "" when every bit has one; in the last word, bit 0 has none.
    """

    name: str
    before: str
    unknown: str
    properties: tuple[PropertyView, ...]
    groups: tuple[GroupView, ...]


@dataclass(frozen=True)
class PropertiesView:
    """A class of content properties to print."""

    parameters: tuple[Parameter, ...]
    types: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    asserts: tuple[Fact, ...]
    words: tuple[WordView, ...]


def properties_view(found: ResolvedClass) -> PropertiesView | None:
    """Everything about the properties of a class; None if its methods have no content."""
    if found.properties is None:
        return None
    visible = tuple(field for field in found.properties if not field.reserved)
    return PropertiesView(
        parameters=tuple(map(property_parameter, visible)),
        types=tuple((field.python, field.type) for field in visible),
        secrets=tuple(field.python for field in visible if field.secret),
        asserts=facts(visible, found.name),
        words=_words(property_flags(found.properties)),
    )


def _words(flags: tuple[PropertyFlag, ...]) -> tuple[WordView, ...]:
    """The flag words; there is one even for a content without properties."""
    count = max((flag.word for flag in flags), default=0) + 1
    names = ["flags", *(f"flags{number}" for number in range(2, count + 1))]
    words = []
    for word, name in enumerate(names):
        own = [flag for flag in flags if flag.word == word]
        known = sum(flag.mask for flag in own) | (word < count - 1)
        properties = tuple(_property_view(flag.field, flag.mask) for flag in own)
        unknown = f"0x{0xFFFF - known:04X}" if known < 0xFFFF else ""
        words.append(WordView(name, names[word - 1], unknown, properties, _groups(own)))
    return tuple(words)


def _groups(flags: list[PropertyFlag]) -> tuple[GroupView, ...]:
    """The properties of a word in groups."""
    return tuple(
        GroupView(
            f"0x{sum(flag.mask for flag in group):04X}",
            tuple(_property_view(flag.field, flag.mask) for flag in group),
        )
        for group in (flags[at : at + GROUP] for at in range(0, len(flags), GROUP))
    )


def _property_view(field: ResolvedField, mask: int) -> PropertyView:
    code, size = FIXED_TYPES.get(field.type, ("I", 4))
    return PropertyView(
        python="" if field.reserved else field.python,
        type=field.type,
        mask=f"0x{mask:04X}",
        pack=pack_name(code),
        read=read_name(code),
        size=size,
    )
