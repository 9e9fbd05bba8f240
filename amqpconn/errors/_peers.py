"""What answers is no broker for AMQP 0-9-1."""

from __future__ import annotations

from amqpconn.errors._handshake import HandshakeFailed


class WrongPeer(HandshakeFailed):
    """What answers there does not speak AMQP 0-9-1."""

    phases: tuple[str, ...] = ("header",)
    remedy = "check the host and the port"


class PeerSpeaksTLS(WrongPeer):
    """The port wants TLS and was spoken to in clear."""

    remedy = "use amqps:// (or ssl=) for this port, or the port for clear text, usually 5672"


class PeerSpeaksHTTP(WrongPeer):
    """A web server answers there."""

    remedy = "use the AMQP port (5672 or 5671), not the management port (15672)"


class PeerSpeaksSSH(WrongPeer):
    """An SSH server answers there."""

    remedy = "use the broker's port; for a tunnel through SSH, the port where the tunnel begins"


class PeerSpeaksRedis(WrongPeer):
    """Redis answers there."""

    remedy = "use the broker's port (5672 or 5671), not that of Redis (6379)"


class PeerSpeaksAMQP10(WrongPeer):
    """The server answers with the header of AMQP 1.0."""

    cause = "perhaps it speaks AMQP 1.0 only, or something in between changed the first bytes"
    remedy = "enable AMQP 0-9-1 on the server, or use a client for AMQP 1.0"


class PeerSpeaksOther(WrongPeer):
    """Something else than AMQP answers there."""
