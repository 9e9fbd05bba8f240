"""The client's side of the handshake, as a straight line: start, secure, tune, open.

One object per attempt. It says which secret is wanted, and makes start-ok and secure-ok when that
is there, which may be at once. It is dropped when open-ok has come, so that nothing in the steady
state asks about it. Whether a method may come at all is the business of `states`; here is what to
say.
"""

from __future__ import annotations

from functools import lru_cache

from amqpconn import errors
from amqpconn._typing import cast
from amqpconn.config import OURS
from amqpconn.core import secrets
from amqpconn.core.negotiation import negotiate
from amqpconn.errors import ConnectionFailed
from amqpconn.locale import choose_locale
from amqpconn.mechanisms import check_methods, choose_mechanism, takes_challenges
from amqpconn_spec._wire import EncodedTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from amqpconn.auth import AuthMethod
    from amqpconn.config import Settings
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.events import SecretWanted
    from amqpconn.core.negotiation import Tuning
    from amqpconn.errors import VersionRefused
    from amqpconn.locale import LocalePreference
    from amqpconn.secret import Secret
    from amqpconn_spec._base import Method
    from amqpconn_spec._wire import Table
    from amqpconn_spec.v0_9_1 import connection


class OpenRequest:
    """What `connection.open` was asked for: auth_methods in order of preference, locale,
    virtual_host, and whether the first channel is wanted with the connection.

    Raises InvalidParameter when there is no method at all, or one that is no `AuthMethod` or has no
    name.
    """

    __slots__ = ("auth_methods", "first_channel", "locale", "virtual_host")

    def __init__(
        self,
        auth_methods: Sequence[AuthMethod],
        locale: LocalePreference,
        virtual_host: str,
        first_channel: bool = False,
    ) -> None:
        check_methods(auth_methods)
        self.auth_methods = auth_methods
        self.locale = locale
        self.virtual_host = virtual_host
        self.first_channel = first_channel

    def handshake(self, dialect: Dialect, settings: Settings) -> Handshake:
        """The client's side of an attempt to open so."""
        return Handshake(dialect, settings, self)


class Agreement:
    """What the handshake led to.

    Attributes:
        protocol_version: the version spoken, such as '0-9-1'.
        server_properties, client_properties: the tables that the two sides showed each other. Not
            to be changed: other connections may have the same ones.
        mechanisms, locales: what the server offered.
        mechanism, locale: what was chosen.
        login_size: bytes of start-ok's frame; 0 before.
        opened_fast: whether all of it went ahead of the server's answers, and they came as
            expected; see `fast_open`.
        tuning: channel_max, frame_max and heartbeat with their report; None before tune.
    """

    __slots__ = (
        "client_properties",
        "locale",
        "locales",
        "login_size",
        "mechanism",
        "mechanisms",
        "opened_fast",
        "protocol_version",
        "server_properties",
        "tuning",
    )

    def __init__(self, protocol_version: str, client_properties: Table) -> None:
        self.protocol_version = protocol_version
        self.client_properties = client_properties
        self.server_properties: Table = {}
        self.mechanisms: tuple[str, ...] = ()
        self.locales: tuple[str, ...] = ()
        self.mechanism = ""
        self.locale = ""
        self.login_size = 0
        self.opened_fast = False
        self.tuning: Tuning | None = None


class Handshake:
    """Answers start, secure and tune for one attempt."""

    at_once = staticmethod(secrets.at_once)
    taken = staticmethod(secrets.taken)

    def __init__(self, dialect: Dialect, settings: Settings, request: OpenRequest) -> None:
        own = settings.client_properties
        shown = _ours(dialect) if own is OURS else _with_capabilities(own, dialect)
        self.agreement = Agreement(dialect.protocol, shown)
        self._dialect = dialect
        self._settings = settings
        self._request = request
        self.auth: AuthMethod  # since start
        self.tuning: Tuning  # since tune
        self.heard: list[Method] = []  # start, perhaps secure, tune
        self.wants_channel = request.first_channel  # until it is asked for

    @property
    def is_with_rabbitmq(self) -> bool:
        """Whether start says so. Not before it has come."""
        return is_rabbitmq(self.agreement.server_properties)

    def start(self, start: connection.Start) -> SecretWanted | Secret:
        """Choose mechanism and locale; what start-ok waits for, or the secret that is known.

        Raises VersionRefused, NoCommonMechanism, HandshakeFailed.
        """
        if (start.version_major, start.version_minor) != self._dialect.version:
            raise self._other_version(start)
        self.heard.append(start)
        agreement = self.agreement
        agreement.server_properties = start.server_properties
        agreement.mechanisms = _words(start.mechanisms)
        agreement.locales = _words(start.locales)
        self._choose(self._request, agreement)
        auth = self.auth
        known = auth.known_response
        if known is not None:
            return known
        return secrets.wanted(self._dialect.StartOk.NAME, auth, auth.initial_response)

    def _choose(self, request: OpenRequest, agreement: Agreement) -> None:
        """Mechanism and locale. Users have their own kinds of both: whatever these raise ends the
        attempt with a typed error.
        """
        whose = "the list of authentication methods"
        try:
            auth = self.auth = choose_mechanism(request.auth_methods, agreement.mechanisms)
            agreement.mechanism = auth.name
            whose = "the locale preference"
            agreement.locale = choose_locale(request.locale, agreement.locales)
        except ConnectionFailed:
            raise
        except Exception as error:
            raise secrets.users_fault(whose, error) from error

    def recalled(self, start: connection.Start) -> SecretWanted | Secret | None:
        """What start-ok waits for, when `start` is the server's of the last time; None when no
        method suits that is over with its first response. The real start says what is wrong then.
        """
        try:
            question = self.start(start)
        except ConnectionFailed:
            question = None
        if question is None or takes_challenges(self.auth):
            self.heard.clear()
            return None
        return question

    @staticmethod
    def confirm(said: Any, expected: Any) -> None:
        """Raises HandshakeFailed when the server does not say what it said the last time, and what
        was answered ahead.
        """
        if said != expected:
            names = [
                name
                for name in said.__match_args__
                if getattr(said, name) != getattr(expected, name)
            ]
            raise errors.HandshakeFailed(f"{said.NAME} is not as the last time: {', '.join(names)}")

    def secure(self, secure: connection.Secure) -> SecretWanted:
        """What the answer to a challenge waits for."""
        self.heard.append(secure)
        return secrets.wanted(
            self._dialect.SecureOk.NAME, self.auth, self.auth.respond, secure.challenge
        )

    def answer(self, method: str, secret: Secret) -> connection.StartOk | connection.SecureOk:
        """The method of this name, with the secret that it waited for."""
        if method == self._dialect.SecureOk.NAME:
            return self._dialect.SecureOk(response=secret.reveal())
        said = self.agreement
        return self._dialect.StartOk(
            said.client_properties, said.mechanism, secret.reveal(), said.locale
        )

    def tune(self, tune: connection.Tune) -> tuple[connection.TuneOk, connection.Open]:
        """Agree on the limits, and ask for the virtual host in the same breath: open need not wait
        for anything.
        """
        self.heard.append(tune)
        dialect, requested = self._dialect, self._settings.requested
        tuning = self.tuning = self.agreement.tuning = negotiate(
            (requested.channel_max, tune.channel_max),
            (requested.frame_max, tune.frame_max),
            (requested.heartbeat, tune.heartbeat),
            dialect.frame_min_size,
        )
        open_: Any = dialect.Open(self._request.virtual_host)
        if dialect.has_redirect:  # of 0-8 and 0-9: whether it is wanted
            open_.insist = self._settings.max_redirects == 0
        return dialect.TuneOk(tuning.channel_max, tuning.frame_max, tuning.heartbeat), open_

    def _other_version(self, start: connection.Start) -> VersionRefused:
        """A client that does not speak what the server suggests says nothing more (4.2.2)."""
        return errors.VersionRefused(
            f"the server's start says AMQP {start.version_major}-{start.version_minor};"
            f" asked for was {self._dialect.protocol}"
        )


def is_rabbitmq(server: Table) -> bool:
    """Whether start says that this server is a RabbitMQ."""
    return server.get("product") == "RabbitMQ"


def _with_capabilities(own: Table, dialect: Dialect) -> Table:
    capabilities = {**dialect.capabilities(), **cast("dict[str, bool]", own["capabilities"])}
    return {**own, "capabilities": capabilities}


@lru_cache  # for all connections that add nothing
def _ours(dialect: Dialect) -> Table:
    return EncodedTable(_with_capabilities(OURS, dialect))


@lru_cache(maxsize=32)  # all connections to a server have the same ones
def _words(listed: bytes) -> tuple[str, ...]:
    """Mechanisms and locales come as words between spaces (1.4.2.1.4 and 1.4.2.1.5)."""
    return tuple(listed.decode("utf-8", "replace").split())
