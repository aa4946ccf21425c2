"""``team``: what is below it. A command that is added is a line here, and stands in its own module."""

from __future__ import annotations

from fleet.cli.command import Group

COMMANDS = {
    "team": Group(
        {
            "check": ("team_file", "read a team file and say everything that is wrong with it"),
            "plan": ("team_apply", "show what applying a team file would do"),
            "diff": ("team_apply", "the same as plan"),
            "apply": (
                "team_apply",
                "do what the team file says: found the team, or change its plan",
            ),
            "ls": ("team_show", "list the teams that this node is of"),
            "show": ("team_show", "a team: its nodes, its seats and who fills them, its tasks"),
            "retro": ("team_show", "a retrospective from the team's history, as Markdown"),
        },
        "fleet team check team.toml",
    )
}
