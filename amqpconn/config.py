"""What an endpoint is told before it opens, checked once, and the properties that a client shows to
the server.
"""

from __future__ import annotations

import sys

from amqpconn._late import Late
from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from amqpconn.core import negotiation
    from amqpconn.core.servers import Servers
    from amqpconn.observer import Observer
    from amqpconn_spec import _wire as wire
    from amqpconn_spec._wire import FieldValue, Table
else:
    negotiation = Late("amqpconn.core.negotiation")
    wire = Late("amqpconn_spec._wire")

__version__: Final = "0.1.0"
DEFAULT_TIMEOUT_S: Final = 30.0
DEFAULT_CLOSE_TIMEOUT_S: Final = 5.0
DEFAULT_MAX_REDIRECTS: Final = 3
_NUMBERS: Final = (int, float)


# What every connection shows to the server. Those who add nothing share it.
OURS: Final[Table] = {
    "product": "amqpconn",
    "version": __version__,
    "platform": "Python " + ".".join(str(part) for part in sys.version_info[:3]),
    "capabilities": {},
}


def client_properties(
    own: Mapping[str, FieldValue] | None = None, connection_name: str | None = None
) -> Table:
    """The table that goes out in start-ok: ours, then the caller's `own`. The handshake merges the
    capabilities of the protocol version into it.

    Raises InvalidParameter when they cannot be written as a table, and when `own` has capabilities
    that are no table.
    """
    if own is None and connection_name is None:
        return OURS
    _check_table("client_properties", own or {})
    properties = {name: value for name, value in OURS.items() if name != "capabilities"}
    properties.update(own or {})
    if connection_name is not None:
        _check_table("connection_name: ", {"connection_name": connection_name})
        properties["connection_name"] = connection_name
    extra = properties.setdefault("capabilities", {})
    if not isinstance(extra, dict):
        raise InvalidParameter(
            f"client_properties['capabilities'] is {type(extra).__name__}, not a dict"
        )
    return properties


def _check_table(what: str, table: Mapping[str, FieldValue]) -> None:
    try:
        wire.encode_table(table)
    except wire.EncodeError as error:
        raise InvalidParameter(f"{what}{error}") from error


def checked_seconds(name: str, value: float | None) -> float | None:
    """`value` when it is a time in seconds, or None for no limit. Raises InvalidParameter."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, _NUMBERS)
        or not 0 < value <= sys.float_info.max
    ):
        raise InvalidParameter(
            f"{name} is {value!r}; it is a time in seconds above 0, or None for no limit"
        )
    return float(value)


def checked_count(name: str, value: int) -> int:
    """`value` when it is a whole number, not negative. Raises InvalidParameter."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidParameter(f"{name} is {value!r}; it is a whole number, 0 or more")
    return value


def checked_observers(observers: Sequence[Observer]) -> tuple[Observer, ...]:
    """All of them, if they can be called. Raises InvalidParameter."""
    if isinstance(observers, tuple) and not observers:
        return ()
    from amqpconn.observer import checked  # late: most have none

    return checked(observers)


class Settings:
    """What holds for one endpoint, whatever carries its bytes.

    Attributes:
        protocol: the version to speak, such as '0-9-1'.
        timeout_s: the deadline for opening, from the first name lookup to open-ok; None for none.
        requested: channel_max, frame_max and heartbeat as the client wants them.
        client_properties: what start-ok shows to the server, before the capabilities of the
            protocol version are merged in.
        peer: the address in words, for messages.
        max_redirects: how often the server may send us to another host (0-8 and 0-9).
        initial_frame_max: bytes of a frame that the server takes before tuning; 0: as it says.
        servers: what is remembered of servers, for fast open; None: every connection opens in the
            ordinary way.
        observers: what is told of everything; see `amqpconn.observer`.
        flight_recorder: how many frames are kept for errors and to be looked at; 0: none.
    """

    __slots__ = (
        "client_properties",
        "flight_recorder",
        "initial_frame_max",
        "max_redirects",
        "observers",
        "peer",
        "protocol",
        "requested",
        "servers",
        "timeout_s",
    )

    def __init__(  # noqa: PLR0913 - each is named and has a default
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
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        observers: Sequence[Observer] = (),
        flight_recorder: int = 0,
        initial_frame_max: int = 0,
        servers: Servers | None = None,
    ) -> None:
        self.protocol = protocol
        self.timeout_s = checked_seconds("timeout", timeout)
        self.requested = negotiation.Requested(channel_max, frame_max, heartbeat)
        self.client_properties = client_properties(properties, connection_name)
        self.peer = peer
        self.max_redirects = checked_count("max_redirects", max_redirects)
        self.initial_frame_max = checked_count("initial_frame_max", initial_frame_max)
        self.servers = servers
        self.observers = checked_observers(observers)
        self.flight_recorder = checked_count("flight_recorder", flight_recorder)
