"""What a peer offers, whom it lets in, and what tests have it answer."""

from __future__ import annotations

from amqpconn.testing.rules import Script as Rules
from amqpconn_spec import VERSIONS
from amqpconn_spec._wire import DecodeError, decode_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from amqpconn.core.assembler import Content
    from amqpconn.testing.rules import Rule
    from amqpconn_spec._base import Method
    from amqpconn_spec._wire import FieldValue, Table

    # Given mechanism and response: True lets the client in, False refuses, bytes are a challenge.
    Authenticate = Callable[[str, bytes], bool | bytes]
    # What to answer, nothing for None; given the method. It may raise Refused.
    Reply = Method[Any] | tuple[Method[Any], Content] | None
    Answer = Callable[[Any], Reply]
    Script = Sequence[Rule] | Callable[[int], Sequence[Rule]]

CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}


class Refused(Exception):
    """Raised by what answers a method: the peer closes the channel (the connection, for a method on
    channel 0) with this reply code and text.
    """

    def __init__(self, reply_code: int, reply_text: str) -> None:
        super().__init__(reply_code, reply_text)
        self.reply_code = reply_code
        self.reply_text = reply_text


class Behaviour:
    """What a peer offers and whom it lets in. May be changed at any time.

    Attributes:
        users: passwords by user name, for PLAIN and AMQPLAIN.
        virtual_hosts: those that exist.
        mechanisms, locales: offered in start.
        server_properties: shown in start.
        channel_max, frame_max, heartbeat: offered in tune.
        authenticate: decides instead of `users`: called with mechanism and response, it gives True,
            False, or bytes for a challenge, whose answer it is called with next.
        silent_from: a method's name, such as 'connection.tune': instead of sending it for the first
            time the peer falls silent, heartbeats included, and ignores the client from then on.
        protocols: the versions it speaks, oldest first; a client that wants another one is answered
            with the header of the last. All that there are unless given.
        drops_early: whether what comes in one piece with the protocol header is dropped, as by
            brokers that begin to read frames only when they have sent start.
        redirect_to: a host, or 'host:port', to which clients of 0-8 and 0-9 are sent on.
        script: rules, such as `On("connection.open", Refuse(530))`; or a function that gives them
            for each new client, called with its number (from 0). See `amqpconn.testing.rules`.
        answers: by a method's name, functions that answer it instead of the peer; see
            `Peer.answer`.
    """

    def __init__(  # noqa: PLR0913 - each is named and has a default
        self,
        *,
        users: Mapping[str, str] | None = None,
        virtual_hosts: Sequence[str] = ("/",),
        mechanisms: Sequence[str] = ("PLAIN", "AMQPLAIN"),
        locales: Sequence[str] = ("en_US",),
        server_properties: Mapping[str, FieldValue] | None = None,
        channel_max: int = 2047,
        frame_max: int = 131072,
        heartbeat: int = 60,
        authenticate: Authenticate | None = None,
        silent_from: str = "",
        protocols: Sequence[str] = tuple(VERSIONS),
        drops_early: bool = False,
        redirect_to: str = "",
        script: Script = (),
    ) -> None:
        self.users = {"guest": "guest"} if users is None else users
        self.virtual_hosts = virtual_hosts
        self.mechanisms = mechanisms
        self.locales = locales
        self.server_properties: Table = {
            "product": "amqpconn.testing",
            "capabilities": dict(CAPABILITIES),
            **(server_properties or {}),
        }
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat
        self.authenticate = authenticate or self._by_password
        self.silent_from = silent_from
        self.protocols = protocols
        self.drops_early = drops_early
        self.redirect_to = redirect_to
        self.script = script
        if not callable(script):
            Rules(script)  # what is wrong with it is told here
        self.answers: dict[str, Answer] = {}

    def rules(self, number: int) -> Sequence[Rule]:
        """The script for the client of this number."""
        return self.script(number) if callable(self.script) else self.script

    def _by_password(self, mechanism: str, response: bytes) -> bool:
        try:
            if mechanism == "PLAIN":
                _, username, password = response.decode().split("\0")
            elif mechanism == "AMQPLAIN":
                table, _ = decode_table(len(response).to_bytes(4, "big") + response)
                username, password = str(table["LOGIN"]), str(table["PASSWORD"])
            else:
                return mechanism in self.mechanisms
        except (DecodeError, KeyError, ValueError):
            return False  # what cannot be read is no login
        return self.users.get(username) == password
