"""Credentials that are asked for when they are needed: a function of the user's own gives them anew
for every login, and again before they expire.
"""

from __future__ import annotations

from contextlib import suppress

from amqpconn import errors
from amqpconn._forgetting import forgetting
from amqpconn._typing import cast
from amqpconn.auth import (
    AuthMethod,
    OneResponse,
    amqplain_response,
    anonymous_auth,
    external_auth,
    plain_response,
)
from amqpconn.errors import InvalidParameter
from amqpconn.mechanisms import is_async
from amqpconn.secret import Secret, problem_with_life

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from typing import Any, Final, NoReturn

    from amqpconn.auth import Answer

    # The user's function: plain, or a coroutine function with the asyncio driver.
    Fetch = Callable[[], "Credentials | Awaitable[Credentials]"]

# Of the mechanisms of user name and password, what they say. The errors have these in their frames.
_RESPONSES: Final = {"PLAIN": plain_response, "AMQPLAIN": amqplain_response}


class Credentials:
    """Who logs in, with what, and how long that holds.

    Args:
        username: the user; with brokers that take a token it is mostly the empty one.
        password: the password, or the token.
        expires_in_s: seconds from now after which the broker does not take it any more; None when
            that is not known, or never. A renewal goes out before.

    The repr has nothing of them, and they are neither pickled nor copied.

    Raises `InvalidParameter` when one is not a `str`, or the time is not above 0.
    """

    __slots__ = ("_password", "expires_in_s", "username")

    def __init__(self, username: str, password: str, expires_in_s: float | None = None) -> None:
        self.expires_in_s: float | None = None
        wrong = problem_with_life(expires_in_s)
        for argument, kind in ("username", type(username)), ("password", type(password)):
            if not issubclass(kind, str):
                wrong = InvalidParameter(f"{argument} must be a str, not {kind.__name__}")
        if wrong is not None:
            del username, password  # this frame goes with the error
            raise wrong
        self.username = username
        self._password = Secret(password.encode("utf-8", "surrogatepass"))
        self.expires_in_s = expires_in_s

    @property
    def password(self) -> str:
        """The password, or the token."""
        return self._password.reveal().decode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        life = "" if self.expires_in_s is None else f" for {self.expires_in_s:g} s"
        return f"<Credentials{life}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are neither pickled nor copied: get new ones")


class _Fetched(AuthMethod):
    """A mechanism of user name and password, which a plain function gives."""

    __slots__ = ("_fetch", "name")

    may_block = True

    def __init__(self, fetch: Callable[[], object], name: str) -> None:
        self.name = name
        self._fetch = fetch

    def initial_response(self) -> Answer:
        return _shaped(self._fetch(), self._login)

    def renew(self) -> Answer:
        return _shaped(self._fetch(), _token)

    def _login(self, given: Credentials) -> Secret:
        try:
            response = _RESPONSES[self.name](given.username, given.password)
        except InvalidParameter as error:
            raise error.with_traceback(None) from None  # its frames have the password
        return Secret(response, given.expires_in_s)

    def __repr__(self) -> str:
        return f"<AuthMethod for {self.name}, asked for when needed>"


class _Awaited(_Fetched):
    """The same with a coroutine function."""

    __slots__ = ()

    may_block = False

    async def initial_response(self) -> Secret:
        return self._login(_checked(await cast("Awaitable[object]", self._fetch())))

    async def renew(self) -> Secret:
        return _token(_checked(await cast("Awaitable[object]", self._fetch())))


def fetched_auth(fetch: Fetch, mechanism: str = "PLAIN") -> AuthMethod:
    """User name and password that `fetch()` gives when they are needed.

    It is called once for every login (the server may redirect an attempt to another host, which is
    another login), and when what it gave is about to expire, for connection.update-secret.

    Args:
        fetch: gives `Credentials`. A plain function is called on a thread of its own, so it may
            block; whatever it does, the attempt ends at its deadline. With the asyncio driver it
            may be a coroutine function, which is cancelled when the attempt ends.
        mechanism: PLAIN or AMQPLAIN. For others subclass `AuthMethod`.

    What `fetch` raises ends the attempt with `CredentialsFailed`; in a renewal it is told to
    `endpoint.on_secret_error`, and `fetch` is called again.

    Raises `InvalidParameter` for what cannot be called, and for another mechanism.
    """
    if not callable(fetch):
        raise InvalidParameter(
            f"credentials are given by a function, not by {type(fetch).__name__}",
            remedy="give a function without arguments that returns Credentials",
        )
    if mechanism not in _RESPONSES:
        known = " and ".join(_RESPONSES)
        raise InvalidParameter(
            f"mechanism is {mechanism!r}; credentials of this kind are for {known}",
            remedy="subclass AuthMethod for another mechanism",
        )
    return (_Awaited if is_async(fetch) else _Fetched)(fetch, mechanism)


def url_methods(
    names: Sequence[str], username: str, password: str, fetch: Fetch | None
) -> list[AuthMethod]:
    """The methods of these names, which a URL asks for; with `fetch`, that gives user name and
    password. Raises `InvalidParameter`, with the secret in its frames.
    """
    methods: list[AuthMethod] = []
    for name in names:
        if name not in _RESPONSES:
            methods.append(external_auth() if name == "EXTERNAL" else anonymous_auth())
        elif fetch is not None:
            methods.append(fetched_auth(fetch, name))
        else:
            methods.append(OneResponse(name, _RESPONSES[name](username, password), username))
    return methods


@forgetting
def _shaped(given: object, shape: Callable[[Credentials], Secret]) -> Answer:
    if hasattr(given, "__await__"):
        return _Later(given, shape)
    return shape(_checked(given))


class _Later:
    """Something to await, whose outcome is given a shape."""

    __slots__ = ("_given", "_shape")

    def __init__(self, given: object, shape: Callable[[Credentials], Secret]) -> None:
        self._given = given
        self._shape = shape

    def __await__(self) -> Generator[object, object, Secret]:
        # In no variable: this frame goes with an error.
        return self._shape(
            _checked((yield from cast("Awaitable[object]", self._given).__await__()))
        )

    def close(self) -> None:
        """It is not awaited, and not to be reported because of that."""
        given: Any = self._given
        with suppress(AttributeError):  # what is no coroutine need not be closed
            given.close()


@forgetting
def _checked(given: object) -> Credentials:
    if not isinstance(given, Credentials):
        raise errors.CredentialsFailed(
            f"the function for the credentials gave {type(given).__name__}, not Credentials",
            remedy="return amqpconn.Credentials(username, password, expires_in_s)",
        )
    return given


def _token(given: Credentials) -> Secret:
    """What goes into update-secret: the password, or the token, alone."""
    return Secret(given.password, given.expires_in_s)
