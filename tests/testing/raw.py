"""A client that says what tests have it say, right or wrong."""

from __future__ import annotations

import socket
from typing import Any, Self

from amqpconn.testing import Peer
from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import connection, frames, registry

HEADER = registry.PROTOCOL_HEADER


class Raw:
    """A socket, and frames made and read with the generated classes only."""

    def __init__(self, peer: Peer) -> None:
        self.sock = socket.create_connection((peer.host, peer.port), timeout=10)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, *what: bytes | Method[Any], channel: int = 0) -> None:
        for part in what:
            self.sock.sendall(part if isinstance(part, bytes) else part.encode_frame(channel))

    def frame(self) -> Any:
        """The next frame; None at the end of the stream."""
        while True:
            try:
                frame, end = frames.decode_frame(self._rest)
            except ValueError:
                data = self.sock.recv(65536)
                if not data:
                    assert not self._rest
                    return None
                self._rest += data
            else:
                self._rest = self._rest[end:]
                return frame

    def method(self) -> Any:
        """The next method; heartbeats are passed over. None at the end of the stream."""
        while isinstance(frame := self.frame(), frames.HeartbeatFrame):
            pass
        return None if frame is None else frame.method

    def everything(self) -> bytes:
        """All that comes until the end."""
        data = self._rest
        while more := self.sock.recv(65536):
            data += more
        return data

    def log_in(self, mechanism: str = "PLAIN", response: bytes = b"\0guest\0guest") -> Any:
        """As far as the answer to start-ok."""
        self.send(HEADER)
        assert isinstance(self.method(), connection.Start)
        self.send(connection.StartOk({}, mechanism, response, "en_US"))
        return self.method()

    def open(self, frame_max: int = 131072, heartbeat: int = 0) -> None:
        assert isinstance(self.log_in(), connection.Tune)
        self.send(connection.TuneOk(10, frame_max, heartbeat), connection.Open("/"))
        assert self.method() == connection.OpenOk()
