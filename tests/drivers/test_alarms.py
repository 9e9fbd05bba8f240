"""The alarms of the blocking driver's thread, and of event loops."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from amqpconn._alarms import LONGEST_SLEEP_S, Alarms


class Clock(Alarms):
    """Alarms whose owners are names."""

    def wind(self, name: str, deadline: float | None) -> None:
        owner: Any = name
        self.set(owner, deadline)

    def rings(self, now: float) -> list[Any]:
        return list(self.ringing(now))


def test_alarms_ring_in_their_time() -> None:
    alarms = Clock()
    alarms.wind("a", 5.0)
    alarms.wind("b", 3.0)
    assert alarms.sleep_s(1.0) == 2.0
    assert alarms.rings(2.9) == []
    assert alarms.rings(3.0) == ["b"]
    assert alarms.rings(9.0) == ["a"]
    assert alarms.sleep_s(9.0) is None


def test_only_an_earlier_time_replaces_an_alarm() -> None:
    alarms = Clock()
    alarms.wind("a", 5.0)
    alarms.wind("a", 9.0)
    alarms.wind("a", None)
    assert alarms.sleep_s(0.0) == 5.0
    alarms.wind("a", 2.0)
    assert alarms.rings(2.0) == ["a"]
    assert alarms.rings(5.0) == []


def test_removed_alarms_do_not_ring() -> None:
    owner: Any = "a"
    alarms = Clock()
    alarms.wind("a", 5.0)
    alarms.remove(owner)
    alarms.remove(owner)
    assert alarms.rings(5.0) == []
    alarms.wind("a", 6.0)
    assert alarms.rings(6.0) == ["a"]


def test_sleeps_are_bounded() -> None:
    alarms = Clock()
    alarms.wind("a", 1e12)
    assert alarms.sleep_s(0.0) == LONGEST_SLEEP_S
    alarms.wind("b", -5.0)
    assert alarms.sleep_s(0.0) == 0.0


def test_alarms_that_were_replaced_do_not_come_back() -> None:
    """Calls with short timeouts and a far heartbeat: each rings once, and nothing piles up."""
    alarms = Clock()
    for turn in range(1000):
        alarms.wind("a", float(turn))
        assert alarms.rings(float(turn)) == ["a"]
        alarms.wind("a", 1e6)
    assert alarms.rings(1e6) == ["a"]
    assert alarms.sleep_s(1e6) is None


def test_alarms_of_those_who_left_are_forgotten() -> None:
    alarms = Clock()
    alarms.wind("stays", 7.0)
    for number in range(1000):
        alarms.wind(f"{number}", 1000.0 - number)
        alarms.remove(cast("Any", f"{number}"))
    assert len(alarms._heap) < 100
    assert alarms.rings(2000.0) == ["stays"]


def test_a_time_is_kept_once_for_all_who_wait_for_it() -> None:
    alarms = Clock()
    for number in range(1000):
        alarms.wind(f"{number}", float(number % 3))
    assert len(alarms._heap) == 3
    assert len(alarms.rings(0.0)) == 334
    assert sorted(alarms.rings(2.0)) == sorted(str(n) for n in range(1000) if n % 3)
    assert alarms.earliest() is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 50))))
def test_nobody_is_forgotten(steps: list[tuple[str, int | None]]) -> None:
    """Each one rings at the earliest of its times since it last rang, and then not again."""
    alarms, due = Clock(), dict[str, float]()
    for now, (name, deadline) in enumerate(steps):
        if deadline is not None:
            alarms.wind(name, float(deadline))
            due[name] = min(due.get(name, deadline), deadline)
        rang = alarms.rings(float(now))
        assert sorted(rang) == sorted(who for who, at in due.items() if at <= now)
        due = {who: at for who, at in due.items() if at > now}
