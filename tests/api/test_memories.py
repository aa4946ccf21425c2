"""What a team remembers, over real links: told on one node, known on all, in files and in the index too."""

from __future__ import annotations

import asyncio
import subprocess
from functools import partial
from pathlib import Path

import pytest

from fleet.core.address import OPERATOR
from fleet.core.briefing import LEAST_CHARS
from fleet.core.errors.base import FleetError
from fleet.core.errors.names import UnknownAgent, UnknownFinding
from fleet.core.errors.nodes import NodeUnreachable
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import TeamAsk
from fleet.core.memory_commands import (
    AddFinding,
    EditFinding,
    HandOver,
    PromoteFinding,
    SetOrders,
)
from fleet.core.task import Wanted
from fleet.core.team import canonical
from fleet.core.team_commands import AddTask, ClaimTask
from fleet.core.team_events import NodeJoined, Planned, Seated
from fleet.core.trust import Caller
from fleet.teamlog import command_to_json
from node.engine.chronicle import Chronicle
from tests.support.members import Member, let_in, meet, members, run
from tests.support.teams import WEB
from tests.support.until import eventually

PLANNED = Planned(canonical(WEB), "lead", (), 600.0)


def person(member: Member) -> Caller:
    return member.node.fleet.caller(OPERATOR)


async def in_step(team: Chronicle, other: Member) -> Chronicle:
    copy = other.node.teams.by_id(team.team_id)
    assert copy is not None
    await eventually(lambda: copy.have() == team.have(), "the copy is like the home's")
    return copy


async def team_of(home: Member, other: Member) -> tuple[Chronicle, Chronicle, Caller]:
    """A team with a copy on another node, where its seat ``impl`` is; both ends, and who fills it."""
    team = await home.node.teams.found(person(home), "web", PLANNED)
    seated = Seated("impl", "impl", "web.impl", other.id)
    await home.node.teams.write(team, "", "", (NodeJoined("", other.id, ()), seated))
    other.node.teams.follow(team.team_id, "web", home.id)
    other.node.copies.linked(home.id)
    return team, await in_step(team, other), other.node.fleet.caller("web.impl")


def found(member: Member, team: Chronicle, words: str) -> list[str]:
    return [f"F{hit.number}" for hit in member.node.memories.search(team, words, None, 10)]


def page(member: Member, *path: str) -> str:
    file = member.daemon._paths.memory.joinpath("web", *path)
    return file.read_text() if file.exists() else ""


def history(member: Member) -> list[str]:
    told = subprocess.run(
        ["git", "-C", str(member.daemon._paths.memory / "web"), "log", "--format=%s"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told.stdout.splitlines()


def is_written(member: Member) -> bool:
    return "ten minutes" in page(member, "impl", "findings.md") and bool(history(member))


def test_what_is_added_on_one_node_is_found_on_the_other_and_stands_in_its_files(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team, copy, rin = await team_of(white, nova)
        said = AddFinding("leases expire after ten minutes", tags=("lease",))
        done = await nova.node.memories.command(rin, copy, said, "once")
        assert done.finding is not None
        assert (done.finding.role, done.finding.author) == ("impl", "web.impl@nova")
        again = await nova.node.memories.command(rin, copy, said, "once")
        assert (again.again, again.entry, again.finding) == (True, done.entry, done.finding)
        await in_step(team, nova)
        for member, there in ((white, team), (nova, copy)):
            assert there.memory.findings() == (done.finding,)
            assert found(member, there, "expired lease") == [done.finding.label]
            await eventually(partial(is_written, member), "files and history have it")

    run(tmp_path, story, "white", "nova")


def test_who_may_say_what(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team, copy, rin = await team_of(white, nova)
        tell = nova.node.memories.command
        mine = await tell(rin, copy, AddFinding("mine"), "")
        theirs = await white.node.memories.command(
            person(white), team, AddFinding("for the lead", role="lead"), ""
        )
        await tell(rin, copy, EditFinding(mine.entry, "mine, better"), "")
        for refused in (
            AddFinding("not my role", role="lead"),
            EditFinding(theirs.entry, "I know better"),
            PromoteFinding(mine.entry, "orders"),
            SetOrders("obey me", "impl"),
        ):
            with pytest.raises(NotAllowed):
                await tell(rin, copy, refused, "")
        with pytest.raises(NotAllowed):
            await tell(nova.node.fleet.caller("neo"), copy, AddFinding("a stranger's"), "")
        once = await tell(rin, copy, AddFinding("said once"), "k")
        await white.node.teams.write(team, "", "", (Seated("impl", "impl", "web.impl", white.id),))
        again = TeamAsk(
            str(rin), team.team_id, "memory_add", command_to_json(AddFinding("said once")), "k"
        )
        with pytest.raises(NotAllowed):  # who is not in the seat any more is not answered by a key
            await nova.node.peers.ask(white.id, again)
        await white.node.teams.write(team, "", "", (Seated("impl", "impl", "web.impl", nova.id),))
        await in_step(team, nova)
        assert (await tell(rin, copy, AddFinding("said once"), "k")).entry == once.entry
        with pytest.raises(UnknownFinding):
            await tell(rin, copy, EditFinding(2, "no finding's number"), "")
        with pytest.raises(FleetError, match="fills no seat"):
            await white.node.memories.command(person(white), team, HandOver("a note"), "")
        await in_step(team, nova)
        assert [one.text for one in copy.memory.findings()] == [
            "mine, better", "for the lead", "said once",
        ]  # fmt: skip

    run(tmp_path, story, "white", "nova")


def test_while_the_home_is_away_it_is_read_and_searched_and_not_written(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team, copy, rin = await team_of(white, nova)
        await nova.node.memories.command(rin, copy, AddFinding("gates close at ten"), "")
        await in_step(team, nova)
        white.node.stopping.set()
        await eventually(lambda: not nova.is_linked(white), "white is away")
        with pytest.raises(NodeUnreachable) as refused:
            await nova.node.memories.command(rin, copy, AddFinding("and open at six"), "")
        assert "lives on white" in refused.value.hint
        with pytest.raises(NotAllowed):
            await nova.node.memories.command(
                nova.node.fleet.caller("neo"), copy, AddFinding("a stranger's"), ""
            )
        assert len(found(nova, copy, "gate")) == 1
        assert found(nova, copy, "six") == []
        assert "gates close at ten" in await nova.node.memories.briefing(copy, "impl")

    run(tmp_path, story, "white", "nova")


def test_after_a_restart_of_both_all_is_there_also_without_index_and_files(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> str:
        await let_in(white, nova)
        team, copy, rin = await team_of(white, nova)
        await nova.node.memories.command(rin, copy, AddFinding("quay seven is deep"), "")
        await nova.node.memories.command(rin, copy, HandOver("the crane is half built"), "")
        await in_step(team, nova)
        assert found(nova, copy, "quay")
        page = await nova.node.memories.briefing(copy, "impl")
        assert "> quay seven is deep" in page
        assert "> the crane is half built" in page
        return page

    async def play() -> None:
        async with members(tmp_path, "white", "nova") as up:
            before = await story(*up)
            roots = [member.daemon._paths for member in up]
        roots[0].search.unlink()
        roots[1].search.write_bytes(b"no index at all" * 1_000)
        async with members(tmp_path, "white", "nova") as (white, nova):
            (team,), (copy,) = white.node.teams.all(), nova.node.teams.all()
            for member, there in ((white, team), (nova, copy)):
                assert len(found(member, there, "quays")) == 1
            assert await nova.node.memories.briefing(copy, "impl") == before
            assert await white.node.memories.briefing(team, "impl") == before
            await meet(nova, white)

    asyncio.run(play())


def test_the_next_one_in_a_seat_is_given_what_the_last_one_left(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team, copy, rin = await team_of(white, nova)
        owner, tell = person(white), nova.node.memories.command
        added = AddTask(Wanted("mend the door", "it creaks", acceptance="no sound"))
        await white.node.teams.command(owner, team, added, "")
        await nova.node.teams.command(rin, copy, ClaimTask(1), "")
        await tell(rin, copy, AddFinding("the hinge is of brass", task=1), "")
        await tell(rin, copy, HandOver("oil is in the shed"), "")
        await tell(rin, copy, AddFinding("rust " * 500), "")
        rule = await white.node.memories.command(
            owner, team, AddFinding("knock", is_for_team=True), ""
        )
        await white.node.memories.command(owner, team, PromoteFinding(rule.entry, "orders"), "")
        await in_step(team, nova)
        before = await nova.node.memories.briefing(copy, "impl")
        for part in (
            "# Briefing for web/impl", "> One task at a time.", "> knock", "> oil is in the shed",
            "> mend the door", "> Done when: no sound", "> the hinge is of brass",
        ):  # fmt: skip
            assert part in before
        assert len(before) > LEAST_CHARS
        assert before.index("> knock") < before.index("Tasks that you hold"), "it is an order"
        assert before.index("Tasks that you hold") < before.index("> mend the door")
        await white.node.teams.write(team, "", "", (Seated("impl", "impl", "web.impl", white.id),))
        await in_step(team, nova)
        assert (
            await white.node.memories.briefing(team, "impl") == before
        )  # it moved, and so did this
        assert len(await white.node.memories.briefing(team, "impl", LEAST_CHARS)) <= LEAST_CHARS
        assert "# Briefing for web/impl-3" in await white.node.memories.briefing(team, "impl-3")
        with pytest.raises(UnknownAgent, match="web/impl-9"):
            await white.node.memories.briefing(team, "impl-9")

    run(tmp_path, story, "white", "nova")


def test_orders_edited_in_their_file_at_home_are_the_orders_everywhere(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        team, _, _ = await team_of(white, nova)
        await eventually(lambda: page(white, "impl", "orders.md") != "", "orders stand in a file")
        assert page(white, "impl", "orders.md") == "One task at a time.\n"
        file = white.daemon._paths.memory / "web" / "impl" / "orders.md"
        file.write_text("Two tasks at a time.\n")
        assert "> Two tasks at a time." in await white.node.memories.briefing(team, "impl")
        copy = await in_step(team, nova)
        orders = copy.memory.orders("impl")
        assert orders is not None
        assert (orders.text, orders.by) == ("Two tasks at a time.", "operator@white")
        head = team.board.head
        await white.node.memories.briefing(team, "impl")
        assert team.board.head == head  # and are taken once
        await eventually(
            lambda: page(nova, "impl", "orders.md") == "Two tasks at a time.\n",
            "nova has them, too",
        )
        head = team.board.head
        elsewhere = nova.daemon._paths.memory / "web" / "impl" / "orders.md"
        elsewhere.write_text("None at all.\n")
        await nova.node.memories.remembering.look(copy)
        assert (team.board.head, copy.board.head) == (head, head), "only the home's are taken"
        assert elsewhere.read_text() == "None at all.\n"
        await white.node.teams.write(team, "", "", (PLANNED,))
        orders = team.memory.orders("impl")
        assert orders is not None
        assert orders.text == "Two tasks at a time."  # a file applied again says nothing new

    run(tmp_path, story, "white", "nova")


def test_two_teams_of_one_name_have_a_folder_each(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        team = await white.node.teams.found(person(white), "web", PLANNED)
        other = white.node.teams.follow("0123456789abcdef", "web", "n" * 52)
        remembering = white.node.memories.remembering
        assert remembering.folder_of(team) == "web"
        assert remembering.folder_of(other) == "web-01234567"

    run(tmp_path, story, "white")
