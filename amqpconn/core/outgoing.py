"""What users send: whether it may go out, and as which frames."""

from __future__ import annotations

from amqpconn.core.assembler import content_parts
from amqpconn.core.events import ChannelState
from amqpconn.errors import InvalidParameter, NotOpen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.core.assembler import Content
    from amqpconn.core.channels import ChannelCore
    from amqpconn.core.dialect import Dialect
    from amqpconn_spec._base import Method

# Methods of channels that the endpoint sends itself, because its own state goes with them.
MANAGED: Final = frozenset({"channel.open", "channel.close", "channel.close-ok", "channel.flow-ok"})
# The only method that a user has sent on channel 0.
ON_CONTROL: Final = "connection.update-secret"


def check_usable(channel: ChannelCore) -> None:
    """Raises NotOpen, with the reason as its cause."""
    if channel.state is not ChannelState.OPEN:
        raise NotOpen(f"channel {channel.id} is {channel.state.value}") from channel.error


def check_belongs(method: Method, channel: ChannelCore, content: Content | None) -> None:
    """Raises InvalidParameter for a method that is not the user's to send, or not there."""
    if not method.SENT_BY_CLIENT:
        raise InvalidParameter(f"{method.NAME} is sent by servers only")
    own = method.NAME in MANAGED or method.NAME.startswith("connection.")
    if own if channel.id else method.NAME != ON_CONTROL:
        raise InvalidParameter(
            f"{method.NAME} is not for channel {channel.id}, or sent by the library itself"
        )
    if (content is not None) != method.HAS_CONTENT:
        raise InvalidParameter(
            f"{method.NAME} {'needs' if method.HAS_CONTENT else 'does not carry'} content"
        )


def is_answered(method: Method) -> bool:
    """Whether a reply comes: methods with the argument no_wait leave that to the caller.

    In 0-9 and 0-8 it is called nowait.
    """
    if not method.REPLIES:
        return False
    return not (getattr(method, "no_wait", False) or getattr(method, "nowait", False))


def parts(
    dialect: Dialect, method: Method, channel: int, content: Content | None, frame_max: int
) -> list[bytes | memoryview]:
    """All frames of a method, in parts: joined they are what goes out.

    Raises EncodeError for a value that does not fit, InvalidParameter when all of them together
    are too much for one frame.
    """
    made: list[bytes | memoryview] = [method.encode_frame(channel)]
    if content is not None:
        made += content_parts(dialect, channel, method.CLASS_ID, content, frame_max)
    for frame in made[:2]:  # the method and the content header, which cannot be split
        if len(frame) > frame_max:
            raise InvalidParameter(
                f"{method.NAME} or its properties take a frame of {len(frame)} bytes;"
                f" the agreed frame_max is {frame_max}"
            )
    return made
