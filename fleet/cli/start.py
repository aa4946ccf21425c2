"""``start`` and ``adopt``: which tmux server, which pane, which folder is meant.

The node cannot know that: it is the caller's terminal that says it, as tmux itself would read it.
"""

from __future__ import annotations

import os
import re

from fleet.cli.command import Command
from fleet.cli.door import PATIENCE_S
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fleet.cli.command import Invocation, Parser

POLICIES = ("open", "approval", "closed")
"""``Policy`` of ``fleet/core/trust.py``; a test compares."""
_PANE = re.compile(r"%[0-9]+")


def server_socket(option: str | None, environ: Mapping[str, str]) -> str:
    """The socket of the tmux server that is meant: the option, the caller's own, the default one.

    An option without a slash is a name as tmux's ``-L`` takes it.
    """
    if option and "/" in option:
        return os.path.abspath(os.path.expanduser(option))
    if not option and (own := own_server(environ)):
        return own
    folder = environ.get("TMUX_TMPDIR") or "/tmp"  # noqa: S108 - where tmux itself looks
    return os.path.join(os.path.abspath(folder), f"tmux-{os.getuid()}", option or "default")


def own_server(environ: Mapping[str, str]) -> str:
    """The socket of the server the caller runs in: ``$TMUX`` is socket,pid,session."""
    return environ.get("TMUX", "").rsplit(",", 2)[0]


def _about_agent(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="what it is to be called, on this host once")
    parser.add_argument("--profile", metavar="P", help="what kind of program: fleet profile ls")
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="who may message it: members, on approval, who has a grant",
    )
    parser.add_argument(
        "--socket", metavar="S",
        help="the tmux server: a path, or a name as for tmux -L (default: yours, else tmux's default)",
    )  # fmt: skip


def _hooks_arguments(parser: Parser, otherwise: str) -> None:
    parser.add_argument(
        "--hooks", action="store_true", default=None,
        help="have the program itself tell each text that it takes; only this agent's",
    )  # fmt: skip
    if otherwise:
        parser.add_argument("--no-hooks", action="store_false", dest="hooks", help=otherwise)


def _start_arguments(parser: Parser) -> None:
    _about_agent(parser)
    _hooks_arguments(parser, "no longer: an agent with hooks is started again with them")
    parser.add_argument(
        "--skill", action="store_true", default=None,
        help="teach it fleet, by a file where its program looks for skills (that is so at first)",
    )  # fmt: skip
    parser.add_argument("--no-skill", action="store_false", dest="skill", help="write no such file")
    parser.add_argument(
        "--cwd", metavar="D",
        help="the folder it starts in (default: this one; without a command, where it ran before)",
    )  # fmt: skip
    parser.usage = f"{parser.prog} [options] NAME [-- COMMAND …]"


def _adopt_arguments(parser: Parser) -> None:
    _about_agent(parser)
    _hooks_arguments(parser, "")
    parser.add_argument("--pane", metavar="%N", help="the pane's id (default: yours, $TMUX_PANE)")


def _start(call: Invocation) -> int:
    given = call.given
    # Woken without a command, it goes back to where it ran; this folder is for one that never did.
    which = "cwd" if given.cwd or given.program else "here"
    args: dict[str, object] = {
        which: folder_of(given.cwd), "command": given.program, "skill": given.skill,
    }  # fmt: skip
    return _tell(call, "start", args, "runs in")


def folder_of(option: str | None) -> str:
    """The folder that is meant, whole; the one this command runs in where none is."""
    from fleet.core.errors.requests import MalformedRequest

    try:
        folder = os.path.abspath(os.path.expanduser(option or "."))
    except FileNotFoundError:
        raise MalformedRequest(
            "the folder this command runs in is gone", hint="say where: --cwd DIR"
        ) from None
    if not os.path.isdir(folder):
        why = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise MalformedRequest(f"{folder} {why}", hint="the agent starts in a folder: --cwd DIR")
    return folder


def _adopt(call: Invocation) -> int:
    return _tell(call, "adopt", {"pane": _pane(call)}, "is adopted in")


def _pane(call: Invocation) -> str:
    listing = "tmux list-panes -a -F '#{pane_id} #{session_name} #{pane_current_command}'"
    given = call.given
    if given.pane is None:
        socket = server_socket(given.socket, call.environ)
        own = call.environ.get("TMUX_PANE", "")
        if not own or socket != own_server(call.environ):
            raise call.usage("which pane? say --pane %N", hint=f"{listing} lists them")
        return own
    if not _PANE.fullmatch(given.pane):
        raise call.usage(f"{given.pane!r} is not a pane's id, %N", hint=f"{listing} lists them")
    return str(given.pane)


def _tell(call: Invocation, name: str, args: dict[str, object], done: str) -> int:
    given = call.given
    socket = server_socket(given.socket, call.environ)
    wish = {
        "name": given.name,
        "socket": socket,
        "profile": given.profile,
        "policy": given.policy,
        "hooks": given.hooks,
    }
    said: dict[str, Any] = {k: v for k, v in {**wish, **args}.items() if v is not None}
    agent = call.ask(name, patience_s=PATIENCE_S, **said).result
    if call.terminal.as_json:
        call.terminal.data(agent)
        return 0
    where = f"{agent['pane']} of {agent['socket']}"
    call.terminal.say(plain(f"{agent['address']} {done} {where}, as {agent['profile']}"))
    return 0


COMMANDS = {
    "start": Command(_start, _start_arguments, "fleet start rin -- claude", takes_program=True),
    "adopt": Command(_adopt, _adopt_arguments, "fleet adopt rin --pane %3"),
}
