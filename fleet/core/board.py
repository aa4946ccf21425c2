"""A team as it stands: its nodes, its seats, its tasks. A fold over the team's log.

Every copy of the log gives the same board. Nothing here decides: what may be asked of a board, and what
follows from it, is in ``fleet/core/team_commands.py``.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from fleet.core.errors.teams import UnknownTask
from fleet.core.farewell import OVER as GONE
from fleet.core.farewell import Farewell
from fleet.core.memory_events import MemoryEvent
from fleet.core.offers import OfferEvent
from fleet.core.slots import SlotTaken
from fleet.core.task import HELD, OVER, Task, TaskAdded, TaskEvent, TaskNoted, TaskState
from fleet.core.team_events import (
    FarewellAsked,
    FarewellSaid,
    FarewellTakenBack,
    Founded,
    Happened,
    InvitationEnded,
    NodeAsked,
    NodeJoined,
    NodeLeft,
    Planned,
    Seated,
    Unseated,
)


@dataclass(frozen=True, slots=True)
class Seat:
    """One place in the team and who fills it. ``term`` grows with every new incarnation's Seated."""

    name: str
    role: str
    agent: str
    node: str
    term: int


class Board:
    """The fold. ``head`` is the number of the last entry in it.

    ``now_id`` gives the id that a node has now for one that it had when the entry was written: a log is
    never rewritten, and a node that took a new key is the same node.
    """

    def __init__(self, now_id: Callable[[str], str] = str) -> None:
        self._now_id = now_id
        self.head = 0
        self.team = ""
        self.home = ""
        self.plan: Planned | None = None
        self.tasks: dict[int, Task] = {}
        self.seats: dict[str, Seat] = {}
        self.fenced: dict[tuple[str, str], Seat] = {}  # agent and node -> the seat that went on
        self.farewells: dict[str, Farewell] = {}  # of each seat the last, until it is filled anew
        self.nodes: dict[str, NodeJoined] = {}
        self.left: dict[str, int] = {}  # nodes that are not of the team any more, since which entry
        self.asked: dict[str, NodeAsked] = {}
        self.ended: dict[str, str] = {}
        self.slots: dict[str, int] = {}  # the last number given of each
        self._last_task = 0
        self._history: dict[int, list[int]] = {}  # task -> numbers of its entries
        self._done_of: dict[str, tuple[int, ...]] = {}  # command key -> tasks it touched
        self._slot_of: dict[str, SlotTaken] = {}  # command key -> the number it got
        self._said_of: dict[str, int] = {}  # command key -> the entry it made in the memory
        self._held: dict[str, set[int]] = {}  # holder -> tasks
        self._dependents: dict[int, set[int]] = {}
        self._ready: list[int] = []  # heap; looked at again before it is believed

    # --- folding ---

    def fold(self, entries: Iterable[Happened]) -> None:
        """Take entries in order, each once.

        Raises:
            ValueError: one does not follow the last; that log is damaged.
            KeyError: a task's entry is about a task that is not there; the same.
            WrongState: a task's entry does not fit its state; the same.
        """
        for happened in entries:
            if happened.seq != self.head + 1:
                raise ValueError(f"entry {happened.seq} cannot follow {self.head}")
            self._take(happened)
            self.head = happened.seq

    def _take(self, happened: Happened) -> None:
        if isinstance(happened.event, OfferEvent):  # all else of it is fleet/core/offers.py's
            self.task(happened.event.task)
            self._history[happened.event.task].append(happened.seq)
            return
        if isinstance(happened.event, MemoryEvent):  # all else of it is fleet/core/memory.py's
            if happened.key:
                self._said_of[happened.key] = happened.seq
            return
        match happened.event:
            case Founded(team=team, home=home):
                self.team, self.home = team, self._now_id(home)
            case Planned() as planned:
                self.plan = planned
            case NodeAsked() as asked:
                self.asked[asked.invitation] = replace(asked, node=self._now_id(asked.node))
            case NodeJoined() as joined:
                self.asked.pop(joined.invitation, None)
                self.ended[joined.invitation] = "accepted"
                node = self._now_id(joined.node)
                self.nodes[node] = replace(joined, node=node)
            case InvitationEnded(invitation=invitation, why=why):
                self.asked.pop(invitation, None)
                self.ended[invitation] = why
            case NodeLeft(node=left):
                node = self._now_id(left)
                self.nodes.pop(node, None)
                self.left[node] = happened.seq
                self.seats = {n: s for n, s in self.seats.items() if s.node != node}
                self.farewells = {
                    n: f for n, f in self.farewells.items() if f.stage in GONE or n in self.seats
                }
            case Seated(seat=name, role=role, agent=agent, node=node):
                self._seat(Seat(name, role, agent, self._now_id(node), happened.seq))
            case FarewellAsked() | FarewellSaid() | FarewellTakenBack() | Unseated() as event:
                self._part(event, happened)
            case SlotTaken(slot=slot, number=number) as taken:
                self.slots[slot] = number
                if happened.key:
                    self._slot_of[happened.key] = taken
            case event:
                self._take_task(event, happened)

    def _part(
        self,
        event: FarewellAsked | FarewellSaid | FarewellTakenBack | Unseated,
        happened: Happened,
    ) -> None:
        """A seat is on its way to be empty, or it is; not every one was asked to be."""
        name, seat = event.seat, self.seats.get(event.seat)
        if isinstance(event, FarewellTakenBack):
            self.farewells.pop(name, None)
            return
        known = self.farewells.get(name)
        if isinstance(event, Unseated):
            self.seats.pop(name, None)
            known = known if seat is not None else None  # one that is empty already takes no step
        elif known is None:
            if seat is None or isinstance(event, FarewellSaid):
                raise ValueError(f"nobody was asked to leave {name}")
            known = Farewell(
                name, seat.role, seat.agent, seat.node, seat.term, happened.seq, event.until_s
            )
        if known is not None:
            self.farewells[name] = known.after(event, happened.seq, happened.at_s)

    def _seat(self, seat: Seat) -> None:
        """What the seat holds it goes on holding; whoever was in it has nothing of it any more."""
        before = self.seats.get(seat.name)
        if before is not None:
            self.fenced[before.agent, before.node] = before
        self.fenced.pop((seat.agent, seat.node), None)
        self.seats[seat.name] = seat
        self.farewells.pop(seat.name, None)

    def _take_task(self, event: TaskEvent, happened: Happened) -> None:
        number = event.task
        was: tuple[int, ...] = ()
        if isinstance(event, TaskAdded):
            if number != self.next_number:
                raise ValueError(f"T{number} cannot be added behind T{self._last_task}")
            then = Task(number, event.wanted, happened.by, happened.at_s, happened.at_s)
            self._last_task = number
        else:
            before = self.tasks[number]
            then = before.after(event, happened.seq, happened.at_s)
            self._held.get(before.holder, set()).discard(number)
            was = before.wanted.after
        self.tasks[number] = then
        for other in (*then.wanted.after, then.wanted.parent, then.wanted.found_while):
            if other and other not in self.tasks:
                raise KeyError(f"T{other}, which T{number} names")
        self._history.setdefault(number, []).append(happened.seq)
        for first in was:
            self._dependents[first].discard(number)
        for first in then.wanted.after:
            self._dependents.setdefault(first, set()).add(number)
        if then.state in HELD:
            self._held.setdefault(then.holder, set()).add(number)
        if then.state is TaskState.OPEN and not isinstance(event, TaskNoted):
            heapq.heappush(self._ready, number)
        if then.state in OVER:
            for dependent in self._dependents.get(number, ()):
                heapq.heappush(self._ready, dependent)
        if happened.key:
            touched = self._done_of.get(happened.key, ())
            self._done_of[happened.key] = tuple(dict.fromkeys((*touched, number)))

    # --- asking ---

    def task(self, number: int) -> Task:
        """One task.

        Raises:
            UnknownTask: there is none of this number.
        """
        found = self.tasks.get(number)
        if found is None:
            raise UnknownTask(f"T{number}", self.team)
        return found

    def history(self, number: int) -> tuple[int, ...]:
        """The numbers of the log's entries about a task, oldest first."""
        return tuple(self._history.get(number, ()))

    @property
    def next_number(self) -> int:
        """The number of the next task that is added."""
        return self._last_task + 1

    def waits_for(self, task: Task) -> tuple[int, ...]:
        """The tasks that have to be done before it can be claimed; removed ones do not count."""
        return tuple(n for n in task.wanted.after if self.tasks[n].state not in OVER)

    def is_claimable(self, task: Task) -> bool:
        """Whether it is open and nothing has to be done before it."""
        return task.state is TaskState.OPEN and not self.waits_for(task)

    def next_claimable(self) -> Task | None:
        """The lowest task that can be claimed."""
        while self._ready:
            task = self.tasks[self._ready[0]]
            if self.is_claimable(task):
                return task
            heapq.heappop(self._ready)
        return None

    def held_by(self, holder: str) -> tuple[Task, ...]:
        """What somebody holds, by number."""
        return tuple(self.tasks[number] for number in sorted(self._held.get(holder, ())))

    def held(self) -> Iterator[Task]:
        """All tasks that somebody holds."""
        for numbers in self._held.values():
            yield from (self.tasks[number] for number in sorted(numbers))

    def seat_of(self, agent: str, node: str) -> Seat | None:
        """The seat that an agent of a node fills."""
        return next((s for s in self.seats.values() if (s.agent, s.node) == (agent, node)), None)

    def done_of(self, key: str) -> tuple[int, ...] | None:
        """The tasks that a command has touched, if it was carried out."""
        return self._done_of.get(key)

    def slot_of(self, key: str) -> SlotTaken | None:
        """The number that a request for one got, if it was carried out."""
        return self._slot_of.get(key)

    def said_of(self, key: str) -> int:
        """The number of the entry that a command to the memory has made; 0 when it was not carried out."""
        return self._said_of.get(key, 0)

    @property
    def lead(self) -> str:
        """The seat that leads; empty while there is no plan."""
        return self.plan.lead if self.plan else ""

    def limit(self, role: str) -> int | None:
        """How many claims a seat of a role may hold at once; None: any number."""
        return dict(self.plan.limits).get(role) if self.plan else None
