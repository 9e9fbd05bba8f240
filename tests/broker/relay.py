"""A relay between a client and a broker: a Unix socket in front of it, or a look at the bytes."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from pathlib import Path
from typing import Self


class Relay:
    """Takes one connection after the other, at `path` or at a free port, and carries their bytes to
    a TCP server.

    Attributes:
        port: where it listens, unless at a path.
        sent, received: what clients have sent so far, and the server.
        turns: for each connection who spoke, in order: '>' the client, '<' the server; whoever goes
            on speaking is noted once, so there are as many round trips as there are '<'.
    """

    def __init__(self, host: str, port: int, path: Path | None = None) -> None:
        self.sent, self.received = bytearray(), bytearray()
        self.turns: list[str] = []
        self._server = (host, port)
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._listener.bind(str(path) if path else ("127.0.0.1", 0))
        self._listener.listen()
        self.port = 0 if path else self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._work, name="test-relay")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # nobody has come, and nobody will
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _work(self) -> None:
        with self._listener, contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self.turns.append("")
                with client, contextlib.suppress(OSError):
                    with socket.create_connection(self._server) as server:
                        self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Copy in both directions until one side ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    self._note(data, key.data is server)
                    key.data.sendall(data)

    def _note(self, data: bytes, is_sent: bool) -> None:
        if is_sent:
            self.sent += data
        else:
            self.received += data
        turn = ">" if is_sent else "<"
        if not self.turns[-1].endswith(turn):
            self.turns[-1] += turn
