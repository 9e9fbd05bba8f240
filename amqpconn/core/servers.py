"""What servers offered, for those who connect to them again (fast open, see `fast_open`).

Nothing here is a secret: what a server said, where it was, to which virtual host, and for the user
who logged in a number.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from amqpconn.core.handshake import OpenRequest

    # Whose offer it is: the address, the virtual host, and who logs in.
    Key = tuple[object, str, tuple[int, ...]]

MOST: Final = 256


class Route:
    """Which way a server was reached.

    Attributes:
        address: where it is, down to the address behind a name; equal for the same place only.
        protection: numbers, each the higher the better the stream is protected: whether there is
            TLS, how a certificate is verified, whether its name is, the oldest version of TLS.
        certificate_name: whom the certificate is to be for; None in clear.
    """

    __slots__ = ("address", "certificate_name", "protection")

    def __init__(
        self, address: object, protection: tuple[int, ...], certificate_name: str | None
    ) -> None:
        self.address = address
        self.protection = protection
        self.certificate_name = certificate_name

    def is_as_good_as(self, other: Route) -> bool:
        """Whether in no respect it protects less, or another one, than the other did."""
        pairs = zip(self.protection, other.protection, strict=True)
        is_same_name = other.certificate_name in (None, self.certificate_name)
        return is_same_name and all(mine >= theirs for mine, theirs in pairs)


class Offer:
    """What a server offered when a connection was opened in the ordinary way: start and tune, in
    this version of the protocol, reached by this route.

    Attributes:
        is_refused: whether the server, or something in between, did not take what was sent ahead of
            just this offer.
    """

    __slots__ = ("is_refused", "protocol", "route", "start", "tune")

    def __init__(self, protocol: str, route: Route, start: Any, tune: Any) -> None:
        self.protocol = protocol
        self.route = route
        self.start = start
        self.tune = tune
        self.is_refused = False

    def is_same(self, other: Offer | None) -> bool:
        """Whether the server says the same now."""
        return other is not None and (self.start, self.tune) == (other.start, other.tune)


class Servers:
    """The last offers of the `most` servers that were used last.

    Threads may share it: every step here is one of the interpreter's own, so there is no lock that
    the child of a fork could find taken for ever.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._offers: OrderedDict[Key, Offer] = OrderedDict()

    def recall(self, key: Key) -> Offer | None:
        """What was offered last; None when it is not known."""
        self._use(key)
        return self._offers.get(key)

    def remember(self, key: Key, offer: Offer) -> None:
        """It was offered just now. Whoever was not used for longest is forgotten for it."""
        self._offers[key] = offer
        self._use(key)
        while len(self._offers) > self._most:
            with suppress(KeyError):  # another thread has taken the last one
                self._offers.popitem(last=False)

    def forget(self, key: Key) -> None:
        """It does not hold any more. Harmless when it is not known."""
        self._offers.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._offers.clear()

    def __len__(self) -> int:
        return len(self._offers)

    def _use(self, key: Key) -> None:
        with suppress(KeyError):  # unknown, or forgotten by another thread
            self._offers.move_to_end(key)


def key_of(route: Route, request: OpenRequest) -> Key:
    """Whose offer it is that is asked for so."""
    users = tuple(method.identity for method in request.auth_methods)
    return route.address, request.virtual_host, users


#: What all connections of this process with fast_open=True remember.
REMEMBERED: Final = Servers()


def forget_servers() -> None:
    """Forget what `fast_open=True` has remembered of servers: the next connection to each of them
    opens in the ordinary way.
    """
    REMEMBERED.clear()
