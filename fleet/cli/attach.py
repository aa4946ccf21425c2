"""``attach``: go to an agent's pane, inside tmux by switching, outside by attaching."""

from __future__ import annotations

from fleet.cli.command import Command
from fleet.cli.start import own_server
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="an agent of this host")


def _attach(call: Invocation) -> int:
    import subprocess

    place = call.ask("attach", name=call.given.name).result
    socket, pane, session = (str(place[name]) for name in ("socket", "pane", "session"))
    if call.terminal.as_json:
        call.terminal.data(place)
        return 0
    aim = ["select-window", "-t", pane, ";", "select-pane", "-t", pane, ";"]
    if not call.terminal.out_is_tty:
        from shlex import join

        call.terminal.say(
            plain(join(["tmux", "-S", socket, *aim, "attach-session", "-t", session]))
        )
        return 0
    environment = dict(call.environ)
    if own_server(call.environ) == socket:
        words = ["tmux", "-S", socket, *aim, "switch-client", "-t", pane]
    else:
        environment.pop("TMUX", None)  # or tmux refuses to nest
        words = ["tmux", "-S", socket, *aim, "attach-session", "-t", session]
    return subprocess.run(words, env=environment, check=False).returncode


COMMANDS = {"attach": Command(_attach, _arguments, "fleet attach rin")}
