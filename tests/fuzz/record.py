"""Records conversations with a real RabbitMQ as seeds: `python -m tests.fuzz.record`.

They replace corpus/*/rabbitmq-*; the password in them is blanked. In each version of the protocol:
a login that is taken and two that are refused, queues, messages out and in, an orderly close.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import amqpconn.sync
from amqpconn import Content
from amqpconn.core.dialect import Dialect, dialect_for
from amqpconn.errors import AMQPError
from amqpconn_spec import VERSIONS
from amqpconn_spec._base import Method
from amqpconn_spec._wire import encode_table
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.relay import Relay
from tests.fuzz.catalogue import corpus
from tests.fuzz.inputs import DIALECTS
from tests.fuzz.targets import methods

HEADER_SIZE = 8
# Replaced by as many bytes, so that lengths in front of it stay right: the password, the node's
# name, and what the broker says of its makers.
_BLANKED = re.compile(rb"(?<=guest\0)guest|test-\d+@[\w.-]+|Copyright[ -~]+|Licensed[ -~]+")


def main() -> int:
    for target in ("client", "server", "frames", "methods", "tables"):
        corpus(target).mkdir(parents=True, exist_ok=True)
        for old in corpus(target).glob("rabbitmq-*"):
            old.unlink()
    with (
        tempfile.TemporaryDirectory() as folder,
        RabbitMQNode(Path(folder) / "node") as node,
    ):
        for protocol in VERSIONS:
            for name, relay in conversations(node, protocol):
                keep(dialect_for(protocol), name, bytes(relay.sent), bytes(relay.received))
    return 0


def conversations(node: RabbitMQNode, protocol: str) -> Iterator[tuple[str, Relay]]:
    """Names of conversations, and the relay that one went through."""
    for name, url in (
        ("use", node.url()),
        ("wrong-password", node.url(password="wrong")),
        ("wrong-host", node.url(virtual_host="nowhere")),
    ):
        with Relay(node.host, node.port) as relay:
            place = {"host": "127.0.0.1", "port": relay.port, "protocol": protocol}
            with contextlib.suppress(AMQPError), amqpconn.sync.connect(url, **place) as connection:
                use(connection, import_module(f"amqpconn_spec.{VERSIONS[protocol]}"))
        yield name, relay


def use(connection: amqpconn.sync.Connection, spec: Any) -> None:
    """Something of everything, on channels 1 and 2."""
    channel = connection.endpoint.open_channel()
    channel.call(spec.exchange.Declare(exchange="e", type="direct", auto_delete=True))
    channel.call(spec.queue.Declare(queue="q", exclusive=True, arguments={"x-max-length": 9}))
    channel.call(spec.queue.Bind(queue="q", exchange="e", routing_key="k"))
    properties = spec.basic.Properties(content_type="a/b", headers={"n": [1, {"m": True}]})
    for key, exchange in (("q", ""), ("k", "e"), ("nowhere", "")):
        publish = spec.basic.Publish(exchange=exchange, routing_key=key, mandatory=True)
        channel.send(publish, Content(b"body", properties))
    channel.fetch(spec.basic.Get(queue="q"))
    channel.call(spec.basic.Qos(prefetch_count=5))
    channel.call(spec.basic.Consume(queue="q", consumer_tag="t"))
    channel.receive(timeout=5.0)
    channel.send(spec.basic.Ack(delivery_tag=1))
    channel.call(spec.basic.Cancel(consumer_tag="t"))
    channel.fetch(spec.basic.Get(queue="q"))
    channel.call(spec.tx.Select())
    channel.call(spec.tx.Commit())
    other = connection.endpoint.open_channel()
    with contextlib.suppress(AMQPError):
        other.call(spec.queue.Declare(queue="missing", passive=True))
    channel.close()


def keep(dialect: Dialect, name: str, sent: bytes, received: bytes) -> None:
    """A conversation as a whole, what of it comes after the handshake, and its parts."""
    sent, received = (
        _BLANKED.sub(lambda found: b"*" * (found.end() - found.start()), stream)
        for stream in (sent, received)
    )
    place = DIALECTS.index(dialect)
    name = f"rabbitmq-{dialect.protocol}-{name}"
    after = {
        "client": received[behind(dialect, received, "connection.open-ok") :],
        "server": sent[HEADER_SIZE:][behind(dialect, sent[HEADER_SIZE:], "connection.open") :],
    }
    write("client", name, bytes([place, 200]) + received)
    write("server", name, bytes([0, 200]) + sent)
    write("frames", f"{name}-received", bytes([place, 200]) + received)
    write("frames", f"{name}-sent", bytes([place, 200]) + sent[HEADER_SIZE:])
    for target, rest in after.items():
        opened = len(DIALECTS) if target == "client" else 1  # as SCENARIOS of the target has it
        if rest:
            write(target, f"{name}-opened", bytes([opened + place, 6]) + rest)
    for stream in (received, sent[HEADER_SIZE:]):
        keep_parts(dialect, place, stream)


def keep_parts(dialect: Dialect, place: int, stream: bytes) -> None:
    """The fields of each method and content header, and each table in them."""
    for frame in frames(dialect, stream):
        what = getattr(frame, "method", getattr(frame, "properties", None))
        if what is None:
            continue
        fields = frame.encode()[11 if isinstance(what, Method) else 19 : -1]
        number = methods.KINDS[dialect.protocol].index(type(what))
        name = f"rabbitmq-{dialect.protocol}-{what.NAME}"
        write("methods", name, bytes([place, number]) + fields)
        for field, kind in what.FIELDS:
            if kind == "table" and getattr(what, field):
                write("tables", f"{name}-{field}", encode_table(getattr(what, field)))


def frames(dialect: Dialect, stream: bytes) -> Iterator[Any]:
    at = 0
    while at < len(stream) and not stream.startswith(b"AMQP"):
        frame, at = dialect.package.frames.decode_frame(stream, at)
        yield frame


def behind(dialect: Dialect, stream: bytes, name: str) -> int:
    """Where the frame of a method ends; the end of the stream without one."""
    at: int = 0
    while at < len(stream):
        frame, at = dialect.package.frames.decode_frame(stream, at)
        if getattr(getattr(frame, "method", None), "NAME", "") == name:
            return int(at)
    return len(stream)


def write(target: str, name: str, data: bytes) -> None:
    (corpus(target) / f"{name}-{sha256(data).hexdigest()[:6]}").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
