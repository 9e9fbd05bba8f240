"""Errors that take no secret along in their frames, which pytest and error trackers show."""

from __future__ import annotations

from functools import wraps

from amqpconn.errors import AMQPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")


def forgetting(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, with a secret among its arguments: its errors begin with the frame of its caller.

    Their text says which argument is wrong, and that is all that anybody needs to know. The
    caller's own frame is the caller's business: `del` the secret there.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (AMQPError, TypeError, ValueError) as error:
            failure = error.with_traceback(None)
        del args, kwargs
        raise failure

    return call
