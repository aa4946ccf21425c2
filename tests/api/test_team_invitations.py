"""Nodes are invited into a team over real links: asked, answered once, let in for exactly what was shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from fleet.core.errors.names import UnknownNode
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import InvitationRefused, NotAllowed
from fleet.core.frames import TeamAsk
from fleet.core.task import TaskState, Wanted
from fleet.core.team import RolePlan, TeamPlan, Worktree, agreed_digest
from fleet.core.team_commands import AddTask, ClaimTask
from fleet.core.team_events import NodeAsked
from fleet.core.trust import Grant, Verb
from node.engine.chronicle import Chronicle
from node.store.agreements import Answered
from node.store.teams import Standing
from tests.api.test_teams import agent, in_step, person
from tests.support.members import Member, let_in, meet, members, run
from tests.support.until import GIVE_UP_S, eventually

LEAD = RolePlan("lead", "claude")
IMPL = RolePlan(
    "impl", "claude", ("claude", "--fast"), count=2, repository="git@git.example.net:shop/web.git",
    worktree=Worktree.OWN, include=(".env",),
)  # fmt: skip
WEB = TeamPlan("web", "lead", (IMPL, LEAD))
FOLDER = {"web": "/srv/web"}


async def web_on(home: Member, plan: TeamPlan = WEB) -> Chronicle:
    await home.node.plans.apply(person(home), plan, None)
    team = home.node.teams.home_of("web")
    assert team is not None
    return team


async def invited(
    home: Member, team: Chronicle, node: Member, *roles: str, expires_s: float = 60.0
) -> str:
    asked, is_told = await home.node.invitations.invite(
        person(home), team, node.id, roles or ("impl",), expires_s
    )
    assert is_told
    return asked.invitation


async def joined(home: Member, node: Member) -> Chronicle:
    """``web`` on its home, with the node in it for its implementers."""
    team = await web_on(home)
    one = await invited(home, team, node)
    await node.node.agreements.accept(person(node), one, FOLDER)
    await in_step(team, node)
    return team


def grants(member: Member) -> set[tuple[str, str, str]]:
    return {
        (g.who, g.agent, ",".join(sorted(g.verbs)))
        for g in member.node.fleet.grants
    }  # fmt: skip


def given_to(*homes: Member) -> set[tuple[str, str, str]]:
    home, *others = homes
    return {
        (f"operator@{home.id}", "web.*", "message,observe,spawn"),
        *((f"web.*@{one.id}", "web.*", "message,observe") for one in (home, *others)),
    }


async def say(from_: Member, to: Member, team: Chronicle, verb: str, **said: object) -> None:
    """What another node says on its own account, as no command of ours would."""
    await from_.node.peers.ask(
        to.id, TeamAsk("operator@x", team.team_id, verb, msgspec.json.encode(said), "")
    )


def test_an_accepted_invitation_gives_what_was_shown_and_nothing_else(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white)
        one = await invited(white, team, nova)
        ((row, asked),) = nova.node.agreements.invitations()
        assert (row.invitation, row.home, row.state) == (one, white.id, Answered.OPEN)
        (role,) = asked.roles
        assert (role.role, role.command, role.count) == ("impl", ("claude", "--fast"), 2)
        assert not grants(nova), "asking gives nothing"
        shown = nova.node.agreements.would_grant(row, asked)
        await nova.node.agreements.accept(person(nova), one[:6], FOLDER)
        assert grants(nova) == given_to(white)
        assert {Grant(g.who, g.agent, g.verbs) for g in shown} == set(nova.node.fleet.grants)
        agreement = nova.node.agreements.agreement(team.team_id, "impl")
        assert agreement is not None
        assert (agreement.digest, agreement.count) == (agreed_digest(IMPL), 2)
        assert (agreement.folder, agreement.verbs) == (
            "/srv/web", (Verb.MESSAGE, Verb.OBSERVE, Verb.SPAWN),
        )  # fmt: skip
        assert nova.node.agreements.agreement(team.team_id, "lead") is None
        copy = await in_step(team, nova)
        assert copy.row.standing is Standing.COPY
        assert team.board.nodes[nova.id].roles == (("impl", agreed_digest(IMPL)),)
        assert not grants(white), "accepting gives nothing at home"

    run(tmp_path, story, "white", "nova")


def test_a_declined_invitation_gives_nothing_and_cannot_be_accepted(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white)
        one = await invited(white, team, nova)
        await nova.node.agreements.decline(one, "no room")
        assert team.board.ended == {one: "declined: no room"}
        with pytest.raises(InvitationRefused):
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        with pytest.raises(InvitationRefused):
            await say(nova, white, team, "accept", invitation=one, roles=[("impl", "x")])
        assert not team.board.nodes
        assert not grants(nova)

    run(tmp_path, story, "white", "nova")


def test_an_invitation_runs_out_on_both_sides(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white)
        one = await invited(white, team, nova, expires_s=1.0)
        await eventually(lambda: team.board.ended.get(one) == "ran out", "it ran out")
        with pytest.raises(InvitationRefused):
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        roles = [("impl", agreed_digest(IMPL))]
        with pytest.raises(InvitationRefused, match="ran out"):
            await say(nova, white, team, "accept", invitation=one, roles=roles)
        assert white.audit("team accept refused")

    run(tmp_path, story, "white", "nova")


def test_a_withdrawn_invitation_and_one_that_was_asked_anew_are_open_no_more(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white)
        first = await invited(white, team, nova)
        second = await invited(white, team, nova)
        assert team.board.ended == {first: "asked anew"}
        await white.node.invitations.withdraw(person(white), team, second)
        states = [row.state for row, _ in nova.node.agreements.invitations()]
        assert states == [Answered.WITHDRAWN, Answered.WITHDRAWN]
        roles = [("impl", agreed_digest(IMPL))]
        for one in (first, second):
            with pytest.raises(InvitationRefused):
                await say(nova, white, team, "accept", invitation=one, roles=roles)
        with pytest.raises(WrongState):
            await white.node.invitations.withdraw(person(white), team, second)
        assert not team.board.nodes

    run(tmp_path, story, "white", "nova")


def test_a_yes_counts_once_and_after_leaving_never_again(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await joined(white, nova)
        (one,) = team.board.ended
        head = team.board.head
        said = {"invitation": one, "roles": [("impl", agreed_digest(IMPL))]}
        await say(nova, white, team, "accept", **said)
        await nova.node.agreements.accept(person(nova), one, FOLDER)
        assert team.board.head == head
        copy = nova.node.teams.by_id(team.team_id)
        assert copy is not None
        assert await nova.node.agreements.leave(copy)
        assert nova.id in team.board.left
        assert (grants(nova), copy.row.standing) == (set(), Standing.LEFT)
        assert nova.node.agreements.agreement(team.team_id, "impl") is None
        with pytest.raises(InvitationRefused):
            await say(nova, white, team, "accept", **said)
        with pytest.raises(InvitationRefused):
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        again = await invited(white, team, nova)
        await nova.node.agreements.accept(person(nova), again, FOLDER)
        copy = await in_step(team, nova)
        assert (copy.row.standing, grants(nova)) == (Standing.COPY, given_to(white))

    run(tmp_path, story, "white", "nova")


def test_nobody_else_answers_forges_or_asks_in_a_teams_name(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(kai, nova)
        team = await web_on(white)
        one = await invited(white, team, nova)
        roles = [("impl", agreed_digest(IMPL))]
        for verb in ("accept", "decline"):
            with pytest.raises(InvitationRefused, match="another node"):
                await say(kai, white, team, verb, invitation=one, roles=roles)
        with pytest.raises(InvitationRefused, match="there is none"):
            await say(kai, white, team, "accept", invitation="0123456789abcdef", roles=roles)
        with pytest.raises(InvitationRefused, match="other roles"):
            await say(nova, white, team, "accept", invitation=one, roles=[("lead", "x")])
        with pytest.raises(MalformedRequest):
            await say(nova, white, team, "accept", invitation=7)
        await say(kai, white, team, "leave", invitation=one)
        assert one in team.board.asked
        assert not team.board.nodes
        # kai says to nova that white's invitation is withdrawn, and asks under its id
        await kai.node.peers.ask(
            nova.id, TeamAsk("operator@white", team.team_id, "withdraw", b"{}", one)
        )
        ((row, asked),) = nova.node.agreements.invitations()
        assert row.state is Answered.OPEN
        for changed in (replace(asked, by="operator@white"), replace(asked, team="a.b")):
            with pytest.raises(MalformedRequest):
                await kai.node.peers.ask(
                    nova.id,
                    TeamAsk("operator@white", "1", "invite", msgspec.json.encode(changed), one),
                )
        # a copy of its own that kai begins stays empty
        stranger = kai.node.teams.follow(team.team_id, "web", white.id)
        kai.node.copies.linked(white.id)
        await nova.node.agreements.accept(person(nova), one, FOLDER)
        await in_step(team, nova)
        assert stranger.board.head == 0
        assert grants(nova) == given_to(white)

    run(tmp_path, story, "white", "nova", "kai")


def test_a_second_team_of_the_same_name_would_reach_the_same_agents_and_is_refused(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(kai, nova)
        await joined(white, nova)
        other = await web_on(kai)
        one = await invited(kai, other, nova)
        with pytest.raises(WrongState, match="a team called web is here"):
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        assert grants(nova) == given_to(white)
        assert not other.board.nodes
        with pytest.raises(UnknownNode):
            await kai.node.invitations.invite(person(kai), other, "x" * 52, (), 60.0)

    run(tmp_path, story, "white", "nova", "kai")


def test_each_node_of_the_team_gets_what_its_members_need_and_loses_it_with_it(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        team = await joined(white, nova)
        one = await invited(white, team, kai)
        await kai.node.agreements.accept(person(kai), one, FOLDER)
        await eventually(lambda: grants(nova) == given_to(white, kai), "nova lets kai's members")
        await eventually(lambda: grants(kai) == given_to(white, nova), "and kai those of nova")
        await white.node.invitations.remove(person(white), team, nova.id, "too slow")
        await eventually(lambda: not grants(nova), "nova took all of it back")
        await eventually(lambda: grants(kai) == given_to(white), "kai what it had given to nova")
        copy = nova.node.teams.by_id(team.team_id)
        assert copy is not None
        assert copy.row.standing is Standing.LEFT
        assert nova.node.agreements.agreement(team.team_id, "impl") is None
        with pytest.raises(WrongState):
            await white.node.invitations.remove(person(white), team, nova.id, "")

    run(tmp_path, story, "white", "nova", "kai")


def test_what_a_person_took_back_or_gave_is_theirs(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white)
        one = await invited(white, team, nova)
        own = (f"operator@{white.id}", "web.*")
        await nova.node.grants.give(own[0], ("message",), own[1], 0.0, "")
        with pytest.raises(WrongState, match="a grant of your own"):
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        assert not team.board.nodes
        await nova.node.grants.take(*own)
        await nova.node.agreements.accept(person(nova), one, FOLDER)
        await nova.node.grants.take(*own)
        await white.node.teams.command(person(white), team, AddTask(Wanted("one")), "")
        await in_step(team, nova)
        assert grants(nova) == given_to(white) - {(*own, "message,observe,spawn")}

    run(tmp_path, story, "white", "nova")


def test_a_role_that_has_changed_needs_a_new_yes(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await joined(white, nova)
        invitations = white.node.invitations
        with pytest.raises(NotAllowed, match="has not agreed"):
            await invitations.add(person(white), team, "neo", nova.id, "lead", "")
        assert await invitations.add(person(white), team, "neo", nova.id, "impl", "") == "impl"
        assert await invitations.add(person(white), team, "neo", nova.id, "impl", "") == "impl"
        changed = replace(IMPL, command=("claude", "--dangerous"))
        await web_on(white, replace(WEB, roles=(changed, LEAD)))
        with pytest.raises(NotAllowed, match="has not agreed to it as it is now"):
            await invitations.add(person(white), team, "tom", nova.id, "impl", "")
        one = await invited(white, team, nova)
        await nova.node.agreements.accept(person(nova), one, FOLDER)
        assert await invitations.add(person(white), team, "tom", nova.id, "impl", "") == "impl-2"
        agreement = nova.node.agreements.agreement(team.team_id, "impl")
        assert agreement is not None
        assert agreement.digest == agreed_digest(changed)

    run(tmp_path, story, "white", "nova")


def test_an_agent_that_gives_up_its_seat_or_loses_its_node_gives_up_its_claims(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await joined(white, nova)
        await white.node.teams.command(person(white), team, AddTask(Wanted("one")), "")
        for away in (False, True):
            await white.node.invitations.add(person(white), team, "neo", nova.id, "impl", "")
            copy = await in_step(team, nova)
            await nova.node.teams.command(agent(nova, "neo"), copy, ClaimTask(1), "")
            assert team.board.tasks[1].holder == "impl"
            if away:
                await white.node.invitations.remove(person(white), team, nova.id, "gone home")
            else:
                await white.node.invitations.drop(person(white), team, "impl", "gone home")
            assert team.board.tasks[1].state is TaskState.OPEN
            assert "gone home" in team.board.tasks[1].why
            assert not team.board.seats

    run(tmp_path, story, "white", "nova")


def test_what_was_asked_and_said_survives_both_nodes_and_the_home_being_away(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with members(tmp_path, "white", "nova") as (white, nova):
            await let_in(white, nova)
            one = await invited(white, await web_on(white), nova)
        async with members(tmp_path, "white", "nova") as (white, nova):
            await meet(nova, white)
            await nova.node.agreements.accept(person(nova), one, FOLDER)
        async with members(tmp_path, "nova") as (nova,):
            assert grants(nova)
            (copy,) = nova.node.teams.all()
            assert not await nova.node.agreements.leave(copy), "the home is away"
            assert not grants(nova)
        async with members(tmp_path, "white", "nova") as (white, nova):
            await meet(nova, white)
            (team,) = white.node.teams.all()
            await eventually(lambda: nova.id in team.board.left, "white was told")
        async with members(tmp_path, "white") as (white,):
            (team,) = white.node.teams.all()
            asked, is_told = await white.node.invitations.invite(
                person(white), team, nova.id, (), 60.0
            )
            assert isinstance(asked, NodeAsked)
            assert not is_told
        async with members(tmp_path, "white", "nova") as (white, nova):
            await meet(nova, white)
            await eventually(
                lambda: len(nova.node.agreements.invitations()) == 2, "nova learns of it"
            )
            await nova.node.agreements.accept(person(nova), asked.invitation, {"": "/srv/web"})
            assert nova.id in white.node.teams.all()[0].board.nodes

    asyncio.run(asyncio.wait_for(play(), GIVE_UP_S))


def test_an_invitation_is_refused_that_makes_no_sense(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team = await web_on(white, replace(WEB, roles=(replace(IMPL, node="white"), LEAD)))
        invite, me = white.node.invitations.invite, person(white)
        with pytest.raises(WrongState):
            await invite(me, team, white.id, (), 60.0)
        with pytest.raises(MalformedRequest, match="no role 'impl' that may live on nova"):
            await invite(me, team, nova.id, ("impl",), 60.0)
        with pytest.raises(MalformedRequest):
            await invite(me, team, nova.id, (), 0.0)
        await web_on(white)
        one = await invited(white, team, nova)
        for folders in ({}, {"shop": "/srv/web"}, {"web": "srv/web"}):
            with pytest.raises(MalformedRequest):
                await nova.node.agreements.accept(person(nova), one, folders)
        copy = nova.node.teams.follow(team.team_id, "web", white.id)
        with pytest.raises(NotAllowed, match="this node may not"):
            await nova.node.invitations.invite(person(nova), copy, white.id, (), 60.0)
        with pytest.raises(WrongState):
            await white.node.agreements.leave(team)

    run(tmp_path, story, "white", "nova")
