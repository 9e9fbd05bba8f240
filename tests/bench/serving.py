"""A child's work: to be the server, where a broker's limits or its haste would be in the way."""

from __future__ import annotations

import sys

from amqpconn.testing import After, Peer, StopReading


def serve(stops_reading: bool) -> None:
    """Print the URL of a peer of ours, and be it until the standard input ends.

    If it stops to read, it does so when a client has its channel.
    """
    script = [After("channel.open-ok", StopReading())] if stops_reading else []
    with Peer(script=script) as peer:
        print(peer.url(), flush=True)
        sys.stdin.read()
        peer.drop_connections()
