"""``team``: what is below it. A command that is added is a line here, and stands in its own module."""

from __future__ import annotations

from fleet.cli.command import Group

COMMANDS = {
    "team": Group(
        {
            "check": ("team_file", "read a team file and say everything that is wrong with it"),
            "ls": ("team_show", "list the teams that this node is of"),
            "show": ("team_show", "a team: its nodes, its seats and who fills them, its tasks"),
        },
        "fleet team check team.toml",
    )
}
