"""A timeline read as delays: how long each state lasted, whose delay it was, which was the longest."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.cli.timeline import Delay, delays
from fleet.core.delivery import TERMINAL, HoldReason, State
from fleet.core.errors.base import LAYERS


def entry(state: str, second: float, reason: str = "", node: str = "nova") -> dict[str, Any]:
    at = f"2026-11-23T10:00:{second:06.3f}Z"
    return {"state": state, "at": at, "node": node, **({"reason": reason} if reason else {})}


WAY = [
    entry("queued", 0, node="white"),
    entry("accepted", 0.25),
    entry("held", 0.5, "draft"),
    entry("typing", 12.5),
    entry("typed", 12.75),
    entry("submitted", 13.0),
]


def test_each_state_lasts_until_the_next_and_has_the_layer_of_what_it_waited_for() -> None:
    found = [(d.entry["state"], d.lasted_s, d.layer) for d in delays(WAY)]
    assert found == [
        ("queued", 0.25, "network"), ("accepted", 0.25, "agent"), ("held", 12.0, "agent"),
        ("typing", 0.25, "tmux"), ("typed", 0.25, "agent"), ("submitted", None, ""),
    ]  # fmt: skip


def test_exactly_the_longest_delay_is_marked() -> None:
    assert [d.entry["state"] for d in delays(WAY) if d.is_longest] == ["held"]
    assert not any(d.is_longest for d in delays(WAY[:1]))


def test_how_long_an_agent_took_to_answer_is_no_delay_of_the_message() -> None:
    found = delays([entry("typed", 1), entry("submitted", 1.5), entry("acknowledged", 50)])
    assert [(d.lasted_s, d.layer, d.is_longest) for d in found] == [
        (0.5, "agent", True), (48.5, "", False), (None, "", False),
    ]  # fmt: skip


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_belongs_to_a_layer(reason: HoldReason) -> None:
    layer = Delay(entry("held", 0, reason.value), 1.0).layer
    assert layer in LAYERS
    expected = {"approval": "trust", "offline": "pane", "mode": "pane"}
    assert layer == expected.get(reason.value, "agent")


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_every_state_on_the_way_belongs_to_a_layer(state: State) -> None:
    assert Delay(entry(state.value, 0), 1.0).layer in LAYERS


def test_what_still_goes_on_lasts_until_now_and_an_end_lasts_no_time() -> None:
    now_s = 1_795_428_010.0  # 2026-11-23T10:00:10Z
    waiting = delays(WAY[:3], now_s)[-1]
    assert waiting.lasted_s is not None
    assert (waiting.lasted_s > 0, waiting.is_longest) == (True, True)
    assert delays(WAY, now_s)[-1].lasted_s is None


def test_a_clock_that_goes_behind_makes_no_delay_below_zero() -> None:
    found = delays([entry("queued", 5, node="white"), entry("accepted", 4)])
    assert [d.lasted_s for d in found] == [0.0, None]
    assert not any(d.is_longest for d in found)


def test_a_moment_that_is_none_is_an_unknown_length() -> None:
    broken = {**entry("accepted", 1), "at": "yesterday"}
    assert [d.lasted_s for d in delays([entry("queued", 0), broken, entry("typed", 2)])] == [
        None, None, None,
    ]  # fmt: skip


def test_programs_get_a_delay_with_its_length_in_milliseconds() -> None:
    assert delays(WAY)[2].as_json() == {
        "state": "held", "reason": "draft", "node": "nova", "ms": 12_000.0, "layer": "agent",
        "longest": True,
    }  # fmt: skip
    assert delays(WAY)[-1].as_json()["ms"] is None
