"""The end of a connection: from either side, crossing, and when somebody does not play along."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amqpconn.core.endpoint import FAREWELL_S, LINGER_S, EndpointState
from amqpconn.core.events import Call, ChannelDown, ChannelState, Down, HangUp, StateChanged
from amqpconn.core.states import DISCARDING, PHASES, State
from amqpconn.errors import (
    AMQPError,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionForced,
    HungUpInUse,
    MalformedFrame,
    NotOpen,
    OpenAborted,
    UnexpectedMethod,
)
from amqpconn_spec._wire import EncodeError
from amqpconn_spec.v0_9_1 import basic, channel, connection, queue
from tests.core.server import EPOCH, IN_STATE, START, Client, in_state, opened

SHUTDOWN = connection.Close(320, "CONNECTION_FORCED - broker forced connection closure")
GARBAGE = b"\xff" * 8


def declare(client: Client) -> Call:
    return client.core.call(queue.Declare("q"), client.open_channel(), None, client.now, 60.0)


# --- from our side ---


def test_we_close_and_the_server_agrees() -> None:
    client = opened()
    client.core.close(client.now)
    assert client.methods() == [connection.Close(200, "bye")]
    assert client.core.state is EndpointState.DISCONNECTING
    assert client.core.phase == "closing"
    assert client.events() == []
    client.feed(connection.CloseOk())
    assert client.event(HangUp).quick is False
    assert client.sent() == []
    assert client.down() is None
    changed, down = client.all_events()
    assert isinstance(changed, StateChanged)
    assert changed.new is EndpointState.DISCONNECTED
    assert isinstance(down, Down)
    assert down.error is None


def test_changes_of_state_are_not_told_where_nobody_asked() -> None:
    client = opened()
    client.core.tells_states = False
    client.core.close(client.now)
    client.feed(connection.CloseOk())
    assert client.down() is None
    assert [type(event) for event in client.all_events()] == [HangUp, Down]
    assert client.core.state is EndpointState.DISCONNECTED


def test_our_reply_code_and_text_are_sent() -> None:
    client = opened()
    client.core.close(client.now, 5.0, 320, "moving house")
    assert client.methods() == [connection.Close(320, "moving house")]


@pytest.mark.parametrize("text", ["x" * 300, "ä" * 200, "€" * 100, "😀" * 64, "a" + "😀" * 64])
def test_a_long_reply_text_is_cut_where_a_character_ends(text: str) -> None:
    client = opened()
    client.core.close(client.now, reply_text=text)
    (close,) = client.methods()
    assert isinstance(close, connection.Close)
    assert text.startswith(close.reply_text)
    assert 252 <= len(close.reply_text.encode()) <= 255


def test_a_reply_text_that_is_no_unicode_is_sent_as_far_as_it_is() -> None:
    client = opened()
    client.core.close(client.now, reply_text="a\ud800b")
    assert client.methods() == [connection.Close(200, "a?b")]


def test_a_reply_code_that_is_none_changes_nothing() -> None:
    client = opened()
    with pytest.raises(EncodeError, match=r"connection\.close\.reply_code"):
        client.core.close(client.now, reply_code=70000)
    assert client.core.manager.is_open
    assert client.sent() == []
    client.core.close(client.now)
    assert client.methods() == [connection.Close(200, "bye")]


def test_what_was_sent_before_the_close_goes_out_before_it() -> None:
    client = opened()
    chan = client.open_channel()
    client.core.send(basic.Ack(1), chan)
    client.core.close(client.now)
    assert client.methods() == [basic.Ack(1), connection.Close(200, "bye")]


def test_closing_again_is_harmless() -> None:
    client = opened()
    client.core.close(client.now)
    client.sent()
    client.core.close(client.now)
    assert client.sent() == []
    client.feed(connection.CloseOk())
    client.core.close(client.now)
    client.down()
    client.core.close(client.now)
    client.core.abort(client.now)
    assert client.sent() == []
    assert [type(event) for event in client.events()] == [HangUp, Down]


def test_closing_what_was_never_opened_is_harmless() -> None:
    client = Client()
    client.core.close(client.now)
    client.core.abort(client.now)
    assert client.core.state is EndpointState.OFF
    assert client.all_events() == []


def test_nothing_can_be_sent_after_the_close() -> None:
    client = opened()
    chan = client.open_channel()
    client.core.close(client.now)
    for act in actions(client, chan):
        with pytest.raises(NotOpen, match="the connection is disconnecting"):
            act()


def actions(client: Client, chan: object) -> list[Callable[[], object]]:
    core, now = client.core, client.now
    return [
        lambda: core.call(queue.Declare("q"), chan, None, now, 1.0),  # type: ignore[arg-type]
        lambda: core.send(basic.Ack(1), chan),  # type: ignore[arg-type]
        lambda: core.open_channel(now, 1.0),
        lambda: core.close_channel(chan, now, 1.0),  # type: ignore[arg-type]
        lambda: core.update_secret(b"secret", "", now, 1.0),
        core.check_open,
    ]


def test_what_still_comes_after_our_close_is_dropped() -> None:
    client = opened()
    chan = client.open_channel()
    client.core.close(client.now)
    client.sent()
    client.feed(basic.Cancel("tag"), chan.id)
    client.feed(queue.DeclareOk(), 99)
    client.feed(connection.Blocked("disk"))
    client.feed(START)
    assert client.events() == []
    assert client.core.error is None
    assert client.core.manager.blocked_reason is None
    client.feed(connection.CloseOk())
    assert client.event(HangUp).quick is False


def test_no_close_ok_within_the_callers_time() -> None:
    client = opened()
    client.core.close(client.now, timeout=5.0)
    assert client.core.next_deadline() == EPOCH + 5.0
    client.wait(4.875)
    assert client.events() == []
    client.wait(0.125)
    assert client.event(HangUp).quick
    assert client.down() is None


def test_without_a_limit_close_waits_for_as_long_as_heartbeats_come() -> None:
    client = opened()
    client.core.close(client.now, timeout=None)
    for _ in range(20):
        client.wait(60.0)
        client.feed(client.core.dialect.heartbeat)
    assert client.events() == []
    client.wait(151.0)
    assert client.event(HangUp).quick
    assert client.down() is None  # it was to be closed, and now it is


@pytest.mark.parametrize("timeout", [1.0, 5.0, None])
def test_the_last_bytes_get_a_bounded_time(timeout: float | None) -> None:
    client = opened()
    client.core.close(client.now, timeout)
    client.feed(connection.CloseOk())
    assert not client.event(HangUp).quick
    client.wait(LINGER_S)
    assert client.event(HangUp).quick
    client.wait(1000.0)
    assert client.events() == []


@pytest.mark.parametrize("cause", [None, ConnectionResetError("reset")])
def test_a_server_that_hangs_up_in_answer_to_our_close(cause: Exception | None) -> None:
    client = opened()
    client.core.close(client.now)
    client.core.lost(cause, client.now)
    assert client.event(HangUp).quick
    assert client.down() is None


def test_garbage_in_answer_to_our_close() -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(GARBAGE)
    assert client.event(HangUp).quick is False
    assert client.methods() == [connection.Close(200, "bye")]  # what waited still goes out
    assert client.down() is None


# --- from the server's side ---


def test_the_server_closes_and_ends_the_stream() -> None:
    client = opened()
    client.feed(SHUTDOWN)
    assert client.methods() == [connection.CloseOk()]
    assert client.core.state is EndpointState.DISCONNECTING
    assert client.events() == []
    client.eof()
    assert client.event(HangUp).quick
    error = client.down()
    assert isinstance(error, ConnectionForced)
    assert isinstance(error, ConnectionClosed)
    assert error.retryable
    assert error.phase == "opened"
    assert client.event(Down).error is error
    assert client.core.state is EndpointState.FAILED


def test_what_waited_is_not_sent_after_the_servers_close() -> None:
    client = opened()
    chan = client.open_channel()
    client.core.send(basic.Ack(1), chan)
    client.feed(SHUTDOWN)
    assert client.methods() == [connection.CloseOk()]


def test_a_server_that_does_not_end_the_stream_after_its_close() -> None:
    client = opened()
    client.feed(SHUTDOWN)
    assert client.core.next_deadline() == EPOCH + FAREWELL_S
    client.wait(FAREWELL_S - 0.125)
    assert client.events() == []
    client.wait(0.125)
    assert client.event(HangUp).quick
    assert isinstance(client.down(), ConnectionForced)


def test_a_server_that_closes_again_and_again_gets_answers_but_no_more_time() -> None:
    client = opened()
    client.feed(SHUTDOWN)
    client.wait(FAREWELL_S - 0.125)
    client.feed(connection.Close(541, "another reason"))
    assert client.methods() == [connection.CloseOk(), connection.CloseOk()]
    client.wait(0.125)
    assert client.event(HangUp).quick
    assert isinstance(client.error, ConnectionForced)


def test_what_comes_after_the_servers_close_is_dropped() -> None:
    client = opened()
    client.open_channel()
    client.feed(SHUTDOWN)
    client.feed(basic.Cancel("tag"), 1)
    client.feed(connection.OpenOk())
    client.feed(connection.CloseOk())
    assert client.events() == []
    assert isinstance(client.error, ConnectionForced)


def test_garbage_after_the_servers_close_does_not_cost_the_answer() -> None:
    client = opened()
    client.feed(SHUTDOWN.encode_frame(0) + GARBAGE)
    assert client.event(HangUp).quick is False
    assert client.methods() == [connection.CloseOk()]
    assert isinstance(client.down(), ConnectionForced)


def test_no_heartbeats_after_close_ok() -> None:
    client = opened(connection.Tune(2047, 131072, 1))
    client.feed(SHUTDOWN)
    client.methods()
    client.wait(0.75)
    assert client.sent() == []
    assert client.events() == []
    assert isinstance(client.down(), ConnectionForced)


def test_our_close_after_the_servers_is_harmless() -> None:
    client = opened()
    client.feed(SHUTDOWN)
    client.core.close(client.now)
    assert client.methods() == [connection.CloseOk()]
    client.core.abort(client.now)
    assert client.event(HangUp).quick
    assert isinstance(client.down(), ConnectionForced)


# --- both at once ---


def test_when_both_close_each_answers_and_waits_for_the_other() -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(SHUTDOWN)
    assert client.methods() == [connection.Close(200, "bye"), connection.CloseOk()]
    assert client.events() == []
    client.feed(connection.CloseOk())
    assert client.event(HangUp).quick is False
    check_reason(client)


@pytest.mark.parametrize("cause", [None, ConnectionResetError("reset")])
def test_when_both_close_and_the_server_hangs_up_early(cause: Exception | None) -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(SHUTDOWN)
    client.core.lost(cause, client.now)
    check_reason(client)


def check_reason(client: Client) -> None:
    """The server closed for a reason, which is not lost because we wanted to close, too."""
    error = client.down()
    assert isinstance(error, ConnectionForced)
    assert (error.reply_code, error.reply_text) == (320, SHUTDOWN.reply_text)
    assert error.phase == "closing"
    assert client.core.state is EndpointState.FAILED
    assert client.event(Down).error is error


def test_of_closes_that_cross_the_first_reason_counts() -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(SHUTDOWN)
    client.feed(connection.Close(541, "another reason"))
    assert client.error.reply_code == 320


def test_what_the_server_says_while_it_is_told_what_it_did_wrong_is_kept_with_it() -> None:
    client = opened()
    client.feed(connection.OpenOk())
    assert type(client.error) is UnexpectedMethod
    client.feed(connection.Close(504, "CHANNEL_ERROR - my own", 20, 40))
    error = client.down()
    assert type(error) is UnexpectedMethod
    assert error.phase == "opened"
    assert (error.reply_code, error.reply_text) == (504, "CHANNEL_ERROR - my own")
    assert error.failing_method == "channel.close"
    (note,) = error.__notes__
    assert "CHANNEL_ERROR - my own" in note


# --- before it is open, and at once ---


@pytest.mark.parametrize("state", sorted(set(IN_STATE) - {*DISCARDING, State.OPENED}, key=str))
@pytest.mark.parametrize("is_quick", [True, False], ids=["abort", "close"])
def test_closing_before_it_is_open_ends_the_attempt(state: State, is_quick: bool) -> None:
    client = in_state(state)
    (client.core.abort if is_quick else client.core.close)(client.now)
    assert client.sent() == []
    assert client.event(HangUp).quick
    assert type(client.error) is OpenAborted
    assert client.error.phase == PHASES[state]
    assert client.down() is client.error


def test_abort_says_nothing_and_leaves_nothing() -> None:
    client = opened()
    call = declare(client)
    client.core.abort(client.now)
    assert client.event(HangUp).quick
    assert client.sent() == []
    assert client.down() is None
    assert isinstance(call.error, NotOpen)
    assert call.error.what == "the connection was closed by its user"
    assert call.channel.error is None


def test_a_stream_that_is_gone_without_anybody_asking_has_failed() -> None:
    client = opened()
    error = client.down()
    assert type(error) is HungUpInUse
    assert error.phase == "opened"


# --- those who wait ---


@pytest.mark.parametrize("number", [1, 3])
def test_everybody_who_waits_gets_a_copy_of_one_reason(number: int) -> None:
    client = opened()
    calls = [declare(client) for _ in range(number)]
    calls.append(client.core.update_secret(b"new", "expires", client.now, None))
    client.feed(SHUTDOWN)
    assert client.events() == []  # not before the stream is gone
    client.eof()
    error = client.down()
    events = client.events()
    assert [event for event in events if isinstance(event, Call)] == [calls[-1], *calls[:-1]]
    downs = [event for event in events if isinstance(event, ChannelDown)]
    assert [event.error for event in downs] == [error] * number
    assert isinstance(events[-1], Down)
    copies: list[AMQPError | None] = [call.error for call in calls]
    assert len({id(copy) for copy in [*copies, error]}) == number + 2
    for copy in copies:
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy is not None
        assert copy.__dict__ == error.__dict__
    assert all(call.done and call.reply is None for call in calls)
    assert all(call.channel.state is ChannelState.CLOSED for call in calls[:-1])


def test_calls_that_wait_when_we_close_in_order() -> None:
    client = opened()
    call = declare(client)
    client.core.close(client.now)
    client.feed(queue.DeclareOk("q"), call.channel.id)  # too late
    client.feed(connection.CloseOk())
    client.down()
    assert isinstance(call.error, NotOpen)
    assert call.error.what == "the connection was closed by its user"


def test_a_violation_is_told_to_the_server_and_then_to_the_callers() -> None:
    client = opened()
    call = declare(client)
    client.feed(connection.OpenOk())
    (close,) = client.methods()  # what waited before it is gone
    assert isinstance(close, connection.Close)
    assert (close.reply_code, close.class_id, close.method_id) == (503, 0, 0)
    assert close.reply_text.startswith("connection.open-ok came in state 'opened'; expected: ")
    assert client.core.next_deadline() == EPOCH + LINGER_S
    client.feed(connection.CloseOk())
    assert client.event(HangUp).quick is False
    assert type(client.down()) is UnexpectedMethod
    assert type(call.error) is UnexpectedMethod


def test_a_violation_without_an_answer() -> None:
    client = opened()
    client.feed(connection.OpenOk())
    client.wait(LINGER_S)
    assert client.event(HangUp).quick
    assert type(client.down()) is UnexpectedMethod


def test_a_violation_by_two_is_one() -> None:
    client = opened()
    client.feed(connection.OpenOk().encode_frame(0) * 2 + START.encode_frame(0))
    assert len(client.methods()) == 1
    assert "open-ok" in client.error.what


def test_unreadable_bytes_are_told_to_the_server_who_is_no_longer_listened_to() -> None:
    client = opened()
    client.feed(GARBAGE)
    assert client.event(HangUp).quick is False
    (close,) = client.methods()
    assert isinstance(close, connection.Close)
    assert close.reply_code == 501
    client.feed(connection.CloseOk())
    assert client.events() == []
    error = client.down()
    assert type(error) is MalformedFrame
    assert error.phase == "opened"


# --- after the end ---


def lose(client: Client) -> None:
    client.core.lost(OSError("gone"), client.now)


def fail(client: Client) -> None:
    client.core.fail(ConnectionFailed("too late"), client.now)


AFTERWARDS: dict[str, Callable[[Client], object]] = {
    "eof": Client.eof,
    "lost": lose,
    "fail": fail,
    "data": lambda client: client.feed(START),
    "garbage": lambda client: client.feed(GARBAGE),
    "timer": lambda client: client.core.handle_timer(client.now + 1e6),
    "close": lambda client: client.core.close(client.now),
    "abort": lambda client: client.core.abort(client.now),
    "connected": lambda client: client.core.connected(client.now),
    "down": Client.down,
}


@pytest.mark.parametrize("what", AFTERWARDS)
@pytest.mark.parametrize("state", IN_STATE)
def test_down_is_the_end_of_everything(what: str, state: State) -> None:
    client = in_state(state)
    client.down()
    before, error = client.core.state, client.core.error
    client.all_events()
    AFTERWARDS[what](client)
    assert client.core.state is before
    assert client.core.error is error
    assert client.all_events() == []
    assert client.sent() == []
    assert client.core.next_deadline() is None
    assert client.core.remaining(client.now) is None


@pytest.mark.parametrize("what", [what for what in AFTERWARDS if what != "down"])
def test_nothing_happens_to_an_endpoint_that_is_off(what: str) -> None:
    client = Client()
    AFTERWARDS[what](client)
    client.down()
    assert client.core.state is EndpointState.OFF
    assert client.all_events() == []
    assert client.sent() == []
    assert not client.core.is_alive
    assert not client.core.is_down


def test_a_stream_is_hung_up_on_once_and_once_more_when_it_is_urgent() -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(connection.CloseOk())
    client.eof()
    client.core.abort(client.now)
    client.wait(60.0)
    kinds = [event.quick for event in client.events() if isinstance(event, HangUp)]
    assert kinds == [False, True]


def test_what_did_not_go_out_in_time_is_forgotten() -> None:
    client = opened()
    client.core.close(client.now)
    client.feed(SHUTDOWN)
    client.feed(connection.CloseOk())
    assert client.core.output.size > 0
    client.down()
    assert client.core.output.size == 0


def test_the_first_reason_counts() -> None:
    client = opened()
    client.feed(SHUTDOWN)
    client.core.fail(ConnectionFailed("another"), client.now)
    assert isinstance(client.down(), ConnectionForced)


def test_a_channel_of_a_failed_connection_tells_why() -> None:
    client = opened()
    chan = client.open_channel()
    client.feed(SHUTDOWN)
    client.down()
    with pytest.raises(NotOpen, match="the connection is failed") as caught:
        client.core.send(basic.Ack(1), chan)
    assert caught.value.__cause__ is client.error
    assert chan.error is client.error
    with pytest.raises(NotOpen):
        client.core.call(channel.Flow(active=True), chan, None, client.now, None)


def test_what_the_manager_would_say_after_its_close_is_not_sent() -> None:
    client = in_state(State.CLOSE_SENT)
    client.core.manager.close(200, "once more")
    assert client.sent() == []
    assert client.state is State.CLOSE_SENT
