"""Tuning: what was requested, offered and agreed for channel_max, frame_max and heartbeat, and by
which rule.

Specification: connection.tune and tune-ok (1.4.2.5 and 1.4.2.6): a limit of 0 means 'no limit', and
a client may lower but not raise what the server offers. RabbitMQ refuses (530) a 0, or anything
larger, in answer to an offer that is not 0, so a 0 never wins. A heartbeat of 0 means none; a
server that offers none still serves a client that asks for one.
"""

from __future__ import annotations

from functools import lru_cache

from amqpconn import errors
from amqpconn.errors import InvalidParameter
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

CHANNEL_MAX_ON_WIRE: Final = 0xFFFF
FRAME_MAX_ON_WIRE: Final = 0xFFFFFFFF
HEARTBEAT_ON_WIRE: Final = 0xFFFF
# When neither side has a limit. Larger frames only delay heartbeats and replies that wait behind
# them.
FRAME_MAX_UNLIMITED: Final = 131072


class Requested:
    """What the client asks for. 0 for a limit means 'as much as the server offers'.

    Attributes:
        channel_max: highest channel id wanted, 0..65535.
        frame_max: largest frame in bytes with its 8 bytes of header and end, 0 or frame_min_size
            and above.
        heartbeat: seconds; None takes the server's, 0 turns heartbeats off, a number asks for that
            interval or the server's where that is shorter.
    """

    __slots__ = ("channel_max", "frame_max", "heartbeat")

    def __init__(
        self,
        channel_max: int = 0,
        frame_max: int = 0,
        heartbeat: int | None = None,
        *,
        frame_min_size: int = FRAME_MIN_SIZE,
    ) -> None:
        _check("channel_max", channel_max, CHANNEL_MAX_ON_WIRE)
        _check("frame_max", frame_max, FRAME_MAX_ON_WIRE)
        if 0 < frame_max < frame_min_size:
            raise InvalidParameter(
                f"frame_max is {frame_max}, below the specification's minimum, {frame_min_size}"
            )
        if heartbeat is not None:
            _check("heartbeat", heartbeat, HEARTBEAT_ON_WIRE)
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat


class _Fixed:
    """What many connections have in common, so that none of them may change it."""

    __slots__ = ()

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is agreed and cannot be changed")


class Negotiated(_Fixed):
    """One line of the negotiation report: parameter, requested, offered, agreed, and the rule that
    decided.
    """

    __slots__ = ("agreed", "offered", "parameter", "requested", "rule")

    parameter: str
    requested: int | None
    offered: int
    agreed: int
    rule: str

    def __init__(
        self, parameter: str, requested: int | None, offered: int, agreed: int, rule: str
    ) -> None:
        super().__init__(
            parameter=parameter, requested=requested, offered=offered, agreed=agreed, rule=rule
        )

    def __repr__(self) -> str:
        return (
            f"<{self.parameter}: requested {self.requested}, offered {self.offered},"
            f" agreed {self.agreed} ({self.rule})>"
        )


class Tuning(_Fixed):
    """The agreed values: `channel_max` (ids), `frame_max` (bytes), `heartbeat` (seconds, 0: none);
    `report` says why.
    """

    __slots__ = ("channel_max", "frame_max", "heartbeat", "report")

    channel_max: int
    frame_max: int
    heartbeat: int
    report: tuple[Negotiated, Negotiated, Negotiated]

    def __init__(
        self, channel_max: Negotiated, frame_max: Negotiated, heartbeat: Negotiated
    ) -> None:
        super().__init__(
            channel_max=channel_max.agreed,
            frame_max=frame_max.agreed,
            heartbeat=heartbeat.agreed,
            report=(channel_max, frame_max, heartbeat),
        )

    def __repr__(self) -> str:
        return (
            f"Tuning(channel_max={self.channel_max}, frame_max={self.frame_max},"
            f" heartbeat={self.heartbeat})"
        )


@lru_cache(maxsize=32)  # connections that ask for the same and are offered the same share it
def negotiate(
    channel_max: tuple[int, int],
    frame_max: tuple[int, int],
    heartbeat: tuple[int | None, int],
    frame_min_size: int,
) -> Tuning:
    """Agree on the three values, each of them as requested and as offered.

    Raises HandshakeFailed when the server's frame_max is below the minimum.
    """
    if 0 < frame_max[1] < frame_min_size:
        raise errors.HandshakeFailed(
            f"the server offers frame_max {frame_max[1]},"
            f" below the specification's minimum, {frame_min_size}",
            remedy=f"set the server's frame_max to at least {frame_min_size}",
        )
    return Tuning(
        _limit("channel_max", *channel_max, CHANNEL_MAX_ON_WIRE),
        _limit("frame_max", *frame_max, FRAME_MAX_UNLIMITED),
        _heartbeat(*heartbeat),
    )


def _limit(parameter: str, requested: int, offered: int, unlimited: int) -> Negotiated:
    if requested == 0 and offered == 0:
        return Negotiated(
            parameter, requested, offered, unlimited, "neither side has a limit: our default"
        )
    if requested == 0:
        return Negotiated(
            parameter, requested, offered, offered, "the server's limit; we asked for none"
        )
    if offered == 0:
        return Negotiated(
            parameter, requested, offered, requested, "our limit; the server has none"
        )
    if requested <= offered:
        return Negotiated(
            parameter, requested, offered, requested, "our limit, within the server's"
        )
    return Negotiated(parameter, requested, offered, offered, "the server's limit, below ours")


def _heartbeat(requested: int | None, offered: int) -> Negotiated:
    if requested is None:
        return Negotiated(
            "heartbeat", requested, offered, offered, "the server's, accepted as offered"
        )
    if requested == 0:
        return Negotiated("heartbeat", requested, offered, 0, "turned off by us")
    if offered == 0:
        return Negotiated(
            "heartbeat", requested, offered, requested, "ours; the server asks for none"
        )
    if requested <= offered:
        return Negotiated(
            "heartbeat", requested, offered, requested, "ours, not above the server's"
        )
    return Negotiated("heartbeat", requested, offered, offered, "the server's, shorter than ours")


def _check(parameter: str, value: object, largest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidParameter(f"{parameter} is {value!r}, not a whole number")
    if not 0 <= value <= largest:
        raise InvalidParameter(f"{parameter} is {value}, outside 0..{largest}")
