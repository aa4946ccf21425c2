"""A team's log, and members of the fleet who are hostile: one that is not of the team, a copy, a home."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import grpc
import pytest

from fleet.core.bounds import ENTRIES_LIMIT, ENTRY_BYTES, LAST_COUNT
from fleet.core.directory import AgentEntry, Presence, SeatHeld
from fleet.core.errors.names import SeatInDoubt
from fleet.core.frames import DirectoryWord, LogEntry, TeamAsk, TeamBeat, TeamHave, TeamWord
from fleet.core.task import TaskAdded, TaskState, Wanted
from fleet.core.team_commands import AddTask, ClaimTask
from fleet.core.team_events import Event, Founded, Happened, NodeJoined, NodeLeft, Planned, Seated
from fleet.core.trust import Policy
from fleet.teamlog import command_to_json, entry_to_json
from node.engine.chronicle import Chronicle
from node.engine.outbox import Wish
from node.records import Agent
from tests.attacks.hostile import Hostile, admitted, linked, member_of
from tests.support.members import Member, let_in, run
from tests.support.until import eventually

PLANNED = Planned("{}", "lead", (), 600.0)


async def team_at(white: Member, *events: Event) -> Chronicle:
    """A team of white, with a task that its own rin holds."""
    node = white.node
    team = await node.teams.found(node.fleet.caller("operator"), "site", PLANNED)
    await node.teams.write(team, "", "", (Seated("rin", "impl", "rin", white.id), *events))
    for command in (AddTask(Wanted("a secret")), ClaimTask()):
        await node.teams.command(node.fleet.caller("rin"), team, command, "")
    return team


async def all_heard(kai: Hostile) -> None:
    """Everything that was said before is heard: an answer comes after it."""
    await kai.ask(TeamAsk("operator", "none", "claim", b"{}", ""), 99)


def entry(seq: int, event: Event) -> LogEntry:
    return LogEntry(entry_to_json(Happened(seq, 1.0, "neo@kai", "", event)), b"t%15d" % seq)


def word(team_id: str, *events: Event, first: int = 1, anew: bool = False) -> TeamWord:
    told = tuple(entry(first + n, event) for n, event in enumerate(events))
    return TeamWord(team_id, first, told, first + len(told) - 1, anew)


def test_one_that_is_not_of_the_team_gets_nothing_and_changes_nothing(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        team = await team_at(white)
        was = team.have()
        async with member_of(white) as kai:
            for caller in ("operator", "rin", "rin@white", "fleet"):
                ask = TeamAsk(
                    caller, team.team_id, "add", command_to_json(AddTask(Wanted("x"))), "k"
                )
                assert (await kai.ask(ask)).error.code == "not_allowed", caller
            for said in (
                TeamHave(team.team_id, 0, b""), TeamHave(team.team_id, was.head, was.tag),
                TeamHave(team.team_id, 1_000, b"t" * 16), TeamBeat(team.team_id, ("rin",)),
            ):  # fmt: skip
                await kai.say(said)
            await all_heard(kai)
            words = [f for f in kai.heard if f.WhichOneof("frame") == "team_word"]
        assert not words
        assert team.have() == was

    run(tmp_path, story, "white")


def test_one_that_was_put_out_of_the_team_cannot_keep_its_claim_alive(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            team = await team_at(
                white, NodeJoined("", kai.id, ()), Seated("kai", "impl", "neo", kai.id)
            )
            await white.node.teams.write(team, "", "", (TaskAdded(2, Wanted("two")),))
            claimed = await kai.ask(TeamAsk("neo", team.team_id, "claim", b'{"task":2}', ""))
            assert claimed.WhichOneof("body") == "team", claimed
            await white.node.teams.write(team, "", "", (NodeLeft(kai.id, "removed"),))
            white.node.teams._leases.of(team)._until[2] = 0.0
            await kai.say(TeamBeat(team.team_id, ("kai", "rin")))
            await all_heard(kai)
            await white.node.teams.lapse()
        assert team.board.tasks[2].state is TaskState.OPEN

    run(tmp_path, story, "white")


def test_a_copy_that_forges_entries_is_cut_off_and_the_log_is_as_it_was(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            team = await team_at(white, NodeJoined("", kai.id, ()))
            was = team.have()
            await kai.say(word(team.team_id, TaskAdded(2, Wanted("forged")), first=was.head + 1))
            how = await kai.to_the_end()
        assert "never wrote" in how.details
        assert team.have() == was

    run(tmp_path, story, "white")


def test_nobody_can_give_a_home_a_team_that_it_never_had(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        team = await team_at(white)
        told = team.word(0)
        async with member_of(white) as kai:
            await kai.say(word("x" * 16, Founded("mine", white.id), PLANNED))
            await kai.say(
                TeamWord("y" * 16, 1, told.entries, told.head)
            )  # another team's, word by word
            await kai.say(TeamWord("z" * 16, 1, (LogEntry(b"[" * 50_000, b""),), 1))
            await all_heard(kai)
        assert white.node.teams.all() == (team,)
        assert white.node.store.database.rows("SELECT DISTINCT team FROM team_log") == [
            (team.team_id,)
        ]

    run(tmp_path, story, "white")


NONSENSE: dict[str, tuple[Event, ...]] = {
    "a task twice": (TaskAdded(2, Wanted("again")),),
    "a task from far ahead": (TaskAdded(1_000_000, Wanted("x")),),
    "one that waits for what is not there": (TaskAdded(3, Wanted("x", after=(77,))),),
    "part of what is not there": (TaskAdded(3, Wanted("x", parent=77)),),
}


async def followed(white: Member, kai: Hostile) -> Chronicle:
    """White has a copy of a hostile home's team."""
    copy = white.node.teams.follow("t" * 16, "theirs", kai.id)
    good = (Founded("theirs", kai.id), PLANNED, NodeJoined("", white.id, ()), TaskAdded(1, Wanted("one")), TaskAdded(2, Wanted("two")))  # fmt: skip
    await kai.say(word(copy.team_id, *good))
    await all_heard(kai)
    assert copy.board.head == len(good)
    return copy


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_home_that_tells_nonsense_is_not_believed_and_the_copy_is_as_it_was(
    tmp_path: Path, kind: str
) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            copy = await followed(white, kai)
            was, tasks = copy.have(), dict(copy.board.tasks)
            await kai.say(word(copy.team_id, *NONSENSE[kind], first=was.head + 1))
            await kai.say(word(copy.team_id, *NONSENSE[kind], anew=True))
            await all_heard(kai)
        assert copy.have() == was
        assert copy.board.tasks == tasks
        assert Chronicle(copy.row, white.node.store, None).board.tasks == tasks, "and on the disk"

    run(tmp_path, story, "white")


def test_a_home_that_begins_anew_for_ever_fills_no_disk(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            copy = await followed(white, kai)
            for turn in range(100):
                said = word(copy.team_id, Founded(f"t{turn}", kai.id), PLANNED, anew=True)
                tags = tuple(LogEntry(one.body, b"%16d" % turn) for one in said.entries)
                await kai.say(TeamWord(copy.team_id, 1, tags, 2, True))
            await all_heard(kai)
        kept = white.node.store.database.rows("SELECT team, count(*) FROM team_log GROUP BY team")
        assert kept == [(copy.team_id, 2), (f"{copy.team_id}~aside", 5)], "the longest of all"

    run(tmp_path, story, "white")


@pytest.mark.parametrize(
    "said",
    [TeamWord("t", 1, (LogEntry(b"x" * (ENTRY_BYTES + 1), b""),), 1),
     TeamWord("t", 1, (LogEntry(b"", b""),) * (ENTRIES_LIMIT + 1), 1),
     TeamWord("t", 1, (LogEntry(b"", b"x" * 65),), 1), TeamWord("t" * 300, 1, (), 1),
     TeamBeat("t", ("rin",) * 1_025), TeamBeat("t", ("\x1b]0;owned\x07",))],
    ids=["an enormous entry", "entries without end", "a tag without end", "a name without end",
         "seats without end", "a seat that is a terminal's command"],
)  # fmt: skip
def test_a_word_out_of_all_bounds_ends_that_link(tmp_path: Path, said: TeamWord | TeamBeat) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            await kai.say(said)
            how = await kai.to_the_end()
        assert how.status is grpc.StatusCode.ABORTED
        assert "makes no sense" in how.details

    run(tmp_path, story, "white")


HUGE = LAST_COUNT


def claim_of(team_id: str, seat: str, term: int) -> DirectoryWord:
    """A node's word that an agent of its own called thief fills a seat of the team site."""
    held = (SeatHeld("site", team_id, seat, term),)
    return DirectoryWord(True, (AgentEntry("thief", "", "bash", Presence.ONLINE, 1, held),), ())


async def sent_to(member: Member, to: str) -> str:
    """The node to which a message goes; none when it is in doubt."""
    node = member.node
    try:
        receipt = await node.outbox.send(node.fleet.caller("operator"), Wish(to, "a secret"))
    except SeatInDoubt:
        return ""
    return receipt.envelope.to_node


@pytest.mark.parametrize("is_of_team", [False, True], ids=["of the fleet alone", "of the team"])
def test_a_seat_that_a_node_claims_with_a_huge_term_draws_nothing_to_it(
    tmp_path: Path, *, is_of_team: bool
) -> None:
    async def story(white: Member, nova: Member) -> None:
        rin = Agent("rin", "generic", Policy.OPEN, None, (), "/", "")
        white.node.store.book.put_agent(rin)
        white.node.agents._agents["rin"] = rin
        await let_in(white, nova)
        who, identity = await admitted(white)
        seats: list[Event] = [NodeJoined("", nova.id, ())]
        if is_of_team:
            seats += [NodeJoined("", who.node_id, ()), Seated("kai", "impl", "neo", who.node_id)]
        team = await team_at(white, *seats)
        copy = nova.node.teams.follow(team.team_id, "site", white.id)
        nova.node.copies.linked(white.id)
        await eventually(lambda: copy.have() == team.have(), "nova has a copy")
        await eventually(lambda: nova.node.fleet.directory.claims("site", "rin"), "white says so")
        for victim in (white, nova):
            member = victim.node.fleet.roster.member
            await eventually(partial(member, who.node_id), "kai is known")
            may_be_behind = is_of_team and victim is nova
            async with linked(victim, who, identity) as kai:
                for said in (claim_of(team.team_id, "rin", HUGE), claim_of("made up", "rin", HUGE)):
                    await kai.say(said)
                    await all_heard(kai)
                    assert victim.node.fleet.directory.called("thief"), "its word was taken"
                    is_doubt = may_be_behind and said == claim_of(team.team_id, "rin", HUGE)
                    assert await sent_to(victim, "site/rin") == ("" if is_doubt else white.id)

    run(tmp_path, story, "white", "nova")
