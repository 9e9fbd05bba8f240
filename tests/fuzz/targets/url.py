"""Connection URLs: the UTF-8 of one; octets that are no UTF-8 become surrogates."""

from __future__ import annotations

from amqpconn.errors import InvalidURL
from amqpconn.uri import ParsedURL, parse_url
from tests.fuzz.inputs import agree

#: The dictionary has it, so that it gets into every part; no error may show it.
CANARY = "c4n4ry"


def check(data: bytes) -> None:
    url = data.decode("utf-8", "surrogateescape")
    try:
        parsed = parse_url(url)
    except InvalidURL as error:
        agree(CANARY in str(error), False)
        agree((error.__cause__, error.__context__), (None, None))
        return
    _check_fit(parsed)
    again = parse_url(parsed.redacted)
    agree(again.password, "***")
    again.password = parsed.password
    agree(again == parsed, True)
    agree(again.redacted, parsed.redacted)


def _check_fit(parsed: ParsedURL) -> None:
    """Whatever is in it can be used."""
    agree(0 < parsed.port < 65536, True)
    agree(len(parsed.virtual_host.encode()) < 256, True)
    agree(bool(parsed.host) and parsed.host.isascii(), True)
    for text in (parsed.username, parsed.password):
        text.encode()
