"""How large a frame the server takes before tuning, and whether our login fits into one.

The specification's number is frame-min-size (4.2.3), 4096 bytes. RabbitMQ's is 8192 since 4.1, and
an operator can raise it (initial_frame_max). A server that gets more hangs up without a word, so
this is looked at before anything is sent.
"""

from __future__ import annotations

from amqpconn.core.handshake import is_rabbitmq
from amqpconn.errors import LoginTooLarge
from amqpconn_spec._wire import encode_table
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from amqpconn.core.handshake import Agreement
    from amqpconn_spec._wire import Table

LARGEST: Final = 8192
_LARGER_SINCE: Final = (4, 1)


def check_size(method: Any, size: int, agreement: Agreement, own_limit: int) -> None:
    """Raises LoginTooLarge when `method`, start-ok or secure-ok in a frame of `size` bytes, is more
    than the server takes. `own_limit` is what the user knows of the server, 0 for nothing. What is
    not above that, or the specification's number, need not be checked.
    """
    limit = own_limit or largest(agreement.server_properties)
    if size > limit:
        what = f"{method.NAME} would have {size} bytes, and {_name(agreement.server_properties)}"
        raise LoginTooLarge(
            f"{what} takes no more than {limit} before tuning: {_parts(method, agreement)}"
        )


def largest(server: Table) -> int:
    """The bytes of a frame that this server takes before tuning, by what start says of it.

    One that does not say that it is a RabbitMQ older than 4.1 gets up to 8192: by the specification
    it need not take more than 4096, but many do, and one that hangs up is told apart afterwards.
    """
    version = rabbitmq_version(server)
    return FRAME_MIN_SIZE if version is not None and version < _LARGER_SINCE else LARGEST


def rabbitmq_version(server: Table) -> tuple[int, int] | None:
    """Major and minor, such as (3, 13); None for another product, or a version in other words."""
    version = server.get("version")
    if not is_rabbitmq(server) or not isinstance(version, str):
        return None
    major, minor, *_ = [*version.split("."), "", ""]
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        return None
    return int(major), int(minor)


def _name(server: Table) -> str:
    said = [word for key in ("product", "version") if isinstance(word := server.get(key), str)]
    return " ".join(said) or "the server"


def _parts(method: Any, agreement: Agreement) -> str:
    """What the bytes are for, the largest part first; lengths only."""
    parts = [(len(method.response), f"the response of mechanism {agreement.mechanism}")]
    if "client_properties" in method.__match_args__:
        parts.append((len(encode_table(agreement.client_properties)), "the client properties"))
    return ", ".join(f"{size} are for {whose}" for size, whose in sorted(parts, reverse=True))
