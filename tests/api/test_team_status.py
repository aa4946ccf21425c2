"""A team at a glance, as its nodes see it: over real links, with a real tmux."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fleet.core.task import Wanted
from fleet.core.team_commands import AddTask, AssignTask, NoteTask
from fleet.core.trust import Caller
from node.doors import teamstatus
from node.engine.chronicle import Chronicle
from node.engine.outbox import Wish
from tests.api.test_team_members import Web, play
from tests.api.test_teams import agent, in_step, person
from tests.support.members import Member
from tests.support.until import eventually


async def seen(at: Member, team: Chronicle, by: Caller | None = None) -> dict[str, Any]:
    told = await teamstatus.status(at.node, by or person(at), team)
    return {one["seat"]: one for one in told["seats"]} | {"team": told}


def test_the_home_sees_every_member_and_a_copy_those_of_its_own_node(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team = await on.begin()
        await on.seat(team, "help")
        await on.seat(team, "lead", at=white)
        copy = await in_step(team, nova)
        for at, name in (
            (white, "web.lead"),
            (nova, "web.help"),
        ):  # once their shells are out of the way
            await eventually(partial(at.node.agents.is_online, name), "it runs")
        home = await seen(white, team)
        assert list(home)[:-1] == ["lead", "help", "impl", "impl-2"], "the lead first"
        assert {home[one]["state"] for one in ("impl", "impl-2")} == {"empty"}
        assert home["impl"]["todo"] == "fleet team up web"
        looked = {"ready", "busy", "unknown", "starting"}
        assert {home["help"]["state"], home["lead"]["state"]} <= looked
        there = await seen(nova, copy)
        assert there["help"]["state"] in looked
        await eventually(
            lambda: "web.lead" in {e.name for e in nova.node.fleet.directory.agents()}, "known"
        )
        assert (await seen(nova, copy))["lead"]["state"] == "online", "nobody looked at it"
        await white.leave()
        await eventually(lambda: not nova.is_linked(white), "the home is away")
        away = await seen(nova, copy)
        assert (away["lead"]["state"], away["team"]["home_connected"]) == ("away", False)
        await white.come_back()

    play(tmp_path, story)


def test_the_last_word_is_a_note_or_a_message_and_messages_are_for_the_person(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white, on.nova
        team = await on.begin()
        await on.seat(team, "help")
        copy = await in_step(team, nova)
        command = white.node.teams.command
        await command(person(white), team, AddTask(Wanted("mend it")), "")
        await command(person(white), team, AssignTask(1, "help"), "")
        await in_step(team, nova)
        helper = agent(nova, "web.help")
        await nova.node.teams.command(helper, copy, NoteTask(1, "the door is stuck"), "")
        noted = (await seen(white, team))["help"]
        assert (noted["said"]["about"], noted["said"]["text"]) == ("T1", "the door is stuck")
        assert [task["title"] for task in noted["tasks"]] == ["mend it"]
        await nova.node.talk.post(helper, Wish("operator@white", "who has the key?"))
        await eventually(
            lambda: white.node.store.inbox.last_of(("web.help@nova",), 10), "it has come"
        )
        assert (await seen(white, team))["help"]["said"]["text"] == "who has the key?"
        assert (await seen(nova, copy))["help"]["said"]["text"] == "who has the key?"
        for_agent = (await seen(nova, copy, helper))["help"]["said"]["text"]
        assert for_agent == "the door is stuck"

    play(tmp_path, story)
