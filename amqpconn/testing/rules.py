"""Rules: when something happens in a session, actions are done.

    Peer(script=[
        On("connection.open", Refuse(530, "NOT_ALLOWED - no such vhost")),
        Before("queue.declare-ok", Wait(0.5)),
        SentBytes(700, Reset()),
    ])

`On` and its actions take the place of what the peer does otherwise (`Usual` among them is just
that); the actions of all other rules are done besides. A script holds for each client from its
beginning; every client has its own counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from amqpconn.core.dialect import dialect_for
from amqpconn.core.states import HEADER
from amqpconn.errors import InvalidParameter
from amqpconn.testing.actions import Challenge, Ignore, Usual
from amqpconn.testing.watching import name_of
from amqpconn_spec import VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from amqpconn.testing.actions import Moment
    from amqpconn_spec._base import Method

    # One of `amqpconn.testing.actions`, or a function of your own.
    Action = Callable[[Moment], object]
    Named = str | type[Method[Any]]

HEARTBEAT = "heartbeat"


class Rule:
    """What all rules have: `actions`, done in order."""

    def __init__(self, *actions: Action) -> None:
        for action in actions:
            if isinstance(action, type) or not callable(action):
                raise InvalidParameter(
                    f"{action!r} is no action; write one of amqpconn.testing, such as Cut(),"
                    " or a function of a Moment"
                )
            if isinstance(action, (Usual, Ignore)) and not isinstance(self, On):
                raise InvalidParameter(
                    f"{type(action).__name__}() in {type(self).__name__} has no meaning: only On"
                    " takes the place of what the peer does otherwise"
                )
        self.actions = actions


class ByName(Rule):
    """A rule about a method, given by its class or name, the `nth` time only or (0) every time.

    Two more names: 'protocol-header' and 'heartbeat'. Raises InvalidParameter for a name that
    nobody sends in this direction in any version of the protocol.
    """

    side = "SENT_BY_SERVER"

    def __init__(self, what: Named, *actions: Action, nth: int = 0) -> None:
        super().__init__(*actions)
        self.name = name_of(what)
        self.nth = nth
        if self.name not in (HEADER, HEARTBEAT) and not any(
            getattr(dialect_for(version).by_name.get(self.name), self.side, False)
            for version in VERSIONS
        ):
            who = self.side.rpartition("_")[2].lower()
            raise InvalidParameter(
                f"{type(self).__name__}({self.name!r}) can never come true: no {who} sends that;"
                f" names are as in the specification, such as {self._example()!r}"
            )

    def _example(self) -> str:
        return "connection.tune" if self.side == "SENT_BY_SERVER" else "connection.open"


class On(ByName):
    """When this has come from the client, do these instead of the usual."""

    side = "SENT_BY_CLIENT"


class Before(ByName):
    """When the peer is about to send this by itself, do these first."""


class After(ByName):
    """When the peer has sent this by itself, do these."""


def challenges(*rounds: bytes) -> list[Rule]:
    """Rules that ask the client back so many times, with connection.secure, before its login is
    judged.

    The verdict is given on the last answer: by `Behaviour.authenticate`, or else everybody is let
    in whose mechanism is offered and knows no passwords.
    """
    steps = [("connection.start-ok", 1)]
    steps += [("connection.secure-ok", nth) for nth in range(1, len(rounds))]
    return [
        On(name, Challenge(challenge), nth=nth)
        for (name, nth), challenge in zip(steps, rounds, strict=False)
    ]


class ByCount(Rule):
    """A rule about a number of bytes."""

    least = 0

    def __init__(self, number: int, *actions: Action) -> None:
        super().__init__(*actions)
        if number < self.least:
            raise InvalidParameter(
                f"{type(self).__name__}({number}) can never come true; begin at {self.least}"
            )
        self.number = number


class SentBytes(ByCount):
    """When exactly this many bytes have been sent to a client, do these. 0: when it has connected.

    With TLS these are the bytes inside.
    """


class ReceivedBytes(ByCount):
    """When exactly this many bytes have been read from a client, do these. From 1 on."""

    least = 1


class Script:
    """The rules of one session, and how often each thing has happened in it.

    Attributes:
        sent, received: the rules about numbers of bytes, in order of the number.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.sent: list[SentBytes] = []
        self.received: list[ReceivedBytes] = []
        self._named: defaultdict[tuple[type, str], list[ByName]] = defaultdict(list)
        self._happened: Counter[tuple[type, str]] = Counter()
        for rule in rules:
            self._add(rule)
        self.sent.sort(key=_number)
        self.received.sort(key=_number)

    def _add(self, rule: Rule) -> None:
        if isinstance(rule, ByName):
            self._named[type(rule), rule.name].append(rule)
        elif isinstance(rule, SentBytes):
            self.sent.append(rule)
        elif isinstance(rule, ReceivedBytes):
            self.received.append(rule)
        else:
            raise InvalidParameter(
                f"{rule!r} in a script is no rule; rules are On, Before, After, SentBytes and"
                " ReceivedBytes"
            )

    def actions(self, kind: type[ByName], name: str) -> list[Action] | None:
        """This has happened once more: what is to be done, None when no rule is about it."""
        if (kind, name) not in self._named:
            return None
        self._happened[kind, name] += 1
        happened = self._happened[kind, name]
        rules = [rule for rule in self._named[kind, name] if rule.nth in (0, happened)]
        return [action for rule in rules for action in rule.actions] if rules else None


def _number(rule: ByCount) -> int:
    return rule.number
