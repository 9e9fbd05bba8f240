"""What an endpoint is told before it opens, checked once, and the properties that a client shows to
the server.
"""

from __future__ import annotations

import sys

from amqpconn.core.negotiation import Requested
from amqpconn.errors import InvalidParameter
from amqpconn_spec._wire import EncodeError, encode_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from amqpconn_spec._wire import FieldValue, Table

__version__: Final = "0.1.0"
DEFAULT_TIMEOUT_S: Final = 30.0
DEFAULT_CLOSE_TIMEOUT_S: Final = 5.0

# What we can handle; RabbitMQ changes its behaviour by these (its page on consumer cancel
# notification, and so on). Without authentication_failure_close a wrong password is answered with a
# silent end of the stream.
CAPABILITIES: Final = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "exchange_exchange_bindings": True,
    "publisher_confirms": True,
}


def client_properties(
    own: Mapping[str, FieldValue] | None = None, connection_name: str | None = None
) -> Table:
    """The table that goes out in start-ok: ours, then the caller's `own`, whose capabilities are
    merged and not replaced.

    Raises InvalidParameter when they cannot be written as a table, and when `own` has capabilities
    that are no table.
    """
    _check_table("client_properties", own or {})
    python = ".".join(str(part) for part in sys.version_info[:3])
    properties: Table = {
        "product": "amqpconn",
        "version": __version__,
        "platform": f"Python {python}",
    }
    properties.update(own or {})
    if connection_name is not None:
        _check_table("connection_name: ", {"connection_name": connection_name})
        properties["connection_name"] = connection_name
    extra = properties.get("capabilities", {})
    if not isinstance(extra, dict):
        raise InvalidParameter(
            f"client_properties['capabilities'] is {type(extra).__name__}, not a dict"
        )
    properties["capabilities"] = {**CAPABILITIES, **extra}
    return properties


def _check_table(what: str, table: Mapping[str, FieldValue]) -> None:
    try:
        encode_table(table)
    except EncodeError as error:
        raise InvalidParameter(f"{what}{error}") from error


def checked_seconds(name: str, value: float | None) -> float | None:
    """`value` when it is a time in seconds, or None for no limit. Raises InvalidParameter."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= sys.float_info.max
    ):
        raise InvalidParameter(
            f"{name} is {value!r}; it is a time in seconds above 0, or None for no limit"
        )
    return float(value)


class Settings:
    """What holds for one endpoint, whatever carries its bytes.

    Attributes:
        protocol: the version to speak, such as '0-9-1'.
        timeout_s: the deadline for opening, from the first name lookup to open-ok; None for none.
        requested: channel_max, frame_max and heartbeat as the client wants them.
        client_properties: what start-ok shows to the server, capabilities merged in.
        peer: the address in words, for messages.
    """

    __slots__ = ("client_properties", "peer", "protocol", "requested", "timeout_s")

    def __init__(
        self,
        *,
        protocol: str = "0-9-1",
        timeout: float | None = DEFAULT_TIMEOUT_S,
        channel_max: int = 0,
        frame_max: int = 0,
        heartbeat: int | None = None,
        properties: Mapping[str, FieldValue] | None = None,
        connection_name: str | None = None,
        peer: str = "",
    ) -> None:
        self.protocol = protocol
        self.timeout_s = checked_seconds("timeout", timeout)
        self.requested = Requested(channel_max, frame_max, heartbeat)
        self.client_properties = client_properties(properties, connection_name)
        self.peer = peer
