"""The order of what a session sends, without sockets and with a clock that the test moves."""

from __future__ import annotations

import pytest

from amqpconn.testing.outbox import Outbox


@pytest.fixture(name="outbox")
def an_outbox() -> Outbox:
    return Outbox()


def test_steps_are_taken_where_they_stand(outbox: Outbox) -> None:
    seen: list[int] = []
    outbox.put(b"ab", lambda: seen.append(outbox.bytes_sent), b"cd")
    assert (outbox.take(0.0), seen) == (b"abcd", [2])


def test_what_a_step_puts_comes_before_what_waits(outbox: Outbox) -> None:
    outbox.put(lambda: outbox.put(b"1", lambda: outbox.put(b"2")), b"3")
    assert outbox.take(0.0) == b"123"


def test_marks_are_reached_in_the_middle_of_anything() -> None:
    outbox: Outbox = Outbox([(0, lambda: outbox.put(b"<")), (3, lambda: outbox.put(b"|"))])
    outbox.put(b"ab", b"cd")
    assert outbox.take(0.0) == b"<ab|cd"
    assert outbox.bytes_sent == 6


def test_pauses_hold_everything_back_until_their_time(outbox: Outbox) -> None:
    outbox.put(b"a", lambda: outbox.pause(5.0), b"b")
    assert outbox.take(1.0) == b"a"
    assert outbox.next_deadline() == 5.0
    outbox.put(b"c")
    assert outbox.take(4.9) == b""
    assert outbox.take(5.0) == b"bc"
    assert outbox.next_deadline() is None


def test_what_is_held_back_comes_in_one_burst(outbox: Outbox) -> None:
    outbox.put(outbox.pause, b"a", b"b")
    assert (outbox.take(1e9), outbox.next_deadline()) == (b"", None)
    outbox.put(b"c")
    outbox.resume()
    assert outbox.take(1e9) == b"abc"


def test_heartbeats_overtake_frames_and_do_not_split_them() -> None:
    outbox = Outbox([(2, lambda: outbox.pause(5.0))])
    outbox.put(lambda: outbox.pause(1.0), b"abcd", b"ef")
    assert outbox.take(0.0) == b""
    outbox.put_ahead(b"H")
    assert outbox.take(0.0) == b"H"
    assert outbox.take(1.0) == b"a"
    outbox.put_ahead(b"H")
    assert outbox.take(4.0) == b""
    assert outbox.take(5.0) == b"bcdHef"


def test_pieces_are_given_one_by_one(outbox: Outbox) -> None:
    outbox.put(lambda: outbox.drip(2, 0.5), b"abc", b"d")
    assert [outbox.take(now) for now in (0.0, 0.4, 0.5, 1.0, 1.5)] == [b"ab", b"", b"c", b"d", b""]


def test_pieces_without_a_pause_are_still_pieces(outbox: Outbox) -> None:
    outbox.put(lambda: outbox.drip(1, 0.0), b"abc")
    outbox.advance(0.0)
    outbox.advance(1.0)
    assert [outbox.take(2.0), outbox.take(3.0), outbox.take(4.0)] == [b"a", b"b", b"c"]


def test_bytes_are_overwritten_across_frames(outbox: Outbox) -> None:
    outbox.put(b"a", lambda: outbox.overwrite(b"XYZ"), b"bc", b"de")
    assert outbox.take(0.0) == b"aXYZe"


def test_nothing_follows_the_end(outbox: Outbox) -> None:
    outbox.put(b"a", lambda: outbox.end("reset"), b"b", lambda: outbox.end("cut"))
    assert (outbox.take(0.0), outbox.ending) == (b"a", "reset")
    outbox.put(b"c")
    assert outbox.take(9.0) == b""


def test_nothing_follows_silence(outbox: Outbox) -> None:
    outbox.put(b"a", outbox.mute, b"b")
    assert outbox.take(0.0) == b"a"
    outbox.put(b"c")
    outbox.put_ahead(b"H")
    assert (outbox.take(9.0), outbox.next_deadline()) == (b"", None)


@pytest.mark.parametrize("until", [7.0, float("inf")])
def test_interjections_do_not_wait_and_leave_the_pause_as_it_was(
    outbox: Outbox, until: float
) -> None:
    outbox.put(lambda: outbox.pause(until), b"late")
    assert outbox.take(0.0) == b""
    outbox.interject(lambda: outbox.put(b"1"), lambda: outbox.put(b"2"))
    assert outbox.take(1.0) == b"12"
    assert outbox.take(6.0) == b""
    outbox.resume()
    assert outbox.take(6.0) == b"late"


def test_interjections_may_pause(outbox: Outbox) -> None:
    outbox.interject(lambda: outbox.pause(3.0), lambda: outbox.put(b"a"))
    outbox.put(b"b")
    assert outbox.take(1.0) == b""
    assert outbox.take(3.0) == b"ab"
