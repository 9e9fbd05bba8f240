"""Asking users' functions for secrets, on threads, so that they may block and nobody else waits."""

from __future__ import annotations

from contextlib import suppress

from amqpconn._aside import call_aside
from amqpconn.errors import CredentialsFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.events import SecretWanted


def ask(wanted: SecretWanted, tell: Callable[[object, BaseException | None], object]) -> None:
    """Call the user's function on a thread of its own, and `tell` there what it gave or raised."""
    try:
        call_aside(lambda: _given(wanted), tell)
    except RuntimeError as error:  # the system gives no thread
        tell(None, error)


def _given(wanted: SecretWanted) -> object:
    given: Any = wanted.ask()
    if not hasattr(given, "__await__"):
        return given
    with suppress(AttributeError):
        given.close()  # a coroutine that nobody awaits would be reported
    raise CredentialsFailed(
        "the function for the credentials gave something to await, which this driver cannot",
        remedy="give a function that returns the credentials; or use amqpconn.asyncio",
    )
