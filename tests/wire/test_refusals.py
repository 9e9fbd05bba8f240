"""Values that do not fit are refused by name, and secrets are shown nowhere."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pytest

from amqpconn_spec._base import Method
from amqpconn_spec._wire import DecodeError, EncodeError, WireError
from amqpconn_spec.v0_9_1 import channel, connection, queue, registry
from tests.wire.facts import METHODS, MethodFacts
from tests.wire.values import EXTREME, KINDS, WRONG, given_values

each_method = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.NAME)
each_fact = pytest.mark.parametrize("facts", METHODS, ids=lambda facts: facts.full_name)

#: A string that would be seen in a message or a repr.
HUSH = "tr0ub4dor"


def kind_of(facts: MethodFacts) -> type[Method]:
    return registry.METHODS[facts.class_id << 16 | facts.method_id]


# --- Values that do not fit ---


@each_method
def test_a_value_that_does_not_fit_is_named(kind: type[Method]) -> None:
    for name, wire_type in kind.FIELDS:
        for value, words in WRONG.get(wire_type, ()):
            method = given_values(kind, EXTREME)
            setattr(method, name, value)
            for encode in (method.encode, partial(method.encode_frame, 1)):
                with pytest.raises(EncodeError) as caught:
                    encode()
                told = str(caught.value)
                assert told.startswith(f"{kind.NAME}.{name}")
                assert words in told
                assert caught.value.__cause__ is None
                context = caught.value.__context__
                assert context is None or caught.value.__suppress_context__
                assert context is None or name not in kind.SECRETS


@each_method
def test_a_channel_that_does_not_fit_is_named(kind: type[Method]) -> None:
    wrong_ones: list[Any] = [-1, 65536, 1.5, "1", None]
    for wrong in wrong_ones:
        with pytest.raises(
            EncodeError, match=r"^frame\.channel must be an integer from 0 to 65535"
        ):
            kind().encode_frame(wrong)


def test_the_first_of_several_wrong_values_is_named() -> None:
    method = connection.TuneOk(-1, -1, -1)
    with pytest.raises(EncodeError, match=r"^connection\.tune-ok\.channel_max "):
        method.encode()


def test_a_value_that_changes_its_mind_is_refused_all_the_same() -> None:
    class Fickle:
        """An integer that is too large only when it counts."""

        def __init__(self) -> None:
            self.answers = [70_000, 1]

        def __index__(self) -> int:
            return self.answers.pop(0)

    method = connection.TuneOk(channel_max=Fickle())  # type: ignore[arg-type]
    with pytest.raises(EncodeError, match=r"^connection\.tune-ok does not fit into a frame"):
        method.encode()


def test_a_string_must_be_one_and_not_only_be_able_to_encode() -> None:
    method = queue.Declare(queue=queue.Declare())  # type: ignore[arg-type]
    with pytest.raises(EncodeError, match=r"^queue\.declare\.queue must be a str, not Declare"):
        method.encode()


def test_what_stands_for_an_integer_bytes_or_a_truth_value_is_taken() -> None:
    class Seven:
        def __index__(self) -> int:
            return 7

    assert connection.TuneOk(Seven()).encode() == connection.TuneOk(7).encode()  # type: ignore[arg-type]
    assert connection.TuneOk(heartbeat=True).encode() == connection.TuneOk(heartbeat=1).encode()
    for octets in (bytearray(b"abc"), memoryview(b"abc")):
        secure = connection.Secure(octets)  # type: ignore[arg-type]
        assert secure.encode() == connection.Secure(b"abc").encode()
    for truth in (1, "yes", [0]):
        flow = channel.Flow(active=truth)  # type: ignore[arg-type]
        assert flow.encode() == channel.Flow(active=True).encode()
    for no in (0, "", None):
        flow = channel.Flow(active=no)  # type: ignore[arg-type]
        assert flow.encode() == channel.Flow(active=False).encode()


def test_both_errors_are_value_errors_and_can_be_pickled() -> None:
    for error in (EncodeError("a.b", "is bad"), DecodeError("a.b", 3, "is bad")):
        assert isinstance(error, WireError)
        assert isinstance(error, ValueError)
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


# --- Secrets ---


def test_three_fields_are_secret() -> None:
    assert {f"{kind.NAME}.{name}" for kind in KINDS for name in kind.SECRETS} == {
        "connection.start-ok.response",
        "connection.secure-ok.response",
        "connection.update-secret.new_secret",
    }


SECRETIVE = [kind for kind in KINDS if kind.SECRETS]


@pytest.mark.parametrize("kind", SECRETIVE, ids=lambda kind: kind.NAME)
def test_a_secret_is_in_no_repr_and_no_error(kind: type[Method]) -> None:
    (name,) = kind.SECRETS
    method = kind(**{name: HUSH.encode()})
    assert f"{name}=<9 secret bytes>" in repr(method)
    assert HUSH not in repr(method)
    for wrong in (HUSH, [HUSH], HUSH + "\ud800"):
        setattr(method, name, wrong)
        assert HUSH not in repr(method)
        with pytest.raises(EncodeError) as caught:
            method.encode()
        assert str(caught.value) == f"{kind.NAME}.{name} must be bytes, not {type(wrong).__name__}"
    for octets in (b"\x00\x00\x00\x0f" + HUSH.encode(), HUSH.encode()[3:]):
        with pytest.raises(DecodeError) as refused:
            kind.decode(octets, 0)
        assert HUSH not in str(refused.value)


def test_a_secret_that_is_no_string_is_not_shown_either() -> None:
    """No version has one so far; an overlay may mark any field."""

    class Pin(Method):
        __slots__ = ("pin",)
        NAME = "lock.pin"
        FIELDS = (("pin", "short"),)
        SECRETS = ("pin",)

        def encode_frame(self, channel: int) -> bytes:
            raise self._encode_error(ValueError(), channel)

    secret = Pin()
    secret.pin = 987654  # type: ignore[attr-defined]
    assert repr(secret) == "test_refusals.Pin(pin=<secret>)"
    with pytest.raises(EncodeError) as caught:
        secret.encode()
    assert str(caught.value) == "lock.pin.pin is secret and does not fit the type short"
