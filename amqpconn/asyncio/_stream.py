"""A transport over a StreamReader and a StreamWriter, for byte streams that users bring so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any, Protocol

    class Reader(Protocol):
        """Where bytes come from; asyncio.StreamReader is one."""

        async def read(self, n: int, /) -> bytes:
            """Some bytes; none at the end."""

    class Writer(Protocol):
        """Where bytes go; asyncio.StreamWriter is one."""

        def write(self, data: bytes, /) -> None:
            """Take bytes, and keep those that cannot go out yet."""

        async def drain(self) -> None:
            """Wait until there is room again."""

        def close(self) -> None:
            """Close the stream."""


_READ_SIZE = 65536


class StreamTransport(asyncio.Transport):
    """What the link takes for a transport. Two tasks move the bytes: nobody calls us here."""

    def __init__(self, reader: Reader, writer: Writer, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer
        self._protocol = protocol
        self._closing = False
        self._error: Exception | None = None
        self._draining: asyncio.Task[None] | None = None
        self._reading = asyncio.get_running_loop().create_task(self._read())
        self._reading.add_done_callback(self._ended)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hand bytes on; while the writer has no room the protocol is paused."""
        self._writer.write(bytes(data))
        if self._draining is None and not self._closing:
            self._draining = asyncio.get_running_loop().create_task(self._drain())

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell another protocol from now on."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """What the writer knows, if it is one that can be asked; asyncio.StreamWriter is."""
        ask = getattr(self._writer, "get_extra_info", None)
        return default if ask is None else ask(name, default)

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Write what is left, then close."""
        if self._closing:
            return
        self._closing = True
        if self._draining is None:
            self._reading.cancel()
        else:
            self._draining.add_done_callback(lambda _: self._reading.cancel())

    def abort(self) -> None:
        """Close without waiting for anything."""
        self._closing = True
        if self._draining is not None:
            self._draining.cancel()
        self._reading.cancel()

    async def _read(self) -> None:
        while data := await self._reader.read(_READ_SIZE):
            self._protocol.data_received(data)
        self._protocol.eof_received()

    def _ended(self, reading: asyncio.Task[None]) -> None:
        """All is read, it failed, or it was cancelled, which only we do: the stream goes."""
        self._closing = True
        if self._draining is not None:
            self._draining.cancel()
        lost = self._error if reading.cancelled() else reading.exception()
        self._writer.close()
        self._protocol.connection_lost(cast("Exception | None", lost))

    async def _drain(self) -> None:
        self._protocol.pause_writing()
        try:
            await self._writer.drain()
        except Exception as error:  # noqa: BLE001 - told to the protocol
            self._error = error
            self._reading.cancel()
        finally:
            self._draining = None
            self._protocol.resume_writing()
