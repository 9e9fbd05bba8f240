"""One version of the protocol, as the core sees it: the generated package behind one typed object.

The classes of 0-9-1 give the types; another version has the same names and, where it matters to the
core, the same fields.
"""

from __future__ import annotations

from importlib import import_module

from amqpconn.errors import InvalidParameter
from amqpconn_spec import VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Final

    from amqpconn_spec._base import Method, Properties
    from amqpconn_spec.v0_9_1 import channel, connection, frames

# Takes the newest version first, and the one that the server asks for when we have it.
AUTO: Final = "auto"
# What we can handle, by the capability's name, with the method that it is about and who sends it: a
# version without that must not promise it. RabbitMQ changes its behaviour by these: without
# authentication_failure_close a wrong password is answered with a silent end of the stream, and a
# client of 0-8 that promises connection.blocked loses its connection at the first alarm.
CAPABILITIES: Final = {
    "authentication_failure_close": ("connection.close", "SENT_BY_SERVER"),
    "basic.nack": ("basic.nack", "SENT_BY_CLIENT"),
    "connection.blocked": ("connection.blocked", "SENT_BY_SERVER"),
    "consumer_cancel_notify": ("basic.cancel", "SENT_BY_SERVER"),
    "exchange_exchange_bindings": ("exchange.bind", "SENT_BY_CLIENT"),
    "publisher_confirms": ("confirm.select", "SENT_BY_CLIENT"),
}


class Dialect:
    """The generated package of one protocol version. Get one from `dialect_for`."""

    def __init__(self, protocol: str, package: ModuleType) -> None:
        registry, constants = package.registry, package.constants
        self.protocol = protocol
        self.package: Any = package
        self.protocol_header: bytes = registry.PROTOCOL_HEADER
        self.version: tuple[int, int] = (constants.MAJOR, constants.MINOR)  # as start has it
        self.decode_method: Any = registry.decode_method
        self.decoders: dict[int, Any] = registry.DECODERS
        self.decode_header: Any = registry.decode_header
        self.methods: dict[int, type[Method]] = registry.METHODS
        self.properties: dict[int, type[Properties]] = registry.PROPERTIES
        self.reply_codes: dict[str, int] = {
            reply.name: code for code, reply in package.errors.REPLY_CODES.items()
        }
        self.reply_success: int = constants.REPLY_SUCCESS
        self.frame_method: int = constants.FRAME_METHOD
        self.frame_header: int = constants.FRAME_HEADER
        self.frame_body: int = constants.FRAME_BODY
        self.frame_heartbeat: int = constants.FRAME_HEARTBEAT
        self.frame_end: int = constants.FRAME_END
        self.frame_min_size: int = constants.FRAME_MIN_SIZE
        self._take_classes(package)

    def _take_classes(self, package: ModuleType) -> None:
        frames_, names = package.frames, package.registry.BY_NAME
        self.by_name: dict[str, type[Method]] = names
        self.ProtocolHeader: type[frames.ProtocolHeader] = frames_.ProtocolHeader
        self.HeaderFrame: type[frames.HeaderFrame] = frames_.HeaderFrame
        self.heartbeat: bytes = frames_.HEARTBEAT
        self.StartOk: type[connection.StartOk] = names["connection.start-ok"]
        self.SecureOk: type[connection.SecureOk] = names["connection.secure-ok"]
        self.TuneOk: type[connection.TuneOk] = names["connection.tune-ok"]
        self.Open: type[connection.Open] = names["connection.open"]
        self.Close: type[connection.Close] = names["connection.close"]
        self.CloseOk: type[connection.CloseOk] = names["connection.close-ok"]
        self.UpdateSecret: type[connection.UpdateSecret] | None = names.get(
            "connection.update-secret"
        )
        self.ChannelOpen: type[channel.Open] = names["channel.open"]
        self.ChannelClose: type[channel.Close] = names["channel.close"]
        self.ChannelCloseOk: type[channel.CloseOk] = names["channel.close-ok"]
        self.FlowOk: type[channel.FlowOk] = names["channel.flow-ok"]
        self.replies: frozenset[type[Method]] = frozenset(
            reply for method in names.values() for reply in method.REPLIES
        )

    def capabilities(self) -> dict[str, bool]:
        """What a client of this version may promise, from the methods that servers of it send or
        take.
        """
        return {
            capability: True
            for capability, (name, side) in CAPABILITIES.items()
            if name in self.by_name and getattr(self.by_name[name], side)
        }

    def close_code(self, name: str) -> int:
        """The reply code of this name; 0-9 and 0-8 have fewer, but all have syntax-error."""
        return self.reply_codes.get(name, self.reply_codes["syntax-error"])

    def method_name(self, class_id: int, method_id: int) -> str:
        """'queue.declare' for (50, 10); empty for the (0, 0) of a close that is about no method."""
        if not class_id and not method_id:
            return ""
        method = self.methods.get(class_id << 16 | method_id)
        return method.NAME if method else f"method {class_id}.{method_id}"


_LOADED: dict[str, Dialect] = {}


def dialect_for(protocol: str) -> Dialect:
    """The dialect of a version such as '0-9-1'; of 'auto' the newest.

    Raises InvalidParameter for one that we do not have.
    """
    if protocol == AUTO:
        protocol = next(reversed(VERSIONS))
    if protocol not in VERSIONS:
        known = ", ".join([*VERSIONS, AUTO])
        raise InvalidParameter(f"protocol is {protocol!r}; known are {known}")
    if protocol not in _LOADED:
        package = import_module(f"amqpconn_spec.{VERSIONS[protocol]}")
        _LOADED[protocol] = Dialect(protocol, package)
    return _LOADED[protocol]


def dialect_of_header(header: bytes) -> Dialect | None:
    """The dialect that begins with this protocol header (8 bytes), if we have it."""
    for protocol in VERSIONS:
        if dialect_for(protocol).protocol_header == header:
            return dialect_for(protocol)
    return None
