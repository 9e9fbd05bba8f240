"""Which locale the server's texts shall be in (start's `locales`, start-ok's `locale`).

Locales are named as in Unix: `en_US`. Servers that speak more than that one are rare.
"""

from __future__ import annotations

from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The specification has every server support this one, so it stands in for an empty list.
REQUIRED_LOCALE = "en_US"
_SHORT_STRING_LIMIT = 255


class Prefer:
    """Take this locale where it is offered, otherwise the first that the server offers.

    Arguments:
        locale: its name, such as `en_US`; 1 to 255 bytes.

    Raises `InvalidParameter`.
    """

    __slots__ = ("locale",)

    def __init__(self, locale: str) -> None:
        if not isinstance(locale, str):
            raise InvalidParameter(f"a locale is a str, not {type(locale).__name__}")
        if not 1 <= len(locale.encode("utf-8", "surrogatepass")) <= _SHORT_STRING_LIMIT:
            raise InvalidParameter(f"a locale has 1 to {_SHORT_STRING_LIMIT} bytes")
        self.locale = locale

    def __eq__(self, other: object) -> bool:
        return self.locale == other.locale if isinstance(other, Prefer) else NotImplemented

    def __hash__(self) -> int:
        return hash((Prefer, self.locale))

    def __repr__(self) -> str:
        return f"Prefer({self.locale!r})"


class Select:
    """Let a function choose among the locales that the server offers.

    Arguments:
        function: gets a new list of all of them, in the server's order and never empty, and
            returns one of them.

    Raises `InvalidParameter`.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[list[str]], str]) -> None:
        if not callable(function):
            raise InvalidParameter(f"Select takes a function, not {type(function).__name__}")
        self.function = function

    def __eq__(self, other: object) -> bool:
        return self.function == other.function if isinstance(other, Select) else NotImplemented

    def __hash__(self) -> int:
        return hash((Select, self.function))

    def __repr__(self) -> str:
        return f"Select({self.function!r})"


LocalePreference = Prefer | Select | str


def choose_locale(preference: LocalePreference, offered: Sequence[str]) -> str:
    """The locale to ask for.

    A server that offers none at all breaks the specification, which is no reason to fail: the
    preferred locale is asked for then, and `Select`'s function chooses from `["en_US"]`.

    Arguments:
        preference: a plain `str` means `Prefer` of it.
        offered: what the server lists, in its order.

    Raises `InvalidParameter` when the preference is none of these, or `Select`'s function returns
    what is not offered. What that function raises itself comes through as it is.
    """
    if isinstance(preference, Prefer):
        preferred = preference.locale
        return offered[0] if offered and preferred not in offered else preferred
    if isinstance(preference, str):
        return choose_locale(Prefer(preference), offered)
    if isinstance(preference, Select):
        return _selected(preference, list(offered) or [REQUIRED_LOCALE])
    raise InvalidParameter(
        f"a locale preference is a Prefer, a Select or a str, not {type(preference).__name__}"
    )


def _selected(preference: Select, offered: list[str]) -> str:
    # The function gets a list of its own, so that it may sort it.
    locale = preference.function(list(offered))
    if locale in offered:
        return locale
    raise InvalidParameter(
        f"the function given to Select returned {locale!r}, which is not offered",
        remedy=f"return one of {', '.join(map(repr, offered))}",
    )
