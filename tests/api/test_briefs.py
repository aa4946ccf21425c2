"""First messages over real links: the briefing as its node has it, once in each term, in that node's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from fleet.core.board import Seat
from fleet.core.delivery import State
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.teams import UnknownTeam
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import TeamAsk
from fleet.core.memory_commands import AddFinding
from fleet.core.team_events import NodeLeft, Seated
from fleet.core.trust import Policy
from node.engine.chronicle import Chronicle
from node.engine.outbox import Wish
from node.records import Agent
from tests.api.test_team_invitations import joined, say, web_on
from tests.api.test_teams import in_step, person
from tests.support.members import Member, let_in, run


async def lives(member: Member, name: str, policy: Policy = Policy.CLOSED) -> None:
    """An agent that has no pane now."""
    await member.node.agents.started(Agent(name, "generic", policy, None, ("sleep",), "/", ""))


async def seated(home: Member, team: Chronicle, node: Member, agent: str = "web.impl") -> Seat:
    await home.node.teams.write(team, "", "", (Seated("impl", "impl", agent, node.id),))
    return team.board.seats["impl"]


def told(member: Member, agent: str = "web.impl") -> list[tuple[str, str]]:
    return [
        (item.envelope.sender, item.envelope.text) for item in member.node.store.inbox.open(agent)
    ]


def test_it_is_the_briefing_and_comes_once_in_each_term_whatever_is_learnt_meanwhile(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        team = await web_on(white)
        await lives(white, "web.impl")
        seat = await seated(white, team, white)
        first = await white.node.memories.briefing(team, "impl")
        briefed = await white.node.briefs.brief(team, seat, 0.0)
        assert briefed.state in {State.ACCEPTED, State.HELD}
        assert told(white) == [("fleet@white", first)], "a closed agent hears its own node"
        assert await white.node.memories.briefing(team, "impl") == first, "it is no unread message"
        learnt = AddFinding("the quay is wet", role="impl")
        await white.node.memories.command(person(white), team, learnt, "")
        again = await white.node.briefs.brief(team, seat, 0.0)
        assert (again.id, told(white)) == (briefed.id, [("fleet@white", first)])
        later = await white.node.briefs.brief(team, await seated(white, team, white), 0.0)
        assert later.id != briefed.id
        assert "the quay is wet" in told(white)[1][1]

    run(tmp_path, story, "white")


def test_on_another_node_it_is_made_there_with_the_messages_that_wait_there(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await joined(white, nova)
        await lives(nova, "web.impl")
        wish = Wish("web.impl@nova", "are you there?")
        await nova.node.outbox.send(person(nova), wish)
        seat = await seated(white, team, nova)
        briefed = await white.node.briefs.brief(team, seat, 5.0)
        copy = await in_step(team, nova)
        page = await nova.node.memories.briefing(copy, "impl")
        assert "> are you there?" in page
        assert told(nova)[1:] == [("fleet@nova", page)]
        assert briefed.receipt["to"] == "web.impl@nova"
        again = await white.node.briefs.brief(team, seat, 0.0)
        assert (again.id, len(told(nova))) == (briefed.id, 2)

    run(tmp_path, story, "white", "nova")


def test_a_node_speaks_for_a_team_only_to_the_teams_own_agents_and_as_long_as_it_is_of_it(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await joined(white, nova)
        await lives(nova, "neo")
        with pytest.raises(NotAllowed):
            await white.node.briefs.brief(team, await seated(white, team, nova, "neo"), 5.0)
        seat = await seated(white, team, nova)
        agreed = nova.node.agreements.agreement(team.team_id, "impl")
        assert agreed is not None
        table = nova.node.store.agreements
        for kept in (replace(agreed, verbs=()), replace(agreed, role="lead")):
            table.drop_agreements(team.team_id)
            table.put_agreement(kept)
            with pytest.raises(NotAllowed):
                await white.node.briefs.brief(team, seat, 5.0)
        with pytest.raises(MalformedRequest):
            await say(white, nova, team, "brief", seat="impl")
        ask = TeamAsk("", team.team_id, "brief", msgspec.json.encode({}), "")
        with pytest.raises(UnknownTeam):
            await nova.node.peers.ask(white.id, ask)
        await white.node.teams.write(team, "", "", (NodeLeft(nova.id, "removed"),))
        await in_step(team, nova)
        with pytest.raises(UnknownTeam):
            await white.node.briefs.brief(team, seat, 0.0)
        assert told(nova) == []
        assert told(nova, "neo") == []

    run(tmp_path, story, "white", "nova")
