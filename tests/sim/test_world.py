"""The world itself: a crash is a crash, a network is a network, and a checker can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.core.delivery import State
from fleet.core.envelope import Entry
from tests.support import checkers
from tests.support.checkers import check
from tests.support.facts import Case, Facts
from tests.support.host import SOCKET, Host
from tests.support.panes import Moment
from tests.support.world import World, play_world


async def one_letter(world: World) -> tuple[Host, Host]:
    """Two nodes, and a letter from one to an agent of the other that was taken."""
    white, nova = await world.fleet("white", "nova")
    await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
    await asyncio.sleep(0.1)
    said = await white.call("send", to="rin@nova", text="hello")
    assert said.exit == 0, said
    return white, nova


# --- crashes and the network -----------------------------------------------------------------------


def test_what_was_not_committed_when_the_node_crashed_is_gone() -> None:
    async def story(world: World) -> None:
        white, _ = await one_letter(world)
        white.up_node.store.book.put_roster((("never", b"committed", b"this"),))
        assert len(white.up_node.store.book.roster()) == 3
        white.crash()
        white.up()
        assert len(white.up_node.store.book.roster()) == 2

    play_world(story, check)


def test_what_was_committed_when_the_node_crashed_is_there() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        nova.crash()
        said = await white.call("send", to="rin@nova", text="hello", timeout_s=0.0)
        white.crash()
        with white.store() as store:
            assert store.outbox.get(said.result["id"]) is not None

    play_world(story, check)


def test_a_caller_of_a_node_that_crashes_is_told_that_it_went_away() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        nova.panes.when("paste", Moment.BEFORE, white.crash)
        said = await white.call("send", to="rin@nova", text="hello")
        assert said.error is not None
        assert said.error["code"] == "node_not_running"
        white.up()

    play_world(story, check)


def test_a_dead_node_does_nothing_more() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        await white.call("send", to="rin@nova", text="under way", timeout_s=0.0)
        heard, typed = len(world.net.trace), len(nova.typed)
        nova.crash()
        await asyncio.sleep(60)
        assert len(nova.typed) == typed
        assert not [line for line in world.net.trace[heard:] if f" {nova.node_id[:6]} " in line]

    play_world(story, check)


def test_a_link_that_breaks_loses_what_was_under_way() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        await white.call("send", to="rin@nova", text="lost", timeout_s=0.0)
        session = white.up_node.peers.session(nova.node_id)
        assert session is not None
        await asyncio.sleep(0)
        assert session.link.backlog
        world.net.drop(white.node_id, nova.node_id)
        assert await session.link.receive() is None
        assert nova.up_node.store.inbox.states() == []

    play_world(story, check)


def test_a_cut_that_heals_in_time_loses_nothing_and_one_that_lasts_ends_the_link() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        first = white.up_node.peers.session(nova.node_id)
        for lasts_s in (5, 20):
            world.net.cut(white.node_id, nova.node_id)
            said = await white.call("send", to="rin@nova", text="stuck", timeout_s=1.0)
            assert said.result["state"] == "queued"
            await asyncio.sleep(lasts_s)
            world.net.heal()
            await world.linked(white, nova)
            assert (white.up_node.peers.session(nova.node_id) is first) == (lasts_s == 5)

    play_world(story, check)


def test_a_node_that_stands_still_does_nothing_and_then_all_at_once() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        nova.stand_still()
        said = await white.call("send", to="rin@nova", text="again", timeout_s=5.0)
        assert said.result["state"] == State.QUEUED
        assert len(nova.program("rin").turns) == 1
        at_s = asyncio.get_running_loop().time()
        nova.go_on()
        await world.until(lambda: len(nova.program("rin").turns) == 2, "it is typed")
        assert asyncio.get_running_loop().time() - at_s < 0.1

    play_world(story, check)


def test_whoever_stands_still_for_long_has_no_links_when_it_goes_on_and_makes_new_ones() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        nova.stand_still()
        await asyncio.sleep(30.0)
        assert white.up_node.peers.session(nova.node_id) is None
        nova.go_on()
        await world.linked(white, nova)

    play_world(story, check)


def test_who_stands_still_can_be_killed() -> None:
    async def story(world: World) -> None:
        white, nova = await one_letter(world)
        nova.stand_still()
        await white.call("send", to="rin@nova", text="again", timeout_s=1.0)
        nova.crash()
        nova.up()
        await world.settle()
        assert len(nova.program("rin").turns) == 2

    play_world(story, check)


# --- checkers ----------------------------------------------------------------------------------------


def pasted_again(case: Case) -> None:
    case[1].pastes.append(case[1].pastes[0])


def reached_another_program(case: Case) -> None:
    host = case[1].host
    other = host.tmux.window(SOCKET, host.tmux.installed["chat"](("chat",))).front
    assert other is not None
    host.typed[0] = replace(host.typed[0], program=other)


def of_no_envelope(case: Case) -> None:
    host = case[1].host
    host.typed.append(replace(host.typed[0], sequence=99))


def for_another_agent(case: Case) -> None:
    case[1].lives = dict.fromkeys(case[1].lives, "kai")


def another_text(case: Case) -> None:
    host = case[1].host
    host.typed[0] = replace(host.typed[0], data=b"rm -rf .")


def answered_a_question(case: Case) -> None:
    host = case[1].host
    host.typed[1] = replace(host.typed[1], asked_s=host.typed[1].at_s - 1)


def overtook(case: Case) -> None:
    first = case[0].outbox[0]
    later = first.envelope._replace(id="01J" + "0" * 23)
    case[0].outbox.insert(0, replace(first, envelope=later, seq=0))
    case[1].pastes.append(
        replace(case[1].pastes[0], item=replace(case[1].inbox[0], envelope=later))
    )


def changed_to(state: State, reason: str = "") -> Callable[[Case], None]:
    def change(case: Case) -> None:
        item = case[1].inbox[0]
        entry = Entry(state, 0.0, "nova", reason)
        case[1].inbox[0] = replace(item, state=state, timeline=(*item.timeline, entry))

    return change


def never_pasted(case: Case) -> None:
    case[1].pastes.clear()


def two_turns(case: Case) -> None:
    turns: list[str] = case[1].pastes[0].typed.program.turns  # type: ignore[attr-defined]
    turns.append(turns[0])


def still_queued(case: Case) -> None:
    case[0].outbox[0] = replace(case[0].outbox[0], state=State.QUEUED)


def not_in_the_outbox(case: Case) -> None:
    case[0].outbox.clear()


def not_in_the_inbox(case: Case) -> None:
    case[1].inbox.clear()


def told_too_much(case: Case) -> None:
    told: dict[str, Any] = case[0].host.world.told
    told[case[0].outbox[0].envelope.id].append("acknowledged")


def a_receipt_of_more(case: Case) -> None:
    row = case[0].outbox[0]
    entry = Entry(State.ACKNOWLEDGED, 0.0, "nova")
    case[0].outbox[0] = replace(row, timeline=(*row.timeline, entry))


def another_end(case: Case) -> None:
    item = case[1].inbox[0]
    end = item.timeline[-1]._replace(state=State.IN_DOUBT)
    case[1].inbox[0] = replace(item, timeline=(*item.timeline[:-1], end))


@pytest.mark.parametrize(
    ("checker", "spoil"),
    [
        (checkers.typed_at_most_once, pasted_again),
        (checkers.only_into_its_own_incarnation, reached_another_program),
        (checkers.only_into_its_own_incarnation, of_no_envelope),
        (checkers.only_into_its_own_incarnation, for_another_agent),
        (checkers.only_into_its_own_incarnation, another_text),
        (checkers.no_question_is_answered, answered_a_question),
        (checkers.in_order_per_pair, overtook),
        (checkers.states_are_true, changed_to(State.REFUSED)),
        (checkers.states_are_true, never_pasted),
        (checkers.states_are_true, two_turns),
        (checkers.nothing_is_open_without_a_reason, changed_to(State.HELD)),
        (checkers.nothing_is_open_without_a_reason, changed_to(State.TYPED)),
        (checkers.nothing_is_open_without_a_reason, still_queued),
        (checkers.nothing_is_lost, not_in_the_outbox),
        (checkers.nothing_is_lost, not_in_the_inbox),
        (checkers.callers_are_told_the_truth, told_too_much),
        (checkers.receipts_say_what_is_known, a_receipt_of_more),
        (checkers.receipts_say_what_is_known, another_end),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_checker_sees_what_it_is_there_for(
    checker: Callable[[Case], Any], spoil: Callable[[Case], None]
) -> None:
    def spoilt(world: World) -> None:
        case = [Facts(host) for host in world.hosts.values()]
        assert list(checker(case)) == []
        spoil(case)
        assert list(checker(case)), "it saw nothing"

    play_world(one_letter, spoilt)
