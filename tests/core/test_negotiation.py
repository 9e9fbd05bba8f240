"""Tuning: what comes of what we ask for and what the server offers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqpconn.core.negotiation import (
    FRAME_MAX_UNLIMITED,
    Requested,
    Tuning,
    negotiate,
)
from amqpconn.errors import HandshakeFailed, InvalidParameter
from amqpconn_spec.v0_9_1.constants import FRAME_MIN_SIZE

shorts = st.integers(0, 0xFFFF)
frame_sizes = st.just(0) | st.integers(FRAME_MIN_SIZE, 0xFFFFFFFF)


def agree(
    requested: Requested, channel_max: int = 0, frame_max: int = 0, heartbeat: int = 0
) -> Tuning:
    return negotiate(
        (requested.channel_max, channel_max),
        (requested.frame_max, frame_max),
        (requested.heartbeat, heartbeat),
        FRAME_MIN_SIZE,
    )


@pytest.mark.parametrize(
    ("requested", "offered", "agreed", "rule"),
    [
        (0, 0, 0xFFFF, "neither side has a limit"),
        (0, 2047, 2047, "the server's limit; we asked for none"),
        (100, 0, 100, "our limit; the server has none"),
        (100, 2047, 100, "our limit, within the server's"),
        (2047, 2047, 2047, "our limit, within the server's"),
        (2048, 2047, 2047, "the server's limit, below ours"),
        (1, 1, 1, "our limit, within the server's"),
        (0xFFFF, 0xFFFF, 0xFFFF, "our limit, within the server's"),
    ],
)
def test_channel_max(requested: int, offered: int, agreed: int, rule: str) -> None:
    tuning = agree(Requested(channel_max=requested), channel_max=offered)
    line = tuning.report[0]
    assert tuning.channel_max == agreed == line.agreed
    assert (line.parameter, line.requested, line.offered) == ("channel_max", requested, offered)
    assert rule in line.rule


@pytest.mark.parametrize(
    ("requested", "offered", "agreed"),
    [
        (0, 0, FRAME_MAX_UNLIMITED),
        (0, 131072, 131072),
        (0, FRAME_MIN_SIZE, FRAME_MIN_SIZE),
        (8192, 0, 8192),
        (8192, 131072, 8192),
        (131072, 8192, 8192),
        (FRAME_MIN_SIZE, FRAME_MIN_SIZE, FRAME_MIN_SIZE),
        (0xFFFFFFFF, 0, 0xFFFFFFFF),
        (0, 0xFFFFFFFF, 0xFFFFFFFF),
    ],
)
def test_frame_max(requested: int, offered: int, agreed: int) -> None:
    tuning = agree(Requested(frame_max=requested), frame_max=offered)
    assert tuning.frame_max == agreed == tuning.report[1].agreed


@pytest.mark.parametrize(
    ("requested", "offered", "agreed", "rule"),
    [
        (None, 60, 60, "accepted as offered"),
        (None, 0, 0, "accepted as offered"),
        (0, 60, 0, "turned off by us"),
        (0, 0, 0, "turned off by us"),
        (10, 0, 10, "the server asks for none"),
        (10, 60, 10, "not above the server's"),
        (60, 60, 60, "not above the server's"),
        (61, 60, 60, "shorter than ours"),
    ],
)
def test_heartbeat(requested: int | None, offered: int, agreed: int, rule: str) -> None:
    tuning = agree(Requested(heartbeat=requested), heartbeat=offered)
    line = tuning.report[2]
    assert tuning.heartbeat == agreed == line.agreed
    assert (line.parameter, line.requested, line.offered) == ("heartbeat", requested, offered)
    assert rule in line.rule


@given(st.builds(Requested, shorts, frame_sizes, st.none() | shorts), shorts, frame_sizes, shorts)
def test_what_is_agreed_suits_both_sides(
    requested: Requested, channel_max: int, frame_max: int, heartbeat: int
) -> None:
    tuning = agree(requested, channel_max, frame_max, heartbeat)
    for agreed, ours, theirs in (
        (tuning.channel_max, requested.channel_max, channel_max),
        (tuning.frame_max, requested.frame_max, frame_max),
    ):
        # A limit is agreed on in any case: RabbitMQ takes a 0 for 'above the server's limit'.
        assert agreed > 0
        assert agreed <= (theirs or agreed)
        assert agreed <= (ours or agreed)
        assert ours == theirs == 0 or agreed in (ours, theirs)
    assert tuning.frame_max >= FRAME_MIN_SIZE
    wanted = heartbeat if requested.heartbeat is None else requested.heartbeat
    assert tuning.heartbeat <= wanted
    assert tuning.heartbeat <= (heartbeat or wanted)
    assert (tuning.heartbeat == 0) is (wanted == 0)


@given(st.integers(1, FRAME_MIN_SIZE - 1))
def test_a_server_below_the_minimum_frame_is_refused(frame_max: int) -> None:
    with pytest.raises(HandshakeFailed, match=f"frame_max {frame_max}, below .* 4096") as caught:
        agree(Requested(), frame_max=frame_max)
    assert "set the server's frame_max" in caught.value.remedy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channel_max": -1}, r"channel_max is -1, outside 0\.\.65535"),
        ({"channel_max": 65536}, r"channel_max is 65536, outside 0\.\.65535"),
        ({"frame_max": 2**32}, r"frame_max is 4294967296, outside 0\.\.4294967295"),
        ({"frame_max": 1}, "frame_max is 1, below the specification's minimum, 4096"),
        ({"frame_max": 4095}, "frame_max is 4095, below the specification's minimum, 4096"),
        ({"heartbeat": 65536}, r"heartbeat is 65536, outside 0\.\.65535"),
        ({"heartbeat": -1}, r"heartbeat is -1, outside 0\.\.65535"),
        ({"heartbeat": 1.5}, r"heartbeat is 1\.5, not a whole number"),
        ({"channel_max": True}, "channel_max is True, not a whole number"),
        ({"frame_max": "8192"}, "frame_max is '8192', not a whole number"),
        ({"channel_max": None}, "channel_max is None, not a whole number"),
    ],
)
def test_what_can_never_be_agreed_is_refused_at_once(
    arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidParameter, match=message):
        Requested(**arguments)


def test_the_report_reads_well() -> None:
    tuning = agree(Requested(heartbeat=None), 2047, 131072, 60)
    assert repr(tuning) == "Tuning(channel_max=2047, frame_max=131072, heartbeat=60)"
    assert repr(tuning.report[2]) == (
        "<heartbeat: requested None, offered 60, agreed 60 (the server's, accepted as offered)>"
    )
