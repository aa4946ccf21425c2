"""A team in a world: its home, its copies, what was asked of it, and what has to be true of it at any end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.task import Wanted
from fleet.core.team_commands import (
    AddTask,
    ClaimTask,
    Done,
    FinishTask,
    NoteTask,
    ReleaseTask,
    StartTask,
    TaskCommand,
)
from fleet.core.team_events import Event, Happened, NodeJoined, NodeLeft, Planned, Seated
from fleet.teamlog import entry_from_json
from node.engine.chronicle import Chronicle
from node.store.teams import Standing
from tests.support.host import Host
from tests.support.world import World

PLANNED = Planned("{}", "lead", (), 600.0)
OPERATOR = "operator"


class Crew:
    """A team with its home on the first host, and a seat or some on each of the others."""

    def __init__(self, world: World, home: Host, *others: Host) -> None:
        self.world = world
        self.home = home
        self.others = others
        self.team_id = ""
        self.answered: dict[str, Done] = {}
        """What each command with a key was answered, the first time that it was."""
        self.doubts: list[str] = []
        """Answers that cannot both be true."""

    async def begin(self) -> None:
        """Found the team, seat one agent on each node, and wait for the copies."""
        node = self.home.up_node
        team = await self.home.do(node.teams.found(node.fleet.caller(OPERATOR), "site", PLANNED))
        self.team_id = team.team_id
        await self.write(Seated(f"at-{self.home.key}", "impl", "rin", self.home.node_id))
        for other in self.others:
            await self.let_in(other)
        await self.in_step()

    async def let_in(self, other: Host) -> None:
        """A node joins, with a seat."""
        await self.write(
            NodeJoined("", other.node_id, ()),
            Seated(f"at-{other.key}", "impl", "rin", other.node_id),
        )
        other.up_node.teams.follow(self.team_id, "site", self.home.node_id)
        other.up_node.copies.linked(self.home.node_id)

    async def write(self, *events: Event) -> None:
        """What no command does."""
        await self.home.do(self.home.up_node.teams.write(self.at(self.home), "", "", events))

    def at(self, host: Host) -> Chronicle:
        """The team as a host has it."""
        team = host.up_node.teams.by_id(self.team_id)
        assert team is not None, f"{host.key} knows the team"
        return team

    async def ask(self, host: Host, command: TaskCommand, key: str = "", who: str = "rin") -> Done:
        """An agent asks; what is answered to one key has to be about the same tasks for ever."""
        team, node = self.at(host), host.up_node
        done = await host.do(node.teams.command(node.fleet.caller(who), team, command, key))
        if key:
            first = self.answered.setdefault(key, done)
            if [t.number for t in first.tasks] != [t.number for t in done.tasks]:
                self.doubts.append(f"{key}: {first} and then {done}")
        return done

    async def insist(self, host: Host, command: TaskCommand, key: str) -> Done | FleetError:
        """The same, again and again until it is known how it ended."""
        while True:
            try:
                return await self.ask(host, command, key)
            except FleetError as error:
                if error.code not in {
                    "node_unreachable",
                    "node_not_running",
                    "store_failed",
                    "no_space",
                }:
                    return error
            except AssertionError:  # the home has not got its team back yet
                pass
            await asyncio.sleep(1.0)

    async def in_step(self, *hosts: Host) -> None:
        """Wait until all copies are as the home's log."""

        def is_so() -> bool:
            return all(
                host.node is not None
                and self.home.node is not None
                and host.up_node.teams.by_id(self.team_id) is not None
                and self.at(host).have() == self.at(self.home).have()
                for host in hosts or self.others
            )

        await self.world.until(is_so, "the copies are as the home's log")

    def log_of(self, host: Host) -> list[Happened]:
        """All that a host has written down of the team."""
        with host.store() as store:
            told = store.teams.entries(self.team_id, 0, 1_000_000)
        return [entry_from_json(one.body) for one in told]


async def work(crew: Crew, host: Host, count: int) -> None:
    """One member's day: adds tasks, claims what is free, starts, notes, finishes or lets go."""
    for number in range(count):
        key = f"{host.key}-{number}"
        await crew.insist(host, AddTask(Wanted(f"{key}")), f"add {key}")
        claimed = await crew.insist(host, ClaimTask(), f"claim {key}")
        if not isinstance(claimed, Done):
            continue
        task = claimed.tasks[0]
        steps: Sequence[TaskCommand] = (
            StartTask(task.number, task.token), NoteTask(task.number, "at it"),
            ReleaseTask(task.number, "later", task.token) if number % 3 == 2
            else FinishTask(task.number, f"commit {key}", task.token),
        )  # fmt: skip
        for step in steps:
            await crew.insist(host, step, f"{type(step).__name__} {key}")


# --- what has to be true ---


def copies_are_the_log(crew: Crew) -> None:
    """Every copy is the home's log, entry by entry."""
    log = crew.log_of(crew.home)
    assert log, "the home has a log"
    for host in crew.others:
        if host.up_node.teams.by_id(crew.team_id) and crew.at(host).row.standing is Standing.COPY:
            assert crew.log_of(host) == log, f"{host.key} has another log than its home"


def one_holder(log: Sequence[Happened]) -> None:
    """Whoever claims a task claims one that nobody holds: the log fits the table, and nothing is lost."""
    board, tasks = Board(), 0
    for happened in log:
        board.fold((happened,))
        assert len(board.tasks) >= tasks, "a task is gone"
        tasks = len(board.tasks)
    tokens = [task.token for task in board.held()]
    assert len(set(tokens)) == len(tokens), "one token for two claims"


def keys_count_once(crew: Crew, log: Sequence[Happened]) -> None:
    """A command leaves its events at one place in the log; what was answered is in it."""
    kinds = [(one.key, type(one.event).__name__) for one in log if one.key]
    assert len(set(kinds)) == len(kinds), "a command counted twice"
    assert not crew.doubts, crew.doubts
    told = {one.key.partition(":")[2] for one in log}
    assert (
        not {key for key, done in crew.answered.items() if done.tasks} - told - _without_trace(crew)
    )


def _without_trace(crew: Crew) -> set[str]:
    """Commands that changed nothing, since it was so already."""
    return {key for key, done in crew.answered.items() if key.startswith(("StartTask", "claim"))}


def nobody_else_has_any(crew: Crew, *strangers: Host) -> None:
    """Who is not of the team has none of its entries, and who left none behind its leaving."""
    for host in strangers:
        assert not crew.log_of(host), f"{host.key} has entries of a team that it is not of"
    for host in crew.others:
        log = crew.log_of(host)
        left = [n for n, e in enumerate(log, 1) if e.event == NodeLeft(host.node_id, "removed")]
        back = [
            n
            for n, e in enumerate(log, 1)
            if isinstance(e.event, NodeJoined) and e.event.node == host.node_id
        ]
        if left and max(back) < left[-1]:
            assert len(log) == left[-1], f"{host.key} has entries from after it had left"


def check_crew(crew: Crew, *strangers: Host) -> None:
    """All of it."""
    log = crew.log_of(crew.home)
    copies_are_the_log(crew)
    one_holder(log)
    keys_count_once(crew, log)
    nobody_else_has_any(crew, *strangers)
