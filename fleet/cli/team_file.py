"""``team check``: what a team file says, or everything that is wrong with it. Needs no node."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal
    from fleet.core.team import RolePlan, TeamPlan

NAME = "team.toml"


def file_argument(parser: Parser) -> None:
    """The argument of each command that reads a team file."""
    parser.add_argument("file", metavar="FILE", nargs="?", default=NAME, help=f"default: {NAME}")


def plan_of(call: Invocation) -> TeamPlan:
    """The plan in the file that is meant.

    Raises:
        MalformedTeamFile: it cannot be used.
    """
    from pathlib import Path

    from fleet.teamfile import read

    return read(Path(call.given.file))


def _check(call: Invocation) -> int:
    plan = plan_of(call)
    if call.terminal.as_json:
        call.terminal.data(_as_json(call.given.file, plan))
    else:
        _show(call.terminal, plan)
    return 0


def _as_json(file: str, plan: TeamPlan) -> dict[str, object]:
    from fleet.core.team import agent_name, agreed_digest, branch_of, digest, form, seats

    told = [
        {"seat": seat, "role": role.name, "agent": agent_name(plan.name, seat), "node": role.node,
         "branch": branch_of(plan.name, role, seat) if role.worktree == "own" else "",
         "agreed": agreed_digest(role)}
        for seat, role in seats(plan).items()
    ]  # fmt: skip
    return {
        "file": file,
        "team": plan.name,
        "digest": digest(plan),
        "plan": form(plan),
        "seats": told,
    }


def _show(terminal: Terminal, plan: TeamPlan) -> None:
    render.facts(
        terminal,
        [
            ("team", plan.name),
            ("about", plan.about),
            ("lead", plan.lead),
            ("repository", plan.repository),
            ("base", plan.base),
            ("test", plan.test),
            ("tick", render.span(plan.tick_s)),
            ("lease", render.span(plan.lease_s)),
            ("to save", render.span(plan.down_s)),
        ],
    )
    terminal.say("")
    headings = ("SEATS", "NODE", "PROGRAM", "FILES", "BRANCH", "CLAIMS", "SKILLS", "ORDERS")
    render.table(terminal, headings, [_row(plan, role) for role in plan.roles])


def _row(plan: TeamPlan, role: RolePlan) -> tuple[object, ...]:
    from shlex import join

    from fleet.core.team import seats_of

    is_own = role.worktree == "own"
    repository = role.repository if role.repository != plan.repository else ""
    return (
        ", ".join(seats_of(role)),
        role.node,
        join(role.command) if role.command else role.profile,
        " ".join(filter(None, (role.worktree.value, repository))),
        role.branch if is_own else "",
        role.limits.claims,
        ", ".join(skill.id for skill in role.skills),
        f"{len(role.orders)} characters" if role.orders else "none",
    )


COMMANDS = {"team check": Command(_check, file_argument, "fleet team check team.toml")}
