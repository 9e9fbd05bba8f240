"""What can be awaited for an open thing, or used with `async with`, which closes it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from typing import Any


class Closable(Protocol):
    """Something with a `close`."""

    async def close(self) -> None:
        """Close it."""


T = TypeVar("T", bound=Closable)


class Opening(Generic[T]):
    """What `connect` and `open_channel` give: `x = await it`, or `async with it as x`."""

    def __init__(self, opening: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._opening = opening
        self._opened: list[T] = []

    def __await__(self) -> Generator[Any, None, T]:
        return self._opening().__await__()

    async def __aenter__(self) -> T:
        opened = await self._opening()
        self._opened.append(opened)
        return opened

    async def __aexit__(self, *_: object) -> None:
        await self._opened.pop().close()
