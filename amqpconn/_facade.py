"""What the two drivers show alike: everything that needs no waiting. Each driver adds open, close,
call, send and receive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from amqpconn._late import Late
from amqpconn.config import DEFAULT_MAX_REDIRECTS, DEFAULT_TIMEOUT_S, Settings
from amqpconn.core import events
from amqpconn.core.endpoint import EndpointCore, EndpointState
from amqpconn.core.events import ChannelState
from amqpconn.errors import InvalidParameter, NotOpen
from amqpconn.transport import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from ssl import SSLContext
    from typing import Any, Final

    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.detour import Detour
    from amqpconn.core.handshake import Agreement
    from amqpconn.core.negotiation import Tuning
    from amqpconn.core.servers import Servers
    from amqpconn.core.transcript import Transcript
    from amqpconn.errors import AMQPError, ConnectionFailed
    from amqpconn.observer import Observer
    from amqpconn_spec._base import Method
    from amqpconn_spec._wire import FieldValue, Table

    StateCallback = Callable[[EndpointState, EndpointState], object]
    BlockedCallback = Callable[[str | None], object]
    SecretErrorCallback = Callable[[ConnectionFailed], object]

    # The user's functions, by the event that they are called for.
    Callbacks = dict[type[events.Event], tuple[Callable[..., object], ...]]


if TYPE_CHECKING:
    from amqpconn import _plan

    plan = _plan
else:
    plan = Late("amqpconn._plan")

DEFAULT_CALL_TIMEOUT_S = 30.0
#: Of endpoints whose users have no functions to be called; not to be changed.
NO_CALLBACKS: Final[Callbacks] = {}


class EndpointFacade(ABC):
    """One AMQP client on one byte stream; opens once."""

    __slots__ = ("__weakref__", "_callbacks", "_core", "target")

    _core: EndpointCore
    _callbacks: Callbacks
    target: Target

    def __init__(  # noqa: PLR0913 - each is named and has a default
        self,
        host: str = "localhost",
        port: int | None = None,
        *,
        ssl: SSLContext | bool | None = None,
        protocol: str = "0-9-1",
        timeout: float | None = DEFAULT_TIMEOUT_S,
        path: str | PathLike[str] | None = None,
        server_hostname: str | None = None,
        channel_max: int = 0,
        frame_max: int = 0,
        heartbeat: int | None = None,
        client_properties: Mapping[str, FieldValue] | None = None,
        connection_name: str | None = None,
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        observers: Sequence[Observer] = (),
        flight_recorder: int = 0,
        initial_frame_max: int = 0,
        fast_open: bool = False,
        connector: Callable[..., Any] | None = None,
    ) -> None:
        """Describe where and how to connect; nothing happens before `Connection.open`.

        Args:
            host, port: where the broker listens; the port is 5672, with TLS 5671, unless given.
            ssl: an `ssl.SSLContext`; True makes one that verifies certificate and host name; None
                is clear text.
            protocol: the version of AMQP to speak, such as "0-9-1"; "auto" begins with the newest
                and takes the one that the server asks for, if we have it.
            timeout: seconds for opening as a whole (name lookup, TCP, TLS, handshake); None waits
                for ever.
            path: a Unix socket, instead of host and port.
            server_hostname: the name in the certificate and in the TLS greeting; the host unless
                given.
            channel_max, frame_max: limits to ask for; 0 takes the server's.
            heartbeat: seconds; None takes the server's, 0 turns heartbeats off.
            client_properties: shown to the server beside our own; its `capabilities` are merged
                with ours.
            connection_name: what the broker's management shows as the connection's name.
            max_redirects: how often the server may send us to another host (AMQP 0-8 and 0-9 only).
            observers: told of states, frames, bytes and what was negotiated; see
                `amqpconn.Observer`.
            flight_recorder: how many of the last frames to keep, for `transcript` here and on
                errors; 0 keeps none.
            initial_frame_max: bytes of a frame that the broker takes before tuning, where its
                operator has changed that (RabbitMQ's setting of this name); 0 is 8192, and 4096
                for RabbitMQ before 4.1. A login that is larger is not sent.
            fast_open: whether to remember what a RabbitMQ offers, and to send all that opens a
                connection in one write the next time, ahead of its answers: one round trip instead
                of three. Not for every network: docs/connecting-fast.md has the risk.
            connector: makes the byte stream instead of a socket of ours; see the driver's
                `Connector`.

        Raises InvalidParameter for a value that can never work.
        """
        target = Target(host, port, path=path, ssl=ssl, server_hostname=server_hostname)
        settings = Settings(
            protocol=protocol,
            timeout=timeout,
            channel_max=channel_max,
            frame_max=frame_max,
            heartbeat=heartbeat,
            properties=client_properties,
            connection_name=connection_name,
            peer=str(target),
            max_redirects=max_redirects,
            observers=observers,
            flight_recorder=flight_recorder,
            initial_frame_max=initial_frame_max,
            servers=_remembered() if fast_open else None,
        )
        self._set_up(target, settings, connector)

    def _set_up(
        self, target: Target, settings: Settings, connector: Callable[..., Any] | None = None
    ) -> None:
        """Make what it is made of. Others may be described by the same target and settings."""
        self.target = target
        self._core = EndpointCore(settings)
        self._core.tells_states = False  # until somebody wants to be told
        self._callbacks = NO_CALLBACKS
        self._make_link(connector)

    @abstractmethod
    def _make_link(self, connector: Callable[..., Any] | None) -> None:
        """Make what this driver moves bytes with."""

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {self.target} {self.state.value}>"

    @property
    def state(self) -> EndpointState:
        """off, connecting, connected, disconnecting, disconnected or failed."""
        return self._core.state

    @property
    def error(self) -> ConnectionFailed | None:
        """Why it failed; None while it has not, and after an orderly close."""
        return self._core.error

    @property
    def protocol(self) -> str:
        """The version spoken, such as '0-9-1'."""
        return self._core.dialect.protocol

    @property
    def timeout(self) -> float | None:
        """The deadline for opening, in seconds."""
        return self._core.settings.timeout_s

    @property
    def transcript(self) -> Transcript | None:
        """The last frames so far, to be printed; None without `flight_recorder`."""
        return self._core.transcript

    def on_state_change(self, callback: StateCallback) -> None:
        """Call `callback(old, new)` at every change of state."""
        self._call_for(events.StateChanged, callback)
        self._core.tells_states = True

    def on_blocked(self, callback: BlockedCallback) -> None:
        """Call `callback(reason)` when the broker takes no more messages, and `callback(None)` when
        it takes them again.
        """
        self._call_for(events.Blocked, callback)

    def on_secret_error(self, callback: SecretErrorCallback) -> None:
        """Call `callback(error)` when credentials that are about to expire could not be renewed.

        The connection goes on while the old ones hold, and it is tried again. When the broker
        refuses new ones it closes; then `error` is the connection's error too (`SecretRefused`).
        """
        self._call_for(events.SecretFailed, callback)

    def _call_for(self, kind: type[events.Event], callback: Callable[..., object]) -> None:
        """Have it called too, from now on; who goes through those before is not disturbed."""
        called = (*self._callbacks.get(kind, ()), callback)
        self._callbacks = {**self._callbacks, kind: called}

    def _channel_core(self, channel: ChannelFacade | int) -> ChannelCore:
        if isinstance(channel, ChannelFacade):
            core = channel._core
            if channel.is_open and self._core.channels.get(core.id) is not core:
                raise InvalidParameter(f"channel {core.id} belongs to another connection")
            return core
        found = self._core.channels.get(channel)
        if found is None or found.id == 0:
            raise NotOpen(
                f"channel {channel} is not open", remedy="open one with open_channel"
            ) from self.error
        return found


class ChannelFacade:
    """One open channel. Its `id` is used again after a close; this object is not."""

    def __init__(self, core: ChannelCore) -> None:
        self._core = core
        core.owner = self

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {self.id} {self._core.state.value}>"

    @property
    def id(self) -> int:
        """The channel's number, 1 to channel_max."""
        return self._core.id

    @property
    def is_open(self) -> bool:
        """Whether methods can be sent; the server may close the channel at any time."""
        return self._core.state is ChannelState.OPEN

    @property
    def error(self) -> AMQPError | None:
        """Why the channel was closed; None while it is open and after an orderly close."""
        return self._core.error

    def _check_open(self) -> None:
        if self._core.state is ChannelState.CLOSED:
            raise self._closed()

    def _closed(self) -> AMQPError:
        """Why it was closed, in an error of the caller's own."""
        error = self._core.error
        return error.clone() if error else NotOpen(f"channel {self.id} is closed")


class ConnectionFacade:
    """The connection of one endpoint: opens once, closes once.

    Args:
        endpoint: where and how to connect; state off.
    """

    __slots__ = ("__weakref__", "_core", "endpoint")

    _core: EndpointCore
    endpoint: EndpointFacade

    def __repr__(self) -> str:
        state = self._core.manager.state.value
        return f"<{type(self).__module__}.{type(self).__name__} {self._core.peer} {state}>"

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and neither side has closed; the server may close at any
        time.
        """
        return self._core.manager.is_open

    @property
    def server_properties(self) -> Table:
        """What the server said about itself. Raises NotOpen before it did; so do the next ones."""
        return _copied(self._agreement().server_properties)

    @property
    def client_properties(self) -> Table:
        """What we said about ourselves."""
        return _copied(self._agreement().client_properties)

    @property
    def offered_mechanisms(self) -> list[str]:
        """The authentication mechanisms that the server offered."""
        return list(self._agreement().mechanisms)

    @property
    def offered_locales(self) -> list[str]:
        """The locales that the server offered."""
        return list(self._agreement().locales)

    @property
    def mechanism(self) -> str:
        """The authentication mechanism that was used."""
        return self._agreement().mechanism

    @property
    def locale(self) -> str:
        """The locale that was chosen."""
        return self._agreement().locale

    @property
    def protocol_version(self) -> str:
        """The version of AMQP, such as '0-9-1'."""
        return self._agreement().protocol_version

    @property
    def detours(self) -> list[Detour]:
        """Where the server sent us on from, before this connection: versions, redirects, and a fast
        open that was for nothing, with the reason.
        """
        return list(self._core.detours)

    @property
    def opened_fast(self) -> bool:
        """Whether it was opened in one round trip, by what was remembered (`fast_open`)."""
        return self._agreement().opened_fast

    @property
    def tuning(self) -> Tuning:
        """The agreed channel_max, frame_max and heartbeat; `tuning.report` has what was requested
        and offered, and why.
        """
        tuning = self._agreement().tuning
        if tuning is None:
            raise NotOpen("the limits are not agreed yet") from self._core.error
        return tuning

    @property
    def transcript(self) -> Transcript | None:
        """The last frames so far, to be printed; None without the endpoint's `flight_recorder`."""
        return self.endpoint.transcript

    @property
    def is_blocked(self) -> bool:
        """Whether the broker has said that it takes no messages."""
        return self._core.manager.blocked_reason is not None

    @property
    def blocked_reason(self) -> str | None:
        """The broker's reason for taking no messages, None when it takes them."""
        return self._core.manager.blocked_reason

    def _check_began(self) -> None:
        """Raises NotOpen when nobody has called `open`: what never began has no end."""
        if self._core.state is EndpointState.OFF:
            raise NotOpen("the connection has never been opened")

    def _first(self) -> object:
        """The driver's object for the first channel. Raises NotOpen when there is none."""
        first = self._core.first
        if first is None or first.channel.owner is None:
            raise NotOpen(
                "no channel was opened with this connection",
                remedy="connect with first_channel=True, or use endpoint.open_channel",
            ) from self._core.error
        return first.channel.owner

    def _agreement(self) -> Agreement:
        agreement = self._core.manager.agreement
        if agreement is None or not agreement.mechanisms:
            raise NotOpen("the server has not introduced itself") from self._core.error
        return agreement


def _remembered() -> Servers:
    from amqpconn.core.servers import REMEMBERED  # late: most do not ask for it

    return REMEMBERED


def _copied(table: Table) -> Table:
    from amqpconn.core.sharing import copied  # late: few look at it

    return copied(table)


def check_plain_reply(method: Method) -> None:
    """Raises InvalidParameter when the reply may have content, which `call` would lose."""
    if any(reply.HAS_CONTENT for reply in method.REPLIES):
        raise InvalidParameter(f"the reply to {method.NAME} may have content: use fetch")
