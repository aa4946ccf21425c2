"""``attach``: go to an agent's pane, inside tmux by switching, outside by attaching."""

from __future__ import annotations

import os

from fleet.cli.command import Command
from fleet.cli.start import own_server
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from fleet.cli.command import Invocation, Parser


def _arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="an agent of this host")


def _attach(call: Invocation) -> int:
    place = call.ask("attach", name=call.given.name).result
    socket, pane, session = (str(place[name]) for name in ("socket", "pane", "session"))
    if call.terminal.as_json:
        call.terminal.data(place)
        return 0
    if not call.terminal.out_is_tty:
        call.terminal.say(plain(f"tmux -S {socket} attach -t '{session}' ; select-pane -t {pane}"))
        return 0
    aim = ["select-window", "-t", pane, ";", "select-pane", "-t", pane, ";"]
    environment = dict(call.environ)
    if own_server(call.environ) == socket:
        words = ["tmux", "-S", socket, *aim, "switch-client", "-t", pane]
    else:
        environment.pop("TMUX", None)  # or tmux refuses to nest
        words = ["tmux", "-S", socket, *aim, "attach-session", "-t", session]
    _become(words, environment)


def _become(words: list[str], environment: dict[str, str]) -> NoReturn:
    os.execvpe("tmux", words, environment)


COMMANDS = {"attach": Command(_attach, _arguments, "fleet attach rin")}
