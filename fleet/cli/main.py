"""The command table, and the edge where everything that goes wrong becomes one line and a code.

Only the module of the command that was typed is imported, and only its parser is built.
"""

from __future__ import annotations

import os
import sys

from fleet.cli.command import Group, Invocation, UsageError, module_of
from fleet.cli.door import Failed
from fleet.cli.terminal import Terminal, Unheard
from fleet.paths import home_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from fleet.cli.command import Command, Parser

GROUPS = {
    "this host": ("up", "down", "status", "doctor", "log", "watch"),
    "who belongs": ("invite", "join", "revoke", "nodes", "trust", "grant", "ungrant", "grants", "policy"),
    "agents": ("ls", "start", "adopt", "stop", "forget", "peek", "attach", "profile"),
    "messages": (
        "send", "reply", "ack", "inbox", "outbox", "show", "cancel", "release", "revive", "route",
    ),
    "teams": ("team", "task", "assign", "competence", "memory", "slot", "skill"),
    "the rest": ("whoami", "completion", "version"),
}  # fmt: skip
TABLE = {
    "up": ("up", "start this host's node; does nothing if it runs"),
    "down": ("up", "stop it, gracefully"),
    "status": ("status", "node, fleet, peers and queues at a glance"),
    "doctor": ("doctor", "check this host: tmux, sockets, mDNS, clock, disk, permissions, peers"),
    "log": ("log", "follow what happens: the audit log"),
    "watch": ("watch", "follow all envelopes, a line for each state they come to"),
    "invite": ("trust", "print a one-time token that lets a node in"),
    "join": ("trust", "enter the fleet that a token is for"),
    "revoke": ("trust", "put a node out, for good"),
    "nodes": ("trust", "list the nodes: members, revoked ones, and strangers in sight"),
    "trust": ("keys", "show who is trusted, by which key, and what each may do"),
    "grant": ("grants", "allow somebody more with agents here"),
    "ungrant": ("grants", "take grants back"),
    "grants": ("grants", "list what was granted here"),
    "policy": ("grants", "who may message an agent: show it, or decide anew"),
    "ls": ("agents", "list the agents of the known fleet"),
    "start": ("start", "run an agent in a new tmux window, as the pane's own process"),
    "adopt": ("start", "take a pane with a running program as an agent"),
    "stop": ("agents", "close an agent's pane; its name and mail stay"),
    "forget": ("agents", "give an agent's name up; its pane stays"),
    "peek": ("agents", "show an agent's screen, cleaned"),
    "attach": ("attach", "go to an agent's pane"),
    "profile": ("profile", "list, show and check what is known of kinds of programs"),
    "send": ("send", "send a message; comes back when the agent has it"),
    "reply": ("send", "answer an envelope"),
    "ack": ("letters", "say that an envelope was seen"),
    "inbox": ("letters", "list what arrived for agents here"),
    "outbox": ("letters", "list what was sent from here"),
    "show": ("letters", "one envelope's whole timeline"),
    "cancel": ("letters", "take an envelope back that was not typed yet"),
    "release": ("letters", "let a held envelope through, or have it looked at again"),
    "revive": ("letters", "send a dead letter's text again, as a new envelope"),
    "route": ("route", "walk a message's way layer by layer, and type nothing"),
    "team": ("team", "agents that work together: their file, who is in it, what they do"),
    "task": ("task", "what a team has to do: claimed by one at a time, finished with proof"),
    "assign": ("assign", "decide who should do which task, and offer it; explains itself"),
    "competence": ("assign", "what is known of who is good at what"),
    "memory": ("memory", "what a team knows: found, ordered, handed over; given to whoever comes"),
    "slot": ("slot", "numbers that a team gives away, each once: versions, ports, migrations"),
    "skill": ("skill", "what agents are taught about fleet: print it, or install it"),
    "whoami": ("status", "who the node takes the caller for"),
    "completion": ("completion", "print a completion script for a shell"),
    "version": ("completion", "print the version"),
}
ALIASES = {"hey": "send"}
_LIST = "fleet --help lists the commands"
EXIT_BUG, EXIT_UNHEARD, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_PIPE = 1, 1, 2, 130, 141


def main() -> int:
    """``fleet``."""
    return run(sys.argv[1:])


def hey() -> int:
    """``hey``: the short form of ``fleet send``."""
    return run(["send", *sys.argv[1:]])


def run(words: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    options = words[: words.index("--")] if "--" in words else words
    terminal = Terminal(os.environ, as_json="--json" in options)
    try:
        code = _dispatch(words, terminal)
        terminal.heard()
    except KeyboardInterrupt:
        terminal.passing_over()
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        code = EXIT_PIPE
    except Unheard as why:
        terminal.unheard(why)
        code = EXIT_UNHEARD
    except UsageError as mistake:
        terminal.misused(mistake)
        code = EXIT_USAGE
    except Failed as failed:
        terminal.fail(failed.error)
        code = failed.exit_code
    except Exception as error:  # noqa: BLE001 - the edge: no traceback reaches a person
        from fleet.cli.edge import told

        code = told(error, words, terminal)
    return _closed(code)


def _closed(code: int) -> int:
    """Write out what is left; where nobody listens any more, in silence."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            # The interpreter would try again at exit and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            code = code or (EXIT_PIPE if isinstance(error, BrokenPipeError) else EXIT_BUG)
    return code


def _dispatch(words: Sequence[str], terminal: Terminal) -> int:
    ahead, name, behind = _split(words)
    if name in {"", "help"}:
        if behind and behind[0] in TABLE:
            return _dispatch([*ahead, *behind, "--help"], terminal)
        terminal.say(overview())
        return 0
    command, parser, given = _parsed(ahead, name, behind)
    home = home_from(given.home, os.environ)
    return command.run(Invocation(parser, given, home, terminal))


def parse(words: Sequence[str]) -> tuple[Command, Parser, Namespace]:
    """The command that a command line means, and what it is given.

    Raises:
        UsageError: it is not understood.
    """
    return _parsed(*_split(words))


def _parsed(ahead: list[str], name: str, behind: list[str]) -> tuple[Command, Parser, Namespace]:
    if name not in TABLE:
        raise _unknown(name)
    command, about = load(name), TABLE[name][1]
    if isinstance(command, Group):
        return _parsed_below(command, ahead, name, behind)
    parser = command.parser(name, about)
    given = parser.read([*ahead, *behind], takes_program=command.takes_program)
    return command, parser, given


def _parsed_below(
    group: Group, ahead: list[str], name: str, behind: list[str]
) -> tuple[Command, Parser, Namespace]:
    between, sub, rest = _split(behind)
    if sub == "help":
        group.parser(name, TABLE[name][1]).parse_args(["--help"])
    command = group.load(name, sub)
    parser = command.parser(f"{name} {sub}", group.table[sub][1])
    given = parser.read([*ahead, *between, *rest], takes_program=command.takes_program)
    return command, parser, given


def load(name: str) -> Command | Group:
    """The command of this name, or those below it; imports its module."""
    command: Command | Group = module_of(TABLE[name][0])[name]
    return command


def _split(words: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Options that stand before the command, the command, and what follows it."""
    ahead: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in {"-h", "--help"}:
            return ahead, "help", rest
        if word in {"-V", "--version"}:
            return ahead, "version", rest
        if word not in {"--json", "--home"} and not word.startswith("--home="):
            raise UsageError(f"unknown option {word}", usage(), _LIST)
        ahead.append(word)
        if word == "--home":
            if not rest:
                raise UsageError("--home needs a folder", usage(), _LIST)
            ahead.append(rest.pop(0))
    if not rest:
        return ahead, "", []
    return ahead, ALIASES.get(rest[0], rest[0]), rest[1:]


def _unknown(name: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(name, [*TABLE, *ALIASES], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else _LIST
    return UsageError(f"there is no command {name!r}", usage(), hint)


def usage() -> str:
    """The line that says how to begin."""
    return "usage: fleet [--home DIR] [--json] COMMAND …"


def overview() -> str:
    """All commands with a line each."""
    lines = ["Messages by name between AI agents in tmux panes, across hosts.", "", usage()]
    for title, names in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<12}{TABLE[name][1]}" for name in names]
    lines += ["", "Each command has --help, with an example."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
