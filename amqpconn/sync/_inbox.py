"""What has arrived on a channel and waits for somebody who receives it.

A module of its own, because only a connection with channels needs what it loads.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.core.assembler import Content
    from amqpconn_spec._base import Method

    Arrival = tuple[Method, Content | None]


class Inbox(SimpleQueue["Arrival | None"]):
    """In order, with None for the end of the channel, which stays.

    It is filled by whoever holds the connection's lock and emptied without that, so that receiving
    does not have to wait for a pause in reading.
    """

    __slots__ = ()

    def take(self, timeout: float | None) -> Arrival | None:
        """The next one; None when all is taken and nothing more will come. Raises TimeoutError."""
        try:
            arrival = self.get(timeout=None if timeout is None else max(timeout, 0.0))
        except Empty:
            raise TimeoutError from None
        if arrival is None:
            self.put(None)  # for others who wait
        return arrival

    def take_all(self) -> list[Arrival | None]:
        """What there is now."""
        taken = []
        try:
            while True:
                taken.append(self.get_nowait())
        except Empty:
            return taken
