"""What applying a team's plan changes: what is written down anew, and which members end, move or start.

A list of values in a stable order, told to people before anything is done. Applied once, there is
nothing left of it: what was written down is the same, and whoever lives, lives where it should. A team
of which nobody lives is down; applying a plan starts nobody then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never, cast

from fleet.core.team import ANY_NODE, RolePlan, TeamPlan, Worktree, agreed, form, seats, seats_of
from fleet.core.trust import Policy

OPENNESS = (Policy.CLOSED, Policy.APPROVAL, Policy.OPEN)
_SHOWN_CHARS = 60


class Act(StrEnum):
    """What is done."""

    CREATE = "create"
    SET = "set"
    ADD_ROLE = "add_role"
    DROP_ROLE = "drop_role"
    END = "end"  # asked to save, then ended
    MOVE = "move"  # the same, and started on another node with its memory
    RESTART = "restart"  # the same, where it is
    START = "start"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``what`` is a key (``roles.impl.count``), a role or a seat, by ``act``.

    ``node`` is where a member lives, ``to`` where it is to live, perhaps any. Until each of ``accept``
    has accepted anew, nothing of it happens there; the node that applies the plan knows which of them is
    itself.
    """

    act: Act
    what: str
    before: object = None
    after: object = None
    node: str = ""
    to: str = ""
    why: str = ""
    accept: tuple[str, ...] = ()

    def __str__(self) -> str:
        asks = f" ({' and '.join(self.accept)} must accept it)" if self.accept else ""
        return f"{self._sentence()}{asks}"

    def _sentence(self) -> str:
        to = "a node that accepted it" if self.to == ANY_NODE else self.to
        match self.act:
            case Act.CREATE:
                return f"team {self.what} is new"
            case Act.SET:
                return f"{self.what}: {_said(self.before)} becomes {_said(self.after)}"
            case Act.ADD_ROLE:
                return f"role {self.what} is new, with {_said(self.after)} on {to}"
            case Act.DROP_ROLE:
                return f"role {self.what} is no more"
            case Act.END:
                return f"{self.what} on {self.node} is asked to save, and ends: {self.why}"
            case Act.MOVE:
                return f"{self.what} on {self.node} is asked to save, and goes on at {to}"
            case Act.RESTART:
                return f"{self.what} on {self.node} is asked to save, and starts anew: {self.why}"
            case Act.START:
                return f"{self.what} starts on {to}"
            case _:
                assert_never(self.act)

    def as_json(self) -> dict[str, object]:
        """The change as programs get it, all of its fields in each."""
        return {
            "act": self.act.value,
            "what": self.what,
            "before": self.before,
            "after": self.after,
            "node": self.node,
            "to": self.to,
            "why": self.why,
            "accept": list(self.accept),
            "text": str(self),
        }


def changes(
    before: TeamPlan | None, lives: Mapping[str, str], wanted: TeamPlan
) -> tuple[Change, ...]:
    """What applying ``wanted`` does: to what is written down, then to members, roles in their order.

    ``lives`` has the seat of each member that lives, and its node, called as the plan calls it. Both
    plans are of one team and keep to the rules.
    """
    if before is None:
        told = [Change(Act.CREATE, wanted.name), *_of_roles({}, lives, wanted)]
    else:
        roles = {role.name: role for role in before.roles}
        told = [*_of_the_team(before, wanted), *_of_roles(roles, lives, wanted)]
    return (*told, *_of_members(before, lives, wanted))


def _of_the_team(before: TeamPlan, wanted: TeamPlan) -> Iterator[Change]:
    old, new = form(before), form(wanted)
    for key in old:
        if key != "roles" and old[key] != new[key]:
            yield Change(Act.SET, key, old[key], new[key])


def _of_roles(
    before: Mapping[str, RolePlan], lives: Mapping[str, str], wanted: TeamPlan
) -> Iterator[Change]:
    after = {role.name: role for role in wanted.roles}
    for name in sorted(before.keys() | after.keys()):
        match before.get(name), after.get(name):
            case None, RolePlan() as new:
                ask = () if new.node == ANY_NODE else (new.node,)
                yield Change(Act.ADD_ROLE, name, None, list(seats_of(new)), to=new.node, accept=ask)
            case RolePlan() as old, None:
                yield Change(Act.DROP_ROLE, name, list(seats_of(old)))
            case RolePlan() as old, RolePlan() as new if old != new:
                yield from _of_a_role(old, new, lives)
            case _:
                pass


def _of_a_role(old: RolePlan, new: RolePlan, lives: Mapping[str, str]) -> Iterator[Change]:
    named = () if new.node == ANY_NODE else (new.node,)
    there = {lives[seat] for seat in seats_of(new) if seat in lives} if not named else ()
    nodes = named or tuple(sorted(there))
    for key, was, becomes in _differing(_flat(old), _flat(new)):
        asks = nodes if _is_a_question(key, old, new) else ()
        yield Change(Act.SET, f"roles.{new.name}.{key}", was, becomes, accept=asks)


def _is_a_question(key: str, old: RolePlan, new: RolePlan) -> bool:
    """Whether a node that accepted the role did not accept this: another thing, or more of it."""
    match key:
        case "count":
            return new.count > old.count
        case "grants":
            return not {*new.grants} <= {*old.grants}
        case "policy":
            return OPENNESS.index(new.policy) > OPENNESS.index(old.policy)
        case "node":
            return new.node != ANY_NODE
        case _:
            return key in _agreed_anew(old, new)


def _flat(role: RolePlan) -> dict[str, object]:
    """A role as keys and values, each as JSON has it."""
    plan = TeamPlan("", role.name, (role,))
    table = cast(dict[str, dict[str, object]], form(plan)["roles"])[role.name]
    limits = cast(dict[str, object], table.pop("limits"))
    return table | {f"limits.{key}": value for key, value in limits.items()}


def _differing(
    old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[tuple[str, object, object]]:
    return ((key, old[key], new[key]) for key in old if old[key] != new[key])


# --- members ---


def _of_members(
    before: TeamPlan | None, lives: Mapping[str, str], wanted: TeamPlan
) -> Iterator[Change]:
    """Those that live and are in no seat any more, in the order of names; then seat by seat."""
    there_before: Mapping[str, RolePlan] = seats(before) if before else {}
    there = seats(wanted)
    for seat in sorted(lives.keys() - there.keys()):
        yield Change(Act.END, seat, node=lives[seat], why="the plan has no such seat")
    for seat, role in there.items():
        node = lives.get(seat, "")
        if not node:
            if lives:
                yield Change(Act.START, seat, to=role.node)
        elif role.node not in {ANY_NODE, node}:
            yield Change(Act.MOVE, seat, node=node, to=role.node)
        elif new := _new_at_start(there_before.get(seat), role):
            yield Change(Act.RESTART, seat, node=node, why=f"new {', '.join(new)}")


def _new_at_start(old: RolePlan | None, new: RolePlan) -> list[str]:
    """What its member would have to be started anew for: it has these from its start to its end."""
    if old is None:
        return []
    moved = ["branch"] if old.branch != new.branch and new.worktree is Worktree.OWN else []
    return [*_agreed_anew(old, new), *moved]


def _agreed_anew(old: RolePlan, new: RolePlan) -> list[str]:
    was, becomes = agreed(old), agreed(new)
    return [key for key in was if was[key] != becomes[key]]


def _said(value: object) -> str:
    """A value in a sentence: short, and on one line."""
    match value:
        case list() | tuple():
            words = cast(tuple[object, ...], value)
            if any(isinstance(word, dict) for word in words):
                names = [str(cast(dict[str, object], word)["id"]) for word in words]
                return ", ".join(names)
            return ", ".join(map(str, words)) or "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case str() if len(value) > _SHOWN_CHARS or "\n" in value:
            return f"a text of {len(value)} characters"
        case _:
            return str(value) or "nothing"
