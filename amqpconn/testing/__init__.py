"""An AMQP server inside your process, for tests that should not need a broker.

    from amqpconn.testing import Peer
    from amqpconn_spec.v0_9_1 import basic

    def test_it_publishes():
        with Peer() as peer:
            with amqpconn.sync.connect(peer.url()) as connection:
                run_what_is_to_be_tested(connection)
            assert peer.received(basic.Publish)[0].content.body == b"hello"

It speaks through real sockets and is made of the same generated classes as the clients, so what it
takes and what it sends is what the specification says. It keeps queues in memory, knows the default
exchange only, and answers everything else that wants an answer. It runs on a thread of its own, so
it serves blocking code and coroutines alike, and any other AMQP client.

What brokers do in bad times can be asked for, by rules (`Peer(script=[...])`) or at any moment
(`Peer.do`, `block`, `close_connections`, `pause_reading`, `freeze`, ...):

    Peer(script=[On("connection.open", Wait(0.5), Refuse(530)), SentBytes(700, Reset())])
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.testing.actions import Block as Block
    from amqpconn.testing.actions import Challenge as Challenge
    from amqpconn.testing.actions import Close as Close
    from amqpconn.testing.actions import Ignore as Ignore
    from amqpconn.testing.actions import Moment as Moment
    from amqpconn.testing.actions import Refuse as Refuse
    from amqpconn.testing.actions import Send as Send
    from amqpconn.testing.actions import Unblock as Unblock
    from amqpconn.testing.actions import Usual as Usual
    from amqpconn.testing.actions import frame as frame
    from amqpconn.testing.behaviour import Behaviour as Behaviour
    from amqpconn.testing.behaviour import Refused as Refused
    from amqpconn.testing.faults import Cut as Cut
    from amqpconn.testing.faults import Drip as Drip
    from amqpconn.testing.faults import Hold as Hold
    from amqpconn.testing.faults import Release as Release
    from amqpconn.testing.faults import Replace as Replace
    from amqpconn.testing.faults import Reset as Reset
    from amqpconn.testing.faults import ResumeReading as ResumeReading
    from amqpconn.testing.faults import Silence as Silence
    from amqpconn.testing.faults import StopHeartbeats as StopHeartbeats
    from amqpconn.testing.faults import StopReading as StopReading
    from amqpconn.testing.faults import Wait as Wait
    from amqpconn.testing.peer import Peer as Peer
    from amqpconn.testing.received import Received as Received
    from amqpconn.testing.rules import After as After
    from amqpconn.testing.rules import Before as Before
    from amqpconn.testing.rules import On as On
    from amqpconn.testing.rules import ReceivedBytes as ReceivedBytes
    from amqpconn.testing.rules import SentBytes as SentBytes
    from amqpconn.testing.rules import challenges as challenges

_HOMES = {
    "After": "rules",
    "Before": "rules",
    "Behaviour": "behaviour",
    "Block": "actions",
    "Challenge": "actions",
    "Close": "actions",
    "Cut": "faults",
    "Drip": "faults",
    "Hold": "faults",
    "Ignore": "actions",
    "Moment": "actions",
    "On": "rules",
    "Peer": "peer",
    "Received": "received",
    "ReceivedBytes": "rules",
    "Refuse": "actions",
    "Refused": "behaviour",
    "Release": "faults",
    "Replace": "faults",
    "Reset": "faults",
    "ResumeReading": "faults",
    "Send": "actions",
    "SentBytes": "rules",
    "Silence": "faults",
    "StopHeartbeats": "faults",
    "StopReading": "faults",
    "Unblock": "actions",
    "Usual": "actions",
    "Wait": "faults",
    "challenges": "rules",
    "frame": "actions",
}

__all__ = [  # noqa: RUF022 - by theme
    "Peer",
    "Behaviour",
    "Received",
    "Refused",
    "On",
    "Before",
    "After",
    "SentBytes",
    "ReceivedBytes",
    "Usual",
    "Ignore",
    "Send",
    "Challenge",
    "challenges",
    "frame",
    "Refuse",
    "Close",
    "Block",
    "Unblock",
    "Wait",
    "Hold",
    "Release",
    "Drip",
    "Replace",
    "Cut",
    "Reset",
    "Silence",
    "StopReading",
    "ResumeReading",
    "StopHeartbeats",
    "Moment",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: pytest imports this package in every run,
    for its fixtures.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
