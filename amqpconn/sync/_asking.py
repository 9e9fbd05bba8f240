"""Asking users' functions for secrets, on threads, so that they may block and nobody else waits."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress

from amqpconn._aside import call_aside
from amqpconn.errors import CredentialsFailed
from amqpconn.sync._flow import has_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from amqpconn.core.events import SecretWanted
    from amqpconn.sync._dial import Stream

# A stream that is no socket cannot be shut down to wake whoever waits for it; so it is looked at.
_LOOK_AGAIN_S: Final = 0.1


def ask(wanted: SecretWanted, tell: Callable[[object, BaseException | None], object]) -> None:
    """Call the user's function on a thread of its own, and `tell` there what it gave or raised."""
    try:
        call_aside(lambda: _given(wanted), tell)
    except RuntimeError as error:  # the system gives no thread
        tell(None, error)


def wait_ready(stream: Stream, is_writing: bool, timeout: float | None) -> int:
    """Wait until the stream can be read (or written); which of the two, as a mask of selectors."""
    if has_more(stream):
        return selectors.EVENT_READ
    if not isinstance(stream, socket.socket):
        timeout = _LOOK_AGAIN_S if timeout is None else min(timeout, _LOOK_AGAIN_S)
    with selectors.DefaultSelector() as selector:
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if is_writing else 0)
        try:
            selector.register(stream, mask)
        except ValueError:  # its user has closed it: that is to be read too
            return selectors.EVENT_READ
        return sum(ready for _, ready in selector.select(timeout))


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
