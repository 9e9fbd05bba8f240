"""Asking for a secret: of a method that answers at once here and now, of others through the driver.

What users' functions give and raise becomes a `Secret`, or an error without a secret in it.
"""

from __future__ import annotations

from functools import partial

from amqpconn import errors
from amqpconn._forgetting import forgetting
from amqpconn.core.events import SecretWanted
from amqpconn.errors import ConnectionFailed, LocalError
from amqpconn.mechanisms import is_async
from amqpconn.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from amqpconn.auth import AuthMethod

_BYTES: Final = (bytes, bytearray, memoryview)


def wanted(
    method: str, auth: AuthMethod, function: Callable[..., object], *arguments: object
) -> SecretWanted:
    """The question for a secret that goes into this method, to one of `auth`'s functions."""
    return SecretWanted(method, auth.name, partial(function, *arguments), auth.may_block)


def at_once(question: SecretWanted) -> Secret | None:
    """The answer where it can be had without waiting; None: the driver is to ask.

    Raises ConnectionFailed.
    """
    if question.may_block or is_async(question.ask):
        return None
    try:
        given = question.ask()
    except ConnectionFailed:
        raise
    except Exception as error:
        raise failure(question, error) from error
    if hasattr(given, "__await__"):  # a plain function that gave something to await
        question.ask = _giving(given)
        return None
    try:
        return taken(question, given)
    finally:
        del given  # this frame goes with an error


def _giving(given: object) -> Callable[[], object]:
    return lambda: given


@forgetting
def taken(question: SecretWanted, given: object) -> Secret:
    """What the user's function gave, as a Secret. Raises CredentialsFailed for anything else."""
    if isinstance(given, Secret):
        return given
    if isinstance(given, _BYTES):
        return Secret(bytes(given))
    raise errors.CredentialsFailed(
        f"mechanism {question.mechanism} gave {type(given).__name__} for {question.method},"
        " not bytes or a Secret"
    )


def failure(question: SecretWanted, error: BaseException) -> ConnectionFailed:
    """The error for what the user's function raised, which is its cause and is not quoted."""
    return users_fault(f"mechanism {question.mechanism}", error, errors.CredentialsFailed)


def users_fault(
    whose: str, error: BaseException, kind: type[ConnectionFailed] | None = None
) -> ConnectionFailed:
    """The error for what something of the user's raised: of this kind, else HandshakeFailed; one of
    ours has the right text already.
    """
    if isinstance(error, ConnectionFailed):
        return error
    kind = kind or errors.HandshakeFailed
    if isinstance(error, LocalError):
        failed = kind(error.what, cause=error.cause, remedy=error.remedy)
    else:
        failed = kind(f"{whose} raised {type(error).__name__}")
        failed.retryable = isinstance(error, OSError)
    failed.__cause__ = error
    return failed
