"""Connection URLs: what they mean, what is refused with which words, and that passwords stay in."""

from __future__ import annotations

import os
import string
import subprocess
import sys
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amqpconn.errors import InvalidParameter, InvalidURL
from amqpconn.uri import ParsedURL, parse_url
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

CANARY = "s3cr3tc4n4ry"
OPTIONS = (
    "heartbeat",
    "frame_max",
    "channel_max",
    "connection_timeout",
    "auth_mechanism",
    "flight_recorder",
    "fast_open",
    "locale",
    "connection_name",
    "server_hostname",
    "cafile",
    "certfile",
    "keyfile",
)
DEFAULTS = {
    "scheme": "amqp",
    "tls": False,
    "host": "localhost",
    "port": 5672,
    "username": "guest",
    "password": "guest",
    "virtual_host": "/",
    **dict.fromkeys(OPTIONS),
}
TLS = {"scheme": "amqps", "tls": True, "port": 5671}


def parts_of(parsed: ParsedURL) -> dict[str, object]:
    return {name: getattr(parsed, name) for name in DEFAULTS}


# --- good URLs ---------------------------------------------------------------------------------

GOOD: list[tuple[str, dict[str, object]]] = [
    ("amqp://", {}),
    ("amqp:///", {}),
    ("amqps://", TLS),
    ("AMQP://h", {"host": "h"}),
    ("Amqps://h", {**TLS, "host": "h"}),
    ("amqp://guest:guest@localhost/", {}),
    ("amqp://h:1", {"host": "h", "port": 1}),
    ("amqp://h:65535/", {"host": "h", "port": 65535}),
    ("amqp://h:05672/", {"host": "h"}),
    ("amqp://:5673/v", {"port": 5673, "virtual_host": "v"}),
    # The example of the URI specification, and its escapes in every part.
    (
        "amqp://user:pass@host:10000/vhost",
        {
            "username": "user",
            "password": "pass",
            "host": "host",
            "port": 10000,
            "virtual_host": "vhost",
        },
    ),
    (
        "amqp://user%61:%61pass@ho%61st:10000/v%2fhost",
        {
            "username": "usera",
            "password": "apass",
            "host": "hoast",
            "port": 10000,
            "virtual_host": "v/host",
        },
    ),
    # User and password.
    ("amqp://u@h", {"username": "u", "host": "h"}),
    ("amqp://u:@h", {"username": "u", "password": "", "host": "h"}),
    ("amqp://:p@h", {"username": "", "password": "p", "host": "h"}),
    ("amqp://:@", {"username": "", "password": ""}),
    ("amqp://u:p:q:@h", {"username": "u", "password": "p:q:", "host": "h"}),
    ("amqp://u:p,;[]q@h", {"username": "u", "password": "p,;[]q", "host": "h"}),
    ("amqp://u:%2F%3f%23%40%25%3A+@h", {"username": "u", "password": "/?#@%:+", "host": "h"}),
    ("amqp://%C3%BC:€%e2%82%ac@h", {"username": "ü", "password": "€€", "host": "h"}),
    ("amqp://u:%00%0A%20@h", {"username": "u", "password": "\0\n ", "host": "h"}),
    # Hosts.
    ("amqp://a-b_c.example.", {"host": "a-b_c.example."}),
    ("amqp://127.0.0.1:5672", {"host": "127.0.0.1"}),
    ("amqp://xn--bcher-kva.example", {"host": "xn--bcher-kva.example"}),
    (f"amqp://{'a' * 63}", {"host": "a" * 63}),
    (f"amqp://{'a.' * 126}a.", {"host": "a." * 127}),
    ("amqp://[::1]", {"host": "::1"}),
    ("amqp://[::1]:5673/v", {"host": "::1", "port": 5673, "virtual_host": "v"}),
    ("amqp://u:p@[::ffff:1.2.3.4]/", {"host": "::ffff:1.2.3.4", "username": "u", "password": "p"}),
    ("amqp://[fe80::1%25eth0.5]", {"host": "fe80::1%eth0.5"}),
    # Virtual hosts.
    ("amqp://h/%2F", {"host": "h"}),
    ("amqp://h/%2f%2F", {"host": "h", "virtual_host": "//"}),
    ("amqp://h/a%2Fb", {"host": "h", "virtual_host": "a/b"}),
    ("amqp://h/a:b,c%40d", {"host": "h", "virtual_host": "a:b,c@d"}),
    ("amqp://h/%C3%BC%20ü", {"host": "h", "virtual_host": "ü ü"}),
    (f"amqp://h/{'v' * 255}", {"host": "h", "virtual_host": "v" * 255}),
    # Queries.
    ("amqp://h?heartbeat=0", {"host": "h", "heartbeat": 0}),
    ("amqp://h/?heartbeat=65535", {"host": "h", "heartbeat": 65535}),
    ("amqp://h?flight_recorder=100", {"host": "h", "flight_recorder": 100}),
    ("amqp://h?fast_open=true", {"host": "h", "fast_open": True}),
    ("amqp://h?fast_open=false", {"host": "h", "fast_open": False}),
    ("amqp://h/v?channel_max=1", {"host": "h", "virtual_host": "v", "channel_max": 1}),
    ("amqp://?channel_max=65535", {"channel_max": 65535}),
    ("amqp://?channel_max=0", {"channel_max": 0}),
    ("amqp://?frame_max=0", {"frame_max": 0}),
    (f"amqp://?frame_max={FRAME_MIN_SIZE}", {"frame_max": FRAME_MIN_SIZE}),
    ("amqp://?frame_max=4294967295", {"frame_max": 2**32 - 1}),
    ("amqp://?connection_timeout=0.25", {"connection_timeout": 0.25}),
    ("amqp://?connection_timeout=1e-05", {"connection_timeout": 0.00001}),
    ("amqp://?connection_timeout=3600", {"connection_timeout": 3600.0}),
    ("amqp://?auth_mechanism=plain", {"auth_mechanism": ["PLAIN"]}),
    (
        "amqp://?auth_mechanism=External&auth_mechanism=AMQPLAIN&auth_mechanism=anonymous",
        {"auth_mechanism": ["EXTERNAL", "AMQPLAIN", "ANONYMOUS"]},
    ),
    ("amqp://?locale=de_DE", {"locale": "de_DE"}),
    (
        "amqp://?connection_name=a+b%20c/d?e=%26%C3%BC",
        {"connection_name": "a+b c/d?e=&ü"},
    ),
    (
        "amqps://h?cafile=/etc/ca.pem&certfile=c%20d.pem&keyfile=k.pem&server_hostname=broker.x",
        {
            **TLS,
            "host": "h",
            "cafile": "/etc/ca.pem",
            "certfile": "c d.pem",
            "keyfile": "k.pem",
            "server_hostname": "broker.x",
        },
    ),
    ("amqps://?keyfile=k&certfile=c", {**TLS, "certfile": "c", "keyfile": "k"}),
    ("amqps://?certfile=both.pem", {**TLS, "certfile": "both.pem"}),
    ("amqps://?server_hostname=::1", {**TLS, "server_hostname": "::1"}),
]


@pytest.mark.parametrize(("url", "parts"), GOOD, ids=[url[:60] for url, _ in GOOD])
def test_good(url: str, parts: dict[str, object]) -> None:
    assert parts_of(parse_url(url)) == DEFAULTS | parts


# --- bad URLs ----------------------------------------------------------------------------------

AMQP = "begin with amqp:// (in clear) or amqps:// (TLS)"
PORT = "the port is not a number from 1 to 65535"
ESCAPE = "write % as %25"
TAIL = "an '@' comes after the first '/', '?' or '#'"
HOST_CHARACTER = "the host has a character that is in no host name"
HOST_LENGTH = "the host has an empty or too long name between its dots"
IPV6 = "the host is no IPv6 address"
TIMEOUT = "the parameter connection_timeout is out of range"
# The URL, words of what happened, words of the remedy.
BAD: list[tuple[str, str, str]] = [
    # Scheme.
    ("", "the scheme is missing", AMQP),
    ("localhost", "the scheme is missing", AMQP),
    ("localhost:5672", "the scheme is missing", AMQP),
    ("//localhost", "the scheme is missing", AMQP),
    ("://localhost", "the scheme is missing", AMQP),
    ("u:p@h/x?y=a://b", "the scheme is missing", AMQP),
    ("amqp:localhost", "the scheme is not followed by //", AMQP),
    ("AMQPS:/u:p@localhost", "the scheme is not followed by //", AMQP),
    ("ampq://h", "the scheme is neither amqp nor amqps", AMQP),
    ("http://h:15672/", "the scheme is neither amqp nor amqps", "not the address of its manag"),
    ("https://h", "the scheme is neither amqp nor amqps", "with amqps://, not the address"),
    ("amqp+tls://h", "the scheme is neither amqp nor amqps", "for TLS write amqps://"),
    ("amqp+ssl://h", "the scheme is neither amqp nor amqps", "for TLS write amqps://"),
    ("pyamqp://h", "the scheme is neither amqp nor amqps", "write amqp://"),
    ("mqtt://h", "the scheme is neither amqp nor amqps", "another protocol"),
    # Characters.
    ("amqp://h\n", "character 9 of 9 is whitespace or a control character", "remove it"),
    (" amqp://h", "character 1 of 9 is whitespace", "remove it"),
    ("amqp://u:p w@h", "character 11 of 14 is whitespace", "a space is %20"),
    ("amqp://h/\x00", "is whitespace or a control character", "percent-encode"),
    ("amqp://h/\x7f", "is whitespace or a control character", "percent-encode"),
    ("amqp://h/\u00a0", "is whitespace or a control character", "percent-encode"),
    ("amqp://h\u200b", "is whitespace or a control character", "remove it"),
    ("amqp://h/\ud800", "is whitespace or a control character", "remove it"),
    # User and password.
    ("amqp://@h", "the user name is empty", "drop the '@'"),
    ("amqp://u:p@q@h", "the part before the host has more than one '@'", "%40"),
    ("amqp://u:p@h,u:p@i", "has more than one '@'", "one host per URL"),
    ("amqp://u:p/q@h", TAIL, "/ as %2F"),
    ("amqp://u:p?q@h", TAIL, "? as %3F"),
    ("amqp://u:p#q@h", TAIL, "# as %23"),
    ("amqp://u:123/456@h", TAIL, "/ as %2F"),
    ("amqp://h/a@b", TAIL, "behind the host write @ as %40"),
    ("amqp://u%:p@h", "the user name has a '%' without two", ESCAPE),
    ("amqp://u:p%@h", "the password has a '%' without two", ESCAPE),
    ("amqp://u:p%4@h", "the password has a '%' without two", ESCAPE),
    ("amqp://u:p%zz@h", "the password has a '%' without two", ESCAPE),
    ("amqp://u:p%+1@h", "the password has a '%' without two", ESCAPE),
    ("amqp://u:%FF@h", "the password is not UTF-8", "UTF-8 form"),
    ("amqp://%C3:p@h", "the user name is not UTF-8", "UTF-8 form"),
    ("amqp://u:%ED%A0%80@h", "the password is not UTF-8", "UTF-8 form"),
    # Port.
    ("amqp://h:", PORT, "leave it out with its ':'"),
    ("amqp://h:0", PORT, "host:5672"),
    ("amqp://h:65536", PORT, "host:5672"),
    ("amqp://h:70000/", PORT, "host:5672"),
    ("amqp://h:99999999999999999999", PORT, "host:5672"),
    ("amqp://h:abc", PORT, "a password is followed by '@'"),
    ("amqp://h:-1", PORT, "host:5672"),
    ("amqp://h:5_6", PORT, "host:5672"),
    ("amqp://h:٣", PORT, "host:5672"),
    ("amqp://[::1]:", PORT, "host:5672"),
    ("amqp://[::1]5672", PORT, "host:5672"),
    # Host.
    ("amqp://h1,h2", "the host is a list", "one host per URL"),
    ("amqp://h1:1,h2:2/", "the host is a list", "one host per URL"),
    ("amqp://u:p@h1;amqp://h2", "the host is a list", "one host per URL"),
    ("amqp://::1", "the host with its port has more than one ':'", "brackets: [::1]"),
    ("amqp://::1:5672/", "the host with its port has more than one ':'", "brackets: [::1]"),
    ("amqp://bücher.example", "the host is not ASCII", "begins with xn--"),
    ("amqp://b%C3%BCcher.example", "the host is not ASCII", "begins with xn--"),
    ("amqp://h%20i", HOST_CHARACTER, "letters, digits"),
    ("amqp://h%00", HOST_CHARACTER, "letters, digits"),
    ("amqp://h%2Fi", HOST_CHARACTER, "letters, digits"),
    ("amqp://h*", HOST_CHARACTER, "letters, digits"),
    ("amqp://h[::1]", "more than one ':'", "brackets"),
    ("amqp://h%", "the host has a '%' without two", ESCAPE),
    ("amqp://h%FF", "the host is not UTF-8", "UTF-8 form"),
    ("amqp://a..b", HOST_LENGTH, "1 to 63"),
    ("amqp://.a", HOST_LENGTH, "1 to 63"),
    ("amqp://.", HOST_LENGTH, "1 to 63"),
    (f"amqp://{'a' * 64}", HOST_LENGTH, "1 to 63"),
    (f"amqp://{'a.' * 126}aa", HOST_LENGTH, "253 in all"),
    ("amqp://[]", IPV6, "as in [::1]"),
    ("amqp://[::1", IPV6, "as in [::1]"),
    ("amqp://[h]", IPV6, "as in [::1]"),
    ("amqp://[1.2.3.4]", IPV6, "as in [::1]"),
    ("amqp://[::1::]", IPV6, "as in [::1]"),
    ("amqp://[v1.x]", IPV6, "as in [::1]"),
    ("amqp://[fe80::1%25]", IPV6, "%25 before a zone"),
    ("amqp://[fe80::1%25a%25b]", IPV6, "%25 before a zone"),
    ("amqp://[fe80::1%25a%20b]", IPV6, "%25 before a zone"),
    ("amqp://[fe80::1%wlan0]", "the host has a '%' without two", ESCAPE),
    # Virtual host and fragment.
    ("amqp://h//", "the virtual host has a raw '/'", "the virtual host '/' is /%2F, or nothing"),
    ("amqp://h/a/b", "the virtual host has a raw '/'", "%2F"),
    ("amqp://h/a/", "the virtual host has a raw '/'", "%2F"),
    ("amqp:////h", "the virtual host has a raw '/'", "%2F"),
    ("amqp://h/%2", "the virtual host has a '%' without two", ESCAPE),
    ("amqp://h/%C0%AF", "the virtual host is not UTF-8", "UTF-8 form"),
    (f"amqp://h/{'v' * 256}", "the virtual host is longer than 255 bytes", "another"),
    (f"amqp://h/{'ü' * 128}", "the virtual host is longer than 255 bytes", "another"),
    ("amqp://h#", "the fragment ('#') has no meaning", "write # as %23"),
    ("amqp://h/v?heartbeat=1#x", "the fragment ('#') has no meaning", "remove it"),
    # Query: keys.
    ("amqp://h?", "parameter 1 of the query is empty", "key=value"),
    ("amqp://h?heartbeat=1&", "parameter 2 of the query is empty", "key=value"),
    ("amqp://h?=1", "parameter 1 of the query is empty", "key=value"),
    ("amqp://h?heartbeet=1", "parameter 1 of the query is unknown", "perhaps heartbeat is meant"),
    ("amqp://h?HEARTBEAT=1", "is unknown", "perhaps heartbeat is meant"),
    ("amqp://h?frame-max=0", "is unknown", "perhaps frame_max is meant"),
    ("amqp://h?timeout=1", "is unknown", "perhaps connection_timeout is meant"),
    ("amqp://h?cacertfile=1", "is unknown", "perhaps cafile is meant"),
    ("amqp://h?server_name_indication=1", "is unknown", "perhaps server_hostname is meant"),
    ("amqp://h?zzz=1", "is unknown", f"use one of {', '.join(OPTIONS)}"),
    ("amqp://h?locale=a&bogus", "parameter 2 of the query is unknown", "use one of heartbeat"),
    ("amqp://h?heartbeat=1&heartbeat=1", "the parameter heartbeat is repeated", "give it once"),
    ("amqp://h?heartbeat=0&heartbeat=1", "the parameter heartbeat is repeated", "give it once"),
    ("amqp://h?cafile=c", "the parameter cafile is for TLS and the scheme is amqp", "amqps://"),
    ("amqp://h?certfile=c", "certfile is for TLS", "leave it out"),
    ("amqp://h?keyfile=c", "keyfile is for TLS", "leave it out"),
    ("amqp://h?server_hostname=c", "server_hostname is for TLS", "leave it out"),
    ("amqps://h?keyfile=c", "the parameter keyfile comes without certfile", "certificate"),
    # Query: values.
    *((f"amqps://h?{key}=", f"{key} has no value", f"write {key}=...") for key in OPTIONS),
    *((f"amqps://h?{key}", f"{key} has no value", f"write {key}=...") for key in OPTIONS),
    ("amqp://h?heartbeat=65536", "the parameter heartbeat is out of range", "from 0 to 65535"),
    ("amqp://h?flight_recorder=65536", "flight_recorder is out of range", "from 0 to 65535"),
    ("amqp://h?fast_open=1", "fast_open is neither true nor false", "write one of them"),
    ("amqp://h?fast_open=True", "fast_open is neither true nor false", "write one of them"),
    ("amqp://h?heartbeat=-1", "heartbeat is out of range", "whole number from 0 to 65535"),
    ("amqp://h?heartbeat=abc", "heartbeat is out of range", "whole number"),
    ("amqp://h?heartbeat=1.5", "heartbeat is out of range", "whole number"),
    ("amqp://h?heartbeat=%201", "heartbeat is out of range", "whole number"),
    ("amqp://h?heartbeat=+1", "heartbeat is out of range", "whole number"),
    ("amqp://h?heartbeat=%D9%A3", "heartbeat is out of range", "whole number"),
    (f"amqp://h?heartbeat={'1' * 5000}", "heartbeat is out of range", "whole number"),
    ("amqp://h?channel_max=65536", "channel_max is out of range", "from 0 to 65535"),
    (f"amqp://h?frame_max={FRAME_MIN_SIZE - 1}", "is out of range", f"0, or from {FRAME_MIN_SIZE}"),
    ("amqp://h?frame_max=1", "is out of range", "to 4294967295"),
    ("amqp://h?frame_max=4294967296", "is out of range", "to 4294967295"),
    ("amqp://h?connection_timeout=0", TIMEOUT, "above 0 and up to 3600"),
    ("amqp://h?connection_timeout=-1", TIMEOUT, "above 0 and up to 3600"),
    ("amqp://h?connection_timeout=30000", TIMEOUT, "seconds (not milliseconds)"),
    ("amqp://h?connection_timeout=nan", TIMEOUT, "seconds"),
    ("amqp://h?connection_timeout=inf", TIMEOUT, "seconds"),
    ("amqp://h?connection_timeout=1e999", TIMEOUT, "seconds"),
    ("amqp://h?connection_timeout=1_0", TIMEOUT, "seconds"),
    ("amqp://h?connection_timeout=1-e", TIMEOUT, "seconds"),
    ("amqp://h?connection_timeout=5s", TIMEOUT, "seconds"),
    ("amqp://h?auth_mechanism=SCRAM", "auth_mechanism is no known mechanism", "use one of PLAIN"),
    ("amqp://h?auth_mechanism=PLAIN,EXTERNAL", "is no known mechanism", "repeat the parameter"),
    ("amqp://h?auth_mechanism=plain&auth_mechanism=PLAIN", "has PLAIN twice", "once"),
    ("amqp://h?connection_name=a%0Ab", "connection_name has a control character", "printable"),
    ("amqp://h?locale=%00", "locale has a control character", "printable"),
    ("amqp://h?locale=%", "the parameter locale has a '%' without two", ESCAPE),
    ("amqps://h?cafile=%FF", "the parameter cafile is not UTF-8", "UTF-8 form"),
    ("amqps://h?server_hostname=a%20b", "server_hostname has a character", "letters"),
    ("amqps://h?server_hostname=::g", "the parameter server_hostname is no IPv6", "[::1]"),
]


@pytest.mark.parametrize(("url", "what", "remedy"), BAD, ids=[ascii(url[:60]) for url, *_ in BAD])
def test_bad(url: str, what: str, remedy: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        parse_url(url)
    assert what in caught.value.what
    assert remedy in caught.value.remedy
    assert isinstance(caught.value, (InvalidParameter, ValueError))


@pytest.mark.parametrize("url", [b"amqp://h", None, 5], ids=type)
def test_no_str(url: Any) -> None:
    with pytest.raises(InvalidURL, match=f"is a str, not {type(url).__name__}"):
        parse_url(url)


# --- no password in errors ---------------------------------------------------------------------


def assert_nothing_shown(url: str) -> None:
    """The URL is refused, and nothing of the canary is in all that an error can be made to show."""
    with pytest.raises(InvalidURL) as caught:
        parse_url(url)
    error = caught.value
    shown = [str(error), repr(error), repr(error.args), repr(vars(error)), error.what, error.remedy]
    shown += traceback.format_exception(error)
    assert not [text for text in shown if CANARY in text.casefold()]
    # Nor behind it: a UnicodeDecodeError, for one, has the octets in it.
    assert error.__context__ is None
    assert error.__cause__ is None


def with_password(url: str) -> str:
    """A bad URL of the table with the canary in its password, or with a user and password."""
    scheme, slashes, rest = url.partition("://")
    address = rest.partition("/")[0]
    if "@" not in address:
        return f"{scheme}{slashes}u:{CANARY}@{rest}"
    user, _, rest = rest.partition("@")
    return f"{scheme}{slashes}{user}{'' if ':' in user else ':'}{CANARY}@{rest}"


# What is wrong with it is that there is nothing before the '@'.
PLANTABLE = [url for url, *_ in BAD if url != "amqp://@h"]


@pytest.mark.parametrize("url", PLANTABLE, ids=lambda url: ascii(url[:60]))
def test_no_bad_url_shows_its_password(url: str) -> None:
    planted = with_password(url)
    assert CANARY in planted
    assert_nothing_shown(planted)


@pytest.mark.parametrize("mark", [*string.punctuation, *" \t\n\x00\x7fü\u200b\ud800", "%", "%ff"])
@pytest.mark.parametrize(
    "frame",
    [
        "amqp://u:{}@h:0",
        "amqp://u:{}@h:x/v?heartbeat=1",
        "amqp://u:{}@h/v/w",
        "amqp://u:{}@h?bogus=1",
        "amqp://{}@h:0",
        "amqp://{}:p@h:0",
        "amqp://u:{}//",
        "amqp://u:{}?",
        "amqp://u:5672{}:/",
        "amqp://u@{}:0/",
        "amqp://h/{}/",
        "amqp://h?heartbeat={}",
        "amqp://h?{}",
        "amqp://h?{}=1",
        "amqp://h?heartbeat=1&{}=%",
        "amqp://h?auth_mechanism={}",
        "u:{}@h",
        "{}",
        "{}://h",
        "amqp:u:{}@h",
    ],
)
def test_raw_marks_in_a_password(frame: str, mark: str) -> None:
    for planted in (f"{CANARY}{mark}", f"{mark}{CANARY}", f"1{mark}{CANARY}", f"{CANARY}{mark}1"):
        assert_nothing_shown(frame.format(planted))


def test_a_password_of_another_type() -> None:
    not_a_str: Any = [f"amqp://u:{CANARY}@h"]
    assert_nothing_shown(not_a_str)


# --- text form ---------------------------------------------------------------------------------


def test_redacted() -> None:
    parsed = parse_url(f"amqp://u:{CANARY}@h")
    assert parsed.redacted == "amqp://u:***@h:5672/%2F"
    assert str(parsed) == parsed.redacted
    assert f"{parsed}" == parsed.redacted
    assert repr(parsed) == "ParsedURL('amqp://u:***@h:5672/%2F')"
    assert not hasattr(parsed, "__dict__")


def test_redacted_with_everything() -> None:
    url = (
        "amqps://a%40b:***@[fe80::1%25eth0]:1/v%2Fh%C3%BC?heartbeat=5&frame_max=0&channel_max=7"
        "&connection_timeout=2.5&auth_mechanism=PLAIN&auth_mechanism=EXTERNAL"
        "&flight_recorder=9&fast_open=true&locale=en_US"
        "&connection_name=a%20%26b&server_hostname=x&cafile=/ca&certfile=/c&keyfile=/k"
    )
    assert parse_url(url).redacted == url


def test_equality() -> None:
    assert parse_url("amqp://guest@localhost:5672/%2F?locale=a") == parse_url("AMQP://?locale=a")
    assert parse_url("amqp://h") != "amqp://h"
    with pytest.raises(TypeError, match="unhashable"):
        hash(parse_url("amqp://h"))


@pytest.mark.parametrize(
    "other",
    ["amqps://h:5672", "amqp://i", "amqp://h:1", "amqp://u@h", "amqp://u:p@h", "amqp://h/v"],
)
def test_inequality(other: str) -> None:
    assert parse_url("amqp://h") != parse_url(other)


@pytest.mark.parametrize("parameter", [f"{key}=1" for key in OPTIONS if "mech" not in key])
def test_inequality_of_parameters(parameter: str) -> None:
    needed = "certfile=1&" if parameter == "keyfile=1" else ""
    parameter = parameter.replace("frame_max=1", "frame_max=0").replace("open=1", "open=true")
    assert parse_url(f"amqps://h?{needed}{parameter}") != parse_url(f"amqps://h?{needed}locale=2")


# --- properties --------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PRINTABLE = TEXT.filter(lambda text: text.isprintable() and text != "")
LABELS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=63)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ADDRESSES = st.ip_addresses(v=6).map(str) | st.ip_addresses(v=4).map(str)
ZONED = st.tuples(st.just("fe80::1%"), LABELS).map("".join)
HOSTS = NAMES | ADDRESSES | ZONED
MECHANISMS = st.permutations(["PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS"])
U16 = st.integers(0, 65535)
TIMEOUTS = st.floats(0, 3600, exclude_min=True) | st.integers(1, 3600)


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    """The parts of a URL, all of them given or any of them left out."""
    tls = draw(st.booleans())
    values: dict[str, st.SearchStrategy[Any]] = {
        "heartbeat": U16,
        "frame_max": st.just(0) | st.integers(FRAME_MIN_SIZE, 2**32 - 1),
        "channel_max": U16,
        "connection_timeout": TIMEOUTS,
        "auth_mechanism": st.integers(1, 4).flatmap(
            lambda n: MECHANISMS.map(lambda names: names[:n])
        ),
        "flight_recorder": U16,
        "fast_open": st.booleans(),
        "locale": PRINTABLE,
        "connection_name": PRINTABLE,
    }
    if tls:
        values |= {"server_hostname": HOSTS, "cafile": PRINTABLE, "certfile": PRINTABLE}
    found = draw(st.fixed_dictionaries({}, optional=values))
    if "certfile" in found and draw(st.booleans()):
        found["keyfile"] = draw(PRINTABLE)
    return {
        "scheme": "amqps" if tls else "amqp",
        "tls": tls,
        "host": draw(HOSTS),
        "port": draw(st.integers(1, 65535)),
        "username": draw(TEXT),
        "password": draw(TEXT),
        "virtual_host": draw(TEXT.filter(lambda name: 1 <= len(name.encode()) <= 255)),
        **dict.fromkeys(OPTIONS),
        **found,
    }


def build(parts: dict[str, Any]) -> str:
    """A URL of these parts, by the standard library's percent-encoding."""
    host = f"[{quote(parts['host'], ':')}]" if ":" in parts["host"] else parts["host"]
    pairs = [
        f"{key}={quote(str(value).lower() if key == 'fast_open' else str(value), '')}"
        for key in OPTIONS
        if parts[key] is not None
        for value in (parts[key] if isinstance(parts[key], list) else [parts[key]])
    ]
    return (
        f"{parts['scheme']}://{quote(parts['username'], '')}:{quote(parts['password'], '')}"
        f"@{host}:{parts['port']}/{quote(parts['virtual_host'], '')}"
        f"{'?' if pairs else ''}{'&'.join(pairs)}"
    )


@given(parts())
def test_round_trip(parts: dict[str, Any]) -> None:
    parsed = parse_url(build(parts))
    assert parts_of(parsed) == parts
    assert parsed == parse_url(build(parts))


@given(parts())
def test_the_redacted_form_lacks_nothing_but_the_password(parts: dict[str, Any]) -> None:
    parsed = parse_url(build(parts))
    assert parts_of(parse_url(parsed.redacted)) == parts | {"password": "***"}
    assert str(parsed).isprintable()
    assert str(parsed).isascii()


@given(TEXT.map(lambda text: f"{CANARY}{text}") | TEXT.map(lambda text: f"{text}{CANARY}"))
@example(CANARY)
def test_any_password_stays_hidden(password: str) -> None:
    url = f"amqp://u:{quote(password, '')}@h"
    parsed = parse_url(url)
    assert parsed.password == password
    assert CANARY not in f"{parsed} {parsed!r} {parsed.redacted}"
    assert_nothing_shown(f"{url}:0")
    # Raw, as people paste it; no '@', '/', '?' or '#' in it may bring it to light.
    assert_nothing_shown(f"amqp://u:{password}@h:0")


PIECES = ["amqp", "amqps", "://", "[::1]", "u", "5672", "heartbeat", "=", "%2F", *":/?#[]@&%,;."]


ANYTHING = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=2)).map("".join)


@given(ANYTHING | ANYTHING.map("amqp://{}".format) | ANYTHING.map("amqps://h?{}".format))
@example("amqp://[")
def test_anything_else_is_an_invalid_url(url: str) -> None:
    try:
        parsed = parse_url(url)
    except InvalidURL:
        return
    assert parse_url(build(parts_of(parsed))) == parsed


# --- import ------------------------------------------------------------------------------------


def test_slow_imports_are_late() -> None:
    """urllib and ipaddress alone would double the time that it takes to import the package."""
    program = """if True:
        import sys
        import amqpconn.auth, amqpconn.locale, amqpconn.uri
        late = {"difflib", "ipaddress", "socket", "ssl", "urllib.parse"}
        assert not late & sys.modules.keys(), late & sys.modules.keys()
        assert amqpconn.uri.parse_url("amqp://[::1]").host == "::1"
        assert "ipaddress" in sys.modules
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-S", "-c", program], env=environment, check=True)
