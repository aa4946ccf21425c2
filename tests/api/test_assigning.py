"""Who should do a task, over real links and a real tmux: offered, taken, passed on, explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.offers import Passed, RefuseOffer, TaskDecided
from fleet.core.task import TaskAdded, TaskClaimed, TaskDone, Wanted
from fleet.core.team import Limits, Skill
from fleet.core.team_commands import ClaimTask
from node.engine.assigning import AT_ONCE, Assign
from node.engine.chronicle import Chronicle
from tests.api.test_team_members import HELP, IMPL, LEAD, WEB, Web, play
from tests.api.test_teams import agent, in_step, person
from tests.support.until import eventually

GPU = Skill("gpu", "Graphics", "runs kernels", ("gpu",))
WIDE = replace(IMPL, limits=Limits(claims=2))
PLAN = replace(WEB, roles=(replace(HELP, skills=(GPU,)), WIDE, LEAD))
DONE = (
    (1, "renew the lease of a claim", "impl"),
    (2, "write the tutorial of teams", "help"),
)


async def begun(on: Web) -> Chronicle:
    """A team whose impl has renewed a lease and whose help has written a tutorial."""
    team = await on.begin(PLAN)
    for seat in ("impl", "help"):
        await on.seat(team, seat, PLAN)
    await in_step(team, on.nova)
    for number, title, seat in DONE:
        events = (
            TaskAdded(number, Wanted(title)),
            TaskClaimed(number, seat),
            TaskDone(number, "x"),
        )
        await on.white.node.teams.write(team, "", "", events)
    return team


async def added(on: Web, team: Chronicle, *titles: str, wants: tuple[str, ...] = ()) -> None:
    for title in titles:
        number = team.board.next_number
        await on.white.node.teams.write(
            team, "", "", (TaskAdded(number, Wanted(title, wants=wants)),)
        )


def told(on: Web, seat: str) -> list[str]:
    """What the node itself has sent to a seat, that is no briefing."""
    rows = on.white.node.store.outbox.recent(100, dead=False)
    return [
        row.envelope.text
        for row in rows
        if row.envelope.sender.startswith("fleet@") and row.envelope.to.startswith(f"web.{seat}@")
    ]


def test_a_task_is_offered_to_who_did_the_like_and_ends_by_claiming_it(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "renew a lease after suspend")
        (one,) = await on.white.node.assigning.assign(person(on.white), team, Assign())
        assert (one.answer, one.who, one.is_offered) == ("chosen", "impl", True)
        assert one.like[0].title == DONE[0][1]
        (text,) = told(on, "impl")
        assert "T3 is offered to you" in text
        assert "> renew a lease after suspend" in text
        await on.white.node.assigning.keep()
        assert len(told(on, "impl")) == 1, "once"
        assert await on.white.node.assigning.assign(person(on.white), team, Assign()) == ()
        copy = await in_step(team, on.nova)
        await on.nova.node.teams.command(agent(on.nova, "web.impl"), copy, ClaimTask(3), "")
        assert team.offers.of(3) is None
        assert team.board.task(3).holder == "impl"

    play(tmp_path, story)


def test_refusal_passes_it_on_and_at_last_the_lead_is_told(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await on.seat(team, "lead", PLAN, on.white)
        await added(on, team, "renew the lease in the tutorial")
        await on.white.node.assigning.assign(person(on.white), team, Assign())
        copy = await in_step(team, on.nova)
        with pytest.raises(NotAllowed):
            await on.nova.node.assigning.refuse(
                agent(on.nova, "web.help"), copy, RefuseOffer(3, "not mine")
            )
        first = agent(on.nova, "web.impl")
        then = await on.nova.node.assigning.refuse(first, copy, RefuseOffer(3, "no time"))
        assert then is not None
        assert (then.who, dict(then.out)["impl"]) == ("help", "excluded")
        record = f"impl@{on.nova.id}"
        assert team.expertise.outcomes(record, on.white.node.clock.wall_s()).handed_back > 0
        await in_step(team, on.nova)
        last = await on.nova.node.assigning.refuse(
            agent(on.nova, "web.help"), copy, RefuseOffer(3, "no")
        )
        assert last is not None
        assert last.is_offered is False
        assert any("Nobody takes T3" in text for text in told(on, "lead"))

    play(tmp_path, story)


def test_two_tasks_on_one_function_are_offered_one_after_the_other(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        places = ("lease.py:renew",), ("lease.py:renew", "a.py"), ("lease.py:take",)
        for number, paths in enumerate(places, 3):
            wanted = Wanted("renew the lease", paths=paths)
            await on.white.node.teams.write(team, "", "", (TaskAdded(number, wanted),))

        async def decided() -> dict[str, str]:
            rulings = await on.white.node.assigning.assign(person(on.white), team, Assign())
            return {r.task: "" if r.is_offered else dict(r.out)["help"] for r in rulings}

        behind = "same-function:T3"
        assert await decided() == {"T3": "", "T4": behind, "T5": ""}
        assert await decided() == {"T4": behind}, "it is offered"
        await on.white.node.teams.write(team, "", "", (TaskClaimed(3, "impl"),))
        assert await decided() == {"T4": behind}, "it is held"
        await on.white.node.teams.write(team, "", "", (TaskDone(3, "x"),))
        assert await decided() == {"T4": ""}
        assert team.expertise.works[-1].paths == ("lease.py",)

    play(tmp_path, story)


def test_silence_passes_it_on(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "renew the lease in the tutorial")
        wish = Assign(deadline_s=0.01)
        (one,) = await on.white.node.assigning.assign(person(on.white), team, wish)
        await eventually(lambda: team.offers.passed(3) == {one.who}, "who said nothing is passed")
        await eventually(lambda: team.offers.of(3) is not None, "the next is offered it")
        offer = team.offers.of(3)
        assert offer is not None
        assert {offer.seat, one.who} == {"impl", "help"}

    play(tmp_path, story)


def test_a_trial_is_the_same_from_every_node_and_writes_nothing(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "renew a lease", "run a kernel", wants=("GPU",))
        head, trial = team.board.head, Assign(is_trial=True)
        here = await on.white.node.assigning.assign(person(on.white), team, trial)
        copy = await in_step(team, on.nova)
        there = await on.nova.node.assigning.assign(person(on.nova), copy, trial)
        assert [(one.task, one.who, one.scored) for one in here] == [
            (one.task, one.who, one.scored) for one in there
        ]
        assert [dict(one.out) for one in here] == [{"impl": "lacks:gpu"}] * 2
        assert team.board.head == head
        with pytest.raises(NotAllowed):
            await on.nova.node.assigning.assign(person(on.nova), copy, Assign())
        with pytest.raises(NotAllowed):
            await on.nova.node.assigning.assign(agent(on.nova, "stranger"), copy, trial)

    play(tmp_path, story)


def test_what_nobody_is_fit_for_is_said_to_be_so(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "port it to a mainframe", wants=("cobol",))
        await added(on, team, "paint the fence green")
        lacking, weak = await on.white.node.assigning.assign(person(on.white), team, Assign())
        assert (lacking.answer, lacking.reasons) == ("unroutable", {"lacks:cobol": 2})
        assert weak.answer == "weak"
        assert not list(team.offers.open())
        decided = team.offers.decided(3)
        assert decided is not None
        assert '"lacks:cobol"' in decided.decision

    play(tmp_path, story)


def test_who_is_dead_or_full_is_out(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "renew a", "renew b", "renew the lease c")
        for number in (3, 4):
            await on.white.node.teams.write(team, "", "", (TaskClaimed(number, "impl"),))
        windows = on.tmux("list-windows", "-a", "-F", "#{window_id} #{window_name}").splitlines()
        on.tmux("kill-window", "-t", next(w.split()[0] for w in windows if w.endswith("web.help")))
        await eventually(lambda: not on.nova.node.agents.is_online("web.help"), "help is gone")
        (one,) = await on.white.node.assigning.assign(person(on.white), team, Assign())
        assert dict(one.out) == {"help": "dead", "impl": "full"}

    play(tmp_path, story)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        assigning, me = on.white.node.assigning, person(on.white)
        with pytest.raises(WrongState, match="T1 cannot be claimed now"):
            await assigning.assign(me, team, Assign((1,)))
        with pytest.raises(MalformedRequest):
            await assigning.assign(me, team, Assign(deadline_s=0))
        with pytest.raises(MalformedRequest):
            await assigning.assign(me, team, Assign(tuple(range(1, AT_ONCE + 2))))
        for n in range(AT_ONCE + 5):
            await added(on, team, f"mend door {n}")
        rulings = await assigning.assign(me, team, Assign(is_trial=True))
        assert [one.task for one in rulings] == [f"T{n}" for n in range(3, AT_ONCE + 3)]
        with pytest.raises(WrongState):
            await assigning.refuse(me, team, RefuseOffer(1, "x"))

    play(tmp_path, story)


def test_an_offer_that_was_written_and_not_sent_is_sent_later(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await begun(on)
        await added(on, team, "renew a lease")
        assigning = on.white.node.assigning
        (one,) = await assigning.assign(person(on.white), team, Assign(is_trial=True))
        until_s = on.white.node.clock.wall_s() + 600
        decided = TaskDecided(3, one.answer, one.who, until_s, "{}")
        await on.white.node.teams.write(team, "", "", (decided,))
        await eventually(lambda: len(told(on, "impl")) == 1, "the offer is sent")
        assert Passed.REFUSED not in team.offers.passed(3)

    play(tmp_path, story)
