"""New incarnations over real links, with a real tmux: the old one is over, whatever it says and wherever it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import TeamAsk
from fleet.core.memory_commands import AddFinding
from fleet.core.task import Wanted
from fleet.core.team_commands import AddTask, ClaimTask, FinishTask
from fleet.core.team_events import Seated
from fleet.teamlog import command_to_json
from node.engine.chronicle import Chronicle
from node.engine.respawn import Again, Respawned
from tests.api.test_team_members import HELP, IMPL, LEAD, WEB, Web, play
from tests.api.test_teams import in_step, person
from tests.support.members import Member
from tests.support.until import eventually


async def respawn(on: Web, team: Chronicle, seat: str, at: Member | None = None) -> Respawned:
    wish = Again(seat, at.id if at else "", str(on.repository), on.tmux.socket, 20.0)
    return await on.white.node.respawns.respawn(person(on.white), team, wish)


def test_who_was_in_the_seat_says_nothing_more_and_who_is_in_it_goes_on(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        white, nova = on.white.node, on.nova.node
        team = await on.begin()
        await on.seat(team, "help")
        copy = await in_step(team, on.nova)
        old, new = nova.fleet.caller("web.help"), white.fleet.caller("web.help")
        await white.teams.command(person(on.white), team, AddTask(Wanted("mend it")), "")
        await nova.teams.command(old, copy, ClaimTask(1), "")
        claim = team.board.task(1)
        # Asked by nova's own word: as if its copy of the log knew nothing of it yet.
        late = TeamAsk(
            "web.help@nova", team.team_id, "done", command_to_json(FinishTask(1, "x")), ""
        )
        done = await respawn(on, team, "help", on.white)
        assert (done.seat.node, done.claims) == (on.white.id, (claim,))
        with pytest.raises(NotAllowed, match="speak for web/help"):
            await nova.peers.ask(on.white.id, late)
        said = TeamAsk(
            "web.help@nova", team.team_id, "memory_add", command_to_json(AddFinding("x")), ""
        )
        with pytest.raises(NotAllowed, match="speak for web/help"):
            await nova.peers.ask(on.white.id, said)
        assert team.board.task(1) == claim
        await white.teams.command(new, team, FinishTask(1, "done", claim.token), "")
        assert on.programs("web.help") == 1

    play(tmp_path, story)


def test_a_node_ends_who_is_over_by_the_log_and_tells_home_once(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "impl")
        folder = Path(on.nova.node.home) / "worktrees" / "web" / "impl"
        (folder / "half done").write_text("x")
        seated = Seated("impl", "impl", "web.impl", on.white.id)
        await on.white.node.teams.write(team, "", "", (seated,))
        await eventually(lambda: on.programs("web.impl") == 0, "nova has ended it")
        await eventually(lambda: len(mail(on)) == 1, "home is told")
        assert str(folder) in mail(on)[0]
        assert "half done" in mail(on)[0]
        assert (folder / "half done").exists()
        await on.nova.leave()
        await on.nova.come_back()
        await eventually(lambda: on.white.is_linked(on.nova), "nova is there again")
        await on.seat(team, "help")
        assert (len(on.nova.audit("member overtaken")), len(mail(on))) == (1, 1)
        assert on.programs("web.help") == 1

    play(tmp_path, story)


def mail(on: Web) -> list[str]:
    return [
        item.envelope.text for item in on.white.node.store.inbox.recent("operator", 9, dead=False)
    ]


def test_a_role_lives_where_its_file_says(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        plan = replace(WEB, roles=(replace(HELP, node="nova"), IMPL, LEAD))
        team = await on.begin(plan)
        await on.seat(team, "help", plan)
        head = team.board.head
        with pytest.raises(NotAllowed, match="role help may not live on white"):
            await respawn(on, team, "help", on.white)
        assert (team.board.head, on.programs("web.help")) == (head, 1)
        assert (await respawn(on, team, "help")).seat.node == on.nova.id

    play(tmp_path, story)


def test_its_folder_stays_where_it_stays_and_goes_with_it_when_nothing_would_be_lost(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "impl")
        folder = Path(on.nova.node.home) / "worktrees" / "web" / "impl"
        before = folder.stat().st_ino
        stayed = await respawn(on, team, "impl")
        assert folder.stat().st_ino == before
        assert stayed.left is not None
        assert (stayed.left.ended, stayed.left.folder) == (True, str(folder))
        moved = await respawn(on, team, "impl", on.white)
        assert not folder.exists()
        assert moved.left is not None
        assert (moved.left.ended, moved.left.folder, moved.left.branch) == (True, "", "web/impl")
        assert (Path(on.white.node.home) / "worktrees" / "web" / "impl").exists()

    play(tmp_path, story)


def test_what_cannot_be_is_refused_before_anything_is_ended(tmp_path: Path) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "help")
        head = team.board.head

        async def refused(seat: str, at: Member | None, kind: type[FleetError]) -> None:
            with pytest.raises(kind):
                await respawn(on, team, seat, at)

        await refused("cook", None, MalformedRequest)
        await refused("lead", on.nova, NotAllowed)
        await in_step(team, on.nova)
        copy = on.nova.node.teams.by_id(team.team_id)
        assert copy is not None
        wish = Again("help", "", "", on.tmux.socket, 1.0)
        with pytest.raises(WrongState, match="from its home"):
            await on.nova.node.respawns.respawn(person(on.nova), copy, wish)
        assert (team.board.head, on.programs("web.help")) == (head, 1)

    play(tmp_path, story)
