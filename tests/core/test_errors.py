"""The errors themselves: their hierarchy, their texts, and that copies are as good as they are."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn import errors
from amqpconn.errors import (
    BY_REPLY_CODE,
    PHASES,
    AMQPError,
    AuthenticationRefused,
    CallTimeout,
    CertificateRefused,
    ChannelClosed,
    ClosedByPeer,
    ConnectionClosed,
    ConnectionFailed,
    HandshakeFailed,
    InvalidParameter,
    InvalidURL,
    LocalError,
    NotFound,
    NotOpen,
    OpenTimeout,
    PeerHungUp,
    ProtocolViolation,
    TLSFailed,
    TransportError,
    UnexpectedContent,
    VirtualHostRefused,
    WrongChannel,
    WrongPeer,
    channel_closed,
    connection_closed,
)
from amqpconn_spec.v0_9_1.errors import REPLY_CODES

CLASSES = {
    name: value
    for name, value in ((name, getattr(errors, name)) for name in dir(errors))
    if isinstance(value, type) and issubclass(value, AMQPError)
}
BY_CODE = set(BY_REPLY_CODE.values())
# Those who raise them say what to do, and a class for all has nothing to advise.
NO_REMEDY = (AMQPError, LocalError, ConnectionFailed, ClosedByPeer, InvalidParameter, InvalidURL)
# What concerns an attempt, a connection, a channel or a call has a phase.
PEERS = (ConnectionFailed, ClosedByPeer, ChannelClosed, CallTimeout)

# --- the hierarchy ---


def drawn() -> list[tuple[str, str, str]]:
    """The tree in the module's docstring: class, its parent, and what is said about it."""
    found, path = [], ["AMQPError"]
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│ ]*[├└]──) (\w+(?:, [\w.]+)*)\s*(.*)$", line)
        if match:
            depth = len(match[1]) // 4 + 1
            names = [name for name in match[2].split(", ") if name.isidentifier()]
            del path[depth:]
            found += [(name, path[-1], match[3]) for name in names]
            path.append(names[-1])
    return found


@pytest.mark.parametrize(("name", "parent", "said"), drawn(), ids=lambda value: value.split(" ")[0])
def test_the_hierarchy_is_the_one_drawn(name: str, parent: str, said: str) -> None:
    assert CLASSES[parent] in CLASSES[name].__bases__
    for too in re.findall(r"\((\w+) too\)", said):
        assert issubclass(CLASSES[name], getattr(__import__("builtins"), too))


def test_nothing_is_missing_in_the_drawing() -> None:
    names = {"AMQPError"}
    for name, _, said in drawn():
        listed = {word for word in re.findall(r"\w+", said) if word in CLASSES}
        assert all(CLASSES[name] in CLASSES[word].__bases__ for word in listed), name
        names |= {name} | listed
    # Its dots stand for one class per reply code, and for more of what stands in front of them.
    dotted = BY_CODE | {*PeerHungUp.__subclasses__(), *WrongPeer.__subclasses__()}
    dotted |= {*CertificateRefused.__subclasses__()}
    assert {CLASSES[name] for name in set(CLASSES) - names} <= dotted


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.__name__)
def test_every_class_says_what_it_means(kind: type[AMQPError]) -> None:
    assert inspect.getdoc(kind)
    assert kind.__doc__ is not AMQPError.__doc__ or kind is AMQPError
    assert kind.remedy or kind in NO_REMEDY
    assert not kind.remedy.endswith(".")
    assert set(kind.phases) <= set(PHASES)
    assert bool(kind.phases) is (issubclass(kind, PEERS) and kind is not AMQPError)


@pytest.mark.parametrize("code", REPLY_CODES)
def test_every_reply_code_has_a_class(code: int) -> None:
    kind = BY_REPLY_CODE[code]
    assert (code, REPLY_CODES[code].hard) == (kind.REPLY_CODE, kind.HARD)
    assert (kind.__doc__ or "").startswith(f"{code}: ")


def test_no_class_has_an_unknown_reply_code() -> None:
    assert set(BY_REPLY_CODE) == set(REPLY_CODES)
    assert (ClosedByPeer.REPLY_CODE, ClosedByPeer.HARD) == (0, True)


@pytest.mark.parametrize(
    "kind", [kind for kind in CLASSES.values() if issubclass(kind, ProtocolViolation)]
)
def test_what_a_peer_is_told_is_a_reply_code(kind: type[ProtocolViolation]) -> None:
    names = {reply.name for reply in REPLY_CODES.values()}
    for one in (kind, WrongChannel, UnexpectedContent):
        assert one.close_code in names


# --- closed by the peer ---


@pytest.mark.parametrize("code", [*REPLY_CODES, 0, 200, 12345])
def test_what_a_peer_closes_is_caught_by_scope_and_by_code(code: int) -> None:
    closed = connection_closed(code, "text", "queue.declare")
    channel = channel_closed(7, code, "text", "queue.declare")
    assert isinstance(closed, ConnectionClosed)
    assert isinstance(closed, ConnectionFailed)
    assert isinstance(channel, ChannelClosed)
    assert not isinstance(channel, ConnectionFailed)
    for error in (closed, channel):
        assert isinstance(error, BY_REPLY_CODE.get(code, AMQPError))
        assert isinstance(error, ClosedByPeer) is (code in REPLY_CODES)
        assert (error.reply_code, error.reply_text) == (code, "text")
        assert error.failing_method == "queue.declare"
        names = {200: "reply-success"} | {code: reply.name for code, reply in REPLY_CODES.items()}
        said = f"{code} ({names.get(code, 'unknown reply code')}) 'text', about queue.declare"
        assert said in error.what
    assert channel.channel == 7
    assert "channel 7" in channel.what


def test_an_error_of_both_has_the_name_and_the_advice_of_the_code() -> None:
    error = channel_closed(1, 404, "no queue")
    assert type(error).__name__ == "NotFound"
    assert NotFound in type(error).__bases__
    assert type(error).__doc__ == NotFound.__doc__
    assert error.remedy == NotFound.remedy
    assert type(channel_closed(2, 404, "")) is type(error)


def test_text_of_the_peer_is_quoted() -> None:
    assert r"'two\nlines'" in str(connection_closed(541, "two\nlines"))


@pytest.mark.parametrize("scope", [AuthenticationRefused, VirtualHostRefused])
@pytest.mark.parametrize("code", [403, 530, 999])
def test_a_scope_that_is_about_a_code_stays(scope: type[ConnectionFailed], code: int) -> None:
    error = connection_closed(code, "text", scope=scope)
    assert type(error) is scope
    assert error.reply_code == code


@pytest.mark.parametrize(
    ("error", "is_retryable"),
    [
        (connection_closed(320, ""), True),
        (connection_closed(506, ""), True),
        (connection_closed(541, ""), True),
        (connection_closed(999, ""), True),
        (connection_closed(403, ""), False),
        (connection_closed(501, ""), False),
        (connection_closed(530, ""), False),
        (channel_closed(1, 404, ""), False),
        (connection_closed(403, "", scope=AuthenticationRefused), False),
        (connection_closed(530, "", scope=VirtualHostRefused), False),
        (PeerHungUp(""), True),
        (TLSFailed(""), False),
        (OpenTimeout(""), True),
        (CallTimeout(""), True),
        (HandshakeFailed(""), False),
        (NotOpen(""), False),
        (ProtocolViolation(""), False),
    ],
)
def test_whether_to_try_again(error: AMQPError, is_retryable: bool) -> None:
    assert error.retryable is is_retryable


# --- the text ---


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "it broke"),
        ({"cause": "perhaps rust"}, "it broke. Likely cause: perhaps rust"),
        ({"cause": "rust"}, "it broke. Cause: rust"),
        ({"remedy": "oil it"}, "it broke. What to do: oil it"),
        (
            {"cause": "perhaps rust", "remedy": "oil it"},
            "it broke. Likely cause: perhaps rust. What to do: oil it",
        ),
    ],
)
def test_the_text_has_up_to_three_parts(arguments: dict[str, str], text: str) -> None:
    assert str(AMQPError("it broke", **arguments)) == text
    assert str(AMQPError("it broke.", **arguments)) == text


def test_what_a_class_says_can_be_replaced_and_removed() -> None:
    assert str(PeerHungUp("gone")) == f"gone. What to do: {PeerHungUp.remedy}"
    assert str(PeerHungUp("gone", remedy="call them")) == "gone. What to do: call them"
    assert str(PeerHungUp("gone", remedy="")) == "gone"


def test_where_and_when_are_told_when_they_are_known() -> None:
    error = ConnectionFailed("it broke")
    assert str(error) == "it broke"
    error.phase, error.elapsed = "start", {"header": 0.25, "start": 1.5}
    assert str(error) == "it broke [in phase start; header 0.250 s, start 1.500 s]"
    error.peer = "broker:5672"
    assert str(error) == "it broke [broker:5672, in phase start; header 0.250 s, start 1.500 s]"
    error.last_out_age_s = 1.5
    assert str(error).endswith("start 1.500 s; last bytes in: none, out: 1.500 s ago]")
    error.last_in_age_s = 0.0
    assert str(error).endswith("; last bytes in: 0.000 s ago, out: 1.500 s ago]")


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.__name__)
def test_every_error_has_every_attribute(kind: type[AMQPError]) -> None:
    error = kind("it broke")
    assert (error.phase, error.elapsed, error.peer) == ("", {}, "")
    assert (error.last_in_age_s, error.last_out_age_s) == (None, None)
    assert (error.reply_code or 0, error.reply_text, error.failing_method) == (0, "", "")


def test_before_anything_is_known_there_is_nothing() -> None:
    error = ConnectionFailed("it broke")
    assert (error.phase, error.elapsed, error.peer) == ("", {}, "")
    assert (error.reply_code, error.reply_text, error.failing_method) == (None, "", "")
    assert error.attempts == (error,)
    channel = ChannelClosed("it broke")
    assert (channel.reply_code, channel.reply_text, channel.channel) == (0, "", 0)


def test_errors_can_be_caught_as_what_python_has() -> None:
    assert isinstance(InvalidURL("x"), ValueError)
    assert isinstance(InvalidParameter("x"), LocalError)
    assert isinstance(CallTimeout("x"), TimeoutError)
    assert isinstance(PeerHungUp("x"), OSError)


# --- copies ---


def filled() -> list[AMQPError]:
    located = connection_closed(530, "no such vhost", "connection.open")
    located.phase, located.elapsed, located.peer = "open", {"open": 0.5}, "broker:5672"
    system = TransportError("it broke")
    system.errno = 104
    return [
        located,
        system,
        channel_closed(3, 404, "no queue", "queue.declare"),
        channel_closed(3, 999, "who knows"),
        connection_closed(403, "refused", scope=AuthenticationRefused),
        PeerHungUp("gone", cause="perhaps a storm", remedy=""),
        CallTimeout("late"),
        InvalidParameter("wrong"),
        WrongChannel("frame"),
        *[kind("what") for kind in CLASSES.values()],
    ]


COPIES: dict[str, Callable[[Any], Any]] = {
    "clone": AMQPError.clone,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - our own
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("number", range(len(filled())))
def test_a_copy_is_as_good_as_the_error(how: str, number: int) -> None:
    error = filled()[number]
    same = COPIES[how](error)
    assert same is not error
    assert type(same) is type(error)
    assert (str(same), repr(same), same.args) == (str(error), repr(error), error.args)
    assert same.__dict__ == error.__dict__
    assert same.retryable is error.retryable
    if isinstance(error, OSError):
        assert same.errno == error.errno  # type: ignore[attr-defined]


def test_a_clone_has_the_cause_but_not_the_traceback() -> None:
    cause = OSError("root")

    def fail() -> None:
        raise PeerHungUp("gone") from cause

    with pytest.raises(PeerHungUp) as caught:
        fail()
    clone = caught.value.clone()
    assert clone.__cause__ is cause
    assert clone.__traceback__ is None


def test_a_clone_is_changed_alone() -> None:
    error = PeerHungUp("gone")
    clone = error.clone()
    clone.what, clone.phase = "other", "tls"
    assert (error.what, error.phase) == ("gone", "")


@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_any_text_survives(what: str, cause: str | None, remedy: str | None) -> None:
    error = AMQPError(what, cause=cause, remedy=remedy)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own
