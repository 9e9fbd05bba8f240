"""One channel of a session: what a broker answers there."""

from __future__ import annotations

from itertools import count

from amqpconn.testing.behaviour import Refused
from amqpconn.testing.queues import Message
from amqpconn_spec.v0_9_1 import basic, channel, confirm, queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method


class ChannelSide:
    """The server's side of one channel id; it may be opened again after a close."""

    def __init__(self, session: Session, channel_id: int) -> None:
        self._session = session
        self._id = channel_id
        self._is_open = False
        self._confirms: count[int] | None = None
        self._tags = count(1)
        self._deliveries = count(1)
        self._handlers: dict[str, Callable[[Any], Method | None]] = {
            "queue.declare": session.queues.declare,
            "queue.delete": self._on_delete,
            "queue.purge": self._on_purge,
            "basic.get": self._on_get,
            "basic.consume": self._on_consume,
            "basic.cancel": self._on_cancel,
            "confirm.select": self._on_confirm_select,
        }

    def take(self, method: Method, content: Content | None) -> None:
        """A method on this channel, with its content."""
        if not self._is_open and not method.NAME.startswith("channel."):
            return  # it was sent before the client had read our channel.close
        own = self._session.behaviour.answers.get(method.NAME)
        try:
            if own is not None:
                self._reply(method, own(method))
            elif isinstance(method, basic.Publish) and content is not None:
                self._publish(method, content)
            else:
                handler = self._handlers.get(method.NAME) or _first_reply
                self._reply(method, handler(method))
        except Refused as refused:
            self.send(
                channel.Close(
                    refused.reply_code, refused.reply_text, method.CLASS_ID, method.METHOD_ID
                )
            )

    def send(self, method: Method, content: Content | None = None) -> None:
        """Send on this channel; deliveries get their tag here."""
        if isinstance(method, basic.Deliver):
            method.delivery_tag = next(self._deliveries)
        elif isinstance(method, channel.OpenOk):
            self._is_open, self._confirms, self._deliveries = True, None, count(1)
        elif isinstance(method, channel.Close | channel.CloseOk):
            self._is_open = False
            self.end()
        self._session.send(method, self._id, content)

    def end(self) -> None:
        """Nobody listens any more."""
        self._session.queues.forget(self.send)

    def _reply(self, method: Method, reply: Method | tuple[Method, Content] | None) -> None:
        if isinstance(reply, tuple):
            self.send(*reply)
        elif reply is not None and not getattr(method, "no_wait", False):
            self.send(reply)

    def _publish(self, publish: basic.Publish, content: Content) -> None:
        routed = self._session.queues.publish(Message(publish, content))
        if publish.mandatory and not routed:
            returned = basic.Return(312, "NO_ROUTE", publish.exchange, publish.routing_key)
            self.send(returned, content)
        if self._confirms is not None:
            self.send(basic.Ack(delivery_tag=next(self._confirms)))

    def _on_delete(self, delete: queue.Delete) -> Method:
        return queue.DeleteOk(self._session.queues.delete(delete.queue))

    def _on_purge(self, purge: queue.Purge) -> Method:
        return queue.PurgeOk(self._session.queues.purge(purge.queue))

    def _on_get(self, get: basic.Get) -> None:
        found = self._session.queues.find(get.queue)
        if not found.messages:
            self.send(basic.GetEmpty())
            return
        message = found.messages.popleft()
        get_ok = basic.GetOk(
            delivery_tag=next(self._deliveries),
            exchange=message.exchange,
            routing_key=message.routing_key,
            message_count=len(found.messages),
        )
        self.send(get_ok, message.content)

    def _on_consume(self, consume: basic.Consume) -> None:
        found = self._session.queues.find(consume.queue)
        tag = consume.consumer_tag or f"ctag-{next(self._tags)}"
        if not consume.no_wait:
            self.send(basic.ConsumeOk(consumer_tag=tag))
        found.attach(tag, self.send)

    def _on_cancel(self, cancel: basic.Cancel) -> Method:
        self._session.queues.cancel(cancel.consumer_tag, self.send)
        return basic.CancelOk(consumer_tag=cancel.consumer_tag)

    def _on_confirm_select(self, _: confirm.Select) -> Method:
        self._confirms = count(1)
        return confirm.SelectOk()


def _first_reply(method: Method) -> Method | None:
    """What the specification names first as an answer, with all of its fields zero."""
    return method.REPLIES[0]() if method.REPLIES else None
