"""Connection URLs: RabbitMQ's URI specification, read strictly.

    amqp[s]://[username[:password]@][host][:port][/virtual-host][?key=value&...]

What may be left out has a default: user and password `guest` (each by itself), host `localhost`,
port 5672, or 5671 with TLS (amqps), virtual host `/`. Anything that is not understood is an error,
because a heartbeat or a certificate that is silently ignored is found out in production.

- Percent-encoding is UTF-8 and works in every part; a '+' is a '+'. A raw '@' stands before the
  host only, so a password with one of `/ ? # @ %` needs %2F %3F %23 %40 %25.
- The virtual host is one path segment: `/` is written `%2F`. `amqp://h` and `amqp://h/` both mean
  `/`, as with most clients; the URI specification has the second mean the empty name, which
  cannot be written here.
- An IPv6 address is in brackets, with %25 before its zone: `[fe80::1%25eth0]`.

Query parameters, each of them at most once but for `auth_mechanism`:

    heartbeat            seconds, 0 to 65535; 0 is none
    frame_max            bytes, the specification's frame_min_size to 4294967295, or 0: no limit
    channel_max          0 to 65535; 0: no limit
    connection_timeout   seconds for opening, above 0 up to 3600 (not milliseconds, as in some
                         clients), fractions allowed
    auth_mechanism       PLAIN, AMQPLAIN, EXTERNAL or ANONYMOUS, in any case; may be repeated, in
                         order of preference
    flight_recorder      how many of the last frames to keep for error reports, 0 to 65535
    fast_open            true or false: whether to send ahead of the server's answers what they were
                         the last time; see docs/connecting-fast.md
    locale               the preferred one
    connection_name      what the broker shows for this connection
    server_hostname      TLS only: the name in the server's certificate, when it is not the host's
    cafile               TLS only: file of the certificate authorities to trust (PEM)
    certfile, keyfile    TLS only: the client's certificate and its key (PEM)
"""

from __future__ import annotations

from amqpconn._forgetting import forgetting
from amqpconn._uri_query import READERS, read_query
from amqpconn._uri_text import (
    DIGITS,
    LETTERS,
    decoded,
    encoded,
    host_name,
    invalid,
    ipv6_address,
    whole_number,
)
from amqpconn.errors import InvalidURL

DEFAULT_USERNAME = "guest"
DEFAULT_PASSWORD = "guest"  # noqa: S105 - everybody knows it
_DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}
_MAX_PORT = 65535
_SHORT_STRING_LIMIT = 255
_ENDS = frozenset("/?#")  # of host and port
_IN_SCHEMES = LETTERS | DIGITS | frozenset("+-.")

_SCHEME_REMEDY = "begin with amqp:// (in clear) or amqps:// (TLS)"
# What people write instead.
_OTHER_SCHEMES = {
    "http": "use the broker's AMQP port with amqp://, not the address of its management pages",
    "https": "use the broker's AMQP port with amqps://, not the address of its management pages",
    **dict.fromkeys(("amqp+tls", "amqp+ssl", "tls", "ssl", "rabbitmqs"), "for TLS write amqps://"),
    **dict.fromkeys(("amqp+tcp", "tcp", "rabbitmq", "pyamqp"), "write amqp://"),
    **dict.fromkeys(("mqtt", "mqtts", "stomp", "ws", "wss"), "that is another protocol's URL"),
}


class ParsedURL:
    """The parts of a connection URL, decoded. As text it has `***` for the password.

    Attributes:
        scheme: `amqp` or `amqps`.
        host: a name or an address, IPv6 without its brackets.
        port: 1 to 65535.
        username, password: `guest` where the URL has none; empty where it has them empty.
        virtual_host: such as `/`.
        heartbeat, frame_max, channel_max, connection_timeout, auth_mechanism, flight_recorder,
        fast_open, locale, connection_name, server_hostname, cafile, certfile, keyfile: the query's,
            see the module; None where the URL does not have them.
    """

    __slots__ = (
        "auth_mechanism",
        "cafile",
        "certfile",
        "channel_max",
        "connection_name",
        "connection_timeout",
        "fast_open",
        "flight_recorder",
        "frame_max",
        "heartbeat",
        "host",
        "keyfile",
        "locale",
        "password",
        "port",
        "scheme",
        "server_hostname",
        "username",
        "virtual_host",
    )

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.host = "localhost"
        self.port = _DEFAULT_PORTS[scheme]
        self.username = DEFAULT_USERNAME
        self.password = DEFAULT_PASSWORD
        self.virtual_host = "/"
        self.heartbeat: int | None = None
        self.frame_max: int | None = None
        self.channel_max: int | None = None
        self.connection_timeout: float | None = None
        self.auth_mechanism: list[str] | None = None
        self.flight_recorder: int | None = None
        self.fast_open: bool | None = None
        self.locale: str | None = None
        self.connection_name: str | None = None
        self.server_hostname: str | None = None
        self.cafile: str | None = None
        self.certfile: str | None = None
        self.keyfile: str | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection is to be made with TLS."""
        return self.scheme == "amqps"

    @property
    def redacted(self) -> str:
        """The URL in full, defaults too, with `***` for the password: fit for logs."""
        host = f"[{encoded(self.host, ':')}]" if ":" in self.host else self.host
        query = "&".join(f"{key}={encoded(text, '/')}" for key, text in self._parameters())
        return (
            f"{self.scheme}://{encoded(self.username)}:***@{host}:{self.port}"
            f"/{encoded(self.virtual_host)}{'?' if query else ''}{query}"
        )

    def _parameters(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in the order of their table."""
        values = ((key, getattr(self, key)) for key in READERS)
        return [
            (key, str(value).lower() if isinstance(value, bool) else str(value))
            for key, found in values
            if found is not None
            for value in (found if isinstance(found, list) else [found])
        ]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParsedURL):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # the parts may be changed

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"ParsedURL({self.redacted!r})"


@forgetting
def parse_url(url: str) -> ParsedURL:
    """The parts of a connection URL; the module says what one looks like.

    Raises `InvalidURL`, which names the part that is wrong and what to do. It quotes nothing from
    the URL: after one wrong character, any part of it may be the password.
    """
    place, username, password = cut(url)
    parsed = read_place(place)
    parsed.username, parsed.password = username, password
    return parsed


def cut(url: str) -> tuple[str, str, str]:
    """A URL without user name and password, which is no secret and may be kept; and these, decoded.

    Raises InvalidURL.
    """
    if not (isinstance(url, str) and url.isprintable() and " " not in url):
        raise _unreadable(url)
    scheme, _, rest = url.partition("://")
    user, mark, behind = rest.rpartition("@")
    if not mark or not _ENDS.isdisjoint(user):  # an '@' further on is an error in the place
        return url, DEFAULT_USERNAME, DEFAULT_PASSWORD
    if not user or "@" in user:
        raise _wrong_user(user)
    username, colon, password = user.partition(":")
    if "%" in user:
        username = decoded("the user name", username)
        password = decoded("the password", password)
    return f"{scheme}://{behind}", username, password if colon else DEFAULT_PASSWORD


def read_place(place: str) -> ParsedURL:
    """The parts of a URL that has no user name. Raises InvalidURL."""
    scheme, rest = _split_scheme(place)
    address, path, query = _split(rest)
    parsed = ParsedURL(scheme)
    _read_address(parsed, address)
    _read_path(parsed, path)
    if query is not None:
        read_query(parsed, query)
    return parsed


# --- cutting into parts ------------------------------------------------------------------------


def _unreadable(url: object) -> InvalidURL:
    """The error for what is no text, or has a character in it that is in no URL."""
    if not isinstance(url, str):
        return InvalidURL(f"a connection URL is a str, not {type(url).__name__}")
    position = next(at for at, each in enumerate(url, 1) if each == " " or not each.isprintable())
    return invalid(
        f"character {position} of {len(url)}",
        "is whitespace or a control character",
        "remove it, or percent-encode it where it is meant (a space is %20)",
    )


def _wrong_user(user: str) -> InvalidURL:
    """The error for what stands before the last '@' and is no user name with its password."""
    if not user:
        return invalid("the user name", "is empty", "write it before the '@', or drop the '@'")
    return invalid(
        "the part before the host",
        "has more than one '@'",
        "write an '@' in a user name or password as %40, and give one host per URL",
    )


def _split_scheme(url: str) -> tuple[str, str]:
    """The scheme in lower case, and what is behind its ://."""
    scheme, slashes, rest = url.partition("://")
    scheme = scheme.lower()
    if not slashes and scheme.startswith(("amqp:", "amqps:")):
        raise invalid("the scheme", "is not followed by //", _SCHEME_REMEDY)
    if not slashes or not scheme or not _IN_SCHEMES.issuperset(scheme):
        raise invalid("the scheme", "is missing", _SCHEME_REMEDY)
    if scheme not in _DEFAULT_PORTS:
        remedy = _OTHER_SCHEMES.get(scheme, _SCHEME_REMEDY)
        raise invalid("the scheme", "is neither amqp nor amqps", remedy)
    return scheme, rest


def _split(rest: str) -> tuple[str, str, str | None]:
    """Host and port, path with its leading '/', and query without its '?' (None: no '?')."""
    end = len(rest)
    for mark in _ENDS:
        at = rest.find(mark, 0, end)
        end = end if at < 0 else at
    authority, tail = rest[:end], rest[end:]
    if "@" in tail:
        # A raw mark in the password ends the authority early, and the password's rest would
        # pass for something else; so this is looked at before any of them is read.
        raise invalid(
            "an '@'",
            "comes after the first '/', '?' or '#'",
            "in a user name or password write / as %2F, ? as %3F and # as %23;"
            " behind the host write @ as %40",
        )
    if "#" in tail:
        raise invalid("the fragment ('#')", "has no meaning", "remove it, or write # as %23")
    path, mark, query = tail.partition("?")
    return authority, path, query if mark else None


# --- host and port -----------------------------------------------------------------------------


def _read_address(parsed: ParsedURL, address: str) -> None:
    if "," in address or ";" in address:
        raise invalid("the host", "is a list", "give one host per URL, and several URLs")
    if address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        parsed.host = ipv6_address("the host", decoded("the host", host if bracket else ""))
    else:
        host = address.partition(":")[0]
        port = address[len(host) :]
        if port.count(":") > 1:
            remedy = "put an IPv6 address into brackets: [::1]"
            raise invalid("the host with its port", "has more than one ':'", remedy)
        parsed.host = host_name("the host", decoded("the host", host)) if host else "localhost"
    if port:
        parsed.port = _port(port)


def _port(text: str) -> int:
    """The number in `:5672`."""
    digits = text[1:]
    number = whole_number(digits) if text[0] == ":" else None
    if number is None or not 1 <= number <= _MAX_PORT:
        raise invalid(
            "the port",
            f"is not a number from 1 to {_MAX_PORT}",
            "write it behind the host as in host:5672, or leave it out with its ':';"
            " a password is followed by '@' and has / ? # percent-encoded",
        )
    return number


# --- virtual host ------------------------------------------------------------------------------


def _read_path(parsed: ParsedURL, path: str) -> None:
    name = path[1:]
    if "/" in name:
        raise invalid(
            "the virtual host",
            "has a raw '/' in it",
            "write a '/' in its name as %2F; the virtual host '/' is /%2F, or nothing",
        )
    if name:
        parsed.virtual_host = decoded("the virtual host", name)
    if len(parsed.virtual_host.encode()) > _SHORT_STRING_LIMIT:
        problem = f"is longer than {_SHORT_STRING_LIMIT} bytes"
        raise invalid("the virtual host", problem, "use another: AMQP cannot transmit this one")
