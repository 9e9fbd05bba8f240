"""Fast open: when what the server is about to say may be taken from memory, and answered ahead.

All that a client says until open-ok depends on what the server says in start and tune, and that is
the same day by day. With fast open the protocol header, start-ok, tune-ok, open and, where it is
wanted, channel.open go out in one write, as answers to the start and the tune of the last time;
when the server's own come they are compared with those. So there is one round trip. Whatever else
happens, the stream is left, the server forgotten, and the ordinary handshake begins on another
stream, within the same deadline.

The rules, because some brokers suffer from what comes early, and a secret should not go astray:

- only with `fast_open=True`;
- only to a server that in an ordinary handshake said that it is a RabbitMQ and let us in, at the
  very same address, for the same virtual host and user, in the same version of the protocol;
- never over a stream that is protected less than then (`Route.is_as_good_as`);
- only with a mechanism that was offered then, and that is over with its first response;
- once in an attempt, and for a third of its time at most: a server that drops what comes early
  leaves the rest of it to the ordinary handshake;
- not again where that happened: when the ordinary handshake then finds the same offer, it is what
  comes early that is not taken there.

`states` has the steps, `servers` what is remembered.
"""

from __future__ import annotations

from amqpconn._typing import cast
from amqpconn.core.handshake import is_rabbitmq
from amqpconn.core.servers import Offer, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from amqpconn.core.dialect import Dialect
    from amqpconn.core.handshake import OpenRequest
    from amqpconn.core.servers import Key, Route, Servers

SHARE: Final = 1 / 3
# RabbitMQ drops whoever is not open in ten seconds; a deadline may be far away, or nowhere.
LONGEST_S: Final = 5.0


class FastOpen:
    """What one endpoint remembers and learns of its server.

    Attributes:
        route: how the server was reached; None when nobody can say, as with a stream of the user's.
    """

    __slots__ = ("_key", "_servers", "_taken", "_was_refused", "route")

    def __init__(self, servers: Servers) -> None:
        self.route: Route | None = None
        self._servers = servers
        self._taken: Offer | None = None  # what is answered ahead, and whose it is
        self._key: Key | None = None
        self._was_refused = False

    def offer(self, dialect: Dialect, request: OpenRequest) -> Offer | None:
        """What the server will most likely say, if it may be answered ahead."""
        if self.route is None or self._was_refused:
            return None
        self._key = key_of(self.route, request)
        offer = self._servers.recall(self._key)
        if offer is None or offer.is_refused or offer.protocol != dialect.protocol:
            return None
        if not self.route.is_as_good_as(offer.route):
            return None
        self._taken = offer
        return offer

    def waits_until(self, now: float, deadline: float | None) -> float:
        """Until when open-ok must be there after all was sent now; `deadline` is the attempt's."""
        return now + (LONGEST_S if deadline is None else min((deadline - now) * SHARE, LONGEST_S))

    def learn(self, dialect: Dialect, request: OpenRequest, heard: list[Any]) -> None:
        """An ordinary handshake led to an open connection; `heard` is what the server said in it
        before open-ok: start, tune, and perhaps secure between them.
        """
        if self.route is None:
            return
        key, is_plain = key_of(self.route, request), len(heard) == 2
        if not is_plain or not is_rabbitmq(heard[0].server_properties):
            self._servers.forget(key)
            return
        offer, before = Offer(dialect.protocol, self.route, *heard), self._servers.recall(key)
        if self._was_refused:
            offer.is_refused = offer.is_same(self._taken)
        elif before is not None and before.is_refused:
            offer.is_refused = offer.is_same(before)
        self._servers.remember(key, offer)

    def failed(self) -> None:
        """It did not come as it was remembered: forget it, and do not try again."""
        self._was_refused = True
        self._servers.forget(cast("Key", self._key))
