"""Messages through a real broker and back, and what the broker says about them meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from amqpconn import Content
from amqpconn_spec.v0_9_1 import basic, confirm, exchange, queue, tx
from tests.broker.certificates import Certificates
from tests.broker.rabbitmq import RabbitMQNode
from tests.broker.waiting import eventually
from tests.drivers.adapter import Driver

if TYPE_CHECKING:
    from amqpconn.sync import Channel

FRAME_ROOM = 131072 - 8
LARGEST = 300_000
# The ends, and where one more byte takes one more frame.
EDGES = [0, 1, FRAME_ROOM - 1, FRAME_ROOM, FRAME_ROOM + 1, 2 * FRAME_ROOM, 131072, LARGEST]


@pytest.fixture
def channel(broker: RabbitMQNode, driver: Driver) -> Iterator[Channel]:
    """A channel of a connection of its own."""
    with (
        driver.connect(broker.url()) as connection,
        connection.endpoint.open_channel() as opened,
    ):
        yield opened


def new_queue(channel: Channel) -> str:
    """Declare a queue that goes with its connection, and return the name that it was given."""
    return channel.call(queue.Declare(exclusive=True)).queue


def publish(channel: Channel, routing_key: str, *bodies: bytes, mandatory: bool = False) -> None:
    """Send messages to the default exchange."""
    for body in bodies:
        channel.send(basic.Publish(routing_key=routing_key, mandatory=mandatory), Content(body))


def get(channel: Channel, name: str) -> tuple[basic.GetOk, bytes] | None:
    """Fetch a message, None when there is none."""
    reply, content = channel.fetch(basic.Get(queue=name))
    if isinstance(reply, basic.GetEmpty):
        return None
    assert isinstance(reply, basic.GetOk)
    assert content is not None
    return reply, content.body


def bodies(channel: Channel, name: str) -> list[bytes]:
    """Fetch all that is in a queue."""
    found = []
    while (got := get(channel, name)) is not None:
        found.append(got[1])
    return found


def message(number: int, size: int) -> Content:
    """Make a message of this size; property `number` % 14 and those above it are left out."""
    dice = random.Random(number)
    given = {
        "content_type": "application/octet-stream",
        "content_encoding": "gzip" if number % 2 else "",
        "headers": headers(number),
        "delivery_mode": 1,
        "priority": number % 10,
        "correlation_id": f"correlation {number}",
        "reply_to": "ä" * 100,
        "expiration": "600000",
        "message_id": str(number),
        "timestamp": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        "type": "x" * 255,
        "user_id": "guest",
        "app_id": "tests",
    }
    kept = dict(list(given.items())[: number % (len(given) + 1)])
    return Content(dice.randbytes(size), basic.Properties(**kept))  # type: ignore[arg-type]


def headers(number: int) -> dict[str, object]:
    """Make a table with all types that both sides write."""
    return {
        "number": number,
        "negative": -number,
        "large": 2**40 + number,
        "float": number / 7,
        "decimal": Decimal(number) / 100,
        "flag": bool(number % 2),
        "text": f"nümber {number}",
        "bytes": bytes([number % 256, 255]),
        "time": datetime(2000, 1, 1, tzinfo=UTC),
        "nothing": None,
        "list": [1, "two", [3.0, None], {"four": 4}],
        "table": {"deeper": {"deepest": number}},
    }


def thousand() -> list[Content]:
    """Make 1,000 messages of 0 B to 300 kB, most of them small, in a mixed order."""
    sizes = EDGES + [round(LARGEST ** (n / 992)) for n in range(1000 - len(EDGES))]
    random.Random(1).shuffle(sizes)
    return [message(number, size) for number, size in enumerate(sizes)]


def test_a_thousand_messages_come_back_byte_for_byte(channel: Channel) -> None:
    name, sent = new_queue(channel), thousand()
    for each in sent:
        channel.send(basic.Publish(routing_key=name), each)
    got = []
    for left in range(999, 799, -1):
        reply, content = channel.fetch(basic.Get(queue=name))
        assert isinstance(reply, basic.GetOk)
        assert reply.message_count == left
        channel.send(basic.Ack(delivery_tag=reply.delivery_tag))
        got.append(content)
    channel.call(basic.Qos(prefetch_count=100))
    consumer = channel.call(basic.Consume(queue=name)).consumer_tag
    for number in range(200, 1000):
        delivery, content = channel.receive(20)
        assert isinstance(delivery, basic.Deliver)
        assert (delivery.consumer_tag, delivery.routing_key) == (consumer, name)
        got.append(content)
        if number % 50 == 49:
            channel.send(basic.Ack(delivery_tag=delivery.delivery_tag, multiple=True))
    assert channel.call(basic.Cancel(consumer_tag=consumer)).consumer_tag == consumer
    # Not as lists: in case of a difference nobody wants to read both of them.
    assert len(got) == len(sent)
    for number, (ours, theirs) in enumerate(zip(sent, got, strict=True)):
        assert theirs is not None
        assert theirs.body == ours.body, number
        assert theirs.properties == ours.properties, number
    deleted = channel.call(queue.Delete(queue=name))
    assert deleted.message_count == 0


@pytest.mark.parametrize("tls", [False, True], ids=["in clear", "over TLS"])
def test_much_flows_both_ways_at_once(
    broker: RabbitMQNode, driver: Driver, certificates: Certificates, tls: bool
) -> None:
    # More than the sockets' buffers hold, while deliveries come in the other direction.
    options = {"ssl": certificates.client_context()} if tls else {}
    with (
        driver.connect(broker.url(tls=tls), **options) as connection,
        connection.endpoint.open_channel() as channel,
    ):
        name, sent = new_queue(channel), [bytes([n]) * LARGEST for n in range(80)]
        channel.call(basic.Consume(queue=name, no_ack=True))
        publish(channel, name, *sent)
        for body in sent:
            _, content = channel.receive(20)
            assert content is not None
            assert content.body == body


def test_small_frames_carry_large_messages(broker: RabbitMQNode, driver: Driver) -> None:
    body = random.Random(2).randbytes(LARGEST)
    with (
        driver.connect(broker.url(), frame_max=5000) as connection,
        connection.endpoint.open_channel() as channel,
    ):
        name = new_queue(channel)
        publish(channel, name, body)
        assert bodies(channel, name) == [body]


def test_published_messages_are_confirmed(channel: Channel) -> None:
    name = new_queue(channel)
    assert isinstance(channel.call(confirm.Select()), confirm.SelectOk)
    publish(channel, name, *[b"x"] * 100)
    confirmed = 0
    while confirmed < 100:
        ack, content = channel.receive(10)
        assert isinstance(ack, basic.Ack)
        assert content is None
        assert ack.delivery_tag > confirmed
        assert ack.multiple or ack.delivery_tag == confirmed + 1
        confirmed = ack.delivery_tag


def test_a_message_without_a_queue_is_returned_with_its_content(channel: Channel) -> None:
    sent = message(13, 10_000)
    channel.send(basic.Publish(routing_key="no such queue", mandatory=True), sent)
    returned, content = channel.receive(10)
    assert returned == basic.Return(312, "NO_ROUTE", "", "no such queue")
    assert content == sent


def test_a_message_of_no_bytes_is_delivered_and_returned(channel: Channel) -> None:
    name = new_queue(channel)
    channel.call(basic.Consume(queue=name, no_ack=True))
    publish(channel, name, b"")
    publish(channel, "no such queue", b"", mandatory=True)
    arrived = [channel.receive(10) for _ in range(2)]
    assert {type(method) for method, _ in arrived} == {basic.Deliver, basic.Return}
    assert [content for _, content in arrived] == [Content(b"", basic.Properties())] * 2


def test_handlers_take_what_they_are_for_in_order(channel: Channel) -> None:
    returned = list[str]()

    def note(method: object, _: Content | None) -> None:
        assert isinstance(method, basic.Return)
        returned.append(method.routing_key)

    channel.on(basic.Return, note)
    channel.call(confirm.Select())
    names = [f"no such queue {number}" for number in range(10)]
    for name in names:
        publish(channel, name, b"", mandatory=True)
    tag = 0
    while tag < len(names):
        ack, _ = channel.receive(10)
        assert isinstance(ack, basic.Ack)
        tag = ack.delivery_tag
    eventually(lambda: len(returned) == len(names))
    assert returned == names


def test_a_transaction_is_committed_or_rolled_back(channel: Channel) -> None:
    name = new_queue(channel)
    assert isinstance(channel.call(tx.Select()), tx.SelectOk)
    publish(channel, name, b"one", b"two")
    assert isinstance(channel.call(tx.Rollback()), tx.RollbackOk)
    assert bodies(channel, name) == []
    publish(channel, name, b"three")
    assert isinstance(channel.call(tx.Commit()), tx.CommitOk)
    assert bodies(channel, name) == [b"three"]


def test_exchanges_are_bound_to_each_other(channel: Channel) -> None:
    name = new_queue(channel)
    inner, outer = f"inner-{name}", f"outer-{name}"
    channel.call(exchange.Declare(exchange=inner, type="fanout", internal=True, auto_delete=True))
    channel.call(exchange.Declare(exchange=outer, type="topic", auto_delete=True))
    bound = channel.call(exchange.Bind(destination=inner, source=outer, routing_key="news.#"))
    assert isinstance(bound, exchange.BindOk)
    channel.call(queue.Bind(queue=name, exchange=inner))
    channel.send(basic.Publish(exchange=outer, routing_key="news.at.ten"), Content(b"taken"))
    channel.send(basic.Publish(exchange=outer, routing_key="weather"), Content(b"not taken"))
    assert bodies(channel, name) == [b"taken"]
    unbound = channel.call(exchange.Unbind(destination=inner, source=outer, routing_key="news.#"))
    assert isinstance(unbound, exchange.UnbindOk)


def test_several_messages_are_given_back_by_one_nack(channel: Channel) -> None:
    name = new_queue(channel)
    publish(channel, name, b"one", b"two", b"three")
    tags = [got[0].delivery_tag for _ in range(2) if (got := get(channel, name))]
    channel.send(basic.Nack(delivery_tag=tags[-1], multiple=True, requeue=True))
    again = [got for _ in range(3) if (got := get(channel, name))]
    assert [body for _, body in again] == [b"one", b"two", b"three"]
    assert [reply.redelivered for reply, _ in again] == [True, True, False]
    channel.send(basic.Nack(delivery_tag=again[0][0].delivery_tag, requeue=False))
    channel.send(basic.Reject(delivery_tag=again[1][0].delivery_tag, requeue=True))
    assert bodies(channel, name) == [b"two"]


def test_the_broker_cancels_the_consumer_of_a_deleted_queue(channel: Channel) -> None:
    name = new_queue(channel)
    consumer = channel.call(basic.Consume(queue=name)).consumer_tag
    channel.call(queue.Delete(queue=name))
    assert channel.receive(10) == (basic.Cancel(consumer_tag=consumer, no_wait=True), None)
    assert channel.is_open
