"""The set checker finds each kind of wrong, and nothing in a run that went right."""

from __future__ import annotations

import pytest

from fleet.core.delivery import State
from tests.faults.judge import Lane, Verdict, judge
from tests.support.letters import ulid

IDS = {f"token {n}": ulid(n) for n in range(3)}
LANE = Lane("rin", IDS)
TAKEN = (State.SUBMITTED, State.SUBMITTED)


def turn(text: str) -> str:
    head = f"[fleet abcdef | from op@white | a peer agent | id {ulid(7)} | answer: no]"
    return f"{head}\n{text}\n[end abcdef]"


ALL = [turn(token) for token in IDS]


def of(turns: list[str], **said: tuple[State, ...]) -> Verdict:
    states = {id_: said.get(token.replace(" ", "_"), TAKEN) for token, id_ in IDS.items()}
    return judge([LANE], {"rin": turns}, states)


def test_a_run_that_went_right_has_nothing_against_it() -> None:
    verdict = of(ALL)
    assert verdict == Verdict(messages=3)
    assert verdict.is_clean


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.UNCONFIRMED, State.REFUSED, State.EXPIRED])
def test_what_was_not_delivered_and_says_so_is_neither_lost_nor_false(state: State) -> None:
    assert of(ALL[:2], token_2=(state, state)).is_clean


@pytest.mark.parametrize("state", [State.QUEUED, State.ACCEPTED, State.TYPED, State.SUBMITTED])
def test_what_is_not_there_and_does_not_say_so_is_lost(state: State) -> None:
    verdict = of(ALL[:2], token_2=(state, state))
    assert verdict.lost == verdict.false == ("token 2",)
    assert not verdict.is_clean


@pytest.mark.parametrize("state", [State.REFUSED, State.EXPIRED, State.CANCELLED, State.ACCEPTED])
def test_what_is_there_and_says_it_is_not_is_false(state: State) -> None:
    assert of(ALL, token_1=(state, state)).false == ("token 1",)


def test_nodes_that_say_different_things_of_one_message_are_false() -> None:
    assert of(ALL, token_1=(State.SUBMITTED, State.IN_DOUBT)).false == ("token 1",)


def test_what_came_twice_is_doubled_and_may_still_be_in_order() -> None:
    assert of([*ALL, ALL[0]]) == Verdict(messages=3, doubled=("token 0",))


def test_what_nobody_sent_or_is_not_whole_is_foreign() -> None:
    pieces = [turn("another"), ALL[1][:-3], ""]
    assert of([*ALL, *pieces]).foreign == ("another", ALL[1][:-3], "")


def test_what_was_sent_to_another_agent_is_foreign_here() -> None:
    verdict = judge([LANE], {"rin": ALL, "kai": ALL[:1]}, dict.fromkeys(IDS.values(), TAKEN))
    assert verdict.foreign == ("token 0",)


def test_a_lane_out_of_order_is_disordered() -> None:
    assert of([ALL[1], ALL[0], ALL[2]]).disordered == ("rin",)
    assert not of([ALL[1], ALL[0], ALL[2]]).is_clean
