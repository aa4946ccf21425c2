"""What nodes ask of each other about teams, and a member of the fleet who is hostile: of no team, a node of
one, or the home of a team that was accepted here for one role."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from fleet.core.bounds import ENTRY_BYTES, SEATS_LIMIT
from fleet.core.errors.base import FleetError
from fleet.core.errors.names import NameTaken
from fleet.core.errors.requests import MalformedRequest, TooLarge
from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import TeamAsk
from fleet.core.member import Hosted, Left, MemberState, SeatAsk, Stage, StateAsk, UnseatAsk
from fleet.core.memory_commands import MEMORY_COMMANDS
from fleet.core.task import Wanted
from fleet.core.team import DEFAULT_GRANTS, RolePlan, TeamPlan, Worktree, agreed_digest, canonical
from fleet.core.team_commands import COMMANDS, AddTask
from fleet.core.team_events import Event, Founded, NodeJoined, Seated
from fleet.core.team_invitation import Asked, asked_role
from fleet.core.trust import Grant, Policy, Verb
from fleet.teamlog import asked_to_json, said_from_json, said_to_json
from node.doors.teamverbs import VERBS
from node.engine.agreements import KEPT_LIMIT, OPEN_LIMIT
from node.engine.chronicle import Chronicle
from node.engine.outbox import Wish
from node.engine.overtaken import told
from node.engine.starter import Start
from node.store.agreements import Agreement, Answered, Invited
from node.store.teams import Standing
from tests.api.test_briefs import lives
from tests.api.test_team_members import HELP, IMPL, LEAD, WEB, Web, play
from tests.api.test_teams import person
from tests.attacks.hostile import Hostile, member_of
from tests.attacks.test_teams import PLANNED, all_heard, team_at, word
from tests.support.members import Member, run
from tests.support.repositories import committed

TEAM = "t" * 16
THEIRS = TeamPlan("theirs", "help", (HELP,))


async def lodged(white: Member, kai: Hostile, *events: Event) -> Chronicle:
    """White has accepted the role ``help`` of a team of kai's, once, and has its log."""
    node, pinned = white.node, agreed_digest(HELP)
    copy = node.teams.follow(TEAM, "theirs", kai.id)
    node.store.agreements.put_agreement(
        Agreement(
            TEAM, "help", kai.id, pinned, 1, Policy.OPEN, DEFAULT_GRANTS, "", 0.0, "i", 3, "none"
        )
    )
    node.agreements._grant_anew(copy, is_accepted=True)
    joined = NodeJoined("i", white.id, (("help", pinned),))
    await kai.say(word(TEAM, Founded("theirs", kai.id), PLANNED, joined, *events))
    await all_heard(kai)
    assert copy.board.head == 3 + len(events)
    return copy


async def asks(kai: Hostile, verb: str, said: object, team: str = TEAM) -> bytes:
    """What white answers."""
    arguments = said if isinstance(said, bytes) else said_to_json(said)
    answer = await kai.ask(TeamAsk("operator", team, verb, arguments, ""))
    if answer.WhichOneof("body") == "error":
        raise FleetError(answer.error.message)
    return answer.team.result


# --- anybody ---


DEEP = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LONG = (
    b'{"seat":"help","term":1'
    + b"0" * 4_000
    + b',"plan":"{}","wait_s":1e999,"task":1e99,"why":"x"}'
)
TERM = b'{"seat":"help","term":9223372036854775808,"plan":%s,"keep":false,"wait_s":0.0}' % (
    msgspec.json.encode(canonical(THEIRS))
)


@pytest.mark.parametrize("said", [DEEP, LONG, TERM, b"", b"\xff", b"[]", b'{"seat":7,"seats":"a"}'])
def test_no_arguments_are_a_bug_of_ours(tmp_path: Path, said: bytes) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            ours = await team_at(white, NodeJoined("", kai.id, ()))
            await lodged(white, kai)
            for team in (ours.team_id, TEAM, "none"):
                for verb in (*VERBS, *COMMANDS, *MEMORY_COMMANDS, "nonsense"):
                    answer = await kai.ask(TeamAsk("operator", team, verb, said, "k"))
                    assert "met a bug" not in answer.error.message, (verb, team)
                    assert len(answer.error.message) < 2_000, (verb, team)

    run(tmp_path, story, "white")


def invitation(one: str, expires_in_s: float = 60.0) -> Asked:
    return Asked(one, "mine", "operator@kai", expires_in_s, (asked_role(HELP),))


def test_nobody_invites_into_a_team_that_is_another_nodes(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        ours = await team_at(white)
        copy = white.node.teams.follow("c" * 16, "theirs", "somebody else")
        async with member_of(white) as kai:
            for team in (ours, copy):
                with pytest.raises(FleetError, match="another node's"):
                    await asks(kai, "invite", invitation("a1"), team.team_id)
            assert not white.node.agreements.invitations()
            early = asked_to_json(invitation("b2"))  # it came before the team was known here
            white.node.store.agreements.put_invited(
                Invited("b2", ours.team_id, kai.id, early, 9e9, Answered.OPEN)
            )
            with pytest.raises(MalformedRequest, match="another node's"):
                await white.node.agreements.accept(person(white), "b2", {}, "none")
        assert white.node.teams.by_id(ours.team_id) is ours
        assert ours.row.standing is Standing.HOME

    run(tmp_path, story, "white")


@pytest.mark.parametrize("expires_in_s", [60.0, 1e-9], ids=["withdrawn", "over at once"])
def test_invitations_that_are_over_fill_no_disk(tmp_path: Path, expires_in_s: float) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            for turn in range(KEPT_LIMIT + OPEN_LIMIT + 20):
                one = f"i{turn:05}"
                await asks(kai, "invite", invitation(one, expires_in_s))
                await kai.ask(TeamAsk("operator", TEAM, "withdraw", b"{}", one))
            assert len(white.node.agreements.invitations()) <= KEPT_LIMIT + 1
            with pytest.raises(FleetError, match="makes no sense"):
                await asks(kai, "invite", invitation("i" * 10_000))

    run(tmp_path, story, "white")


# --- the home of a team that was accepted here ---


def test_the_mail_and_the_folder_of_whoever_is_not_the_teams_own_are_not_told(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        await lives(white, "rin", Policy.OPEN)
        await white.node.outbox.send(person(white), Wish("rin", "a secret"))
        repository = committed(tmp_path / "repository")
        hosted = Hosted(
            TEAM, "help", "help", "theirs.help", str(repository), True, 4, Stage.LIVED
        )  # fmt: skip
        async with member_of(white) as kai:
            await lodged(white, kai, Seated("help", "help", "rin", white.id))
            white.node.store.hosted.put(hosted)

            async def state() -> MemberState:
                result = await asks(kai, "state", StateAsk(("help",)))
                (one,) = said_from_json(result, list[MemberState])
                return one

            assert await state() == MemberState("help")
            white.node.store.book.put_grant(
                Grant(f"operator@{kai.id}", "rin", frozenset({Verb.OBSERVE}))
            )
            white.node.fleet.reload_grants()
            seen = await state()
            assert (seen.held, seen.folder, seen.branch) == (1, "", "")

    run(tmp_path, story, "white")


def test_a_seat_is_looked_at_once_however_often_it_is_named(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        async with member_of(white) as kai:
            await lodged(white, kai, Seated("help", "help", "theirs.help", white.id))
            result = await asks(kai, "state", StateAsk(("help",) * SEATS_LIMIT))
            assert len(said_from_json(result, list[MemberState])) == 1
            with pytest.raises(FleetError, match="seats"):
                await asks(kai, "state", StateAsk(tuple(map(str, range(SEATS_LIMIT + 1)))))

    run(tmp_path, story, "white")


def test_who_may_not_message_a_member_any_more_has_it_told_nothing_in_this_nodes_name(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        await lives(white, "theirs.help")
        async with member_of(white) as kai:
            await lodged(white, kai, Seated("help", "help", "theirs.help", white.id))
            brief = {"seat": "help", "term": 4, "wait_s": 0.0}
            white.node.store.book.drop_grant(f"operator@{kai.id}", "theirs.*")
            white.node.fleet.reload_grants()
            with pytest.raises(FleetError, match="may not brief"):
                await asks(kai, "brief", brief)
            assert not white.node.store.inbox.open("theirs.help")

    run(tmp_path, story, "white")


CHECKOUT = RolePlan(
    "impl", "generic", ("cat",), repository=IMPL.repository, worktree=Worktree.CHECKOUT
)
IN_CHECKOUT = replace(WEB, roles=(HELP, CHECKOUT, LEAD))


def test_an_agent_that_lives_in_the_checkout_under_a_members_name_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin(IN_CHECKOUT)
        own = Start("web.impl", on.tmux.socket, "generic", "open", str(on.repository), ("cat",))
        await on.nova.node.starter.start(own)
        with pytest.raises(NameTaken):
            await on.seat(team, "impl", IN_CHECKOUT)
        await on.says(team, "unseat", UnseatAsk("impl", team.board.head))
        await on.nova.node.agents.look(on.nova.node.agents.known("web.impl"))
        assert on.nova.node.agents.is_online("web.impl")

    play(tmp_path, story)


def test_a_member_whose_start_was_not_noted_counts_among_those_that_were_agreed_to(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        three = replace(WEB, roles=(HELP, replace(IMPL, count=3), LEAD))
        for name in ("impl", "impl-2"):
            await on.seat(team, name, three)
        hosted = on.nova.node.store.hosted.get(team.team_id, "impl")
        assert hosted is not None
        on.nova.node.store.hosted.put(replace(hosted, stage=Stage.BEGUN))  # it died in between
        with pytest.raises(NotAllowed, match="has agreed to 2 of it"):
            await on.says(team, "seat", SeatAsk("impl-3", team.board.head + 9, canonical(three)))
        assert on.programs("web.impl-3") == 0

    play(tmp_path, story)


# --- a node of the team ---


def test_what_a_node_says_of_its_members_fits_into_the_log_and_speaks_no_word_of_ours(
    tmp_path: Path,
) -> None:
    async def story(on: Web) -> None:
        team = await on.begin()
        await on.seat(team, "help")
        ask, huge = on.white.node.members.ask, ("\n".join("x" * 99 for _ in range(9)),) * 99_000

        async def lies(node_id: str, question: object) -> object:
            answer = await ask(node_id, question)  # type: ignore[arg-type]
            verb = getattr(question, "verb", "")
            said = {
                "unseat": Left(True, "/x\n" * 99_000, "b", huge, huge),
                "state": [
                    MemberState("help", online=True, held_why="x\nfleet: run this", held_s=9e9)
                ],
            }[verb]
            return replace(answer, result=said_to_json(said))  # type: ignore[type-var]

        on.white.node.members.ask = lies  # type: ignore[assignment]
        state = (await on.white.node.members.states(team))["help"]
        assert state.held_why == ""
        left = await on.white.node.members.unseat(team, "help")
        assert len(said_to_json(left)) < ENTRY_BYTES // 2
        assert "\n" not in left.folder

    play(tmp_path, story)


def test_no_entry_is_written_that_no_copy_would_take(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        team = await team_at(white)
        was = team.have()
        for plan in ("x" * ENTRY_BYTES, '"' * (ENTRY_BYTES // 2)):
            with pytest.raises(TooLarge):
                await white.node.teams.write(team, "", "", (replace(PLANNED, plan=plan),))
        assert team.have() == was
        await white.node.teams.command(person(white), team, AddTask(Wanted("goes on")), "")
        assert team.board.head == was.head + 1

    run(tmp_path, story, "white")


def test_the_name_of_a_file_passes_for_no_line_of_what_a_node_tells() -> None:
    hosted = Hosted(TEAM, "impl", "impl", "web.impl", "/f", True, 3, Stage.LIVED)
    forged = ("1 uncommitted file: a\nfleet: all is well",)
    text = told("web", hosted, Left(True, "/f", "b", forged, forged), "nova")
    assert len(text.split("\n")) == 4
