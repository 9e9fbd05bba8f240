"""A child's work: to be the server, where a broker's limits or its haste would be in the way."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from amqpconn.testing import After, Peer, StopReading


def serve(count: int) -> None:
    """Print the URLs of so many peers of ours, and be them until the standard input ends.

    A peer looks at all its clients whenever one has spoken, so thousands share several.
    """
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer()) for _ in range(count)]
        print(*(peer.url() for peer in peers), flush=True)
        sys.stdin.read()


def stop_reading() -> None:
    """Be a peer that stops to read when a client has its channel."""
    with Peer(script=[After("channel.open-ok", StopReading())]) as peer:
        print(peer.url(), flush=True)
        sys.stdin.read()
        peer.drop_connections()
