"""Who may use a connection of the event loop, the process and the loop that opened it; and what is
to be known of transports.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from amqpconn._ownership import Owned
from amqpconn.errors import WrongEventLoop

if TYPE_CHECKING:
    from typing import Protocol

    class Stream(Protocol):
        """What a transport can do here."""

        def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
            """Tell another protocol from now on."""

        def get_extra_info(self, name: str) -> object:
            """For example its socket."""


_LITTLE = 65536


class Guarded(Owned):
    """A link that belongs to one event loop of one process, from its opening on."""

    __slots__ = ("_loop",)

    _loop: asyncio.AbstractEventLoop | None

    def check_caller(self) -> None:
        """Raises WrongProcess; WrongEventLoop when the caller runs in another loop, or in none
        while ours is running on another thread.
        """
        self.check_process()
        loop, running = self._loop, asyncio._get_running_loop()
        if loop is None or running is loop or not self._core.is_alive:
            return
        if loop.is_closed():
            raise WrongEventLoop("the event loop of this connection is closed")
        if running is not None or loop.is_running():
            raise WrongEventLoop("this connection belongs to another event loop")


def disown(transport: Stream) -> None:
    """In the child of a fork: the event loop, whose selector may be the parent's too, must do
    nothing to this stream, should it run on here.

    Closing the descriptor would do for the stream. But to a selector a number that is closed or
    used again is not the same as one that nothing comes from; so another file gets its number.
    """
    transport.set_protocol(asyncio.Protocol())
    number = file_number(transport)
    if number >= 0:
        inert = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(inert, number, inheritable=False)
        os.close(inert)


def read_little(transport: asyncio.BaseTransport) -> None:
    """Have a transport of the event loop ask its socket for 64 KiB.

    It asks for 256 KiB, which is memory that the system maps anew for each read: six times the work
    for a heartbeat. One that has another way to read is left as it is.
    """
    if getattr(transport, "max_size", _LITTLE) != _LITTLE:
        setattr(transport, "max_size", _LITTLE)  # noqa: B010 - asyncio's types do not have it


def file_number(transport: Stream) -> int:
    """The descriptor of a transport's socket; -1 when it has none, or has it no longer."""
    fileno = getattr(transport.get_extra_info("socket"), "fileno", None)
    number = fileno() if callable(fileno) else -1
    return number if isinstance(number, int) else -1
