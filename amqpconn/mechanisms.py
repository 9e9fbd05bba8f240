"""The methods of an attempt: which of them the server offers, and which a driver can use."""

from __future__ import annotations

from functools import partial

from amqpconn import errors
from amqpconn.auth import AuthMethod
from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_LISTS = (AuthMethod, str)
_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the import


def choose_mechanism(methods: Sequence[AuthMethod], offered: Sequence[str]) -> AuthMethod:
    """The first of the caller's methods that the server offers; the server's order has no say.

    Arguments:
        methods: in the order of the caller's preference; see `check_methods`.
        offered: the names of the server's mechanisms, as start lists them.

    Raises `NoCommonMechanism`.
    """
    for method in methods:
        if method.name in offered:
            return method
    raise errors.NoCommonMechanism(
        f"the server offers {_names(offered)} for authentication,"
        f" and the client has {_names([method.name for method in methods])}"
    )


def check_methods(methods: Sequence[AuthMethod]) -> None:
    """Raises `InvalidParameter` for what cannot be the methods of an attempt: no method at all, or
    one that is no `AuthMethod` or has no name.
    """
    if not methods or isinstance(methods, _NO_LISTS):
        raise _no_list(methods)
    for method in methods:
        if not isinstance(method, AuthMethod) or not method.name:
            raise _no_method(method)


def _no_list(methods: Sequence[AuthMethod]) -> InvalidParameter:
    if isinstance(methods, _NO_LISTS):
        return InvalidParameter("the authentication methods must be a list of them")
    return InvalidParameter(
        "the list of authentication methods is empty",
        remedy='give at least one, such as plain_auth("guest", "guest")',
    )


def _no_method(method: object) -> InvalidParameter:
    kind = type(method).__name__  # its type only: somebody may have put a password there
    if isinstance(method, AuthMethod):
        return InvalidParameter(f"{kind} needs a name, as servers list it")
    return InvalidParameter(
        f"an authentication method is an AuthMethod, not {kind}",
        remedy="make it with plain_auth or one of its neighbours, or subclass AuthMethod",
    )


def check_blocking(method: AuthMethod) -> None:
    """Raises `InvalidParameter` for a coroutine function, which only an event loop can call."""
    if any(map(is_async, (method.initial_response, method.respond, method.renew))):
        raise InvalidParameter(
            f"the credentials for {method.name} come from a coroutine function,"
            " which this driver cannot await",
            remedy="give a plain function, which may block; or use amqpconn.asyncio",
        )


def takes_challenges(method: AuthMethod) -> bool:
    """Whether it has an answer to what a server may ask in connection.secure."""
    return getattr(method.respond, "__func__", None) is not AuthMethod.respond


def is_async(function: object) -> bool:
    """Whether calling it gives a coroutine, as far as one can tell without calling it."""
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__code__"):  # an object that can be called
        function = getattr(type(function), "__call__", None)  # noqa: B004 - its code is wanted
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)


def _names(mechanisms: Sequence[str]) -> str:
    # As repr, because one of the lists is the peer's and may have anything in it.
    return ", ".join(map(repr, mechanisms)) or "nothing"
