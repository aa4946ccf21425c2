"""The leases of claims at home: as the board has the claims, by this life's own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fleet.core.lease import Leases
from fleet.core.task import HELD, Task, TaskEvent
from fleet.core.team_events import Happened, Planned, Seated
from node.engine.chronicle import Chronicle
from node.ports.host import Clock


class TeamLeases:
    """Of all teams whose home is this node; ``homes`` tells which these are."""

    def __init__(self, homes: Callable[[], Iterable[Chronicle]], clock: Clock) -> None:
        self._homes = homes
        self._clock = clock
        self._of: dict[str, Leases] = {}
        self._are_stale = False

    def lost(self) -> None:
        """A group of writes was taken back, perhaps with a claim, or with the end of one."""
        self._are_stale = True

    def begin(self, team: Chronicle) -> None:
        """Begin all leases of a team: every claim of a seat gets its whole length from now; what people
        hold does not run out."""
        board = team.board
        leases = Leases(board.plan.lease_s) if board.plan else Leases()
        for task in board.held():
            if runs_out(task.holder):
                leases.hold(task.number, task.holder, self._clock.now_s())
        self._of[team.team_id] = leases

    def of(self, team: Chronicle) -> Leases:
        """A team's, as its board has them."""
        if self._are_stale:
            self._are_stale = False
            for one in self._homes():
                self.begin(one)
        return self._of[team.team_id]

    def follow(self, team: Chronicle, happened: Sequence[Happened]) -> None:
        """Something was written: claims begin, go on, and end with it."""
        leases, board, now_s = self.of(team), team.board, self._clock.now_s()
        if any(isinstance(one.event, Planned) for one in happened):
            self.begin(team)
        for one in happened:
            if isinstance(one.event, Seated):  # whoever comes into a seat has time to begin
                leases.beat((one.event.seat,), now_s)
            if not isinstance(one.event, TaskEvent):
                continue
            number = one.event.task
            task = board.tasks[number]
            if task.state in HELD and runs_out(task.holder):
                leases.hold(number, task.holder, now_s)
            else:
                leases.drop(number)

    def beat(self, team: Chronicle, seats: Iterable[str]) -> None:
        """The members in these seats live."""
        self.of(team).beat(seats, self._clock.now_s())

    def lapsed(self, team: Chronicle) -> tuple[tuple[int, str], ...]:
        """The tasks whose claims have run out, with who held them; they are told once."""
        leases = self.of(team)
        lapsed = leases.lapsed(self._clock.now_s())
        for number, _ in lapsed:
            leases.drop(number)
        return lapsed

    def left_s(self, team: Chronicle, task: Task) -> float:
        """For how long a claim still stands without a word."""
        return self.of(team).left_s(task.number, self._clock.now_s())


def runs_out(holder: str) -> bool:
    """Whether a claim is a seat's, filled or empty by now; what people hold does not run out."""
    return "@" not in holder
