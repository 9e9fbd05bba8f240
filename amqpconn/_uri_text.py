"""What the parts of a connection URL are made of: numbers, names, percent-encoding.

No error here quotes what it is about: after one wrong character, any part of a URL may be the
password.
"""

from __future__ import annotations

from amqpconn.errors import InvalidURL

# RFC 1035, section 2.3.4. The resolver would raise a UnicodeError, which is no OSError.
_LONGEST_HOST, _LONGEST_LABEL = 253, 63
DIGITS = frozenset("0123456789")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_UNRESERVED = LETTERS | DIGITS | frozenset("-._~")
_IN_HOST_NAMES = LETTERS | DIGITS | frozenset("-_")


def invalid(part: str, problem: str, remedy: str) -> InvalidURL:
    return InvalidURL(f"in the connection URL, {part} {problem}", remedy=remedy)


def host_name(part: str, name: str) -> str:
    relative = name.removesuffix(".")
    labels = relative.split(".")
    lengths = list(map(len, labels))
    characters = "".join(labels)
    if not name.isascii():
        raise invalid(part, "is not ASCII", "write the name's ASCII form, which begins with xn--")
    if not characters.isalnum() and not _IN_HOST_NAMES.issuperset(characters):
        remedy = "use letters, digits, '-', '_' and dots only"
        raise invalid(part, "has a character that is in no host name", remedy)
    if len(relative) > _LONGEST_HOST or not min(lengths) or max(lengths) > _LONGEST_LABEL:
        remedy = f"use 1 to {_LONGEST_LABEL} characters between dots, {_LONGEST_HOST} in all"
        raise invalid(part, "has an empty or too long name between its dots", remedy)
    return name


def ipv6_address(part: str, address: str) -> str:
    from ipaddress import IPv6Address  # late, because few URLs need it

    try:
        IPv6Address(address)
        valid = _UNRESERVED.issuperset(address.partition("%")[2])
    except ValueError:
        valid = False
    if not valid:
        raise invalid(
            part,
            "is no IPv6 address",
            "write it as in [::1], with %25 before a zone as in [fe80::1%25eth0]",
        )
    return address


def whole_number(text: str) -> int | None:
    """The number, or None; `int` takes signs, spaces, other scripts' digits and underscores too."""
    longest = len(str(2**32))
    return int(text) if text and len(text) <= longest and DIGITS.issuperset(text) else None


def decoded(part: str, text: str) -> str:
    """Percent-decoded."""
    if "%" not in text:
        return text
    literal, *escaped = text.split("%")
    octets = bytearray(literal.encode())
    for piece in escaped:
        digits = piece[:2]
        if len(digits) < 2 or not _HEX_DIGITS.issuperset(digits):
            raise invalid(part, "has a '%' without two hexadecimal digits", "write % as %25")
        octets.append(int(digits, 16))
        octets += piece[2:].encode()
    read = from_utf8(octets)
    if read is None:
        remedy = "percent-encode the octets of its UTF-8 form"
        raise invalid(part, "is not UTF-8 after percent-decoding", remedy)
    return read


def from_utf8(octets: bytes | bytearray) -> str | None:
    """None and no error, because the error would carry the octets, as another one's context too."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


def encoded(text: str, unchanged: str = "") -> str:
    """Percent-encoded but for letters, digits, - . _ ~ and `unchanged`."""
    return "".join(
        (
            character
            if character in _UNRESERVED or character in unchanged
            else "".join(f"%{octet:02X}" for octet in character.encode())
        )
        for character in text
    )
