"""py-amqp's codec, which it has no objects for: its transport without a socket."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from types import SimpleNamespace
from typing import Any

from amqp import Message
from amqp.method_framing import frame_writer
from amqp.transport import TCPTransport


class Transport(TCPTransport):  # type: ignore[misc]
    """Its transport, reading what `recv` gives; what it writes is gone."""

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self.sock = SimpleNamespace(recv=recv, sendall=lambda _: None)
        self.connected = True
        self._setup_transport()

    def read_frame_of(self, data: bytes) -> Any:
        """The type, channel and payload of a frame whose bytes have all come."""
        self._read_buffer = data
        return self.read_frame()


TRANSPORT = Transport(lambda _: b"")
#: Writes a frame: type, channel, class and method, packed arguments, message.
write_frame = frame_writer(SimpleNamespace(frame_max=131072, bytes_sent=0), TRANSPORT)


def write_header(channel: int, size: int, properties: dict[str, Any]) -> bytes:
    """A content header, which py-amqp packs between a method and a body, as it does there."""
    packed = Message("", **properties)._serialize_properties()
    frame = b"".join([pack(">HHQ", 60, 0, size), packed])
    return pack(f">BHI{len(frame)}sB", 2, channel, len(frame), frame, 0xCE)


def read_header(data: bytes) -> Any:
    """A message that has the properties of a content header."""
    message = Message()
    message.inbound_header(TRANSPORT.read_frame_of(data)[2])
    return message
