"""The connection of the blocking driver, and `connect`."""

from __future__ import annotations

from time import monotonic

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, ConnectionFacade, plan
from amqpconn._typing import cast
from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S
from amqpconn.sync.endpoint import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from amqpconn.auth import AuthMethod
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Call
    from amqpconn.locale import LocalePreference
    from amqpconn.sync.channel import Channel


class Connection(ConnectionFacade):
    """The connection of one endpoint: opens once, closes once."""

    __slots__ = ()

    endpoint: Endpoint

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._core = endpoint._core

    @property
    def first_channel(self) -> Channel:
        """The channel that was opened with the connection. Raises NotOpen when there is none."""
        return cast("Channel", self._first())

    def open(
        self,
        auth_methods: AuthMethod | Sequence[AuthMethod],
        locale: LocalePreference | None = None,
        virtual_host: str = "/",
        first_channel: bool = False,
    ) -> None:
        """Connect, negotiate, authenticate and open the virtual host, within the endpoint's
        timeout.

        Args:
            auth_methods: in order of preference; the first one that the server offers is used.
            locale: of the server's messages: Prefer, Select or a name; en_US unless given.
            virtual_host: for example "/".
            first_channel: whether to open a channel too, for `first_channel`. RabbitMQ takes the
                request for it together with that for the virtual host, so that nobody has to wait
                for it; others are asked when the connection is open.

        Raises ConnectionFailed (its subclasses say what went wrong, `phase` where), AlreadyOpen,
        InvalidParameter; with `first_channel` also ChannelClosed and CallTimeout. After any error,
        KeyboardInterrupt included, nothing is left open.
        """
        try:
            request = plan.open_request(auth_methods, locale, virtual_host, first_channel)
        finally:
            del auth_methods  # this frame goes with an error
        self.endpoint._open(request)

    def close(
        self,
        timeout: float | None = DEFAULT_CLOSE_TIMEOUT_S,
        reply_code: int = 0,
        reply_text: str = "bye",
    ) -> None:
        """Close in order, for at most `timeout` seconds; then the byte stream is closed in any
        case, without an error: whoever closes does not care how the server fails meanwhile.

        A server that has said that it is blocked (connection.blocked) does not read, so its answer
        is not waited for. Then messages may be lost, as when it fails: those sent since it was
        blocked that have not all left this process within 0.3 s, and those that have, should it not
        read them before it gives the connection up. Publisher confirms tell which have arrived;
        `wait_unblocked` waits for better times.

        Harmless when it is closed already. `reply_code` 0 is the specification's reply-success.
        Raises WrongProcess.
        """
        self.endpoint._link.close(timeout, reply_code, reply_text)

    def update_secret(
        self,
        secret: str | bytes,
        reason: str = "",
        timeout: float | None = DEFAULT_CALL_TIMEOUT_S,
    ) -> None:
        """Give the broker a new credential for this connection, before the old one expires.

        RabbitMQ's. Raises NotOpen, CallTimeout; a refusal closes the connection (NotAllowed).
        """
        try:
            start = plan.secret_update(secret, reason, timeout)
        finally:
            del secret  # this frame goes with an error

        def when_there_is_room(core: EndpointCore, _: float) -> Call:
            self.endpoint._link.wait_writable(timeout)
            return start(core, monotonic())

        self.endpoint._answer(when_there_is_room)

    def wait_unblocked(self, timeout: float | None = None) -> None:
        """Wait until the broker takes messages. Raises CallTimeout after `timeout` s, NotOpen."""
        link = self.endpoint._link
        link.check_process()
        with link.lock:
            if not link.changed.wait_for(lambda: not self.is_blocked or link.is_down, timeout):
                reason = self.blocked_reason
                what = f"the broker is still blocked after {timeout} s: {reason}"
                raise self._core.timed_out(what, monotonic())
            self._core.check_open()

    def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is gone, by whichever side.

        Raises ConnectionFailed when it failed, CallTimeout when it is still there after `timeout`
        seconds, NotOpen when it was never opened.
        """
        self._check_began()
        link = self.endpoint._link
        link.check_process()
        with link.lock:
            if not link.changed.wait_for(lambda: link.is_down, timeout):
                what = f"the connection is still there after {timeout} s"
                raise self._core.timed_out(what, monotonic())
        if self._core.error is not None:
            raise self._core.error.clone()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.endpoint._link.is_inherited:  # the child of a fork only leaves its copy
            self.close()


def connect(url: str, **options: Any) -> Connection:
    """Connect by URL: `connection = connect(url)`, or `with connect(url) as connection`.

    Args:
        url: amqp:// or amqps://; see `amqpconn.uri`.
        options: of `Endpoint`, over those in the URL; and `auth_methods`, `locale` and
            `first_channel` of `Connection.open`; and `credentials`, a function that gives
            `amqpconn.Credentials` instead of those in the URL, see `amqpconn.fetched_auth`.

    Raises InvalidURL, InvalidParameter, and what `Connection.open` raises.
    """
    try:
        endpoint, request = plan.planned(Endpoint, url, **options)
    finally:
        del url, options  # this frame goes with an error
    connection = Connection(endpoint)
    endpoint._open(request)
    return connection
