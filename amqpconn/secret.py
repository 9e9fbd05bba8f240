"""What only the server may see."""

from __future__ import annotations

from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_KINDS = (bytes, bytearray, memoryview, str)


class Secret:
    """A credential as it goes over the wire, and how long it holds.

    No debugger, log or pytest report shows it on the way through attributes, and it is neither
    pickled nor copied.

    Args:
        value: the bytes, or a text for its UTF-8 form.
        expires_in_s: seconds from now after which the server does not take it any more; None when
            that is not known, or never.

    Attributes:
        expires_in_s: as given.

    Raises `InvalidParameter` for what is neither, and for a time that is not above 0.
    """

    __slots__ = ("_value", "expires_in_s")

    def __init__(self, value: bytes | str, expires_in_s: float | None = None) -> None:
        if type(value) is not bytes or expires_in_s is not None:
            wrong = _problem_with_value(value) or problem_with_life(expires_in_s)
            if wrong is not None:
                del value  # this frame goes with the error
                raise wrong
            value = value.encode() if isinstance(value, str) else bytes(value)
        self._value = value
        self.expires_in_s = expires_in_s

    def reveal(self) -> bytes:
        """The bytes."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


def _problem_with_value(value: object) -> InvalidParameter | None:
    """What is wrong with it; nothing (None) with bytes of any kind, and with a text."""
    if not isinstance(value, _KINDS):
        return InvalidParameter(f"a secret is bytes or a str, not {type(value).__name__}")
    if isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value):
        return InvalidParameter("a secret contains a surrogate, which has no UTF-8 form")
    return None


def problem_with_life(expires_in_s: float | None) -> InvalidParameter | None:
    """What is wrong with it; nothing (None) with a time in seconds above 0, and with None."""
    if expires_in_s is None:
        return None
    is_number = isinstance(expires_in_s, int | float) and not isinstance(expires_in_s, bool)
    if is_number and 0 < expires_in_s < float("inf"):
        return None
    return InvalidParameter(
        f"expires_in_s is {expires_in_s!r}; it is a time in seconds above 0, or None",
        remedy="give a credential that has not expired yet",
    )
