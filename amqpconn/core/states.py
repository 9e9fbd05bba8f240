"""The state machine of connection management: the one place that says what may follow what.

A connection is a conversation on channel 0 (specification, 2.2.4 and the grammar of class
connection):

    C: protocol header
                                    S: start    (or a protocol header: another version, and the end)
    C: start-ok
                                    S: secure   (as often as the mechanism wants)
    C: secure-ok
                                    S: tune
    C: tune-ok, open
                                    S: open-ok
    ... use ...
    C: close                        S: close-ok
or  S: close                        C: close-ok

With fast open (see `fast_open`) the client takes start and tune from memory (step '=', remembered),
answers them ahead, and then waits for the real ones to confirm them:

    C: protocol header, start-ok, tune-ok, open
                                    S: start        (the same again, or it was for nothing)
                                    S: tune         (the same)
                                    S: open-ok

The first channel can be asked for together with the connection: channel.open goes out behind open
to a server that takes it there (RabbitMQ), and behind open-ok to others. What follows on that
channel, and all other channels, are the business of `channels`.

A state is named after the last step that was taken. In START and SECURE the client owes an answer,
which takes as long as its credentials take to come. `TRANSITIONS[role][state][step]` is the next
state; a step is '<' (received), '>' (sent) or '=' (remembered) with the method's name, or with
'protocol-header'.
What is not in the table is not allowed, with one exception: in the states of `DISCARDING`
everything that has no entry is dropped silently, because each side goes on talking until it has
read the other's close (2.2.4.4).

Rule 1: whatever changes the state is in `Machine`. Rule 2: when both sides close at the same time,
each answers the other's close and still waits for its own close-ok. Rule 3: CLOSED is final; bytes
that come later are not even parsed.
"""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Role(Enum):
    """Which side we are."""

    __hash__ = object.__hash__  # as in State

    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    """How far the conversation on channel 0 has come; the value is for people."""

    # Members are what they are: the hash of their names, as Enum has it, takes four times as long.
    __hash__ = object.__hash__

    CLOSED = "closed"
    RECALLED = "recalled"
    AHEAD = "ahead"
    CONFIRMED = "confirmed"
    HEADER_SENT = "header sent"
    START = "start"
    START_OK = "start-ok"
    SECURE = "secure"
    SECURE_OK = "secure-ok"
    TUNE = "tune"
    OPEN = "open"
    OPENED = "opened"
    CLOSE_SENT = "close sent"
    CLOSE_RECEIVED = "close received"


# What is asked with every frame. A member of a class of them takes 0.1 us to be found there.
CLOSED: Final = State.CLOSED
OPENED: Final = State.OPENED

HEADER: Final = "protocol-header"
# What a step begins with; the rest is a name.
RECEIVED: Final = "< "
SENT: Final = "> "
REMEMBERED: Final = "= "

_CLIENT: Final[dict[State, dict[str, State]]] = {
    State.CLOSED: {
        "> protocol-header": State.HEADER_SENT,
        "= connection.start": State.RECALLED,
    },
    State.RECALLED: {
        "> protocol-header": State.RECALLED,
        "> connection.start-ok": State.RECALLED,
        "= connection.tune": State.RECALLED,
        "> connection.tune-ok": State.RECALLED,
        "> connection.open": State.AHEAD,
    },
    State.AHEAD: {
        "> channel.open": State.AHEAD,
        "< connection.start": State.CONFIRMED,
        "< connection.close": State.CLOSE_RECEIVED,
        "< protocol-header": State.CLOSED,
    },
    State.CONFIRMED: {
        "< connection.tune": State.OPEN,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.HEADER_SENT: {
        "< connection.start": State.START,
        "< connection.close": State.CLOSE_RECEIVED,
        "< protocol-header": State.CLOSED,
    },
    State.START: {
        "> connection.start-ok": State.START_OK,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.START_OK: {
        "< connection.secure": State.SECURE,
        "< connection.tune": State.TUNE,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.SECURE: {
        "> connection.secure-ok": State.SECURE_OK,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.SECURE_OK: {
        "< connection.secure": State.SECURE,
        "< connection.tune": State.TUNE,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.TUNE: {
        "> connection.tune-ok": State.TUNE,
        "> connection.open": State.OPEN,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.OPEN: {
        "> channel.open": State.OPEN,
        "< connection.open-ok": State.OPENED,
        "< connection.redirect": State.CLOSED,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.OPENED: {
        "> channel.open": State.OPENED,
        "< connection.blocked": State.OPENED,
        "< connection.unblocked": State.OPENED,
        "> connection.update-secret": State.OPENED,
        "< connection.update-secret-ok": State.OPENED,
        "> connection.close": State.CLOSE_SENT,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.CLOSE_SENT: {
        "< connection.close-ok": State.CLOSED,
        "< connection.close": State.CLOSE_SENT,
        "> connection.close-ok": State.CLOSE_SENT,
    },
    State.CLOSE_RECEIVED: {
        "> connection.close-ok": State.CLOSE_RECEIVED,
        "< connection.close": State.CLOSE_RECEIVED,
    },
}

_SERVER: Final[dict[State, dict[str, State]]] = {
    State.CLOSED: {
        "< protocol-header": State.HEADER_SENT,
    },
    State.HEADER_SENT: {
        "> connection.start": State.START,
        "> protocol-header": State.CLOSED,
    },
    State.START: {
        "< connection.start-ok": State.START_OK,
        "> connection.close": State.CLOSE_SENT,
    },
    State.START_OK: {
        "> connection.secure": State.SECURE,
        "> connection.tune": State.TUNE,
        "> connection.close": State.CLOSE_SENT,
    },
    State.SECURE: {
        "< connection.secure-ok": State.SECURE_OK,
        "> connection.close": State.CLOSE_SENT,
    },
    State.SECURE_OK: {
        "> connection.secure": State.SECURE,
        "> connection.tune": State.TUNE,
        "> connection.close": State.CLOSE_SENT,
    },
    State.TUNE: {
        "< connection.tune-ok": State.TUNE,
        "< connection.open": State.OPEN,
        "> connection.close": State.CLOSE_SENT,
    },
    State.OPEN: {
        "> connection.open-ok": State.OPENED,
        "> connection.redirect": State.CLOSED,
        "> connection.close": State.CLOSE_SENT,
    },
    State.OPENED: {
        "> connection.blocked": State.OPENED,
        "> connection.unblocked": State.OPENED,
        "< connection.update-secret": State.OPENED,
        "> connection.update-secret-ok": State.OPENED,
        "> connection.close": State.CLOSE_SENT,
        "< connection.close": State.CLOSE_RECEIVED,
    },
    State.CLOSE_SENT: {
        "< connection.close-ok": State.CLOSED,
        "< connection.close": State.CLOSE_SENT,
        "> connection.close-ok": State.CLOSE_SENT,
    },
    State.CLOSE_RECEIVED: {
        "> connection.close-ok": State.CLOSE_RECEIVED,
        "< connection.close": State.CLOSE_RECEIVED,
    },
}

TRANSITIONS: Final = {Role.CLIENT: _CLIENT, Role.SERVER: _SERVER}
DISCARDING: Final = frozenset({State.CLOSE_SENT, State.CLOSE_RECEIVED, State.CLOSED})

# What is being waited for, as errors and reports name it.
PHASES: Final[dict[State, str]] = {
    State.CLOSED: "closed",
    State.RECALLED: "start",
    State.AHEAD: "header",
    State.CONFIRMED: "start",
    State.HEADER_SENT: "header",
    State.START: "start",
    State.START_OK: "start",
    State.SECURE: "secure",
    State.SECURE_OK: "secure",
    State.TUNE: "tune",
    State.OPEN: "open",
    State.OPENED: "opened",
    State.CLOSE_SENT: "closing",
    State.CLOSE_RECEIVED: "closing",
}


class IllegalStep(Exception):
    """A step that the table does not have."""

    def __init__(self, state: State, step: str) -> None:
        super().__init__(f"{step} in state {state.value}")
        self.state = state
        self.step = step


class Machine:
    """The current state of one side. `step` moves it; a step is `RECEIVED`, `SENT` or `REMEMBERED`,
    and a method's name behind that.
    """

    __slots__ = ("_table", "state")

    def __init__(self, role: Role) -> None:
        self._table = TRANSITIONS[role]
        self.state = CLOSED

    def step(self, step: str) -> bool:
        """Take it. False: what was received is to be dropped, what is to be sent must not be sent
        any more. Raises IllegalStep.
        """
        following = self._table[self.state].get(step)
        if following is None:
            if self.state in DISCARDING:
                return False
            raise IllegalStep(self.state, step)
        self.state = following
        return True

    def abandon(self) -> None:
        """The byte stream is gone, or not worth keeping."""
        self.state = CLOSED

    def expected(self) -> list[str]:
        """The names that the peer may send in this state, for messages."""
        return [step[2:] for step in self._table[self.state] if step.startswith(RECEIVED)]
