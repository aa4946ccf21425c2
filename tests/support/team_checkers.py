"""What has to be true of a team, whatever happened to its nodes; one function each.

They read the logs as they lie on the disks, by rules of their own, and compare them with what members
and people were told. Each yields a sentence for everything that is not as promised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.core.address import OPERATOR
from fleet.core.frames import LogEntry
from fleet.core.memory_events import FindingAdded
from fleet.core.slots import SlotTaken
from fleet.core.task import (
    OVER,
    TaskAdded,
    TaskBlocked,
    TaskClaimed,
    TaskDone,
    TaskReleased,
    TaskRemoved,
    TaskReopened,
    TaskStarted,
)
from fleet.core.team_events import (
    Happened,
    InvitationEnded,
    NodeAsked,
    NodeJoined,
    NodeLeft,
    Seated,
    Unseated,
)
from fleet.teamlog import entry_from_json
from node.store.teams import Standing

if TYPE_CHECKING:
    from tests.support.teamwork import Teamwork, Told

_ALL = 1_000_000
_BY_HOLDERS = (TaskStarted, TaskBlocked, TaskDone, TaskReleased)
_LET_GO = (TaskDone, TaskReleased, TaskRemoved, TaskReopened)


@dataclass(frozen=True, slots=True)
class Claim:
    """A hold on a task: since which entry, whose."""

    token: int
    holder: str


class TeamFacts:
    """What the team's home wrote down, and each host that has a copy."""

    def __init__(self, work: Teamwork) -> None:
        self.work = work
        self.has_forgotten = work.home.key in work.home.world.former
        """The home's database is an older one; what was answered meanwhile may be no more."""
        self.logs: dict[str, list[LogEntry]] = {}
        self.aside: list[str] = []
        self.mended: list[str] = []
        for host in work.hosts():
            with host.store() as store:
                self.logs[host.key] = store.teams.entries(work.team_id, 0, _ALL)
                if store.teams.entries(f"{work.team_id}~aside", 0, 1):
                    self.aside.append(host.key)
                kinds = {str(event["kind"]) for event in store.database.audit_tail(_ALL)}
            if kinds & {"team log replaced", "team log restored"}:
                self.mended.append(host.key)
        self.log = [entry_from_json(one.body) for one in self.logs[work.home.key]]

    def told(self, *calls: str) -> Iterator[Told]:
        """What was answered to such calls, by a home that has forgotten nothing."""
        told = () if self.has_forgotten else self.work.told
        return (one for one in told if one.call in calls)

    def entry(self, number: int) -> Happened | None:
        """An entry of the home's log."""
        return self.log[number - 1] if 0 < number <= len(self.log) else None


def one_holder_at_a_time(facts: TeamFacts) -> Iterator[str]:
    """A task is claimed only while nobody holds it, and who was told of a claim has made it."""
    for happened, claim in _with_claims(facts.log):
        if isinstance(happened.event, TaskClaimed) and claim is not None:
            yield f"entry {happened.seq}: {happened.event} while {claim} stands"
    made = {h.key.partition(":")[2]: h.event for h in facts.log if isinstance(h.event, TaskClaimed)}
    for told in facts.told("task_claim"):
        entry, task = facts.entry(told.result["token"]), int(told.result["id"][1:])
        said = TaskClaimed(task, told.result["holder"])
        if entry is None or entry.event != said or made.get(told.key) != said:
            yield f"{told.key} was told of {said}, and {entry} was written"


def _with_claims(log: list[Happened]) -> Iterator[tuple[Happened, Claim | None]]:
    """Each entry about a task, with the claim on it that stands just before."""
    claims: dict[int, Claim] = {}
    for happened in log:
        match happened.event:
            case TaskClaimed(task=task, holder=holder):
                yield happened, claims.get(task)
                claims[task] = Claim(happened.seq, holder)
            case TaskDone() | TaskReleased() | TaskRemoved() | TaskReopened() as event:
                yield happened, claims.pop(event.task, None)
            case TaskStarted() | TaskBlocked() as event:
                yield happened, claims.get(event.task)
            case _:
                pass


def late_writes_are_fenced(facts: TeamFacts) -> Iterator[str]:
    """Only the holder of a claim that stands writes under it, and only with that claim's token."""
    seated = dict(_seated(facts.log))
    for happened, claim in _with_claims(facts.log):
        if not isinstance(happened.event, _BY_HOLDERS) or not happened.key:
            continue
        caller, _, rest = happened.key.partition("/")
        agent, _, node = caller.partition("@")
        holder, is_lead = seated[happened.seq].get((agent, node), (happened.by, False))
        is_lead = is_lead or (agent == OPERATOR and node == facts.work.home.node_id)
        if isinstance(happened.event, TaskReleased) and is_lead:
            continue
        token = facts.work.sent[rest.partition(":")[2]].get("token", 0)
        if claim is None or claim.holder != holder or token not in {0, claim.token}:
            yield f"entry {happened.seq}: {happened.event} by {holder} with {token}, and {claim} stands"


def _seated(
    log: list[Happened],
) -> Iterator[tuple[int, dict[tuple[str, str], tuple[str, bool]]]]:
    """Which seat each agent of a node fills just before each entry, and whether it leads."""
    seats: dict[str, tuple[str, str, str]] = {}
    for happened in log:
        yield (
            happened.seq,
            {(agent, node): (seat, role == "lead") for seat, (agent, node, role) in seats.items()},
        )
        match happened.event:
            case Seated(seat=seat, role=role, agent=agent, node=node):
                seats[seat] = (agent, node, role)
            case Unseated(seat=seat):
                seats.pop(seat, None)
            case NodeLeft(node=left):
                seats = {seat: one for seat, one in seats.items() if one[1] != left}
            case _:
                pass


def nothing_of_a_team_is_lost(facts: TeamFacts) -> Iterator[str]:
    """What was answered is in the log: every task that was added, and all that was done to it."""
    keys = {happened.key.partition(":")[2] for happened in facts.log if happened.key}
    added = {h.event.task: h.event for h in facts.log if isinstance(h.event, TaskAdded)}
    for told in facts.told("task_add"):
        task = added.get(int(told.result["id"][1:]))
        if task is None or task.wanted.title != told.args["title"]:
            yield f"{told.key}: {told.result['id']} was added, and is {task}"
    for told in facts.told("task_note", "task_done", "task_block", "task_release"):
        if told.key not in keys:
            yield f"{told.key} was answered, and is not in the log"


def each_key_counts_once(facts: TeamFacts) -> Iterator[str]:
    """A command that came several times left its events once."""
    kinds = Counter((h.key, type(h.event).__name__) for h in facts.log if h.key)
    for (key, kind), count in kinds.items():
        if count > 1:
            yield f"{key} left {count} entries {kind}"


def the_log_never_forks(facts: TeamFacts) -> Iterator[str]:
    """Every copy is the beginning of the home's log, entry by entry, and none was ever set aside."""
    home, board = facts.logs[facts.work.home.key], facts.work.board()
    known = {facts.work.home.node_id, *board.nodes, *board.left}
    for host in facts.work.hosts():
        key, log = host.key, facts.logs[host.key]
        if facts.has_forgotten and host.node_id not in known:
            continue  # it is told nothing by who has forgotten that it ever joined
        if log != home[: len(log)]:
            first = next(n for n, one in enumerate(log) if home[n : n + 1] != [one]) + 1
            yield f"{key} has another entry {first} than the home"
    for key in {*facts.aside, *facts.mended} if not facts.has_forgotten else ():
        yield f"{key} had another log than the home once"


def an_invitation_is_used_once(facts: TeamFacts) -> Iterator[str]:
    """A node joins by an invitation of its own that stands, and no second time by the same."""
    asked: dict[str, str] = {}
    for happened in facts.log:
        match happened.event:
            case NodeAsked(invitation=invitation, node=node):
                asked[invitation] = node
            case InvitationEnded(invitation=invitation):
                asked.pop(invitation, None)
            case NodeJoined(invitation=invitation, node=node):
                if asked.pop(invitation, "") != node:
                    yield f"entry {happened.seq}: {node[:6]} joined by {invitation}, which did not stand"
            case _:
                pass
    joined = {h.event.invitation for h in facts.log if isinstance(h.event, NodeJoined)}
    for host in facts.work.hosts() if not facts.has_forgotten else ():
        with host.store() as store:
            for one in store.agreements.agreements(facts.work.team_id):
                if one.invitation not in joined:
                    yield f"{host.key} agreed to {one.invitation}, and did not join by it"


def findings_are_kept(facts: TeamFacts) -> Iterator[str]:
    """What a member was told to have remembered is in the log, and in every memory as far as that goes."""
    for told in facts.told("memory_add"):
        number, text = int(told.result["id"][1:]), told.args["text"]
        entry = facts.entry(number)
        event = entry.event if entry else None
        if not isinstance(event, FindingAdded) or event.text != text:
            yield f"{told.key}: F{number} was kept, and is {event}"
        for host in facts.work.hosts():
            team = host.node.teams.by_id(facts.work.team_id) if host.node else None
            if team is not None and team.board.head >= number:
                found = team.memory.known(number)
                if found is None or found.text != text:
                    yield f"{host.key} does not know F{number}, but {found}"


def a_number_is_given_once(facts: TeamFacts) -> Iterator[str]:
    """Who took a number has it alone, and it is in the log."""
    given = Counter(h.event for h in facts.log if isinstance(h.event, SlotTaken))
    had = Counter((t.result["slot"], t.result["number"]) for t in facts.told("slot_take"))
    for (slot, number), count in had.items():
        written = given[SlotTaken(slot, number)]
        if count > 1 or written != 1:
            yield f"{slot} {number} was given to {count}, and written {written} times"


def the_team_comes_to_rest(facts: TeamFacts) -> Iterator[str]:
    """When nothing goes wrong any more, every task is over, and every node of the team knows all of it."""
    work = facts.work
    if not work.is_over or work.home.node is None:
        return
    board = work.at(work.home).board
    for task in board.tasks.values():
        if task.state not in OVER:
            yield f"{task.label} is {task.state} for ever, held by {task.holder!r}: {task.why}"
    for host in work.nodes():
        team = host.up_node.teams.by_id(work.team_id)
        if team is not None and team.row.standing is Standing.COPY:
            if team.board.head != board.head:
                yield f"{host.key} knows {team.board.head} of {board.head} entries"
            if host.node_id not in {board.home, *board.nodes}:
                yield f"{host.key} does not know that it is out"


EVERY: tuple[Callable[[TeamFacts], Iterator[str]], ...] = (
    one_holder_at_a_time,
    late_writes_are_fenced,
    nothing_of_a_team_is_lost,
    each_key_counts_once,
    the_log_never_forks,
    an_invitation_is_used_once,
    findings_are_kept,
    a_number_is_given_once,
    the_team_comes_to_rest,
)


def team_complaints(work: Teamwork) -> Iterator[str]:
    """Apply them all to a team of which nothing moves any more."""
    facts = TeamFacts(work)
    for checker in EVERY:
        for line in checker(facts):
            yield f"{checker.__name__}: {line}"
