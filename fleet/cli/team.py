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
            "up": ("team_run", "start every member that is not there, and tell each its job"),
            "down": (
                "team_down",
                "ask every member to save and say goodbye; end who has, report the rest",
            ),
            "bye": (
                "team_down",
                "say goodbye, as a member that was asked to: your claims are free",
            ),
            "respawn": (
                "team_respawn",
                "end a member and start its next incarnation, here or on another node",
            ),
            "ls": ("team_show", "list the teams that this node is of"),
            "status": (
                "team_status",
                "who does what, what is held and why, who said what last: on one screen",
            ),
            "show": ("team_show", "a team: its nodes, its seats and who fills them, its tasks"),
            "tick": (
                "team_tick",
                "look at every seat as the supervisor does, and say what is done and why",
            ),
            "retro": ("team_show", "a retrospective from the team's history, as Markdown"),
            "invite": ("team_invite", "ask another node to let members of the team live there"),
            "withdraw": ("team_invite", "take an invitation back that is not answered yet"),
            "remove": ("team_invite", "take a node out of the team"),
            "invitations": (
                "team_answer",
                "who asks this node for what, to be accepted or declined",
            ),
            "accept": (
                "team_answer",
                "accept an invitation: it gives exactly what is listed with it",
            ),
            "decline": ("team_answer", "decline an invitation"),
            "leave": ("team_answer", "leave a team, and take back what was granted to it here"),
            "add": ("team_seat", "let an agent that exists already fill a seat"),
            "drop": ("team_seat", "empty a seat; what it holds goes back to the list"),
        },
        "fleet team check team.toml",
    )
}
