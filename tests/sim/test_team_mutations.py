"""Each checker of a team catches the bug that it is there for, as in ``test_mutations.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fleet.core import task as task_table
from fleet.core import team_commands
from fleet.core.board import Board
from fleet.core.memory import Memory
from fleet.core.memory_events import FindingAdded
from fleet.core.slots import SlotTaken
from fleet.core.task import HELD, Task, TaskClaimed, TaskState
from fleet.core.team_commands import Actor
from fleet.core.team_events import Happened, NodeJoined
from fleet.teamlog import entry_to_json
from node.doors import teamviews
from node.engine import chronicle, invitations, slots
from node.engine.chronicle import Chronicle
from node.engine.copies import Copies
from node.engine.teams import Teams
from tests.sim.storms import has_a_team, play

SEEDS = [seed for seed in range(400) if has_a_team(seed)]
"""The bug of some seed among these shows. Most show in one of the first three."""

pytestmark = pytest.mark.many

Mutation = Callable[[pytest.MonkeyPatch], None]


def gives_a_task_twice(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether somebody holds it."""
    claim = team_commands._claim
    held = {(state, TaskClaimed): TaskState.CLAIMED for state in HELD}
    patch.setattr(task_table, "TRANSITIONS", dict(task_table.TRANSITIONS) | held)

    def at_once(board: Board, actor: Actor, number: int) -> Sequence[Any]:
        held = [task for task in board.held() if task.holder != actor.holder]
        if number == team_commands.NEXT and held:
            return (TaskClaimed(held[0].number, actor.holder),)
        return claim(board, actor, number)

    patch.setattr(team_commands, "_claim", at_once)


def answers_claims_out_of_thin_air(patch: pytest.MonkeyPatch) -> None:
    """What a copy of the team is told of a claim is not what the log says."""
    view = teamviews.task

    def later(team: Chronicle, one: Task) -> dict[str, Any]:
        return {**view(team, one), "token": one.token + 1}

    patch.setattr(teamviews, "task", later)


def lets_late_workers_write(patch: pytest.MonkeyPatch) -> None:
    """Neither the holder nor the token is looked at."""
    patch.setattr(team_commands, "_require_hold", lambda *_args: None)


def looks_at_no_token(patch: pytest.MonkeyPatch) -> None:
    """Whoever holds it may write, also under an earlier claim of his."""
    require = team_commands._require_hold

    def tokenless(board: Board, actor: Actor, task: Task, command: Any) -> None:
        require(board, actor, task, replace(command, token=0))

    patch.setattr(team_commands, "_require_hold", tokenless)


def answers_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the disk."""

    async def at_once(_self: Teams, _team: Chronicle, _happened: Sequence[Happened]) -> None:
        return

    patch.setattr(Teams, "_settle", at_once)


def writes_half_of_a_finding(patch: pytest.MonkeyPatch) -> None:
    """What is written down is not what was said."""
    write = entry_to_json

    def half(one: Happened) -> bytes:
        if isinstance(one.event, FindingAdded):
            return write(replace(one, event=replace(one.event, text=one.event.text[:5])))
        return write(one)

    patch.setattr(chronicle, "entry_to_json", half)


def takes_a_key_for_new(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether a command was carried out."""
    patch.setattr(Board, "done_of", lambda _board, _key: None)


def tells_what_is_not_durable(patch: pytest.MonkeyPatch) -> None:
    """The copies hear of an entry before the disk has it."""
    patch.setattr(Chronicle, "told_head", property(lambda team: team.board.head))

    settle = Teams._settle

    async def early(self: Teams, team: Chronicle, happened: Sequence[Happened]) -> None:
        self.appended(team)
        await settle(self, team, happened)

    patch.setattr(Teams, "_settle", early)


def lets_in_by_any_invitation(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks what became of it."""

    def join(_board: Board, node: str, invitation: str, roles: Any, _now_s: float) -> Any:
        return (NodeJoined(invitation, node, tuple(roles)),)

    patch.setattr(invitations, "accept", join)


def forgets_findings(patch: pytest.MonkeyPatch) -> None:
    """A memory keeps the newest."""
    known = Memory.known

    def newest(self: Memory, number: int) -> Any:
        return known(self, number) if number > self.head - 20 else None

    patch.setattr(Memory, "known", newest)


def gives_a_number_twice(patch: pytest.MonkeyPatch) -> None:
    """The counter stands still."""
    patch.setattr(slots, "take", lambda _slots, command: SlotTaken(command.slot, 7))


def says_nothing_of_what_a_link_has_missed(patch: pytest.MonkeyPatch) -> None:
    """A copy tells nobody how far it goes."""
    patch.setattr(Copies, "linked", lambda _self, _node: None)
    patch.setattr(Copies, "beat", lambda _self: None)


@pytest.mark.parametrize(
    ("mutation", "checker"),
    [
        (gives_a_task_twice, "one_holder_at_a_time"),
        (answers_claims_out_of_thin_air, "one_holder_at_a_time"),
        (lets_late_workers_write, "late_writes_are_fenced"),
        (looks_at_no_token, "late_writes_are_fenced"),
        (answers_before_the_commit, "nothing_of_a_team_is_lost"),
        (takes_a_key_for_new, "each_key_counts_once"),
        (tells_what_is_not_durable, "the_log_never_forks"),
        (lets_in_by_any_invitation, "an_invitation_is_used_once"),
        (writes_half_of_a_finding, "findings_are_kept"),
        (forgets_findings, "findings_are_kept"),
        (gives_a_number_twice, "a_number_is_given_once"),
        (says_nothing_of_what_a_link_has_missed, "the_team_comes_to_rest"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_storm_shows_the_bug(
    mutation: Mutation, checker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    assert any(f"\n{checker}: " in _complaint(seed) for seed in SEEDS), "no seed shows it"


def _complaint(seed: int) -> str:
    try:
        play(seed)
    except AssertionError as error:
        return str(error)
    return ""
