"""What the classes of all methods say of themselves, and how they behave as objects."""

from __future__ import annotations

import inspect
import pickle

import pytest

from amqpconn_spec._base import Method
from amqpconn_spec.v0_9_1 import basic, channel, connection, exchange, queue, registry, tx
from tests.wire.facts import METHODS, MethodFacts
from tests.wire.values import EXTREME, KINDS, ZERO, given_values

each_method = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.NAME)
each_fact = pytest.mark.parametrize("facts", METHODS, ids=lambda facts: facts.full_name)

#: A string that would be seen in a message or a repr.
HUSH = "tr0ub4dor"


def kind_of(facts: MethodFacts) -> type[Method]:
    return registry.METHODS[facts.class_id << 16 | facts.method_id]


# --- What classes say ---


def test_there_are_as_many_as_in_the_specification() -> None:
    assert len(METHODS) == 64
    assert [(facts.class_id, facts.method_id) for facts in METHODS] == [
        (kind.CLASS_ID, kind.METHOD_ID) for kind in KINDS
    ]


@each_fact
def test_a_class_says_of_itself_what_the_specification_says(facts: MethodFacts) -> None:
    kind = kind_of(facts)
    assert facts.full_name == kind.NAME
    assert kind.__name__ == "".join(part.capitalize() for part in facts.name.split("-"))
    assert kind.__module__ == f"amqpconn_spec.v0_9_1.{facts.class_name}"
    assert (facts.class_id, facts.method_id) == (kind.CLASS_ID, kind.METHOD_ID)
    assert facts.class_id << 16 | facts.method_id == kind.INDEX
    assert [reply.NAME for reply in kind.REPLIES] == [
        f"{facts.class_name}.{name}" for name in facts.responses
    ]
    assert kind.SYNCHRONOUS is facts.synchronous
    assert kind.HAS_CONTENT is facts.content
    assert tuple((field.python, field.type) for field in facts.arguments) == kind.FIELDS
    assert tuple(field.python for field in facts.arguments if field.secret) == kind.SECRETS


@each_fact
def test_who_accepts_a_method_does_not_send_it_unless_both_do(facts: MethodFacts) -> None:
    kind = kind_of(facts)
    assert kind.SENT_BY_CLIENT is ("server" in facts.accepted_by)
    assert kind.SENT_BY_SERVER is ("client" in facts.accepted_by)


def test_directions_of_some_that_others_got_wrong() -> None:
    assert connection.Start.SENT_BY_SERVER
    assert not connection.Start.SENT_BY_CLIENT
    assert basic.Publish.SENT_BY_CLIENT
    assert not basic.Publish.SENT_BY_SERVER
    assert connection.UpdateSecret.SENT_BY_CLIENT
    assert not connection.UpdateSecret.SENT_BY_SERVER
    assert not connection.Blocked.SENT_BY_CLIENT
    for kind in (basic.Ack, basic.Nack, basic.Cancel, basic.CancelOk, channel.Close):
        assert kind.SENT_BY_CLIENT
        assert kind.SENT_BY_SERVER


def test_a_method_can_have_two_answers() -> None:
    assert (basic.GetOk, basic.GetEmpty) == basic.Get.REPLIES
    assert basic.GetOk.REPLIES == ()


@each_fact
def test_the_constructor_takes_the_arguments_in_order_and_each_is_zero(facts: MethodFacts) -> None:
    kind = kind_of(facts)
    parameters = list(inspect.signature(kind).parameters.values())
    assert [each.name for each in parameters] == [field.python for field in facts.arguments]
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
    empty = kind()
    for field in facts.arguments:
        value = getattr(empty, field.python)
        assert value == ZERO[field.type]
        assert type(value) is type(ZERO[field.type])
    for field in facts.fields:
        assert field.reserved is not hasattr(empty, field.python)


def test_a_table_that_nobody_gave_is_not_shared() -> None:
    one, other = queue.Declare(), queue.Declare()
    one.arguments["x"] = 1
    assert other.arguments == {}


@each_method
def test_a_method_has_nothing_but_its_arguments(kind: type[Method]) -> None:
    method = kind()
    assert not hasattr(method, "__dict__")
    assert kind.__slots__ == tuple(name for name, _ in kind.FIELDS)
    with pytest.raises(AttributeError):
        method.anything = 1  # type: ignore[attr-defined]


# --- As objects ---


@each_method
def test_methods_are_equal_when_all_their_arguments_are(kind: type[Method]) -> None:
    method = given_values(kind, EXTREME)
    assert method == given_values(kind, EXTREME)
    assert (method == given_values(kind, ZERO)) is not bool(kind.FIELDS)
    for name, wire_type in kind.FIELDS:
        other = given_values(kind, EXTREME)
        setattr(other, name, ZERO[wire_type])
        assert method != other
    assert method != object()
    assert method.__eq__(object()) is NotImplemented
    another = next(each for each in KINDS if each is not kind)
    assert method != given_values(another, EXTREME)


@each_method
def test_methods_can_change_and_so_have_no_hash(kind: type[Method]) -> None:
    assert kind.__hash__ is None
    with pytest.raises(TypeError, match="unhashable"):
        hash(kind())


@each_method
def test_a_repr_is_how_the_method_could_be_made(kind: type[Method]) -> None:
    method = given_values(kind, EXTREME)
    shown = repr(method)
    module = kind.__module__.rpartition(".")[2]
    assert shown.startswith(f"{module}.{kind.__name__}(")
    if not kind.SECRETS:
        names = {"connection": connection, "channel": channel, "exchange": exchange}
        names |= {"queue": queue, "basic": basic, "tx": tx}
        if module in names:
            assert eval(shown, {**names}) == method  # noqa: S307 - our own repr


def test_a_method_can_be_taken_apart_by_position_and_by_name() -> None:
    match registry.decode_method(connection.TuneOk(1, 2, 3).encode()):
        case connection.TuneOk(channel_max, frame_max, heartbeat=heartbeat):
            assert (channel_max, frame_max, heartbeat) == (1, 2, 3)
        case other:
            pytest.fail(f"{other} is no tune-ok")
    match basic.Deliver("tag", 1, routing_key="k"):
        case basic.Deliver(_, 2):
            pytest.fail("the delivery tag is 1")
        case basic.Deliver("tag", 1, False, "", key):
            assert key == "k"


def test_a_method_can_be_copied_and_pickled() -> None:
    method = given_values(basic.Consume, EXTREME)
    assert pickle.loads(pickle.dumps(method)) == method  # noqa: S301


def test_a_method_without_an_encoding_of_its_own_says_so() -> None:
    class Bare(Method):
        pass

    for call in (lambda: Bare().encode(), lambda: Bare.decode(b"")):
        with pytest.raises(NotImplementedError, match="Bare has no"):
            call()


# --- What the specification asserts, for those who ask ---


def test_check_tells_what_the_specification_asserts_and_brokers_do_not_care() -> None:
    declare = queue.Declare("a name with spaces")
    (problem,) = declare.check()
    assert problem.startswith("queue.declare.queue breaks the assertion regexp ")
    assert queue.Declare.decode(declare.encode()) == declare
    assert queue.Declare("x" * 128).check() == [
        "queue.declare.queue breaks the assertion length 127"
    ]
    assert queue.Declare("jobs").check() == []


def test_check_compares_an_answer_with_its_request() -> None:
    tune = connection.Tune(10, 8192, 60)
    assert connection.TuneOk(10, 8192, 60).check(tune) == []
    assert connection.TuneOk(11, 8192, 60).check(tune) == [
        "connection.tune-ok.channel_max breaks the assertion le 10"
    ]
    assert connection.TuneOk(11, 8192, 60).check() == []
    assert connection.TuneOk(0).check() == [
        "connection.tune-ok.channel_max breaks the assertion notnull"
    ]
