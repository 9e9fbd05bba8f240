"""The connection of the asyncio driver, and `connect`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from amqpconn._facade import DEFAULT_CALL_TIMEOUT_S, ConnectionFacade, plan
from amqpconn.asyncio._opening import Opening
from amqpconn.asyncio.endpoint import Endpoint
from amqpconn.config import DEFAULT_CLOSE_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from amqpconn.asyncio.channel import Channel
    from amqpconn.auth import AuthMethod
    from amqpconn.locale import LocalePreference


class Connection(ConnectionFacade):
    """The connection of one endpoint: opens once, closes once."""

    __slots__ = ()

    endpoint: Endpoint

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._core = endpoint._core

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop in which it was opened. Raises NotOpen before."""
        return self.endpoint.loop

    @property
    def first_channel(self) -> Channel:
        """The channel that was opened with the connection. Raises NotOpen when there is none."""
        return cast("Channel", self._first())

    async def open(
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
        cancellation included, nothing is left open.
        """
        try:
            request = plan.open_request(auth_methods, locale, virtual_host, first_channel)
        finally:
            del auth_methods  # this frame goes with an error
        await self.endpoint._open(request)

    async def close(
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
        Raises WrongProcess, WrongEventLoop.
        """
        link = self.endpoint._link
        link.check_caller()
        if self._core.is_alive:
            self._core.close(link.now(), timeout, reply_code, reply_text)
            link.pump()
            await link.wait_down()

    async def update_secret(
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
        self.endpoint._link.check_caller()
        await self.endpoint._link.writable(timeout)
        await self.endpoint._answer(start)

    async def wait_unblocked(self, timeout: float | None = None) -> None:
        """Wait until the broker takes messages. Raises CallTimeout after `timeout` s, NotOpen."""
        link = self.endpoint._link
        link.check_caller()
        try:
            async with asyncio.timeout(timeout):
                await link.wait_for(lambda: not self.is_blocked or link.is_down)
        except TimeoutError:
            text = f"the broker is still blocked after {timeout} s: {self.blocked_reason}"
            raise self._core.timed_out(text, asyncio.get_running_loop().time()) from None
        self._core.check_open()

    async def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is gone, by whichever side.

        Raises ConnectionFailed when it failed, CallTimeout when it is still there after `timeout`
        seconds, NotOpen when it was never opened.
        """
        self._check_began()
        link = self.endpoint._link
        link.check_caller()
        try:
            async with asyncio.timeout(timeout):
                await link.wait_for(lambda: link.is_down)
        except TimeoutError:
            what = f"the connection is still there after {timeout} s"
            raise self._core.timed_out(what, asyncio.get_running_loop().time()) from None
        if self._core.error is not None:
            raise self._core.error.clone()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.endpoint._link.is_inherited:  # the child of a fork only leaves its copy
            await self.close()


def connect(url: str, **options: Any) -> Opening[Connection]:
    """Connect by URL: `connection = await connect(url)`, or `async with connect(url) as
    connection`.

    Args:
        url: amqp:// or amqps://; see `amqpconn.uri`.
        options: of `Endpoint`, over those in the URL; and `auth_methods`, `locale` and
            `first_channel` of `Connection.open`; and `credentials`, a function that gives
            `amqpconn.Credentials` instead of those in the URL, see `amqpconn.fetched_auth`.

    When awaited it raises InvalidURL, InvalidParameter, and what `Connection.open` raises.
    """
    return Opening(_connect, url, options)


async def _connect(url: str, options: dict[str, Any]) -> Connection:
    try:
        endpoint, request = plan.planned(Endpoint, url, **options)
    finally:
        del url, options  # this frame goes with an error
    connection = Connection(endpoint)
    await endpoint._open(request)
    return connection
