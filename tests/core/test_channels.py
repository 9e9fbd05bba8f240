"""Channels: ids, opening, closing from either side, and frames that do not belong."""

from __future__ import annotations

import pytest

from amqpconn.core.assembler import Content
from amqpconn.core.events import Arrived, Call, ChannelDown, ChannelState
from amqpconn.errors import (
    CallTimeout,
    ChannelClosed,
    ConnectionFailed,
    NoFreeChannel,
    NotFound,
    NotOpen,
    PreconditionFailed,
    UnexpectedContent,
    UnexpectedMethod,
    WrongChannel,
)
from amqpconn_spec._base import Method
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, channel, connection, exchange, queue
from amqpconn_spec.v0_9_1.frames import MethodFrame
from tests.core.server import EPOCH, Client, content, opened

NO_QUEUE = channel.Close(404, "NOT_FOUND - no queue 'q' in vhost '/'", 50, 10)


def small(channel_max: int) -> Client:
    return opened(connection.Tune(channel_max, 131072, 60))


# --- opening, and ids ---


def test_a_channel_is_open_when_the_server_says_so() -> None:
    client = opened()
    call = client.core.open_channel(client.now, 1.0)
    assert client.sent() == [MethodFrame(1, channel.Open())]
    assert call.channel.state is ChannelState.OPENING
    client.feed(channel.OpenOk(), 1)
    assert client.events() == [call]
    assert isinstance(call.reply, channel.OpenOk)
    assert call.channel.state is ChannelState.OPEN  # type: ignore[comparison-overlap]
    assert client.core.channels.get(1) is call.channel


def test_ids_go_up_to_channel_max_and_no_further() -> None:
    client = small(3)
    assert [client.open_channel().id for _ in range(3)] == [1, 2, 3]
    with pytest.raises(NoFreeChannel, match="all 3 channels"):
        client.core.open_channel(client.now, None)
    assert client.sent() == []


def test_all_ids_of_the_wire_can_be_used() -> None:
    client = opened(connection.Tune(0, 131072, 0))
    calls = [client.core.open_channel(client.now, None) for _ in range(65535)]
    assert [call.channel.id for call in calls] == list(range(1, 65536))
    with pytest.raises(NoFreeChannel):
        client.core.open_channel(client.now, None)


@pytest.mark.parametrize("is_theirs", [True, False], ids=["theirs", "ours"])
def test_ids_are_used_again_after_a_close(is_theirs: bool) -> None:
    client = small(2)
    first, second = client.open_channel(), client.open_channel()
    if is_theirs:
        client.feed(NO_QUEUE, first.id)
    else:
        client.core.close_channel(first, client.now, None)
        client.feed(channel.CloseOk(), first.id)
    assert client.core.channels.get(first.id) is None
    again = client.open_channel()
    assert (again.id, second.id) == (1, 2)
    assert again is not first
    assert (first.state, again.state) == (ChannelState.CLOSED, ChannelState.OPEN)


def test_an_id_is_not_used_again_before_its_close_is_answered() -> None:
    client = small(1)
    client.core.close_channel(client.open_channel(), client.now, None)
    with pytest.raises(NoFreeChannel):
        client.core.open_channel(client.now, None)


def test_the_control_channel_is_no_channel_of_users() -> None:
    client = opened()
    assert client.core.channels.get(0) is client.core.channels.control
    assert client.core.channels.get(1) is None


@pytest.mark.parametrize(
    "method", [basic.Deliver(), basic.Ack(), channel.Flow(), queue.DeclareOk(), channel.CloseOk()]
)
def test_before_open_ok_only_open_ok_or_close_may_come(method: Method) -> None:
    client = opened()
    call = client.core.open_channel(client.now, None)
    client.feed(method, 1)
    assert type(client.error) is WrongChannel
    assert client.error.what == f"{method.NAME} came on channel 1, which is opening"
    client.down()
    assert type(call.error) is WrongChannel


def test_the_server_may_refuse_a_channel() -> None:
    client = opened()
    call = client.core.open_channel(client.now, None)
    client.feed(channel.Close(506, "RESOURCE_ERROR - no more"), 1)
    assert isinstance(call.error, ChannelClosed)
    assert call.error.reply_code == 506
    assert client.methods() == [channel.Open(), channel.CloseOk()]
    assert client.core.channels.get(1) is None


def test_methods_wait_until_the_channel_is_open() -> None:
    client = opened()
    opening = client.core.open_channel(client.now, None).channel
    with pytest.raises(NotOpen, match="channel 1 is opening"):
        client.core.send(basic.Ack(1), opening)
    with pytest.raises(NotOpen, match="channel 1 is opening"):
        client.core.close_channel(opening, client.now, None)


def test_open_ok_comes_once() -> None:
    client = opened()
    client.open_channel()
    client.feed(channel.OpenOk(), 1)
    assert client.error.what == "channel.open-ok came on channel 1, which is open"


# --- a caller who gives up while the channel opens ---


@pytest.mark.parametrize("is_timed_out", [True, False], ids=["timed out", "abandoned"])
def test_a_channel_that_nobody_waits_for_is_closed(is_timed_out: bool) -> None:
    client = small(1)
    call = client.core.open_channel(client.now, 2.0)
    if is_timed_out:
        client.wait(2.0)
        assert client.events() == [call]
        assert isinstance(call.error, CallTimeout)
    else:
        client.core.abandon(call)
        assert client.events() == []
        assert isinstance(call.error, NotOpen)
    client.feed(channel.OpenOk(), 1)
    assert client.methods() == [
        channel.Open(),
        channel.Close(200, "nobody waits for this channel"),
    ]
    client.feed(channel.CloseOk(), 1)
    assert client.open_channel().id == 1
    assert call.reply is None


def test_a_caller_who_gives_up_too_late_changes_nothing() -> None:
    client = opened()
    call = client.core.open_channel(client.now, None)
    client.feed(channel.OpenOk(), 1)
    client.core.abandon(call)
    assert isinstance(call.reply, channel.OpenOk)
    assert call.error is None


# --- closing from our side ---


def test_we_close_a_channel() -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.close_channel(chan, client.now, 1.0)
    assert client.methods() == [channel.Close(200, "bye")]
    assert chan.state is ChannelState.CLOSING
    client.feed(channel.CloseOk(), chan.id)
    down, over = client.events()
    assert isinstance(down, ChannelDown)
    assert (down.channel, down.error) == (chan, None)
    assert over is call
    assert isinstance(call.reply, channel.CloseOk)
    assert client.core.manager.is_open


def test_our_reply_code_and_as_much_of_the_text_as_fits() -> None:
    client = opened()
    client.core.close_channel(client.open_channel(), client.now, None, 406, "ä" * 200)
    assert client.methods() == [channel.Close(406, "ä" * 127)]


def test_a_reply_code_that_is_none_changes_nothing() -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.call(queue.Declare("q"), chan, None, client.now, None)
    with pytest.raises(EncodeError, match=r"channel\.close\.reply_code"):
        client.core.close_channel(chan, client.now, None, reply_code=-1)
    assert chan.state is ChannelState.OPEN
    client.feed(queue.DeclareOk("q"), chan.id)
    assert call.reply == queue.DeclareOk("q")


def test_closing_a_channel_ends_its_calls() -> None:
    client = opened()
    chan = client.open_channel()
    calls = [client.core.call(queue.Declare("q"), chan, None, client.now, None) for _ in range(2)]
    closing = client.core.close_channel(chan, client.now, None)
    assert client.events() == calls
    for call in calls:
        assert isinstance(call.error, NotOpen)
        assert call.error.what == "channel 1 was closed by its user"
    assert calls[0].error is not calls[1].error
    client.feed(queue.DeclareOk("q"), chan.id)
    client.feed(channel.CloseOk(), chan.id)
    assert isinstance(closing.reply, channel.CloseOk)


@pytest.mark.parametrize(
    "method",
    [
        basic.Cancel("tag"),
        basic.Ack(1),
        queue.DeclareOk(),
        channel.Flow(active=False),
        channel.OpenOk(),
        channel.FlowOk(),
    ],
)
def test_after_our_close_everything_but_the_end_is_dropped(method: Method) -> None:
    client = opened()
    chan = client.open_channel()
    closing = client.core.close_channel(chan, client.now, None)
    client.sent()
    client.feed(method, chan.id)
    for frame in content(basic.Deliver(), b"body", chan.id):
        client.feed(frame)
    assert client.sent() == []  # not even flow-ok: the server would not know the channel
    assert client.events() == []
    assert client.core.error is None
    client.feed(channel.CloseOk(), chan.id)
    assert closing.done


def test_a_channel_closes_once() -> None:
    client = opened()
    chan = client.open_channel()
    client.core.close_channel(chan, client.now, None)
    with pytest.raises(NotOpen, match="channel 1 is closing"):
        client.core.close_channel(chan, client.now, None)
    client.feed(channel.CloseOk(), chan.id)
    with pytest.raises(NotOpen, match="channel 1 is closed"):
        client.core.close_channel(chan, client.now, None)


def test_a_close_ok_that_comes_late_still_frees_the_channel() -> None:
    client = small(1)
    call = client.core.close_channel(client.open_channel(), client.now, 1.0)
    client.wait(1.0)
    assert client.events() == [call]
    assert isinstance(call.error, CallTimeout)
    client.feed(channel.CloseOk(), 1)
    assert [type(event) for event in client.events()] == [ChannelDown]
    assert client.open_channel().id == 1


# --- closing from the server's side ---


def test_the_server_closes_a_channel_and_only_that() -> None:
    client = opened()
    broken, other = client.open_channel(), client.open_channel()
    core, now = client.core, client.now
    failing = [core.call(queue.Declare("q", passive=True), broken, None, now, None) for _ in "ab"]
    waiting = core.call(queue.Declare("r"), other, None, now, None)
    client.sent()
    client.feed(NO_QUEUE, broken.id)
    assert client.sent() == [MethodFrame(broken.id, channel.CloseOk())]
    *over, down = client.events()
    assert over == failing
    assert isinstance(down, ChannelDown)
    assert down.channel is broken
    error = down.error
    assert isinstance(error, NotFound)
    assert isinstance(error, ChannelClosed)
    assert not isinstance(error, ConnectionFailed)
    assert (error.reply_code, error.failing_method, error.channel) == (404, "queue.declare", 1)
    assert error.reply_text == NO_QUEUE.reply_text
    assert NO_QUEUE.reply_text in str(error)
    for call in failing:
        assert type(call.error) is type(error)
        assert call.error is not error
        assert str(call.error) == str(error)
    assert not waiting.done
    client.feed(queue.DeclareOk("r"), other.id)
    assert waiting.reply == queue.DeclareOk("r")


def test_a_closed_channel_tells_why() -> None:
    client = opened()
    chan = client.open_channel()
    client.feed(channel.Close(406, "PRECONDITION_FAILED - unknown delivery tag 7", 60, 80), 1)
    with pytest.raises(NotOpen, match="channel 1 is closed") as caught:
        client.core.send(basic.Ack(7), chan)
    assert isinstance(caught.value.__cause__, PreconditionFailed)
    assert caught.value.__cause__ is chan.error


@pytest.mark.parametrize("code", [0, 799, 65535])
def test_reply_codes_that_nobody_knows(code: int) -> None:
    client = opened()
    client.open_channel()
    client.feed(channel.Close(code, "why", 99, 98), 1)
    error = client.event(ChannelDown).error
    assert type(error) is ChannelClosed
    assert "unknown reply code" in str(error)
    assert error.failing_method == "method 99.98"


def test_close_ok_goes_behind_what_waits_for_that_channel() -> None:
    # In front of it, the server would read the rest on a channel that is not open: a hard error.
    client = opened()
    chan = client.open_channel()
    client.core.send(basic.Publish(routing_key="q"), chan, Content(b"body"))
    client.feed(NO_QUEUE, chan.id)
    client.core.open_channel(client.now, None)
    kinds = [type(frame).__name__ for frame in client.sent()]
    assert kinds == ["MethodFrame", "HeaderFrame", "BodyFrame", "MethodFrame", "MethodFrame"]


def test_when_both_close_a_channel_each_answers_and_waits_for_the_other() -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.close_channel(chan, client.now, None)
    client.feed(NO_QUEUE, chan.id)
    assert client.methods() == [channel.Close(200, "bye"), channel.CloseOk()]
    assert client.events() == []
    assert chan.state is ChannelState.CLOSING
    client.feed(channel.CloseOk(), chan.id)
    down, over = client.events()
    assert isinstance(down, ChannelDown)
    assert down.error is None
    assert over is call
    assert isinstance(call.reply, channel.CloseOk)


def test_close_ok_that_nobody_asked_for() -> None:
    client = opened()
    client.open_channel()
    client.feed(channel.CloseOk(), 1)
    assert client.error.what == "channel.close-ok came on channel 1, which is open"


# --- flow ---


@pytest.mark.parametrize("active", [True, False])
def test_flow_is_answered_at_once_and_told(active: bool) -> None:
    client = opened()
    chan = client.open_channel()
    client.core.send(basic.Ack(1), chan)
    client.feed(channel.Flow(active), chan.id)
    assert client.methods() == [channel.FlowOk(active), basic.Ack(1)]
    arrived = client.event(Arrived)
    assert (arrived.channel, arrived.method) == (chan, channel.Flow(active))
    assert arrived.content is None


def test_we_may_ask_for_flow_too() -> None:
    client = opened()
    chan = client.open_channel()
    call = client.core.call(channel.Flow(active=False), chan, None, client.now, None)
    client.feed(channel.FlowOk(active=False), chan.id)
    assert call.reply == channel.FlowOk(active=False)


# --- what does not belong ---


@pytest.mark.parametrize(
    "method", [exchange.Declare(), basic.Publish(), basic.Get(), connection.Close(), channel.Open()]
)
def test_methods_that_servers_do_not_send_on_channels(method: Method) -> None:
    client = opened()
    client.open_channel()
    client.feed(method, 1)
    assert type(client.error) is UnexpectedMethod
    assert f"{method.NAME} came on channel 1; it does not belong there" in client.error.what
    (close,) = client.methods()
    assert isinstance(close, connection.Close)
    assert close.reply_code == 503


@pytest.mark.parametrize("number", [2, 65535])
def test_frames_on_channels_that_are_not_open(number: int) -> None:
    for frame in content(basic.Deliver(), b"body", number):
        client = opened()
        client.open_channel()
        client.feed(frame)
        assert type(client.error) is WrongChannel
        assert f"channel {number}, which is not open" in client.error.what
        (close,) = client.methods()
        assert isinstance(close, connection.Close)
        assert close.reply_code == 504


def test_content_is_not_to_be_interrupted() -> None:
    client = opened()
    client.open_channel()
    client.feed(basic.Deliver(), 1)
    client.feed(channel.Close(541, "oops"), 1)
    assert type(client.error) is UnexpectedContent


# --- who is told ---


def test_the_drivers_own_stays_with_the_channel() -> None:
    client = opened()
    call = client.core.open_channel(client.now, None)
    call.channel.owner = self = object()
    call.waiter = waiter = object()
    client.feed(channel.OpenOk(), 1)
    (event,) = client.events()
    assert isinstance(event, Call)
    assert event.waiter is waiter
    assert event.channel.owner is self
    assert event.deadline is None
    client.now = EPOCH
