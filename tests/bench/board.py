"""The task list: claims a second on its home, looks at a long list, and what a long log costs at start."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.task import TaskAdded, TaskClaimed, TaskDone, TaskEvent, TaskNoted, Wanted
from fleet.core.team_commands import ClaimTask
from fleet.core.team_events import NodeJoined, Planned, Seated
from fleet.core.trust import Caller
from node.doors.calls.table import handle
from node.doors.local import Answer, Request
from node.engine.chronicle import Chronicle
from tests.bench.figures import Figure
from tests.bench.quiet import quiet
from tests.support.members import Member, let_in, members
from tests.support.until import eventually

CLAIMANTS = 50
TASKS = 500
ROUNDS = 3
LONG = 10_000
ENTRIES = 50_000
LOOKS = 9
PLANNED = Planned("{}", "lead", (), 600.0)


def measure() -> Iterator[Figure]:
    """Real nodes in this process, over mutual TLS, each with its database on the disk."""
    quiet()
    with tempfile.TemporaryDirectory(prefix="fl-") as folder:
        rates = asyncio.run(_claims(Path(folder) / "claims"))
        looks, load_s = asyncio.run(_looks(Path(folder) / "looks"))
    yield Figure(
        f"claims on the home, {CLAIMANTS} claimants on three nodes, {TASKS} tasks", statistics.median(rates),
        "claims/s", limit=300.0, better="higher", note="each task exactly one holder",
    )  # fmt: skip
    for name, took in looks.items():
        yield Figure(
            f"{name}, board of {LONG:,} tasks", statistics.median(took) * 1e3, "ms", limit=100.0
        )
    yield Figure(f"a log of {ENTRIES:,} entries read at start", load_s, "s")


async def _team(home: Member, *others: Member) -> Chronicle:
    node = home.node
    team = await node.teams.found(node.fleet.caller(OPERATOR), "site", PLANNED)
    for other in others:
        await node.teams.write(team, "", "", (NodeJoined("", other.id, ()),))
        other.node.teams.follow(team.team_id, "site", home.id)
        other.node.copies.linked(home.id)
    return team


async def _claims(folder: Path) -> list[float]:
    async with members(folder, "white", "nova", "kai") as up:
        white, nova, kai = up
        await let_in(white, nova, kai)
        team = await _team(white, nova, kai)
        claimants = []
        for number in range(CLAIMANTS):
            at = up[number % len(up)]
            seated = Seated(f"s{number}", "impl", f"site.s{number}", at.id)
            await white.node.teams.write(team, "", "", (seated,))
            claimants.append((at, at.node.fleet.caller(f"site.s{number}")))
        rates: list[float] = []
        for turn in range(ROUNDS):
            first = turn * TASKS + 1
            added = [TaskAdded(n, Wanted(f"task {n}")) for n in range(first, first + TASKS)]
            await white.node.teams.write(team, "", "", added)
            await eventually(partial(_are_in_step, team, nova, kai), "the copies know")
            began_s, got = time.perf_counter(), list[int]()
            await asyncio.gather(*(_claim_all(at, team.team_id, who, got) for at, who in claimants))
            rates.append(TASKS / (time.perf_counter() - began_s))
            if sorted(got) != list(range(first, first + TASKS)):
                raise AssertionError("a task with two holders, or with none")
            await eventually(partial(_are_in_step, team, nova, kai), "the copies know")
        return rates


async def _claim_all(at: Member, team_id: str, who: Caller, got: list[int]) -> None:
    team = at.node.teams.by_id(team_id)
    while team is not None:
        try:
            done = await at.node.teams.command(who, team, ClaimTask(), "")
        except FleetError as error:
            if error.code != "wrong_state":
                raise
            return
        got.append(done.tasks[0].number)


def _are_in_step(team: Chronicle, *others: Member) -> bool:
    copies = (other.node.teams.by_id(team.team_id) for other in others)
    return all(copy is not None and copy.have() == team.have() for copy in copies)


async def _looks(folder: Path) -> tuple[dict[str, list[float]], float]:
    async with members(folder, "white") as (white,):
        team = await _team(white)
        seated = Seated("rin", "impl", "site.rin", white.id)
        await white.node.teams.write(team, "", "", (seated,))
        events: list[TaskEvent] = []
        for n in range(1, LONG + 1):
            wanted = Wanted(
                f"task {n}",
                "what is to be done",
                ("a.py",),
                ("python",),
                after=(n - 1,) if n % 5 == 2 else (),
            )
            more = (TaskNoted(n, "a word"), TaskNoted(n, "and one more")) if n % 2 else ()
            ends = (
                (TaskClaimed(n, "rin"), TaskDone(n, "commit abc"))
                if n % 2
                else (TaskNoted(n, "soon"),)
            )
            events += (TaskAdded(n, wanted), *more, *ends)
        left = ENTRIES - len(events) - team.board.head
        events += (TaskNoted(n % LONG + 1, "again") for n in range(left))
        await white.node.teams.write(team, "rin@white", "", events)
        began_s = time.perf_counter()
        again = Chronicle(team.row, white.node.store, b"key")
        load_s = time.perf_counter() - began_s
        if again.board.head != ENTRIES or len(again.board.tasks) != LONG:
            raise AssertionError("another log than was written")
        caller = white.node.fleet.caller(OPERATOR)
        asked: dict[str, tuple[str, dict[str, Any]]] = {
            "task ls": ("tasks", {}), "task ls --all --limit 10000": ("tasks", {"all": True, "limit": LONG}),
            "task ls --state waiting": ("tasks", {"state": "waiting", "limit": LONG}),
            "task show": ("task", {"task": "T1"}), "team show": ("team", {}),
        }  # fmt: skip
        looks: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(LOOKS):
            for name, (call, args) in asked.items():
                looks[name].append(await _look(white, caller, call, args))
        return looks, load_s


async def _look(white: Member, caller: Caller, call: str, args: dict[str, Any]) -> float:
    taken = _Taken()
    answer = Answer(cast(asyncio.StreamWriter, taken))
    request = msgspec.convert({"call": call, "args": args}, Request)
    began_s = time.perf_counter()
    await handle(white.node, caller, request, answer)
    took_s = time.perf_counter() - began_s
    if b'"exit":0' not in taken.said:
        raise AssertionError(taken.said[:500])
    return took_s


class _Taken:
    """The caller's end of the door: reading is its own business."""

    said = b""

    def write(self, line: bytes) -> None:
        self.said += line

    async def drain(self) -> None:
        """Nobody is slow here."""
