"""From a target to a connected socket: name lookup, and one address after the other.

What has to be waited for is handed to `wait`, which another task may break off.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from amqpconn import transport

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable
    from typing import Protocol, TypeVar

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.errors import ConnectionFailed
    from amqpconn.transport import AddressInfo, Target

    T = TypeVar("T")

    class Wait(Protocol):
        """Waits for something, and may be broken off."""

        async def __call__(self, awaited: Awaitable[T]) -> T:
            """What it gives. Raises OpenAborted when it is broken off."""


async def connected_socket(target: Target, core: EndpointCore, wait: Wait) -> socket.socket:
    """A socket connected to `target`. Raises ConnectionFailed."""
    loop = asyncio.get_running_loop()
    addresses = target.known_addresses
    if not addresses:
        core.enter("resolve", loop.time())
        addresses = await wait(_resolved(target))
    core.enter("connect", loop.time())
    errors: list[ConnectionFailed] = []
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        began = loop.time()
        try:
            sock = await _attempt(address, left, core, wait)
        except OSError as error:
            took = loop.time() - began
            errors.append(transport.attempt_failed(error, target, address, took))
        else:
            transport.reached(core, target, address)
            return sock
    raise transport.several(errors, target)


async def _resolved(target: Target) -> list[AddressInfo]:
    loop = asyncio.get_running_loop()
    resolved: asyncio.Future[list[AddressInfo]] = loop.create_future()

    def settle(addresses: list[AddressInfo], error: ConnectionFailed | None) -> None:
        if resolved.done():
            return  # nobody waits any more
        if error is not None:
            resolved.set_exception(error)
        else:
            resolved.set_result(addresses)

    def tell(addresses: list[AddressInfo], error: ConnectionFailed | None) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            loop.call_soon_threadsafe(settle, addresses, error)

    transport.look_up(target, tell)
    return await resolved


async def _attempt(
    address: AddressInfo, left: int, core: EndpointCore, wait: Wait
) -> socket.socket:
    sock = transport.new_socket(address)
    try:
        # Where it does not tell, waiting does.
        code = transport.begin(sock, address) if transport.TELLS_AGAIN else transport.IN_PROGRESS
        if code == transport.IN_PROGRESS:
            remaining = core.remaining(asyncio.get_running_loop().time())
            await wait(_connect(sock, address, transport.share(remaining, left)))
        elif code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect(sock: socket.socket, address: AddressInfo, timeout: float | None) -> None:
    async with asyncio.timeout(timeout):
        await asyncio.get_running_loop().sock_connect(sock, address[4])
