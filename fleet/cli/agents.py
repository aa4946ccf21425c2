"""Agents that exist: ``ls``, ``peek``, ``stop``, ``forget``; and ``profile``, the kinds of them."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.cli.command import Invocation, Parser


def _ls(call: Invocation) -> int:
    terminal, agents = call.terminal, call.ask("ls").result
    if terminal.as_json:
        terminal.data(agents)
    elif agents:
        rows = [
            (
                one["address"], one["profile"], one["state"], one.get("held") or "",
                one.get("policy") if one.get("policy") not in (None, "open") else "",
                one.get("incarnation"), render.ago(one.get("last_seen")),
            )
            for one in agents
        ]  # fmt: skip
        headings = ("ADDRESS", "PROFILE", "STATE", "HELD", "POLICY", "INCARNATION", "LAST SEEN")
        render.table(terminal, headings, rows)
    else:
        terminal.note("no agents yet: fleet start NAME -- COMMAND, or fleet adopt NAME")
    return 0


def _one_name(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="an agent of this host")


def _peek_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="an agent, here or on another node")
    parser.add_argument(
        "--lines", metavar="N", type=int, default=0, help="only the last N lines (default: all)"
    )


def _peek(call: Invocation) -> int:
    if call.given.lines < 0:
        raise call.usage(f"--lines {call.given.lines}: not below 0")
    screen = call.ask("peek", name=call.given.name, lines=call.given.lines).result
    if call.terminal.as_json:
        call.terminal.data(screen)
        return 0
    call.terminal.note(f"{screen['address']}: {screen['state']}")
    for row in screen["rows"]:
        call.terminal.say(plain(row))
    return 0


def _ends(name: str, done: str) -> Callable[[Invocation], int]:
    def run(call: Invocation) -> int:
        agent = call.ask(name, name=call.given.name).result
        if call.terminal.as_json:
            call.terminal.data(agent)
        else:
            call.terminal.say(plain(f"{agent['address']} {done}"))
        return 0

    return run


def _profile_arguments(parser: Parser) -> None:
    parser.add_argument("action", metavar="ls", nargs="?", choices=["ls"], help="list them")


def _profile(call: Invocation) -> int:
    profiles = call.ask("profiles").result
    if call.terminal.as_json:
        call.terminal.data(profiles)
        return 0
    rows = [
        (one["name"], one["title"], ", ".join(one["aliases"]), ", ".join(one["programs"]))
        for one in profiles
    ]
    render.table(call.terminal, ("NAME", "TITLE", "ALIASES", "PROGRAMS"), rows)
    return 0


COMMANDS = {
    "ls": Command(_ls, nothing, "fleet ls"),
    "peek": Command(_peek, _peek_arguments, "fleet peek rin@nova --lines 20"),
    "stop": Command(_ends("end", "is stopped; fleet start wakes it"), _one_name, "fleet stop rin"),
    "forget": Command(_ends("forget", "is forgotten"), _one_name, "fleet forget rin"),
    "profile": Command(_profile, _profile_arguments, "fleet profile ls"),
}
