"""AMQP 0-9-1 connections, from the specification.

    import amqpconn.sync                       # blocking
    import amqpconn.asyncio                    # coroutines, the same names

    with amqpconn.sync.connect("amqp://guest:guest@localhost/") as connection:
        ...

Here are the names that both drivers share. The classes of methods and properties are in the
generated package: `from amqpconn_spec.v0_9_1 import basic, queue`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.auth import AuthMethod as AuthMethod
    from amqpconn.auth import amqplain_auth as amqplain_auth
    from amqpconn.auth import anonymous_auth as anonymous_auth
    from amqpconn.auth import external_auth as external_auth
    from amqpconn.auth import plain_auth as plain_auth
    from amqpconn.config import __version__ as __version__
    from amqpconn.core.assembler import Content as Content
    from amqpconn.core.endpoint import EndpointState as EndpointState
    from amqpconn.core.records import FrameRecord as FrameRecord
    from amqpconn.core.servers import forget_servers as forget_servers
    from amqpconn.core.transcript import Transcript as Transcript
    from amqpconn.credentials import Credentials as Credentials
    from amqpconn.credentials import fetched_auth as fetched_auth
    from amqpconn.errors import AMQPError as AMQPError
    from amqpconn.errors import ChannelClosed as ChannelClosed
    from amqpconn.errors import ConnectionFailed as ConnectionFailed
    from amqpconn.errors import NotOpen as NotOpen
    from amqpconn.locale import Prefer as Prefer
    from amqpconn.locale import Select as Select
    from amqpconn.log_observer import LoggingObserver as LoggingObserver
    from amqpconn.observer import Observer as Observer
    from amqpconn.secret import Secret as Secret
    from amqpconn.uri import parse_url as parse_url

_HOMES = {
    "AMQPError": "errors",
    "AuthMethod": "auth",
    "ChannelClosed": "errors",
    "ConnectionFailed": "errors",
    "Credentials": "credentials",
    "Content": "core.assembler",
    "EndpointState": "core.endpoint",
    "FrameRecord": "core.records",
    "LoggingObserver": "log_observer",
    "NotOpen": "errors",
    "Observer": "observer",
    "Prefer": "locale",
    "Secret": "secret",
    "Select": "locale",
    "Transcript": "core.transcript",
    "amqplain_auth": "auth",
    "anonymous_auth": "auth",
    "external_auth": "auth",
    "forget_servers": "core.servers",
    "fetched_auth": "credentials",
    "parse_url": "uri",
    "plain_auth": "auth",
}

__all__ = [  # noqa: RUF022 - by theme
    "plain_auth",
    "amqplain_auth",
    "external_auth",
    "anonymous_auth",
    "fetched_auth",
    "AuthMethod",
    "Credentials",
    "Secret",
    "Prefer",
    "Select",
    "Content",
    "EndpointState",
    "parse_url",
    "forget_servers",
    "Observer",
    "LoggingObserver",
    "FrameRecord",
    "Transcript",
    "AMQPError",
    "ChannelClosed",
    "ConnectionFailed",
    "NotOpen",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that importing the package costs next to
    nothing.
    """
    if name != "__version__" and name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # late: it takes longer than the rest of this package

    if name == "__version__":
        return import_module("amqpconn.config").__version__
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, "__version__"])
