"""What a team file changes here, and that it is written down: the team founded, or its plan set anew.

Nothing is started or ended by it; who is in a seat stays there. A plan that stands already is not
written again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet.core.errors.files import MalformedTeamFile
from fleet.core.errors.requests import WrongState
from fleet.core.team import TeamPlan, canonical, digest
from fleet.core.team_events import Planned
from fleet.core.teamdiff import Change, changes
from fleet.core.trust import Caller
from fleet.teamfile import read_form
from node.engine.chronicle import Chronicle
from node.engine.fleet import Fleet
from node.engine.teams import Teams
from node.ports.host import Clock
from node.store import SqliteStore


def plan_of(team: Chronicle) -> TeamPlan | None:
    """The plan that stands; None when there is none, or none that this build can read."""
    planned = team.board.plan
    try:
        return read_form(planned.plan, "the team's log") if planned else None
    except MalformedTeamFile:
        return None


@dataclass(frozen=True, slots=True)
class Wish:
    """What applying a plan does. ``team`` is None where it is to be founded; ``before`` is the digest of
    the plan that stands, empty for none; ``is_new`` whether there is anything to write."""

    team: Chronicle | None
    before: str
    changes: tuple[Change, ...]
    is_new: bool


class Plans:
    """The plans of the teams whose home is this node."""

    def __init__(self, teams: Teams, fleet: Fleet, store: SqliteStore, clock: Clock) -> None:
        self._teams = teams
        self._fleet = fleet
        self._store = store
        self._clock = clock

    def wish(self, plan: TeamPlan) -> Wish:
        """What applying this plan would do now."""
        team = self._teams.home_of(plan.name)
        before = plan_of(team) if team else None
        seats = team.board.seats.values() if team else ()
        lives = {seat.name: self._fleet.label(seat.node) for seat in seats}
        return Wish(
            team,
            digest(before) if before else "",
            tuple(map(self._asking_others, changes(before, lives, plan))),
            before is None or canonical(before) != canonical(plan),
        )

    def _asking_others(self, change: Change) -> Change:
        """A change as others have to accept it: this node, the home, is asked by applying it."""
        others = tuple(node for node in change.accept if node != self._fleet.me.name)
        return replace(change, accept=others)

    async def apply(self, caller: Caller, plan: TeamPlan, before: str | None) -> Wish:
        """Write the plan down, founding its team where there is none; what that did.

        Raises:
            WrongState: another plan stands than the one whose digest the caller has seen.
        """
        wish = self.wish(plan)
        if before is not None and before != wish.before:
            raise WrongState(
                f"the plan of {plan.name} has changed meanwhile; nothing was written",
                hint="look at it again: fleet team plan",
            )
        if not wish.is_new:
            return wish
        now_s, facts = self._clock.wall_s(), {"digest": digest(plan), "by": str(caller)}
        if wish.team:
            self._store.audit("team planned", now_s, team=plan.name, **facts)
            await self._teams.write(wish.team, str(caller), "", (planned(plan),))
        else:
            self._store.audit("team founded", now_s, team=plan.name, **facts)
            await self._teams.found(caller, plan.name, planned(plan))
        return wish


def planned(plan: TeamPlan) -> Planned:
    """The plan as the log has it."""
    limits = tuple((role.name, role.limits.claims) for role in plan.roles)
    return Planned(canonical(plan), plan.lead, limits, plan.lease_s)
