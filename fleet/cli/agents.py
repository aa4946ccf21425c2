"""Agents that exist: ``ls``, ``peek``, ``stop``, ``forget``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Agent = dict[str, Any]


def _ls(call: Invocation) -> int:
    terminal, agents = call.terminal, call.ask("ls").result
    if terminal.as_json:
        terminal.data(agents)
    elif agents:
        rows = [
            (
                one["address"], one["profile"], one["state"], _doing(one), _held(one),
                one.get("policy") if one.get("policy") not in (None, "open") else "",
                one.get("incarnation"), render.ago(one.get("last_seen")),
            )
            for one in agents
        ]  # fmt: skip
        headings = (
            "ADDRESS",
            "PROFILE",
            "STATE",
            "DOING",
            "HELD",
            "POLICY",
            "INCARNATION",
            "LAST SEEN",
        )
        render.table(terminal, headings, rows)
    else:
        terminal.note("no agents yet: fleet start NAME -- COMMAND, or fleet adopt NAME")
    return 0


def _doing(one: Agent) -> str:
    """What it asks, or is at, where the state does not say so already."""
    if one.get("question"):
        return str(one["question"])
    return str(one.get("doing") or "") if one.get("doing") != one["state"] else ""


def _held(one: Agent) -> str:
    """How many envelopes wait for it, and what the next one waits for."""
    why = f" ({one['held_reason']})" if one.get("held_reason") else ""
    return f"{one['held']}{why}" if one.get("held") else ""


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


COMMANDS = {
    "ls": Command(_ls, nothing, "fleet ls"),
    "peek": Command(_peek, _peek_arguments, "fleet peek rin@nova --lines 20"),
    "stop": Command(_ends("end", "is stopped; fleet start wakes it"), _one_name, "fleet stop rin"),
    "forget": Command(_ends("forget", "is forgotten"), _one_name, "fleet forget rin"),
}
