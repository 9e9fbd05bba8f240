"""Queues in memory and the default exchange: as much of a broker as tests of clients need.

Messages are delivered to consumers in turn, in order, without a limit; acknowledgements are taken
and forgotten. Exchanges and bindings can be declared, and route nothing.
"""

from __future__ import annotations

from collections import deque
from itertools import count

from amqpconn.testing.behaviour import Refused
from amqpconn_spec.v0_9_1 import basic, queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from amqpconn.core.assembler import Content
    from amqpconn_spec._base import Method

    Deliver = Callable[[Method, Content | None], None]


class Message:
    """What was published, and how it was addressed."""

    __slots__ = ("content", "exchange", "routing_key")

    def __init__(self, publish: basic.Publish, content: Content) -> None:
        self.exchange = publish.exchange
        self.routing_key = publish.routing_key
        self.content = content


class Queue:
    """Messages in order, and who wants them."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.consumers: deque[tuple[str, Deliver]] = deque()

    def put(self, message: Message) -> None:
        """To the next consumer in turn, or into the queue."""
        if self.consumers:
            tag, deliver = self.consumers[0]
            self.consumers.rotate(-1)
            _deliver(message, tag, deliver)
        else:
            self.messages.append(message)

    def attach(self, tag: str, deliver: Deliver) -> None:
        """A new consumer, which gets what waits."""
        self.consumers.append((tag, deliver))
        while self.messages:
            _deliver(self.messages.popleft(), tag, deliver)


class Queues:
    """All queues of one peer, in all virtual hosts alike."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._names = count(1)

    def declare(self, method: queue.Declare) -> queue.DeclareOk:
        """Make a queue, or look at one. Raises Refused with 404 for a passive declare in vain."""
        name = method.queue or f"amq.gen-{next(self._names)}"
        if method.passive:
            self.find(name)
        found = self._queues.setdefault(name, Queue())
        return queue.DeclareOk(name, len(found.messages), len(found.consumers))

    def find(self, name: str) -> Queue:
        """The queue of this name. Raises Refused with 404."""
        if name not in self._queues:
            raise Refused(404, f"NOT_FOUND - no queue '{name}' in vhost '/'")
        return self._queues[name]

    def publish(self, message: Message) -> bool:
        """Route by the default exchange; whether there was a queue."""
        found = None if message.exchange else self._queues.get(message.routing_key)
        if found is None:
            return False
        found.put(message)
        return True

    def purge(self, name: str) -> int:
        """Empty a queue; how many messages were in it. Raises Refused."""
        messages = self.find(name).messages
        size = len(messages)
        messages.clear()
        return size

    def delete(self, name: str) -> int:
        """Remove a queue and tell its consumers; how many messages were in it."""
        found = self._queues.pop(name, None)
        if found is None:
            return 0
        for tag, deliver in found.consumers:
            deliver(basic.Cancel(consumer_tag=tag, no_wait=True), None)
        return len(found.messages)

    def cancel(self, tag: str, deliver: Deliver) -> None:
        """A consumer goes."""
        for found in self._queues.values():
            if (tag, deliver) in found.consumers:
                found.consumers.remove((tag, deliver))

    def forget(self, deliver: Deliver) -> None:
        """All consumers of a channel go."""
        for found in self._queues.values():
            found.consumers = deque(entry for entry in found.consumers if entry[1] != deliver)


def _deliver(message: Message, tag: str, deliver: Deliver) -> None:
    method = basic.Deliver(
        consumer_tag=tag, exchange=message.exchange, routing_key=message.routing_key
    )
    deliver(method, message.content)
