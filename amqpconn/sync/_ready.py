"""Which of many streams are ready: epoll itself on Linux, because `selectors` takes several times
as long for every change and every answer; what `selectors` has on other systems.
"""

from __future__ import annotations

import select
import selectors
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, Final, Protocol

    class Ready(Protocol):
        """Streams by their numbers, each with a mask (of selectors) and what the caller wants to be
        told for it. All but `wait` may be called by other threads meanwhile; `TAKES_MORE` says
        whether that is noticed by one that waits.
        """

        TAKES_MORE: ClassVar[bool]

        def add(self, number: int, mask: int, owner: object, /) -> object:
            """Wait for this one too. Raises OSError, ValueError, KeyError."""

        def change(self, number: int, mask: int, owner: object, /) -> object:
            """Wait for something else. Raises as `add`."""

        def remove(self, number: int, owner: object) -> None:
            """Do not wait for it any more. Harmless where it is not waited for, or closed, or the
            number is another owner's by now.
            """

        def wait(self, timeout_s: float | None) -> list[tuple[Any, int]]:
            """Owners and what is ready for them, which is nothing when the time is over."""

        def close(self) -> None:
            """Drop all."""


class Epoll:
    """See `Ready`."""

    TAKES_MORE: ClassVar[bool] = True
    __slots__ = ("_epoll", "_owners")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._owners: dict[int, object] = {}

    def add(self, number: int, mask: int, owner: object) -> None:
        self._owners[number] = owner  # first, because `remove` goes by it
        self._epoll.register(number, _EPOLLED[mask])

    def change(self, number: int, mask: int, _: object) -> None:
        self._epoll.modify(number, _EPOLLED[mask])

    def remove(self, number: int, owner: object) -> None:
        if self._owners.get(number) is owner:
            del self._owners[number]
            try:  # noqa: SIM105 - every connection comes here, and `suppress` takes its time
                self._epoll.unregister(number)
            except OSError:
                pass

    def wait(self, timeout_s: float | None) -> list[tuple[Any, int]]:
        ready = []
        for number, found in self._epoll.poll(timeout_s):
            owner = self._owners.get(number)
            if owner is not None:  # else it has been removed meanwhile
                # What is neither, an error or the end, is for both.
                write, read = found & ~_IN, found & ~_OUT
                ready.append((owner, (EVENT_WRITE if write else 0) | (EVENT_READ if read else 0)))
        return ready

    def close(self) -> None:
        self._epoll.close()


class Selector:
    """See `Ready`."""

    TAKES_MORE: ClassVar[bool] = selectors.DefaultSelector.__name__ in (
        "EpollSelector",
        "KqueueSelector",
    )
    __slots__ = ("_selector", "add", "change", "close")

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.add, self.change = self._selector.register, self._selector.modify
        self.close = self._selector.close

    def remove(self, number: int, owner: object) -> None:
        with suppress(KeyError, ValueError, OSError):
            if self._selector.get_key(number).data is owner:
                self._selector.unregister(number)

    def wait(self, timeout_s: float | None) -> list[tuple[Any, int]]:
        return [(key.data, mask) for key, mask in self._selector.select(timeout_s)]


if hasattr(select, "epoll"):
    new_ready: Callable[[], Ready] = Epoll
    _IN: Final = select.EPOLLIN
    _OUT: Final = select.EPOLLOUT
    _EPOLLED: Final = {
        EVENT_READ: _IN,
        EVENT_WRITE: _OUT,
        EVENT_READ | EVENT_WRITE: _IN | _OUT,
    }
else:
    new_ready = Selector
