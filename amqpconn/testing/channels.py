"""One channel of a session: what a broker answers there, in the client's protocol version."""

from __future__ import annotations

from itertools import count

from amqpconn._typing import cast
from amqpconn.core.connection import short_text
from amqpconn.testing.behaviour import Refused
from amqpconn.testing.queues import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method

    Reply = Method | tuple[Method, Content] | None


class ChannelSide:
    """The server's side of one channel id; it may be opened again after a close."""

    __slots__ = ("_confirms", "_deliveries", "_id", "_is_open", "_session", "_spec", "_tags")

    def __init__(self, session: Session, channel_id: int) -> None:
        self._session = session
        self._spec: Any = session.dialect.package
        self._id = channel_id
        self._is_open = False
        self._confirms: count[int] | None = None
        self._tags = count(1)
        self._deliveries = count(1)

    def take(self, method: Method, content: Content | None) -> None:
        """A method on this channel, with its content."""
        if not self._is_open and not method.NAME.startswith("channel."):
            return  # it was sent before the client had read our channel.close
        own = self._session.behaviour.answers.get(method.NAME)
        try:
            if own is not None:
                self._reply(method, own(method))
            elif content is not None and method.NAME == "basic.publish":
                self._publish(method, content)
            else:
                handler = _HANDLERS.get(method.NAME)
                self._reply(method, handler(self, method) if handler else _first_reply(method))
        except Refused as refused:
            self.refuse(refused.reply_code, refused.reply_text, method)

    def refuse(self, reply_code: int, reply_text: str, about: Method) -> None:
        """Close the channel because of this method."""
        close = self._made(
            "channel.close",
            reply_code=reply_code,
            reply_text=short_text(reply_text),
            class_id=about.CLASS_ID,
            method_id=about.METHOD_ID,
        )
        self.send(close)

    def send(self, method: Method, content: Content | None = None) -> None:
        """Send on this channel; deliveries get their tag here."""
        if method.NAME == "channel.open-ok":
            self._is_open, self._confirms, self._deliveries = True, None, count(1)
        elif method.NAME in ("channel.close", "channel.close-ok"):
            self._is_open = False
            self.end()
        self._session.send(method, self._id, content)

    def deliver(self, tag: str, message: Message) -> None:
        """A message for a consumer of this channel."""
        deliver = self._spec.basic.Deliver(
            consumer_tag=tag,
            delivery_tag=next(self._deliveries),
            exchange=message.exchange,
            routing_key=message.routing_key,
        )
        self.send(deliver, message.content)

    def cancelled(self, tag: str) -> None:
        """The queue of a consumer of this channel is gone."""
        cancel = self._spec.basic.Cancel(consumer_tag=tag)
        if cancel.SENT_BY_SERVER:
            setattr(cancel, no_wait_name(cancel), True)
            self.send(cancel)

    def end(self) -> None:
        """Nobody listens any more."""
        self._session.queues.forget(self)

    def _reply(self, method: Method, reply: Method | tuple[Method, Content] | None) -> None:
        if isinstance(reply, tuple):
            self.send(*reply)
        elif reply is not None and not getattr(method, no_wait_name(method), False):
            self.send(reply)

    def _publish(self, publish: Any, content: Content) -> None:
        message = Message(publish.exchange, publish.routing_key, content)
        routed = self._session.queues.publish(message)
        if publish.mandatory and not routed:
            returned = self._spec.basic.Return(
                reply_code=312,
                reply_text="NO_ROUTE",
                exchange=publish.exchange,
                routing_key=publish.routing_key,
            )
            self.send(returned, content)
        if self._confirms is not None:
            self.send(self._spec.basic.Ack(delivery_tag=next(self._confirms)))

    def _on_declare(self, declare: Any) -> Method:
        name, found = self._session.queues.declare(declare.queue, declare.passive)
        sizes = {"message_count": len(found.messages), "consumer_count": len(found.consumers)}
        return self._made("queue.declare-ok", queue=name, **sizes)

    def _on_delete(self, delete: Any) -> Method:
        count_ = self._session.queues.delete(delete.queue)
        return self._made("queue.delete-ok", message_count=count_)

    def _on_purge(self, purge: Any) -> Method:
        count_ = self._session.queues.purge(purge.queue)
        return self._made("queue.purge-ok", message_count=count_)

    def _on_get(self, get: Any) -> Method | tuple[Method, Content]:
        found = self._session.queues.find(get.queue)
        if not found.messages:
            return self._made("basic.get-empty")
        message = found.messages.popleft()
        get_ok = self._made(
            "basic.get-ok",
            delivery_tag=next(self._deliveries),
            exchange=message.exchange,
            routing_key=message.routing_key,
            message_count=len(found.messages),
        )
        return get_ok, message.content

    def _on_consume(self, consume: Any) -> None:
        found = self._session.queues.find(consume.queue)
        tag = consume.consumer_tag or f"ctag-{next(self._tags)}"
        self._reply(consume, self._made("basic.consume-ok", consumer_tag=tag))
        found.attach(tag, self)

    def _on_cancel(self, cancel: Any) -> Method:
        self._session.queues.cancel(cancel.consumer_tag, self)
        return self._made("basic.cancel-ok", consumer_tag=cancel.consumer_tag)

    def _on_confirm_select(self, _: Method) -> Method:
        self._confirms = count(1)
        return self._made("confirm.select-ok")

    def _made(self, name: str, **fields: object) -> Method:
        made: Any = self._session.dialect.by_name[name]
        return cast("Method", made(**fields))


def no_wait_name(method: Method) -> str:
    """What the argument is called that asks for no answer; 0-9 and 0-8 write it in one word."""
    return "nowait" if hasattr(method, "nowait") else "no_wait"


def _first_reply(method: Method) -> Method | None:
    """What the specification names first as an answer, with all of its fields zero."""
    return method.REPLIES[0]() if method.REPLIES else None


_HANDLERS: dict[str, Callable[[ChannelSide, Any], Reply]] = {
    "queue.declare": ChannelSide._on_declare,
    "queue.delete": ChannelSide._on_delete,
    "queue.purge": ChannelSide._on_purge,
    "basic.get": ChannelSide._on_get,
    "basic.consume": ChannelSide._on_consume,
    "basic.cancel": ChannelSide._on_cancel,
    "confirm.select": ChannelSide._on_confirm_select,
}
