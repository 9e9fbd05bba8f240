"""What users ask for, checked and put together before anything happens: the arguments of `open`, a
URL with the options of `connect`, a new secret.
"""

from __future__ import annotations

from functools import lru_cache

from amqpconn._forgetting import forgetting
from amqpconn.core.handshake import OpenRequest
from amqpconn.credentials import url_methods
from amqpconn.errors import InvalidParameter
from amqpconn.locale import Prefer
from amqpconn.secret import Secret
from amqpconn.transport import default_context
from amqpconn.uri import cut, read_place

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
def planned(
    kind: type[E],
    url: str,
    /,
    *,
    auth_methods: AuthMethod | Sequence[AuthMethod] | None = None,
    credentials: Fetch | None = None,
    locale: LocalePreference | str | None = None,
    first_channel: bool = False,
    **options: Any,
) -> tuple[E, OpenRequest]:
    """What a URL and the options of `connect` come to: an endpoint of this driver, and what it is
    to be opened for. Raises InvalidURL, InvalidParameter, and TypeError for other options.
    """
    place_text, username, password = cut(url)
    place = _known(place_text)
    if not auth_methods:
        methods = url_methods(place.mechanisms, username, password, credentials)
    elif credentials is None:
        methods = _listed(auth_methods)
    else:
        raise InvalidParameter(
            "both auth_methods and credentials are given",
            remedy="put fetched_auth(credentials) among the auth_methods",
        )
    endpoint = place.endpoint(kind, options)
    locale = locale or place.locale
    return endpoint, OpenRequest(methods, locale, place.virtual_host, bool(first_channel))


@forgetting
def open_request(
    auth_methods: AuthMethod | Sequence[AuthMethod],
    locale: LocalePreference | str | None,
    virtual_host: str,
    first_channel: bool = False,
) -> OpenRequest:
    """The arguments of `open`, checked. Raises InvalidParameter."""
    if not isinstance(virtual_host, str) or not 0 <= _utf8_size(virtual_host) <= 255:
        raise InvalidParameter("virtual_host is not a text of at most 255 bytes")
    preference = _ENGLISH if locale is None else locale
    return OpenRequest(_listed(auth_methods), preference, virtual_host, bool(first_channel))


def _listed(methods: AuthMethod | Sequence[AuthMethod]) -> list[AuthMethod]:
    """The user's list is the user's: ours does not change while it is used."""
    given: Any = methods
    return list(given) if isinstance(given, _SEQUENCES) else [given]


def _utf8_size(text: str) -> int:
    """In bytes; -1 for a surrogate, which has no UTF-8 form."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


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
        self.locale = parsed.locale or _ENGLISH
        self.virtual_host = parsed.virtual_host
        options = {option: getattr(parsed, name) for name, option in _OPTIONS.items()}
        self.options = {name: value for name, value in options.items() if value is not None}
        self.described: tuple[Target, Settings] | None = None
        self._parsed = parsed

    def endpoint(self, kind: type[E], options: dict[str, Any]) -> E:
        """An endpoint of this driver, with these options over those of the URL. Those that only a
        URL describes share their description with others to the same place; with TLS they do not,
        because the files may be other ones by now.
        """
        if options or self.tls:
            return kind(**{**self.options, **self._tls_options(options), **options})
        if self.described is None:
            endpoint = kind(**self.options)
            self.described = endpoint.target, endpoint._core.settings
            return endpoint
        endpoint = kind.__new__(kind)
        endpoint._set_up(*self.described)
        return endpoint

    def _tls_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """A context of its own for each endpoint, unless one is given."""
        if not self.tls or "ssl" in given:
            return {}
        parsed = self._parsed
        return {"ssl": default_context(parsed.cafile, parsed.certfile, parsed.keyfile)}


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
