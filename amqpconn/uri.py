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
    locale               the preferred one
    connection_name      what the broker shows for this connection
    server_hostname      TLS only: the name in the server's certificate, when it is not the host's
    cafile               TLS only: file of the certificate authorities to trust (PEM)
    certfile, keyfile    TLS only: the client's certificate and its key (PEM)
"""

from __future__ import annotations

from amqpconn.errors import InvalidURL
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}
_MAX_PORT = 65535
_MECHANISMS = ("PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS")
# The least and most of the parameters for which 0 is allowed too.
_LIMITS = {
    "heartbeat": (1, 65535),
    "frame_max": (FRAME_MIN_SIZE, 2**32 - 1),
    "channel_max": (1, 65535),
}
_LONGEST_TIMEOUT = 3600.0
_TLS_ONLY = ("server_hostname", "cafile", "certfile", "keyfile")
_SHORT_STRING_LIMIT = 255
# RFC 1035, section 2.3.4. The resolver would raise a UnicodeError, which is no OSError.
_LONGEST_HOST, _LONGEST_LABEL = 253, 63

_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNRESERVED = frozenset(_LETTERS + "0123456789-._~")
_IN_HOST_NAMES = frozenset(_LETTERS + "0123456789-_")
_IN_SCHEMES = frozenset(_LETTERS + "0123456789+-.")

_SCHEME_REMEDY = "begin with amqp:// (in clear) or amqps:// (TLS)"
# What people write instead.
_OTHER_SCHEMES = {
    "http": "use the broker's AMQP port with amqp://, not the address of its management pages",
    "https": "use the broker's AMQP port with amqps://, not the address of its management pages",
    **dict.fromkeys(("amqp+tls", "amqp+ssl", "tls", "ssl", "rabbitmqs"), "for TLS write amqps://"),
    **dict.fromkeys(("amqp+tcp", "tcp", "rabbitmq", "pyamqp"), "write amqp://"),
    **dict.fromkeys(("mqtt", "mqtts", "stomp", "ws", "wss"), "that is another protocol's URL"),
}
_OTHER_KEYS = {
    "auth": "auth_mechanism",
    "cacertfile": "cafile",
    "name": "connection_name",
    "server_name_indication": "server_hostname",
    "timeout": "connection_timeout",
}


class ParsedURL:
    """The parts of a connection URL, decoded. As text it has `***` for the password.

    Attributes:
        scheme: `amqp` or `amqps`.
        host: a name or an address, IPv6 without its brackets.
        port: 1 to 65535.
        username, password: `guest` where the URL has none; empty where it has them empty.
        virtual_host: such as `/`.
        heartbeat, frame_max, channel_max, connection_timeout, auth_mechanism, locale,
        connection_name, server_hostname, cafile, certfile, keyfile: the query's, see the
            module; None where the URL does not have them.
    """

    __slots__ = (
        "auth_mechanism",
        "cafile",
        "certfile",
        "channel_max",
        "connection_name",
        "connection_timeout",
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
        self.username = "guest"
        self.password = "guest"  # noqa: S105
        self.virtual_host = "/"
        self.heartbeat: int | None = None
        self.frame_max: int | None = None
        self.channel_max: int | None = None
        self.connection_timeout: float | None = None
        self.auth_mechanism: list[str] | None = None
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
        host = f"[{_encoded(self.host, ':')}]" if ":" in self.host else self.host
        query = "&".join(f"{key}={_encoded(text, '/')}" for key, text in self._parameters())
        return (
            f"{self.scheme}://{_encoded(self.username)}:***@{host}:{self.port}"
            f"/{_encoded(self.virtual_host)}{'?' if query else ''}{query}"
        )

    def _parameters(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in the order of their table."""
        values = ((key, getattr(self, key)) for key in _READERS)
        return [
            (key, str(value))
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


def parse_url(url: str) -> ParsedURL:
    """The parts of a connection URL; the module says what one looks like.

    Raises `InvalidURL`, which names the part that is wrong and what to do. It quotes nothing from
    the URL: after one wrong character, any part of it may be the password.
    """
    _check_characters(url)
    scheme, rest = _split_scheme(url)
    authority, path, query = _split(rest)
    parsed = ParsedURL(scheme)
    _read_authority(parsed, authority)
    _read_path(parsed, path)
    if query is not None:
        _read_query(parsed, query)
    return parsed


def _invalid(part: str, problem: str, remedy: str) -> InvalidURL:
    return InvalidURL(f"in the connection URL, {part} {problem}", remedy=remedy)


# --- cutting into parts ------------------------------------------------------------------------


def _check_characters(url: str) -> None:
    if not isinstance(url, str):
        raise InvalidURL(f"a connection URL is a str, not {type(url).__name__}")
    for position, character in enumerate(url):
        if character.isspace() or not character.isprintable():
            raise _invalid(
                f"character {position + 1} of {len(url)}",
                "is whitespace or a control character",
                "remove it, or percent-encode it where it is meant (a space is %20)",
            )


def _split_scheme(url: str) -> tuple[str, str]:
    """The scheme in lower case, and what is behind its ://."""
    scheme, slashes, rest = url.partition("://")
    scheme = scheme.lower()
    if not slashes and scheme.startswith(("amqp:", "amqps:")):
        raise _invalid("the scheme", "is not followed by //", _SCHEME_REMEDY)
    if not slashes or not scheme or not _IN_SCHEMES.issuperset(scheme):
        raise _invalid("the scheme", "is missing", _SCHEME_REMEDY)
    if scheme not in _DEFAULT_PORTS:
        remedy = _OTHER_SCHEMES.get(scheme, _SCHEME_REMEDY)
        raise _invalid("the scheme", "is neither amqp nor amqps", remedy)
    return scheme, rest


def _split(rest: str) -> tuple[str, str, str | None]:
    """Authority, path with its leading '/', and query without its '?' (None: there is no '?')."""
    end = min((rest.index(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    if "@" in tail:
        # A raw mark in the password ends the authority early, and the password's rest would
        # pass for something else; so this is looked at before any of them is read.
        raise _invalid(
            "an '@'",
            "comes after the first '/', '?' or '#'",
            "in a user name or password write / as %2F, ? as %3F and # as %23;"
            " behind the host write @ as %40",
        )
    if "#" in tail:
        raise _invalid("the fragment ('#')", "has no meaning", "remove it, or write # as %23")
    path, mark, query = tail.partition("?")
    return authority, path, query if mark else None


# --- user, host and port -----------------------------------------------------------------------


def _read_authority(parsed: ParsedURL, authority: str) -> None:
    user, mark, address = authority.rpartition("@")
    if "@" in user:
        raise _invalid(
            "the part before the host",
            "has more than one '@'",
            "write an '@' in a user name or password as %40, and give one host per URL",
        )
    if mark:
        _read_user(parsed, user)
    _read_address(parsed, address)


def _read_user(parsed: ParsedURL, user: str) -> None:
    username, colon, password = user.partition(":")
    if not user:
        raise _invalid("the user name", "is empty", "write it before the '@', or drop the '@'")
    parsed.username = _decoded("the user name", username)
    if colon:
        parsed.password = _decoded("the password", password)


def _read_address(parsed: ParsedURL, address: str) -> None:
    if "," in address or ";" in address:
        raise _invalid("the host", "is a list", "give one host per URL, and several URLs")
    if address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        parsed.host = _ipv6_address("the host", _decoded("the host", host if bracket else ""))
    else:
        host = address.partition(":")[0]
        port = address[len(host) :]
        if port.count(":") > 1:
            remedy = "put an IPv6 address into brackets: [::1]"
            raise _invalid("the host with its port", "has more than one ':'", remedy)
        parsed.host = _host_name("the host", _decoded("the host", host)) if host else "localhost"
    if port:
        parsed.port = _port(port)


def _port(text: str) -> int:
    """The number in `:5672`."""
    digits = text[1:]
    number = _whole_number(digits) if text[0] == ":" else None
    if number is None or not 1 <= number <= _MAX_PORT:
        raise _invalid(
            "the port",
            f"is not a number from 1 to {_MAX_PORT}",
            "write it behind the host as in host:5672, or leave it out with its ':';"
            " a password is followed by '@' and has / ? # percent-encoded",
        )
    return number


def _host_name(part: str, name: str) -> str:
    relative = name.removesuffix(".")
    labels = relative.split(".")
    if not name.isascii():
        raise _invalid(part, "is not ASCII", "write the name's ASCII form, which begins with xn--")
    if not all(_IN_HOST_NAMES.issuperset(label) for label in labels):
        remedy = "use letters, digits, '-', '_' and dots only"
        raise _invalid(part, "has a character that is in no host name", remedy)
    if len(relative) > _LONGEST_HOST or not all(
        1 <= len(label) <= _LONGEST_LABEL for label in labels
    ):
        remedy = f"use 1 to {_LONGEST_LABEL} characters between dots, {_LONGEST_HOST} in all"
        raise _invalid(part, "has an empty or too long name between its dots", remedy)
    return name


def _ipv6_address(part: str, address: str) -> str:
    from ipaddress import IPv6Address  # late, because few URLs need it

    try:
        IPv6Address(address)
        valid = _UNRESERVED.issuperset(address.partition("%")[2])
    except ValueError:
        valid = False
    if not valid:
        raise _invalid(
            part,
            "is no IPv6 address",
            "write it as in [::1], with %25 before a zone as in [fe80::1%25eth0]",
        )
    return address


# --- virtual host and query --------------------------------------------------------------------


def _read_path(parsed: ParsedURL, path: str) -> None:
    name = path[1:]
    if "/" in name:
        raise _invalid(
            "the virtual host",
            "has a raw '/' in it",
            "write a '/' in its name as %2F; the virtual host '/' is /%2F, or nothing",
        )
    if name:
        parsed.virtual_host = _decoded("the virtual host", name)
    if len(parsed.virtual_host.encode()) > _SHORT_STRING_LIMIT:
        problem = f"is longer than {_SHORT_STRING_LIMIT} bytes"
        raise _invalid("the virtual host", problem, "use another: AMQP cannot transmit this one")


def _read_query(parsed: ParsedURL, query: str) -> None:
    for number, parameter in enumerate(query.split("&"), 1):
        key, _, text = parameter.partition("=")
        if key not in _READERS:
            raise _unknown_key(f"parameter {number} of the query", key)
        _check_key(parsed, key)
        part = f"the parameter {key}"
        if not text:
            raise _invalid(part, "has no value", f"write {key}=..., or leave it out")
        setattr(parsed, key, _READERS[key](parsed, key, _decoded(part, text)))
    if parsed.keyfile and not parsed.certfile:
        raise _invalid(
            "the parameter keyfile", "comes without certfile", "give the certificate too"
        )


def _check_key(parsed: ParsedURL, key: str) -> None:
    if key in _TLS_ONLY and not parsed.tls:
        remedy = "use amqps://, or leave it out"
        raise _invalid(f"the parameter {key}", "is for TLS and the scheme is amqp", remedy)
    if getattr(parsed, key) is not None and key != "auth_mechanism":
        raise _invalid(f"the parameter {key}", "is repeated", "give it once")


def _unknown_key(part: str, key: str) -> InvalidURL:
    """The key itself is not shown: after a raw '?' in a password it is the password's rest."""
    from difflib import get_close_matches  # late, because only this error needs it

    if not key:
        return _invalid(part, "is empty", "write key=value, with one '&' between two")
    meant = _OTHER_KEYS.get(key.lower()) or "".join(get_close_matches(key.lower(), _READERS, n=1))
    remedy = f"perhaps {meant} is meant" if meant else f"use one of {', '.join(_READERS)}"
    return _invalid(part, "is unknown", remedy)


def _read_integer(_parsed: ParsedURL, key: str, text: str) -> int:
    least, most = _LIMITS[key]
    number = _whole_number(text)
    if number is None or (number != 0 and not least <= number <= most):
        allowed = f"from 0 to {most}" if least == 1 else f"0, or from {least} to {most}"
        raise _invalid(f"the parameter {key}", "is out of range", f"give a whole number {allowed}")
    return number


def _read_seconds(_parsed: ParsedURL, key: str, text: str) -> float:
    try:
        seconds = float(text) if set("0123456789.e-").issuperset(text) else 0.0
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= _LONGEST_TIMEOUT:
        raise _invalid(
            f"the parameter {key}",
            "is out of range",
            f"give seconds (not milliseconds), above 0 and up to {_LONGEST_TIMEOUT:.0f}",
        )
    return seconds


def _read_mechanism(parsed: ParsedURL, key: str, text: str) -> list[str]:
    found, name = parsed.auth_mechanism or [], text.upper()
    if name not in _MECHANISMS:
        remedy = f"use one of {', '.join(_MECHANISMS)}; for several, repeat the parameter"
        raise _invalid(f"the parameter {key}", "is no known mechanism", remedy)
    if name in found:
        raise _invalid(f"the parameter {key}", f"has {name} twice", "give each mechanism once")
    return [*found, name]


def _read_text(_parsed: ParsedURL, key: str, text: str) -> str:
    if not text.isprintable():
        problem = "has a control character in it"
        raise _invalid(f"the parameter {key}", problem, "use printable characters")
    return text


def _read_host_name(_parsed: ParsedURL, key: str, text: str) -> str:
    part = f"the parameter {key}"
    return _ipv6_address(part, text) if ":" in text else _host_name(part, text)


_READERS: dict[str, Callable[[ParsedURL, str, str], object]] = {
    "heartbeat": _read_integer,
    "frame_max": _read_integer,
    "channel_max": _read_integer,
    "connection_timeout": _read_seconds,
    "auth_mechanism": _read_mechanism,
    "locale": _read_text,
    "connection_name": _read_text,
    "server_hostname": _read_host_name,
    "cafile": _read_text,
    "certfile": _read_text,
    "keyfile": _read_text,
}


# --- text --------------------------------------------------------------------------------------


def _whole_number(text: str) -> int | None:
    """The number, or None; `int` takes signs, spaces, other scripts' digits and underscores too."""
    longest = len(str(2**32))
    return int(text) if text and len(text) <= longest and _DIGITS.issuperset(text) else None


def _decoded(part: str, text: str) -> str:
    """Percent-decoded."""
    literal, *encoded = text.split("%")
    octets = bytearray(literal.encode())
    for piece in encoded:
        digits = piece[:2]
        if len(digits) < 2 or not _HEX_DIGITS.issuperset(digits):
            raise _invalid(part, "has a '%' without two hexadecimal digits", "write % as %25")
        octets.append(int(digits, 16))
        octets += piece[2:].encode()
    decoded = _from_utf8(octets)
    if decoded is None:
        remedy = "percent-encode the octets of its UTF-8 form"
        raise _invalid(part, "is not UTF-8 after percent-decoding", remedy)
    return decoded


def _from_utf8(octets: bytes | bytearray) -> str | None:
    """None and no error, because the error would carry the octets, as another one's context too."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


def _encoded(text: str, unchanged: str = "") -> str:
    """Percent-encoded but for letters, digits, - . _ ~ and `unchanged`."""
    return "".join(
        (
            character
            if character in _UNRESERVED or character in unchanged
            else "".join(f"%{octet:02X}" for octet in character.encode())
        )
        for character in text
    )
