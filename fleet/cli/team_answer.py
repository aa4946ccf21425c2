"""On an invited node: ``team invitations``, ``team accept``, ``team decline``, ``team leave``."""

from __future__ import annotations

from fleet.cli.command import Command
from fleet.cli.team_apply import agreed
from fleet.cli.terminal import BOLD, plain

_LEAVING_S = 120.0
"""Each member is ended and its worktree looked at, one after the other."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal


def _invitations_arguments(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that cannot be answered now")


def _invitations(call: Invocation) -> int:
    terminal = call.terminal
    told = call.ask("team_invitations").result
    told = [one for one in told if call.given.all or one["state"] == "open"]
    if terminal.as_json:
        terminal.data(told)
        return 0
    if not told:
        terminal.note("nobody asks this node for anything")
    for one in told:
        _show(terminal, one)
    return 0


def _show(terminal: Terminal, one: dict[str, Any]) -> None:
    """Who asks, then each role with what would run, then what is granted."""
    terminal.say(terminal.paint(plain(f"{one['id']}  team {one['team']} of {one['home']}"), BOLD))
    terminal.say(plain(f"  asked by {one['by']}, {one['state']}, until {one['expires_at']}"))
    for role in one["roles"]:
        terminal.say(plain(f"  role {role['role']}: {_role(role)}"))
    for grant in one["grants"]:
        terminal.say(
            plain(f"  grants {grant['who']} {', '.join(grant['verbs'])} on {grant['agent']} here")
        )
    if one["agents"]:
        terminal.say(plain(f"  agents here that have such a name: {', '.join(one['agents'])}"))


def _role(role: dict[str, Any]) -> str:
    from shlex import join

    program = join(role["command"]) if role["command"] else role["profile"]
    said = [f"up to {role['count']} of {program}"]
    if role["worktree"] != "none":
        said.append(f"{role['worktree']} of {role['repository']}")
    if role["include"]:
        said.append(f"with copies of {', '.join(role['include'])}")
    if role["hooks"]:
        said.append("with hooks in its program's settings")
    return f"{', '.join(said)}; {role['policy']} to messages"


def _accept_arguments(parser: Parser) -> None:
    _id(parser)
    parser.add_argument(
        "--repo", metavar="NAME=FOLDER", action="append", default=[], dest="repos",
        help="where a repository of the team is on this host; for each that its roles work on",
    )  # fmt: skip
    parser.add_argument(
        "--socket", metavar="S",
        help="the tmux server its members run in: a path, or a name as for tmux -L"
        " (default: yours, else tmux's default)",
    )  # fmt: skip


def _id(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the invitation; its beginning is enough")


def _accept(call: Invocation) -> int:
    from fleet.cli.start import server_socket

    given = call.given
    repos = [_placed(call, said) for said in given.repos]
    socket = server_socket(given.socket, call.environ)
    told = call.ask("team_accept", id=given.id, repos=repos, socket=socket).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    _show(call.terminal, told)
    call.terminal.note(f"this node is of {told['team']}; fleet team leave {told['team']} ends that")
    return 0


def _placed(call: Invocation, said: str) -> str:
    """``NAME=FOLDER`` with the folder as it is called everywhere on this host."""
    from pathlib import Path

    name, _, typed = said.rpartition("=")
    folder = Path(typed).expanduser().resolve()
    if not typed or not folder.is_dir():
        raise call.usage(f"--repo {said}: there is no folder {typed or 'given'}")
    return f"{name}={folder}"


def _decline_arguments(parser: Parser) -> None:
    _id(parser)
    parser.add_argument("--reason", metavar="TEXT", default="", help="the team's home is told")


def _decline(call: Invocation) -> int:
    told = call.ask("team_decline", id=call.given.id, reason=call.given.reason).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(f"the invitation into {told['team']} is {told['state']}"))
    return 0


def _leave_arguments(parser: Parser) -> None:
    parser.add_argument("team", metavar="TEAM", help="a team of another node")
    parser.add_argument("--yes", action="store_true", help="end its members here without asking")


def _leave(call: Invocation) -> int:
    team, terminal = call.given.team, call.terminal
    if not call.given.yes and not _may_end(call):
        terminal.complain("nothing was done", "the answer was not yes")
        return 9
    told = call.ask("team_leave", patience_s=_LEAVING_S, team=team).result
    if terminal.as_json:
        terminal.data(told)
        return 0
    for one in told["members"]:
        terminal.say(plain(_left(one)))
    terminal.say(plain(f"this node has left {told['team']}; its grants are taken back"))
    if not told["told"]:
        terminal.note("the team's home is away; it learns of it when it is there")
    return 0


def _may_end(call: Invocation) -> bool:
    """Whether members that run here may be ended; nobody is asked where none does."""
    members = call.ask("team_leave", team=call.given.team, check=True).result["members"]
    if not members:
        return True
    for one in members:
        call.terminal.note(f"{one['agent']} runs here, and is ended")
    call.terminal.note("it is not asked to save: fleet team down does that, on the team's home")
    return agreed(call, "leave, and end them?", "fleet team leave --yes")


def _left(one: dict[str, Any]) -> str:
    what = f"{one['agent']}: {'ended' if one['ended'] else 'ran no more'}"
    if one["folder"]:
        held = "; ".join(one["unsaved"])
        what += f"; {one['folder']} is kept{': ' if held else ''}{held}"
    if one["unpushed"]:
        what += f"; {len(one['unpushed'])} commits of {one['branch']} are on this host only"
    return what


COMMANDS = {
    "team invitations": Command(_invitations, _invitations_arguments, "fleet team invitations"),
    "team accept": Command(
        _accept, _accept_arguments, "fleet team accept 3f9c --repo web=/home/me/src/web"
    ),
    "team decline": Command(
        _decline, _decline_arguments, "fleet team decline 3f9c --reason 'no room here'"
    ),
    "team leave": Command(_leave, _leave_arguments, "fleet team leave web"),
}
