"""What a peer keeps of what came."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypeVar

    from amqpconn.core.assembler import Content
    from amqpconn_spec._base import Method

    M_co = TypeVar("M_co", covariant=True, default=Method)

    class _Of(Generic[M_co]):
        __slots__ = ()

else:
    M_co = None

    class _Of:
        __slots__ = ()

        def __class_getitem__(cls, _kind):
            return cls


class Received(_Of[M_co]):
    """Something that came from a client: `channel`, `method`, `content` (None without)."""

    __slots__ = ("channel", "content", "method")
    __match_args__ = ("channel", "method", "content")

    def __init__(self, channel: int, method: M_co, content: Content | None) -> None:
        self.channel = channel
        self.method = method
        self.content = content

    def __repr__(self) -> str:
        return f"Received(channel={self.channel}, {self.method!r}, {self.content!r})"
