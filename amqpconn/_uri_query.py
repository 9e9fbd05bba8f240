"""The parameters of a connection URL, behind its '?'."""

from __future__ import annotations

from amqpconn._uri_text import decoded, host_name, invalid, ipv6_address, whole_number
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from amqpconn.errors import InvalidURL
    from amqpconn.uri import ParsedURL

_MECHANISMS = ("PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS")
# The least and most of the parameters for which 0 is allowed too.
_LIMITS = {
    "heartbeat": (1, 65535),
    "frame_max": (FRAME_MIN_SIZE, 2**32 - 1),
    "channel_max": (1, 65535),
    "flight_recorder": (1, 65535),
}
_LONGEST_TIMEOUT = 3600.0
_TLS_ONLY = ("server_hostname", "cafile", "certfile", "keyfile")
# What people write instead.
_OTHER_KEYS = {
    "auth": "auth_mechanism",
    "cacertfile": "cafile",
    "name": "connection_name",
    "server_name_indication": "server_hostname",
    "timeout": "connection_timeout",
}


def read_query(parsed: ParsedURL, query: str) -> None:
    for number, parameter in enumerate(query.split("&"), 1):
        key, _, text = parameter.partition("=")
        if key not in READERS:
            raise _unknown_key(f"parameter {number} of the query", key)
        _check_key(parsed, key)
        part = f"the parameter {key}"
        if not text:
            raise invalid(part, "has no value", f"write {key}=..., or leave it out")
        setattr(parsed, key, READERS[key](parsed, key, decoded(part, text)))
    if parsed.keyfile and not parsed.certfile:
        raise invalid("the parameter keyfile", "comes without certfile", "give the certificate too")


def _check_key(parsed: ParsedURL, key: str) -> None:
    if key in _TLS_ONLY and not parsed.tls:
        remedy = "use amqps://, or leave it out"
        raise invalid(f"the parameter {key}", "is for TLS and the scheme is amqp", remedy)
    if getattr(parsed, key) is not None and key != "auth_mechanism":
        raise invalid(f"the parameter {key}", "is repeated", "give it once")


def _unknown_key(part: str, key: str) -> InvalidURL:
    """The key itself is not shown: after a raw '?' in a password it is the password's rest."""
    from difflib import get_close_matches  # late, because only this error needs it

    if not key:
        return invalid(part, "is empty", "write key=value, with one '&' between two")
    meant = _OTHER_KEYS.get(key.lower()) or "".join(get_close_matches(key.lower(), READERS, n=1))
    remedy = f"perhaps {meant} is meant" if meant else f"use one of {', '.join(READERS)}"
    return invalid(part, "is unknown", remedy)


def _read_integer(_parsed: ParsedURL, key: str, text: str) -> int:
    least, most = _LIMITS[key]
    number = whole_number(text)
    if number is None or (number != 0 and not least <= number <= most):
        allowed = f"from 0 to {most}" if least == 1 else f"0, or from {least} to {most}"
        raise invalid(f"the parameter {key}", "is out of range", f"give a whole number {allowed}")
    return number


def _read_seconds(_parsed: ParsedURL, key: str, text: str) -> float:
    try:
        seconds = float(text) if set("0123456789.e-").issuperset(text) else 0.0
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= _LONGEST_TIMEOUT:
        raise invalid(
            f"the parameter {key}",
            "is out of range",
            f"give seconds (not milliseconds), above 0 and up to {_LONGEST_TIMEOUT:.0f}",
        )
    return seconds


def _read_mechanism(parsed: ParsedURL, key: str, text: str) -> list[str]:
    found, name = parsed.auth_mechanism or [], text.upper()
    if name not in _MECHANISMS:
        remedy = f"use one of {', '.join(_MECHANISMS)}; for several, repeat the parameter"
        raise invalid(f"the parameter {key}", "is no known mechanism", remedy)
    if name in found:
        raise invalid(f"the parameter {key}", f"has {name} twice", "give each mechanism once")
    return [*found, name]


def _read_choice(_parsed: ParsedURL, key: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise invalid(f"the parameter {key}", "is neither true nor false", "write one of them")
    return text == "true"


def _read_text(_parsed: ParsedURL, key: str, text: str) -> str:
    if not text.isprintable():
        problem = "has a control character in it"
        raise invalid(f"the parameter {key}", problem, "use printable characters")
    return text


def _read_host_name(_parsed: ParsedURL, key: str, text: str) -> str:
    part = f"the parameter {key}"
    return ipv6_address(part, text) if ":" in text else host_name(part, text)


READERS: dict[str, Callable[[ParsedURL, str, str], object]] = {
    "heartbeat": _read_integer,
    "frame_max": _read_integer,
    "channel_max": _read_integer,
    "connection_timeout": _read_seconds,
    "auth_mechanism": _read_mechanism,
    "flight_recorder": _read_integer,
    "fast_open": _read_choice,
    "locale": _read_text,
    "connection_name": _read_text,
    "server_hostname": _read_host_name,
    "cafile": _read_text,
    "certfile": _read_text,
    "keyfile": _read_text,
}
