"""Who of a team is to be started, where, and what each is told first."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.core.quoted import one_line, quoted
from fleet.core.team import RolePlan, TeamPlan, Worktree, branch_of


def in_order(nodes: Mapping[str, int]) -> tuple[str, ...]:
    """The nodes that a seat may go to, by name and how many seats each has: the one with the fewest first,
    then the first by name. The same seats give the same order."""
    return tuple(sorted(nodes, key=lambda name: (nodes[name], name)))


def job(plan: TeamPlan, role: RolePlan, seat: str) -> str:
    """What a member is told of its place: who it is, what it works on, how it works with the others.

    Its orders are not in it. People's words are quoted. The same plan and seat give the same text.
    """
    said = [f"You are {plan.name}/{seat}, a member of the team {plan.name}."]
    if plan.about.strip():
        said.append(quoted(plan.about.strip()))
    others = sorted({one.name for one in plan.roles} - {role.name})
    if others:
        said.append(f"The others are {', '.join(f'{plan.name}/{other}' for other in others)}.")
    said.append(_files(plan, role, seat))
    if plan.test:
        said.append(f"The tests: `{one_line(plan.test)}`")
    said.append(_how(plan, role, seat))
    return "\n\n".join(part for part in said if part)


def _files(plan: TeamPlan, role: RolePlan, seat: str) -> str:
    match role.worktree:
        case Worktree.OWN:
            return (
                f"You work in a git worktree of your own, on the branch {branch_of(plan.name, role, seat)};"
                " it is the folder you are in. Commit what is worth keeping."
            )
        case Worktree.CHECKOUT:
            return (
                "The folder you are in is the repository's own checkout: look, and change nothing."
            )
        case Worktree.NONE:
            return ""


def _how(plan: TeamPlan, role: RolePlan, seat: str) -> str:
    to_all = f'fleet send @{plan.name} "…" to all'
    to_lead = f'fleet send {plan.name}/{plan.lead} "…" speaks to the lead, '
    speaks = f"fleet send @{plan.name} speaks to all" if seat == plan.lead else f"{to_lead}{to_all}"
    lines = [f'- {speaks}; fleet reply ID "…" answers a message.']
    if role.limits.claims:
        lines += [
            "- fleet task claim takes the next task; fleet task start, note, block, done say how it goes.",
            '- What you find on the side is a task of its own: fleet task add "…" --found-while T12.',
        ]
    if seat == plan.lead:
        lines.append("- You lead: fleet task add and fleet task assign give the others work.")
    return "\n".join(lines)
