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

What brokers do in bad times can be asked for: `Peer(silent_from="connection.tune")`,
`peer.answer(queue.Declare, ...)`, `Refused`, `block`, `close_connections`, `drop_connections`,
`pause_reading`, `freeze`.
"""

from __future__ import annotations

from amqpconn.testing.behaviour import Behaviour, Refused
from amqpconn.testing.peer import Peer
from amqpconn.testing.received import Received

__all__ = ["Behaviour", "Peer", "Received", "Refused"]
