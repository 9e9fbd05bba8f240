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

from amqpconn.testing.actions import Block as Block
from amqpconn.testing.actions import Challenge as Challenge
from amqpconn.testing.actions import Close as Close
from amqpconn.testing.actions import Cut as Cut
from amqpconn.testing.actions import Drip as Drip
from amqpconn.testing.actions import Hold as Hold
from amqpconn.testing.actions import Ignore as Ignore
from amqpconn.testing.actions import Moment as Moment
from amqpconn.testing.actions import Refuse as Refuse
from amqpconn.testing.actions import Release as Release
from amqpconn.testing.actions import Replace as Replace
from amqpconn.testing.actions import Reset as Reset
from amqpconn.testing.actions import ResumeReading as ResumeReading
from amqpconn.testing.actions import Send as Send
from amqpconn.testing.actions import Silence as Silence
from amqpconn.testing.actions import StopHeartbeats as StopHeartbeats
from amqpconn.testing.actions import StopReading as StopReading
from amqpconn.testing.actions import Unblock as Unblock
from amqpconn.testing.actions import Usual as Usual
from amqpconn.testing.actions import Wait as Wait
from amqpconn.testing.actions import challenges as challenges
from amqpconn.testing.actions import frame as frame
from amqpconn.testing.behaviour import Behaviour as Behaviour
from amqpconn.testing.behaviour import Refused as Refused
from amqpconn.testing.peer import Peer as Peer
from amqpconn.testing.received import Received as Received
from amqpconn.testing.rules import After as After
from amqpconn.testing.rules import Before as Before
from amqpconn.testing.rules import On as On
from amqpconn.testing.rules import ReceivedBytes as ReceivedBytes
from amqpconn.testing.rules import SentBytes as SentBytes
