"""The server's side, as `amqpconn.testing` has it: scenario, length of the pieces, what comes.

A scenario is how far the conversation has come, and in which version of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from amqpconn.core.dialect import Dialect
from amqpconn.core.states import State
from amqpconn.testing.behaviour import Behaviour
from amqpconn.testing.queues import Queues
from amqpconn.testing.session import Session
from tests.fuzz.inputs import DIALECTS, agree, one_of, pieces, shown, taken

NOW = 1000.0
FRAME_ERROR = 501
# What stands in recorded logins in the place of the password.
PASSWORD = "*****"
LOGIN = f"\0guest\0{PASSWORD}".encode()


def fresh() -> Session:
    """Nothing has come."""
    return Session(Behaviour(users={"guest": PASSWORD}), Queues())


def opened(dialect: Dialect) -> Session:
    """Open, with channel 1 open and channel 2 in the middle of a message."""
    session, package = fresh(), dialect.package
    session.receive_data(dialect.protocol_header, NOW)
    _feed(session, dialect, "connection.start-ok", mechanism="PLAIN", response=LOGIN)
    _feed(session, dialect, "connection.tune-ok", channel_max=100, frame_max=8192, heartbeat=60)
    _feed(session, dialect, "connection.open", virtual_host="/")
    _feed(session, dialect, "channel.open", 1)
    _feed(session, dialect, "channel.open", 2)
    session.receive_data(package.queue.Declare(queue="q").encode_frame(1), NOW)
    session.receive_data(package.basic.Publish(routing_key="q").encode_frame(2), NOW)
    return session


def closing(dialect: Dialect) -> Session:
    """Our close is on its way."""
    session = opened(dialect)
    session.close(320, "bye")
    return session


SCENARIOS: list[Callable[[], Session]] = [
    fresh,
    *(partial(make, dialect) for make in (opened, closing) for dialect in DIALECTS),
]


def check(data: bytes) -> None:
    (scenario, length), stream = taken(data, 2)
    make = one_of(SCENARIOS, scenario)
    whole = _outcome(make(), [stream])
    agree(_outcome(make(), pieces(stream, length)), whole)


def _feed(session: Session, dialect: Dialect, name: str, on: int = 0, **fields: object) -> None:
    method: Any = dialect.by_name[name]
    session.receive_data(method(**fields).encode_frame(on), NOW)


def _outcome(session: Session, parts: Sequence[bytes]) -> object:
    """All that can be seen from outside; what comes after the end is not read."""
    for part in parts:
        if not session.is_over:
            session.receive_data(part, NOW)
    session.handle_timer(NOW)
    received = [(each.channel, shown(each.method), repr(each.content)) for each in session.received]
    sent = _frames(session.dialect, session.data_to_send(NOW))
    agree(session.is_open, session.machine.state is State.OPENED)
    session.end()
    return received, sent, session.is_over, session.mechanism, session.virtual_host


def _frames(dialect: Dialect, sent: bytes) -> list[object]:
    """The frames that went out; the text of a close quotes as many wrong bytes as had come."""
    at = 0
    found: list[object] = []
    while at < len(sent) and not sent.startswith(b"AMQP"):
        frame, at = dialect.package.frames.decode_frame(sent, at)
        what = getattr(frame, "method", None)
        if what is not None and getattr(what, "reply_code", 0) == FRAME_ERROR:
            what.reply_text = ""
        found.append((type(frame), frame.channel, shown(what or frame)))
    return found
