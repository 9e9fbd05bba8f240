"""When the server sends the client elsewhere before the connection is open.

To another version of the protocol (its answer to our header, 4.2.2), to another host
(connection.redirect of 0-8 and 0-9), or to the beginning, when a fast open comes to nothing.
"""

from __future__ import annotations

from amqpconn.errors import ProtocolViolation, RedirectRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_HIGHEST_PORT: Final = 65535


class Detour:
    """One place that an attempt was sent on from.

    Attributes:
        peer: its address, in words.
        protocol: the version that was tried there, such as '0-9-1'.
        reason: what the server said.
        is_redirect: whether it was another host that it wanted.
        was_fast: whether we went ahead of its answers there, and they were not as the last time.
    """

    __slots__ = ("is_redirect", "peer", "protocol", "reason", "was_fast")

    def __init__(
        self, peer: str, protocol: str, reason: str, is_redirect: bool, was_fast: bool = False
    ) -> None:
        self.peer = peer
        self.protocol = protocol
        self.reason = reason
        self.is_redirect = is_redirect
        self.was_fast = was_fast

    def __repr__(self) -> str:
        return f"<AMQP {self.protocol} at {self.peer}: {self.reason}>"


def parse_host(text: str) -> tuple[str, int | None]:
    """The host of a redirect: a name or address, and behind a colon perhaps a port.

    Raises ProtocolViolation for what is neither.
    """
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        host, colon, port = host if bracket else "", rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    is_right = colon == ":" and port.isascii() and port.isdigit()
    if not host or "\0" in host or (colon and not is_right):
        raise ProtocolViolation(f"the server redirects to {text!r}, which is no host and port")
    if port and not 0 < int(port) <= _HIGHEST_PORT:
        raise ProtocolViolation(f"the server redirects to {text!r}, whose port does not exist")
    return host, int(port) if port else None


def check_count(detours: Sequence[Detour], text: str, max_redirects: int) -> None:
    """Raises RedirectRefused when the server has sent us on as often as we let it."""
    if sum(detour.is_redirect for detour in detours) >= max_redirects:
        raise RedirectRefused(
            f"the server redirects to {text}; {max_redirects} redirects are followed at most"
        )
