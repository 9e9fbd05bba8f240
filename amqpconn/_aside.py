"""Users' functions that may block, each on a thread of its own."""

from __future__ import annotations

import threading
from contextvars import copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def call_aside(
    function: Callable[[], object], tell: Callable[[object, BaseException | None], object]
) -> None:
    """Call `function` in this context, and on its thread `tell` what it gave, or what it raised.

    Nothing interrupts it; a pool of threads would have the end of the process wait for it.
    Raises RuntimeError when the system gives no thread.
    """
    context = copy_context()

    def run() -> None:
        try:
            given = context.run(function)
        except BaseException as error:  # noqa: BLE001 - told to those who wait
            tell(None, error)
        else:
            tell(given, None)

    threading.Thread(target=run, name="amqpconn-credentials", daemon=True).start()
