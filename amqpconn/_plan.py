"""What users ask for, checked and put together before anything happens: the arguments of `open`, a
URL with the options of `connect`, a new secret.
"""

from __future__ import annotations

from functools import lru_cache

from amqpconn._forgetting import forgetting
from amqpconn.core.handshake import OpenRequest
from amqpconn.credentials import url_method
from amqpconn.errors import InvalidParameter
from amqpconn.locale import Prefer
from amqpconn.mechanisms import check_methods
from amqpconn.secret import Secret
from amqpconn.transport import default_context
from amqpconn.uri import DEFAULT_PASSWORD, DEFAULT_USERNAME, cut, read_place, read_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final, TypeVar

    from amqpconn._facade import EndpointFacade
    from amqpconn.auth import AuthMethod
    from amqpconn.config import Settings
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Call
    from amqpconn.credentials import Fetch
    from amqpconn.locale import LocalePreference
    from amqpconn.transport import Target
    from amqpconn.uri import ParsedURL

    E = TypeVar("E", bound=EndpointFacade)

_SEQUENCES: Final = (list, tuple)
_ENGLISH: Final = Prefer("en_US")
# Of a URL's parts, those that are options of an endpoint, and what they are called there.
_OPTIONS: Final = {
    "host": "host",
    "port": "port",
    "server_hostname": "server_hostname",
    "channel_max": "channel_max",
    "frame_max": "frame_max",
    "heartbeat": "heartbeat",
    "connection_name": "connection_name",
    "connection_timeout": "timeout",
    "flight_recorder": "flight_recorder",
    "fast_open": "fast_open",
}


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

    __slots__ = ("_options", "_place", "auth_methods", "first_channel", "locale", "virtual_host")

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        fetch, methods = options.pop("credentials", None), options.pop("auth_methods", None)
        try:
            place, own_methods = _read(url, fetch, bool(methods))
        finally:
            del url  # this frame goes with an error
        if fetch is not None and methods:
            raise InvalidParameter(
                "both auth_methods and credentials are given",
                remedy="put fetched_auth(credentials) among the auth_methods",
            )
        self.auth_methods = methods or own_methods
        self.locale = options.pop("locale", None) or place.locale
        self.first_channel = options.pop("first_channel", False)
        self.virtual_host = place.virtual_host
        self._place = place
        self._options = options

    def endpoint(self, kind: type[E]) -> E:
        """The endpoint of this driver. Those that only a URL describes share their description with
        others to the same place; with TLS they do not, because the files may be other ones by now.
        """
        place = self._place
        if self._options or place.tls:
            return kind(**{**place.options, **place.tls_options(self._options), **self._options})
        if place.described is None:
            endpoint = kind(**place.options)
            place.described = endpoint.target, endpoint._core.settings
            return endpoint
        return kind.described(*place.described)


class _Place:
    """What a URL comes to without user name and password.

    Attributes:
        options: of an endpoint.
        described: by these, once there has been one.
    """

    __slots__ = ("_parsed", "described", "locale", "mechanisms", "options", "tls", "virtual_host")

    def __init__(self, parsed: ParsedURL) -> None:
        self.tls = parsed.tls
        self.mechanisms = parsed.auth_mechanism or ["PLAIN"]
        self.locale = parsed.locale
        self.virtual_host = parsed.virtual_host
        options = {option: getattr(parsed, name) for name, option in _OPTIONS.items()}
        self.options = {name: value for name, value in options.items() if value is not None}
        self.described: tuple[Target, Settings] | None = None
        self._parsed = parsed

    def tls_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """A context of its own for each endpoint, unless one is given."""
        if not self.tls or "ssl" in given:
            return {}
        parsed = self._parsed
        return {"ssl": default_context(parsed.cafile, parsed.certfile, parsed.keyfile)}


@forgetting
def _read(url: str, fetch: Fetch | None, has_methods: bool) -> tuple[_Place, list[AuthMethod]]:
    """What the URL says of the place, and the methods that it asks for unless there are others.

    Raises InvalidURL, InvalidParameter.
    """
    place_text, user = cut(url)
    username, password = (DEFAULT_USERNAME, DEFAULT_PASSWORD) if user is None else read_user(user)
    place = _known(place_text)
    if has_methods:
        return place, []
    return place, [url_method(name, username, password, fetch) for name in place.mechanisms]


@lru_cache(maxsize=64)  # reconnects, and the connections of a pool
def _known(place: str) -> _Place:
    return _Place(read_place(place))


@forgetting
def secret_update(
    secret: str | bytes, reason: str, timeout: float | None
) -> Callable[[EndpointCore, float], Call]:
    """What starts an update-secret. Raises InvalidParameter for a secret that is none."""
    hidden = Secret(secret)
    return lambda core, now: core.update_secret(hidden.reveal(), reason, now, timeout)
