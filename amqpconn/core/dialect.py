"""One version of the protocol, as the core sees it: the generated package behind one typed object.

The classes of 0-9-1 give the types; another version has the same names and, where it matters to the
core, the same fields.
"""

from __future__ import annotations

from functools import cache

from amqpconn._late import Late
from amqpconn._typing import cast
from amqpconn.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Final

    import amqpconn_spec as spec
    from amqpconn_spec._base import Method, Properties
    from amqpconn_spec.v0_9_1 import channel, connection, frames
else:
    spec = Late("amqpconn_spec")

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
        decoding, constants = package.decoding, package.constants
        self.protocol = protocol
        self.package: Any = package
        self.protocol_header: bytes = decoding.PROTOCOL_HEADER
        self.version: tuple[int, int] = (constants.MAJOR, constants.MINOR)  # as start has it
        self.decode_method: Any = decoding.decode_method
        self.decoders: dict[int, Any] = decoding.DECODERS  # of the classes needed so far
        self.decode_header: Any = decoding.decode_header
        self.properties_class: Callable[[int], type[Properties]] = decoding.properties_class
        self.no_properties: Callable[[int], Properties] = cache(
            lambda class_id: decoding.properties_class(class_id)()
        )
        self.names: dict[int, str] = decoding.NAMES
        self.reply_codes: dict[str, int] = {
            reply.name: code for code, reply in package.errors.REPLY_CODES.items()
        }
        self.reply_success: int = constants.REPLY_SUCCESS
        self.frame_method: int = constants.FRAME_METHOD
        self.frame_header: int = constants.FRAME_HEADER
        self.frame_body: int = constants.FRAME_BODY
        self.frame_heartbeat: int = constants.FRAME_HEARTBEAT
        self.frame_types = (  # in the order of FrameReader
            self.frame_method,
            self.frame_body,
            self.frame_header,
            self.frame_heartbeat,
        )
        self.reading: Any = (self.decoders, self.decode_header, *self.frame_types)
        self.frame_end: int = constants.FRAME_END
        self.end_octet = bytes((self.frame_end,))
        self.frame_min_size: int = constants.FRAME_MIN_SIZE
        self.beginnings: dict[bytes, Any] = {}  # what servers have begun with, and the frames
        self._take_classes(package)

    def _take_classes(self, package: ModuleType) -> None:
        frames_, connection_, channel_ = package.frames, package.connection, package.channel
        self.ProtocolHeader: type[frames.ProtocolHeader] = frames_.ProtocolHeader
        self.HeaderFrame: type[frames.HeaderFrame] = frames_.HeaderFrame
        self.heartbeat: bytes = frames_.HEARTBEAT
        self.Start: type[connection.Start] = connection_.Start
        self.StartOk: type[connection.StartOk] = connection_.StartOk
        self.SecureOk: type[connection.SecureOk] = connection_.SecureOk
        self.TuneOk: type[connection.TuneOk] = connection_.TuneOk
        self.Open: type[connection.Open] = connection_.Open
        self.has_redirect = hasattr(connection_, "Redirect")
        self.Close: type[connection.Close] = connection_.Close
        self.CloseOk: type[connection.CloseOk] = connection_.CloseOk
        self.UpdateSecret: type[connection.UpdateSecret] | None = getattr(
            connection_, "UpdateSecret", None
        )
        self.ChannelOpen: type[channel.Open] = channel_.Open
        self.ChannelClose: type[channel.Close] = channel_.Close
        self.ChannelCloseOk: type[channel.CloseOk] = channel_.CloseOk
        self.FlowOk: type[channel.FlowOk] = channel_.FlowOk

    @property
    def methods(self) -> dict[int, type[Method]]:
        """Every method by its index; it loads those that nobody has needed yet."""
        return cast("dict[int, type[Method]]", self.package.registry.METHODS)

    @property
    def by_name(self) -> dict[str, type[Method]]:
        """Every method by its name; it loads those that nobody has needed yet."""
        return cast("dict[str, type[Method]]", self.package.registry.BY_NAME)

    def capabilities(self) -> dict[str, bool]:
        """What a client of this version may promise, from the methods that servers of it send or
        take.
        """
        return {
            capability: True
            for capability, (name, side) in CAPABILITIES.items()
            if name in getattr(self.package.decoding, side)
        }

    def close_code(self, name: str) -> int:
        """The reply code of this name; 0-9 and 0-8 have fewer, but all have syntax-error."""
        return self.reply_codes.get(name, self.reply_codes["syntax-error"])

    def method_name(self, class_id: int, method_id: int) -> str:
        """'queue.declare' for (50, 10); empty for the (0, 0) of a close that is about no method."""
        if not class_id and not method_id:
            return ""
        return self.names.get(class_id << 16 | method_id, f"method {class_id}.{method_id}")


_LOADED: dict[str, Dialect] = {}


def dialect_for(protocol: str) -> Dialect:
    """The dialect of a version such as '0-9-1'; of 'auto' the newest.

    Raises InvalidParameter for one that we do not have.
    """
    dialect = _LOADED.get(protocol)
    if dialect is None:
        version = next(reversed(spec.VERSIONS)) if protocol == AUTO else protocol
        if version not in spec.VERSIONS:
            known = ", ".join([*spec.VERSIONS, AUTO])
            raise InvalidParameter(f"protocol is {protocol!r}; known are {known}")
        if version not in _LOADED:
            from importlib import import_module  # late: it may not be loaded itself

            package = import_module(f"amqpconn_spec.{spec.VERSIONS[version]}")
            _LOADED[version] = Dialect(version, package)
        dialect = _LOADED[version]
    return dialect


def dialect_of_header(header: bytes) -> Dialect | None:
    """The dialect that begins with this protocol header (8 bytes), if we have it."""
    for protocol in spec.VERSIONS:
        if dialect_for(protocol).protocol_header == header:
            return dialect_for(protocol)
    return None
