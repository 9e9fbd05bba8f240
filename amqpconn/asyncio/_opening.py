"""What can be awaited for an open thing, or used with `async with`, which closes it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from amqpconn.errors import AlreadyOpen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from typing import Any, Protocol, TypeVarTuple

    Given = TypeVarTuple("Given")

    class Closable(Protocol):
        """Something that `async with` closes."""

        async def __aexit__(self, *_: object) -> None: ...


T = TypeVar("T", bound="Closable")


class Opening(Generic[T]):
    """What `connect` and `open_channel` give: `x = await it`, or `async with it as x`; once."""

    __slots__ = ("_arguments", "_opened", "_opening")

    def __init__(
        self, opening: Callable[[*Given], Coroutine[Any, Any, T]], *arguments: *Given
    ) -> None:
        self._opening: Callable[..., Coroutine[Any, Any, T]] = opening
        self._arguments: tuple[Any, ...] | None = arguments
        self._opened: T

    def __await__(self) -> Generator[Any, None, T]:
        if self._arguments is None:
            raise AlreadyOpen(
                "this has been awaited before", remedy="call connect or open_channel once more"
            )
        opened = self._opening(*self._arguments)
        self._arguments = None
        return opened.__await__()

    async def __aenter__(self) -> T:
        self._opened = await self
        return self._opened

    async def __aexit__(self, *raised: object) -> None:
        await self._opened.__aexit__(*raised)
