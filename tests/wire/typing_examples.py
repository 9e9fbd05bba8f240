"""What type checkers know about methods and their replies. mypy reads it; running it does nothing.

`call` takes a `Method[R]` and gives an `R`, so a request says by itself what comes back.
"""

from __future__ import annotations

from typing import Any, assert_type

import amqpconn.asyncio
import amqpconn.sync
from amqpconn_spec._base import Method, Properties
from amqpconn_spec.v0_9_1 import basic, channel, connection, exchange, frames, queue, registry, tx


def replies_when_blocking(endpoint: amqpconn.sync.Endpoint) -> None:
    assert_type(endpoint.call(queue.Declare(), 1), queue.DeclareOk)
    assert_type(endpoint.call(queue.Declare("jobs"), 1).message_count, int)
    assert_type(endpoint.call(basic.Get("jobs"), 1), basic.GetOk | basic.GetEmpty)
    assert_type(endpoint.call(exchange.Bind(), 1), exchange.BindOk)
    assert_type(endpoint.call(tx.Commit(), 1), tx.CommitOk)


async def replies_when_waiting(endpoint: amqpconn.asyncio.Endpoint) -> None:
    assert_type(await endpoint.call(queue.Declare(), 1), queue.DeclareOk)
    assert_type(await endpoint.call(basic.Get("jobs"), 1), basic.GetOk | basic.GetEmpty)
    assert_type(await endpoint.call(connection.UpdateSecret(), 0), connection.UpdateSecretOk)


def replies_of_what_is_not_known(endpoint: amqpconn.sync.Endpoint, method: Method) -> None:
    assert_type(endpoint.call(method, 1), Any)


def arguments() -> None:
    declare = queue.Declare("jobs", durable=True)
    assert_type(declare.queue, str)
    assert_type(declare.durable, bool)
    assert_type(connection.Secure().challenge, bytes)
    assert_type(basic.Deliver().delivery_tag, int)
    assert_type(basic.Properties().priority, int | None)
    assert_type(channel.Flow.decode(b""), channel.Flow)
    assert_type(registry.decode_method(b""), Method[Any])
    assert_type(registry.PROPERTIES[60], type[Properties])


def directions(received: registry.ServerMethod) -> registry.ClientMethod:
    """Unions tell requests that a client sends from those that it gets."""
    if isinstance(received, connection.Secure):
        return connection.SecureOk(b"answer")
    return connection.CloseOk()


def parts(octets: bytes) -> str:
    frame, end = frames.decode_frame(octets)
    assert_type(end, int)
    match frame:
        case frames.MethodFrame(number, method):
            assert_type(number, int)
            assert_type(method, Method[Any])
        case frames.HeaderFrame(properties=properties):
            assert_type(properties, Properties)
        case frames.BodyFrame(_, payload):
            assert_type(payload, bytes)
        case frames.HeartbeatFrame():
            return "heartbeat"
    return "something else"
