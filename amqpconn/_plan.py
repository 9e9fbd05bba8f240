"""What users ask for, checked and put together before anything happens: the arguments of `open`, a
URL with the options of `connect`, a new secret.
"""

from __future__ import annotations

from amqpconn._forgetting import forgetting
from amqpconn.core.handshake import OpenRequest
from amqpconn.credentials import url_methods
from amqpconn.errors import InvalidParameter
from amqpconn.locale import Prefer
from amqpconn.mechanisms import check_methods
from amqpconn.secret import Secret
from amqpconn.transport import default_context
from amqpconn.uri import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from amqpconn.auth import AuthMethod
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Call
    from amqpconn.locale import LocalePreference
    from amqpconn.uri import ParsedURL

_SEQUENCES: Final = (list, tuple)
_ENGLISH: Final = Prefer("en_US")


@forgetting
def open_request(
    auth_methods: AuthMethod | Sequence[AuthMethod],
    locale: LocalePreference | str | None,
    virtual_host: str,
    first_channel: bool = False,
) -> OpenRequest:
    """The arguments of `open`, checked. Raises InvalidParameter."""
    methods: Any = auth_methods
    methods = list(methods) if isinstance(methods, _SEQUENCES) else [methods]
    check_methods(methods)
    if not isinstance(virtual_host, str) or not 0 <= _utf8_size(virtual_host) <= 255:
        raise InvalidParameter("virtual_host is not a text of at most 255 bytes")
    preference = _ENGLISH if locale is None else locale
    return OpenRequest(methods, preference, virtual_host, bool(first_channel))


def _utf8_size(text: str) -> int:
    """In bytes; -1 for a surrogate, which has no UTF-8 form."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


class Plan:
    """What a URL and the options of `connect` come to."""

    __slots__ = ("auth_methods", "endpoint", "first_channel", "locale", "virtual_host")

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        try:
            parsed = parse_url(url)
        finally:
            del url  # this frame goes with an error
        fetch, methods = options.pop("credentials", None), options.pop("auth_methods", None)
        if fetch is not None and methods:
            raise InvalidParameter(
                "both auth_methods and credentials are given",
                remedy="put fetched_auth(credentials) among the auth_methods",
            )
        self.auth_methods = methods or url_methods(parsed, fetch)
        self.locale = options.pop("locale", None) or parsed.locale
        self.first_channel = options.pop("first_channel", False)
        self.virtual_host = parsed.virtual_host
        self.endpoint: dict[str, Any] = {"host": parsed.host, "port": parsed.port}
        if parsed.tls and "ssl" not in options:
            self.endpoint["ssl"] = default_context(parsed.cafile, parsed.certfile, parsed.keyfile)
        for option, value in _from_url(parsed).items():
            if value is not None:
                self.endpoint[option] = value
        self.endpoint.update(options)


def _from_url(parsed: ParsedURL) -> dict[str, object]:
    return {
        "server_hostname": parsed.server_hostname,
        "channel_max": parsed.channel_max,
        "frame_max": parsed.frame_max,
        "heartbeat": parsed.heartbeat,
        "connection_name": parsed.connection_name,
        "timeout": parsed.connection_timeout,
        "flight_recorder": parsed.flight_recorder,
        "fast_open": parsed.fast_open,
    }


@forgetting
def secret_update(
    secret: str | bytes, reason: str, timeout: float | None
) -> Callable[[EndpointCore, float], Call]:
    """What starts an update-secret. Raises InvalidParameter for a secret that is none."""
    hidden = Secret(secret)
    return lambda core, now: core.update_secret(hidden.reveal(), reason, now, timeout)
