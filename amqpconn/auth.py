"""Authentication: SASL mechanisms (RFC 4422) for start-ok's response and for secure-ok.

`plain_auth` and its neighbours make the usual ones, `credentials` those that are asked for when
they are needed. For others subclass `AuthMethod`.
"""

from __future__ import annotations

from amqpconn import errors
from amqpconn._forgetting import forgetting
from amqpconn.errors import InvalidParameter
from amqpconn.secret import Secret
from amqpconn_spec._wire import encode_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import NoReturn

    # What a method gives: bytes, or a Secret when it expires; a coroutine function gives it too.
    Answer = bytes | Secret | Awaitable[bytes | Secret]

_TABLE_LENGTH_SIZE = 4


class AuthMethod:
    """One way to prove who the client is. It has the identity and the credentials in it.

    A mechanism of your own is a subclass with a `name` and an `initial_response`, and where the
    server asks back, a `respond`. This one is CRAM-MD5 (RFC 2195):

        >>> import hmac
        >>> class CramMD5(AuthMethod):
        ...     name = "CRAM-MD5"
        ...     def __init__(self, username: str, password: str) -> None:
        ...         self._username = username.encode()
        ...         self._password = password.encode()
        ...     def initial_response(self) -> bytes:
        ...         return b""
        ...     def respond(self, challenge: bytes) -> bytes:
        ...         digest = hmac.new(self._password, challenge, "md5").hexdigest()
        ...         return self._username + b" " + digest.encode()
        >>> CramMD5("guest", "guest")
        <CramMD5 for CRAM-MD5>

    The repr has nothing of the credentials, and they do not leave the process by accident:
    pickling and copying raise `TypeError`. One object may serve any number of connections if it
    keeps no state between `initial_response` and `respond`, as those made here do not.

    All three methods are called where they are needed and answer at once, unless `may_block` is
    set. With the asyncio driver they may be coroutine functions; these are cancelled when the
    attempt ends. Instead of bytes they may give a `Secret`, which can expire.

    Attributes:
        name: the mechanism's name as servers list it, such as `PLAIN`.
        identity: a number for whom it logs in, equal for equal users, 0 where that is not known
            before. What is remembered of a server (`fast_open`) is remembered for it.
        may_block: whether the methods may take their time; they are called on a thread of their own
            then, and the attempt ends at its deadline whatever they do.
        known_response: the initial response of those made here whose credentials are given: then
            nothing has to be called. None for all others, and for yours.
    """

    __slots__ = ()

    name: str = ""
    identity: int = 0
    may_block: bool = False
    known_response: Secret | None = None

    def initial_response(self) -> Answer:
        """The response in start-ok. It is called once per login, and starts from the beginning.

        So it is the place to fetch a token that expires, too.
        """
        raise NotImplementedError(f"{type(self).__name__} has no initial_response")

    def renew(self) -> Answer:
        """A new secret for update-secret, before one with an `expires_in_s` expires.

        Raises `CredentialsFailed` unless a subclass has one.
        """
        raise errors.CredentialsFailed(
            f"the credentials of mechanism {self.name} expire, and it has no new ones",
            remedy="override `renew` in the subclass of AuthMethod",
        )

    def respond(self, challenge: bytes) -> Answer:
        """The response in secure-ok to the challenge in secure.

        Raises `HandshakeFailed` unless a subclass has an answer.
        """
        raise errors.HandshakeFailed(
            f"the server sent a challenge of {len(challenge)} bytes"
            f" and the mechanism {self.name} has no answer to any",
            cause="perhaps it is another mechanism by the same name",
            remedy="use another authentication method, or a subclass of AuthMethod that responds",
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} is neither pickled nor copied, because it holds credentials:"
            " make a new one where it is needed"
        )


class OneResponse(AuthMethod):
    """A mechanism that is over with its first response, known from the start.

    Args:
        name: the mechanism's.
        response: as it goes into start-ok.
        user: whom it logs in.
    """

    __slots__ = ("identity", "known_response", "name")

    known_response: Secret

    def __init__(self, name: str, response: bytes, user: str = "") -> None:
        self.name = name
        self.identity = hash(user)
        self.known_response = Secret(response)

    def initial_response(self) -> bytes:
        """As it was given."""
        return self.known_response.reveal()

    def __repr__(self) -> str:
        return f"<AuthMethod for {self.name}>"


@forgetting
def plain_auth(username: str, password: str, authorization_id: str = "") -> AuthMethod:
    """PLAIN (RFC 4616): user name and password. Only TLS hides them on the way.

    Arguments:
        username: whose password it is.
        password: or the token, with brokers that take one in its place.
        authorization_id: whom to act as, if not as the user; RabbitMQ takes only the empty one.

    Raises `InvalidParameter` when one of them is not a `str`, has no UTF-8 form or contains NUL.
    """
    response = plain_response(username, password, authorization_id)
    return OneResponse("PLAIN", response, username)


@forgetting
def amqplain_auth(username: str, password: str) -> AuthMethod:
    """AMQPLAIN, RabbitMQ's own: as PLAIN, written as a field table. Only TLS hides them on the way.

    Raises `InvalidParameter` when one of them is not a `str` or has no UTF-8 form.
    """
    return OneResponse("AMQPLAIN", amqplain_response(username, password), username)


@forgetting
def external_auth(authorization_id: str = "") -> AuthMethod:
    """EXTERNAL (RFC 4422, appendix A): who the client is comes from elsewhere.

    Mostly that is its TLS certificate. RabbitMQ needs its plugin for it.

    Arguments:
        authorization_id: whom to act as, if not as the one so proved.

    Raises `InvalidParameter` when it is not a `str`, has no UTF-8 form or contains NUL.
    """
    response = _utf8("authorization_id", authorization_id, may_have_nul=False)
    return OneResponse("EXTERNAL", response, authorization_id)


def anonymous_auth(trace: str = "") -> AuthMethod:
    """ANONYMOUS (RFC 4505): nobody in particular.

    Arguments:
        trace: what the server may log about the client, such as a mail address; it is no secret.

    Raises `InvalidParameter` when it is not a `str` or has no UTF-8 form.
    """
    return OneResponse("ANONYMOUS", _utf8("trace", trace))


def plain_response(username: str, password: str, authorization_id: str = "") -> bytes:
    """What PLAIN says. Raises `InvalidParameter`, with the secret in its frames."""
    try:
        response = "\0".join((authorization_id, username, password)).encode()
    except (TypeError, UnicodeEncodeError):
        response = b""  # the error has the value in it, and must not become another one's context
    if response.count(0) != 2:  # which of them is wrong?
        _utf8("authorization_id", authorization_id, may_have_nul=False)
        _utf8("username", username, may_have_nul=False)
        _utf8("password", password, may_have_nul=False)
    return response


def amqplain_response(username: str, password: str) -> bytes:
    """What AMQPLAIN says. Raises `InvalidParameter`, with the secret in its frames."""
    _utf8("username", username)
    _utf8("password", password)
    return encode_table({"LOGIN": username, "PASSWORD": password})[_TABLE_LENGTH_SIZE:]


def _utf8(argument: str, value: str, may_have_nul: bool = True) -> bytes:
    """The bytes of an argument. Errors name the argument and never show its value."""
    if not isinstance(value, str):
        raise InvalidParameter(f"{argument} must be a str, not {type(value).__name__}")
    if not may_have_nul and "\0" in value:
        raise InvalidParameter(f"{argument} contains NUL, which SASL does not allow there")
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass  # its error has the value in it, which must not become another one's __context__
    raise InvalidParameter(f"{argument} contains a surrogate, which has no UTF-8 form")
