"""Calls: replies in order, callers who give up, times that run out, and what may not be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.core.assembler import Content
from amqpconn.core.events import Arrived, Call
from amqpconn.errors import CallTimeout, InvalidParameter, NotOpen, UnexpectedMethod
from amqpconn_spec._base import Method
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, channel, confirm, connection, exchange, queue, tx
from tests.core.server import EPOCH, TUNE, Client, content, opened

# --- replies ---


def test_a_reply_belongs_to_the_first_call_that_waits() -> None:
    client = opened()
    chan = client.open_channel()
    core, now = client.core, client.now
    first = core.call(queue.Declare("a"), chan, None, now, None)
    second = core.call(queue.Declare("b"), chan, None, now, None)
    third = core.call(basic.Qos(prefetch_count=1), chan, None, now, None)
    assert client.methods() == [
        queue.Declare("a"),
        queue.Declare("b"),
        basic.Qos(prefetch_count=1),
    ]
    client.feed(queue.DeclareOk("a"), chan.id)
    assert client.events() == [first]
    assert (first.reply, first.done, second.done) == (queue.DeclareOk("a"), True, False)
    client.feed(queue.DeclareOk("b"), chan.id)
    client.feed(basic.QosOk(), chan.id)
    assert client.events() == [second, third]
    assert second.reply == queue.DeclareOk("b")


def test_channels_do_not_wait_for_each_other() -> None:
    client = opened()
    calls = [
        client.core.call(queue.Declare(), client.open_channel(), None, client.now, None)
        for _ in range(3)
    ]
    for call in reversed(calls):
        client.feed(queue.DeclareOk(), call.channel.id)
    assert client.events() == calls[::-1]


def test_what_is_no_reply_comes_in_between() -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.call(tx.Commit(), chan, None, client.now, None)
    client.feed(basic.Ack(1), chan.id)
    for frame in content(basic.Deliver("tag", 1), b"body", chan.id):
        client.feed(frame)
    client.feed(tx.CommitOk(), chan.id)
    ack, delivery, over = client.events()
    assert isinstance(ack, Arrived)
    assert (ack.method, ack.content) == (basic.Ack(1), None)
    assert isinstance(delivery, Arrived)
    assert delivery.content == Content(b"body", basic.Properties())
    assert over is call


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_call_with_two_possible_replies(is_empty: bool) -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.call(basic.Get("q"), chan, None, client.now, None)
    reply: Method = basic.GetEmpty() if is_empty else basic.GetOk(1, exchange="", routing_key="q")
    frames = [reply.encode_frame(chan.id)] if is_empty else content(reply, b"body", chan.id)
    for frame in frames:
        assert not call.done
        client.feed(frame)
    assert call.reply == reply
    assert (call.content is None) is is_empty
    if call.content is not None:
        assert call.content.body == b"body"


@pytest.mark.parametrize(
    "reply", [queue.DeclareOk(), tx.CommitOk(), basic.CancelOk(), channel.FlowOk()]
)
def test_a_reply_that_nobody_asked_for(reply: Method) -> None:
    client = opened()
    chan = client.open_channel()
    client.core.call(queue.Bind("q", "e"), chan, None, client.now, None)
    client.feed(reply, chan.id)
    assert type(client.error) is UnexpectedMethod
    assert client.error.what == f"{reply.NAME} came on channel 1; no call waits for it"


def test_a_reply_on_another_channel_is_none() -> None:
    client = opened()
    client.core.call(queue.Declare(), client.open_channel(), None, client.now, None)
    client.open_channel()
    client.feed(queue.DeclareOk(), 2)
    assert type(client.error) is UnexpectedMethod


# --- callers who do not wait ---


def test_an_answer_that_comes_late_is_dropped_and_keeps_the_others_in_step() -> None:
    client = opened()
    chan = client.open_channel()
    core = client.core
    slow = core.call(queue.Declare("slow"), chan, None, client.now, 2.0)
    gone = core.call(queue.Declare("gone"), chan, None, client.now, None)
    kept = core.call(queue.Declare("kept"), chan, None, client.now, 10.0)
    core.abandon(gone)
    client.wait(2.0)
    assert client.events() == [slow]
    assert isinstance(slow.error, CallTimeout)
    assert slow.error.what == "no answer to queue.declare on channel 1 in time"
    assert isinstance(gone.error, NotOpen)
    for name in ("slow", "gone", "kept"):
        client.feed(queue.DeclareOk(name), chan.id)
    assert client.events() == [kept]
    assert kept.reply == queue.DeclareOk("kept")
    assert (slow.reply, gone.reply) == (None, None)
    client.wait(10.0)
    assert client.events() == []


def test_a_late_answer_with_content_is_dropped_whole() -> None:
    client = opened()
    chan = client.open_channel()
    get = client.core.call(basic.Get("q"), chan, None, client.now, 1.0)
    after = client.core.call(queue.Declare("q"), chan, None, client.now, None)
    client.wait(1.0)
    for frame in content(basic.GetOk(), b"late", chan.id):
        client.feed(frame)
    client.feed(queue.DeclareOk("q"), chan.id)
    assert client.events() == [get, after]
    assert get.content is None


@given(st.lists(st.sampled_from(["answered", "abandoned", "timed out"]), min_size=1, max_size=6))
def test_answers_find_their_calls_whoever_gives_up(fates: list[str]) -> None:
    client = opened()
    chan = client.open_channel()
    calls = [
        client.core.call(
            queue.Declare(str(number)), chan, None, client.now, 1.0 if fate == "timed out" else None
        )
        for number, fate in enumerate(fates)
    ]
    for call, fate in zip(calls, fates, strict=True):
        if fate == "abandoned":
            client.core.abandon(call)
    client.wait(1.0)
    for number in range(len(calls)):
        client.feed(queue.DeclareOk(str(number)), chan.id)
    assert client.core.error is None
    for number, (call, fate) in enumerate(zip(calls, fates, strict=True)):
        assert call.done
        assert call.reply == (queue.DeclareOk(str(number)) if fate == "answered" else None)
        assert (call.error is None) is (fate == "answered")


def test_a_call_that_timed_out_is_told_once() -> None:
    client = opened()
    call = client.core.call(queue.Declare(), client.open_channel(), None, client.now, 1.0)
    client.wait(1.0)
    client.core.abandon(call)
    client.eof()
    client.down()
    assert [event for event in client.events() if isinstance(event, Call)] == [call]
    assert isinstance(call.error, CallTimeout)


# --- update-secret, the only call on channel 0 ---


def test_update_secret() -> None:
    client = opened()
    call = client.core.update_secret(b"token", "it expires", client.now, 5.0)
    assert client.methods() == [connection.UpdateSecret(b"token", "it expires")]
    client.feed(connection.UpdateSecretOk())
    assert client.events() == [call]
    assert isinstance(call.reply, connection.UpdateSecretOk)
    assert client.core.manager.is_open


def test_an_update_secret_that_is_not_answered() -> None:
    client = opened()
    call = client.core.update_secret(b"token", "", client.now, 5.0)
    client.wait(5.0)
    assert isinstance(call.error, CallTimeout)
    assert "connection.update-secret on channel 0" in call.error.what


def test_a_secret_that_does_not_fit() -> None:
    client = opened()
    with pytest.raises(EncodeError, match="new_secret must be bytes, not str"):
        client.core.update_secret("token", "", client.now, None)  # type: ignore[arg-type]
    with pytest.raises(EncodeError, match=r"update-secret\.reason"):
        client.core.update_secret(b"token", "x" * 256, client.now, None)
    assert client.sent() == []
    assert client.core.manager.is_open


# --- what may not be sent ---

ANSWERED = [queue.Declare(), basic.Get(), tx.Select(), channel.Flow(), confirm.Select()]
UNANSWERED = [basic.Ack(), basic.Reject(), queue.Declare(no_wait=True), basic.CancelOk()]


@pytest.mark.parametrize("method", ANSWERED, ids=lambda method: method.NAME)
def test_what_is_answered_is_not_sent(method: Method) -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match=f"{method.NAME} is answered: use call"):
        client.core.send(method, client.open_channel())


@pytest.mark.parametrize("method", UNANSWERED, ids=lambda method: method.NAME)
def test_what_is_not_answered_is_not_called(method: Method) -> None:
    client = opened()
    chan = client.open_channel()
    with pytest.raises(InvalidParameter, match=r"is not answered .*: use send"):
        client.core.call(method, chan, None, client.now, None)
    client.core.send(method, chan)
    assert client.methods() == [method]
    assert not chan.pending


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (queue.DeclareOk(), "queue.declare-ok is sent by servers only"),
        (basic.Deliver(), "basic.deliver is sent by servers only"),
        (connection.CloseOk(), "is not for channel 1, or sent by the library itself"),
        (connection.TuneOk(), "is not for channel 1, or sent by the library itself"),
        (channel.CloseOk(), "is not for channel 1, or sent by the library itself"),
        (channel.FlowOk(), "is not for channel 1, or sent by the library itself"),
        (basic.Publish(), "basic.publish needs content"),
    ],
    ids=lambda value: value.NAME if isinstance(value, Method) else "",
)
def test_what_is_not_the_users_to_send(method: Method, said: str) -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match=said):
        client.core.send(method, client.open_channel())
    assert client.sent() == []


@pytest.mark.parametrize(
    "method", [channel.Open(), channel.Close(), connection.UpdateSecret(), connection.Close()]
)
def test_what_is_not_the_users_to_call(method: Method) -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match="is not for channel 1"):
        client.core.call(method, client.open_channel(), None, client.now, None)


@pytest.mark.parametrize("method", [connection.Open(), connection.Close(), queue.Declare()])
def test_what_is_not_for_the_control_channel(method: Method) -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match="is not for channel 0"):
        client.core.call(method, client.core.channels.control, None, client.now, None)
    assert client.core.manager.is_open


def test_a_method_without_content_takes_none() -> None:
    client = opened()
    with pytest.raises(InvalidParameter, match=r"basic\.ack does not carry content"):
        client.core.send(basic.Ack(1), client.open_channel(), Content(b""))


def test_a_value_that_does_not_fit_leaves_nothing_behind() -> None:
    client = opened()
    chan = client.open_channel()
    with pytest.raises(EncodeError, match=r"queue\.declare\.queue"):
        client.core.call(queue.Declare("q" * 256), chan, None, client.now, 1.0)
    assert client.sent() == []
    assert not chan.pending
    assert client.core.next_deadline() == EPOCH + TUNE.heartbeat / 2


def test_a_method_larger_than_a_frame_is_refused_here_and_not_by_the_broker() -> None:
    client = opened(frame_max=4096)
    chan = client.open_channel()
    fitting = exchange.Declare("e", arguments={"x": "y" * 4000})
    client.core.call(fitting, chan, None, client.now, None)
    assert client.methods() == [fitting]
    above = exchange.Declare("e", arguments={"x": "y" * 4096})
    with pytest.raises(InvalidParameter, match=r"take a frame of 41.. bytes; .* frame_max is 4096"):
        client.core.call(above, chan, None, client.now, None)
    assert client.sent() == []
    assert len(chan.pending) == 1


# --- before and after ---


def test_nothing_is_sent_before_the_connection_is_open() -> None:
    for client in (Client(), Client().connect()):
        control = client.core.channels.control
        state = client.core.state.value
        with pytest.raises(NotOpen, match=f"the connection is {state}"):
            client.core.call(queue.Declare(), control, None, client.now, None)
        with pytest.raises(NotOpen, match=f"the connection is {state}"):
            client.core.open_channel(client.now, None)
        with pytest.raises(NotOpen, match=f"the connection is {state}"):
            client.core.update_secret(b"", "", client.now, None)
