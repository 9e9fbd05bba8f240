"""Writing large bodies from where their users have them, to sockets that gather what they write."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# So large parts have to be, one with another, or it is sooner done to join them.
WORTH_GATHERING: Final = 4096
_MOST_PARTS: Final = 1000  # of one call; the limit is 1024 where it is known
# But not those of TLS, whose method raises.
_GATHERING: Final = socket.socket if hasattr(socket.socket, "sendmsg") else None


def gather(stream: object, parts: list[bytes | memoryview], size: int) -> int:
    """Write parts of `size` bytes in one call, and tell how many bytes were taken: none when there
    is no room, and when the parts should be joined, or have to be for this stream. Raises OSError.
    """
    if len(parts) > _MOST_PARTS or size < len(parts) * WORTH_GATHERING:
        return 0
    if _GATHERING is None or type(stream) is not _GATHERING:
        return 0
    try:
        return stream.sendmsg(parts)
    except BlockingIOError:
        return 0
