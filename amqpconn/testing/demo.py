"""Connections being made, shown: `make demo`.

It starts the in-process peer, or takes the broker of AMQP_URL, connects with both drivers, sends a
message through a queue and back, prints what was negotiated and how, and what the library says when
a login is refused.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

import amqpconn.asyncio
import amqpconn.sync
from amqpconn import AMQPError, ConnectionFailed, Content, plain_auth
from amqpconn.testing import Peer
from amqpconn.uri import parse_url
from amqpconn_spec.v0_9_1 import basic, queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amqpconn._facade import ConnectionFacade

try:
    from rich.console import Console
    from rich.table import Table
except ModuleNotFoundError:
    sys.exit("the demo prints with rich: pip install rich")

console = Console()


def main() -> int:
    """Run the demo; 0 when everything went as it should."""
    given = os.environ.get("AMQP_URL")
    with nullcontext() if given else Peer() as peer:
        url = given or (peer.url() if peer else "")
        try:
            whose = "yours" if given else "an in-process peer"
            console.print(f"[bold]{parse_url(url).redacted}[/], {whose}\n")
            blocking(url)
            asyncio.run(coroutines(url))
            if peer:
                refused(url)
        except AMQPError as error:
            console.print(f"[red]{type(error).__name__}[/]: {error}")
            return 1
    return 0


def blocking(url: str) -> None:
    """The blocking driver."""
    began = perf_counter()
    with amqpconn.sync.connect(url, connection_name="demo, blocking") as connection:
        took = perf_counter() - began
        with connection.endpoint.open_channel() as channel:
            name = channel.call(queue.Declare(exclusive=True)).queue
            channel.send(basic.Publish(routing_key=name), Content(b"hello", basic.Properties()))
            _, content = channel.fetch(basic.Get(queue=name, no_ack=True))
        report("amqpconn.sync", connection, took, content)


async def coroutines(url: str) -> None:
    """The asyncio driver: the same, awaited."""
    began = perf_counter()
    async with amqpconn.asyncio.connect(url, connection_name="demo, asyncio") as connection:
        took = perf_counter() - began
        async with connection.endpoint.open_channel() as channel:
            name = (await channel.call(queue.Declare(exclusive=True))).queue
            await channel.send(basic.Publish(routing_key=name), Content(b"hello"))
            _, content = await channel.fetch(basic.Get(queue=name, no_ack=True))
        report("amqpconn.asyncio", connection, took, content)


def refused(url: str) -> None:
    """What a wrong password looks like."""
    try:
        amqpconn.sync.connect(url, auth_methods=plain_auth("guest", "wrong"))
    except ConnectionFailed as error:
        console.print(f"[bold]a wrong password[/]: {type(error).__name__}\n{error}")


def report(
    driver: str, connection: ConnectionFacade, took_s: float, content: Content | None
) -> None:
    """One connection as a table."""
    table = Table(
        "",
        "asked for",
        "offered",
        "agreed",
        "why",
        title=f"{driver}: open in {took_s * 1000:.1f} ms",
    )
    for row in rows(connection):
        table.add_row(*row)
    console.print(table)
    body = content.body if content else None
    console.print(f"through a queue and back: {body!r}\n")


def rows(connection: ConnectionFacade) -> Iterator[tuple[str, ...]]:
    """The negotiation, line by line."""
    properties = connection.server_properties
    yield "server", "", f"{properties.get('product')} {properties.get('version', '')}", "", ""
    yield "protocol", connection.protocol_version, "", connection.protocol_version, ""
    yield "mechanism", "", ", ".join(
        connection.offered_mechanisms
    ), connection.mechanism, "ours, offered"
    yield "locale", "", ", ".join(connection.offered_locales), connection.locale, ""
    for line in connection.tuning.report:
        requested = "the server's" if line.requested in (None, 0) else str(line.requested)
        yield line.parameter, requested, str(line.offered), str(line.agreed), line.rule


if __name__ == "__main__":
    sys.exit(main())
