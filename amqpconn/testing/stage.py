"""The rules of a session at work: they put their actions where they belong in what is sent."""

from __future__ import annotations

from functools import partial

from amqpconn.testing.actions import Moment
from amqpconn.testing.faults import Release
from amqpconn.testing.outbox import Outbox
from amqpconn.testing.rules import After, Before, On, Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amqpconn.testing.outbox import Step
    from amqpconn.testing.rules import Action, Rule
    from amqpconn.testing.session import Session
    from amqpconn_spec._base import Method

_FAR = 2**62


class Stage:
    """What happens in a session is told here; `outbox` is what goes out."""

    def __init__(self, session: Session, rules: Iterable[Rule]) -> None:
        self._session = session
        self._script = Script(rules)
        moment = Moment(session)
        self.outbox = Outbox(
            (rule.number, partial(action, moment))
            for rule in self._script.sent
            for action in rule.actions
        )

    def bytes_to_next_rule(self) -> int:
        """How many bytes must be read until a rule about their number comes true."""
        received = self._script.received
        return received[0].number - self._session.bytes_received if received else _FAR

    def count(self) -> None:
        """Bytes were read."""
        received = self._script.received
        while received and received[0].number <= self._session.bytes_received:
            self._put(received.pop(0).actions, Moment(self._session))
        self.outbox.advance(self._session.now)

    def instead(self, name: str, moment: Moment) -> bool:
        """Something came: do what the rules have for it; False when they have nothing."""
        actions = self._script.actions(On, name)
        if actions is None:
            return False
        self._put(actions, moment)
        self.outbox.advance(self._session.now)
        return True

    def send(self, name: str, send: Step, channel: int = 0, method: Method | None = None) -> None:
        """Something is to be sent: do it, with what the rules have for before and after."""
        before = self._script.actions(Before, name)
        after = self._script.actions(After, name)
        if before is None and after is None:
            send()
            return
        moment = Moment(self._session, channel, method)
        self._put(before or (), moment)
        self.outbox.put(send)
        self._put(after or (), moment)
        self.outbox.advance(self._session.now)

    def do(self, actions: Sequence[Action]) -> None:
        """Do these now, before everything that waits."""
        moment = Moment(self._session)
        if any(isinstance(action, Release) for action in actions):
            self.outbox.resume()
        self.outbox.interject(*(partial(action, moment) for action in actions))

    def _put(self, actions: Iterable[Action], moment: Moment) -> None:
        for action in actions:
            if isinstance(action, Release):  # in its turn it would never come
                self.outbox.advance(self._session.now)
                action(moment)
            else:
                self.outbox.put(partial(action, moment))
