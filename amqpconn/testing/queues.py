"""Queues in memory and the default exchange: as much of a broker as tests of clients need.

Messages are delivered to consumers in turn, in order, without a limit; acknowledgements are taken
and forgotten. Exchanges and bindings can be declared, and route nothing.
"""

from __future__ import annotations

from collections import deque
from itertools import count

from amqpconn.testing.behaviour import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from amqpconn.core.assembler import Content

    class Consumer(Protocol):
        """A channel that consumes; it gets its messages with the consumer's tag."""

        def deliver(self, tag: str, message: Message) -> None:
            """A message for it."""

        def cancelled(self, tag: str) -> None:
            """The queue is gone."""


class Message:
    """What was published, and how it was addressed."""

    __slots__ = ("content", "exchange", "routing_key")

    def __init__(self, exchange: str, routing_key: str, content: Content) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.content = content


class Queue:
    """Messages in order, and who wants them."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.consumers: deque[tuple[str, Consumer]] = deque()

    def put(self, message: Message) -> None:
        """To the next consumer in turn, or into the queue."""
        if self.consumers:
            tag, consumer = self.consumers[0]
            self.consumers.rotate(-1)
            consumer.deliver(tag, message)
        else:
            self.messages.append(message)

    def attach(self, tag: str, consumer: Consumer) -> None:
        """A new consumer, which gets what waits."""
        self.consumers.append((tag, consumer))
        while self.messages:
            consumer.deliver(tag, self.messages.popleft())


class Queues:
    """All queues of one peer, in all virtual hosts alike."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._names = count(1)

    def declare(self, name: str, passive: bool) -> tuple[str, Queue]:
        """Make a queue, or look at one; its name, made up when none is given, and the queue.

        Raises Refused with 404 for a passive declare in vain.
        """
        name = name or f"amq.gen-{next(self._names)}"
        if passive:
            self.find(name)
        return name, self._queues.setdefault(name, Queue())

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
        for tag, consumer in found.consumers:
            consumer.cancelled(tag)
        return len(found.messages)

    def cancel(self, tag: str, consumer: Consumer) -> None:
        """A consumer goes."""
        for found in self._queues.values():
            if (tag, consumer) in found.consumers:
                found.consumers.remove((tag, consumer))

    def forget(self, consumer: Consumer) -> None:
        """All consumers of a channel go."""
        for found in self._queues.values():
            found.consumers = deque(entry for entry in found.consumers if entry[1] != consumer)
