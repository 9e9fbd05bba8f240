"""Closed by the peer, by reply code: one class for each of the specification's."""

from __future__ import annotations

from amqpconn.errors._base import PHASES, AMQPError
from amqpconn_spec.v0_9_1.errors import REPLY_CODES

_CODE_BY_NAME = {reply.name: reply for reply in REPLY_CODES.values()}

BY_REPLY_CODE: dict[int, type[ClosedByPeer]] = {}


class ClosedByPeer(AMQPError):
    """What every error with a reply code is; subclasses have the code (constants of the XML).

    Attributes:
        REPLY_CODE: of the class; HARD: whether the specification lets it close a whole connection
            rather than a channel.
        reply_code, reply_text, failing_method: what the peer said, as on the errors by scope.
    """

    REPLY_CODE: int = 0
    HARD: bool = True
    phases: tuple[str, ...] = PHASES[3:]
    # The reply code decides, whatever the scope says: 530 is no passing weakness.
    retryable: bool = False

    def __init_subclass__(cls, reply: str = "", **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if reply:
            cls.REPLY_CODE, cls.HARD = _CODE_BY_NAME[reply].code, _CODE_BY_NAME[reply].hard
            BY_REPLY_CODE[cls.REPLY_CODE] = cls


class ContentTooLarge(ClosedByPeer, reply="content-too-large"):
    """311: the content is larger than the server takes at this time."""

    remedy = "send smaller messages, or raise the broker's max_message_size"


class NoRoute(ClosedByPeer, reply="no-route"):
    """312: a mandatory message had no queue to go to."""

    remedy = "bind a queue for this routing key"


class NoConsumers(ClosedByPeer, reply="no-consumers"):
    """313: an immediate message had no consumer ready for it."""

    remedy = "have a consumer ready before publishing, or publish without immediate"


class ConnectionForced(ClosedByPeer, reply="connection-forced"):
    """320: an operator closed it, the broker is going down, or a credential has expired."""

    retryable = True
    remedy = "connect again, later or to another node; with expiring credentials, renew them first"


class InvalidPath(ClosedByPeer, reply="invalid-path"):
    """402: a virtual host that the client named is unknown."""

    remedy = "check the virtual host"


class AccessRefused(ClosedByPeer, reply="access-refused"):
    """403: this user may not do that, or is not who it says."""

    remedy = "check user name, password and permissions"


class NotFound(ClosedByPeer, reply="not-found"):
    """404: there is no such queue, exchange or virtual host."""

    remedy = "declare it first, or check its name and the virtual host"


class ResourceLocked(ClosedByPeer, reply="resource-locked"):
    """405: another connection has it for itself."""

    remedy = "use another queue, or wait until its owner is gone"


class PreconditionFailed(ClosedByPeer, reply="precondition-failed"):
    """406: it exists with other properties, or a delivery tag is unknown."""

    remedy = (
        "use the arguments it was declared with; acknowledge each delivery once, on its own channel"
    )


class FrameError(ClosedByPeer, reply="frame-error"):
    """501: the peer could not read a frame of ours."""

    cause = "perhaps something in between changed bytes"
    remedy = "look for a proxy in between; without one, report it to the makers of this library"


class AMQPSyntaxError(ClosedByPeer, reply="syntax-error"):
    """502: a field in a frame of ours had a value that the peer does not take."""

    remedy = "look at the arguments of the method that the message names"


class CommandInvalid(ClosedByPeer, reply="command-invalid"):
    """503: the methods came in an order that the protocol does not allow."""

    remedy = "look at the order of the methods that were sent on this connection or channel"


class ChannelError(ClosedByPeer, reply="channel-error"):
    """504: a channel was used that is not open."""

    cause = "perhaps the channel had been closed by the peer shortly before"
    remedy = "use only channels that are open, and open a new one after an error"


class UnexpectedFrame(ClosedByPeer, reply="unexpected-frame"):
    """505: a frame came that was not due, mostly in the middle of content."""

    remedy = "send a method with its content in one call, and nothing in between"


class ResourceError(ClosedByPeer, reply="resource-error"):
    """506: the server has not enough resources."""

    retryable = True
    remedy = "look at the broker's load, memory and disk; try again later"


class NotAllowed(ClosedByPeer, reply="not-allowed"):
    """530: the broker's settings or limits do not allow this."""

    remedy = "look at what the broker names: its settings, its limits, or the user's permissions"


class NotImplementedByPeer(ClosedByPeer, reply="not-implemented"):
    """540: the server does not know this method or feature."""

    remedy = "use a broker or a version that implements it"


class InternalError(ClosedByPeer, reply="internal-error"):
    """541: something broke inside the server."""

    retryable = True
    remedy = "read the broker's log at this time"
