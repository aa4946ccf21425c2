"""``trust``: whom the fleet trusts, by which key, and what that lets each do."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation
    from fleet.cli.terminal import Terminal


def _trust(call: Invocation) -> int:
    told = call.ask("trust").result
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(told)
        return 0
    render.facts(
        terminal,
        [
            ("fleet", told["fleet"]),
            ("root key", "on this node" if told["root"]["here"] else "not on this node"),
            ("this node", told["node"]),
            ("its key", told["id"]),
        ],
    )
    _title(terminal, "members")
    members = [(m["node"], m["state"], m["admitted_by"], m["id"]) for m in told["members"]]
    render.table(terminal, ("NODE", "STATE", "LET IN BY", "KEY"), members)
    if told["revoked"]:
        _title(terminal, "put out, for good")
        out = [(r["node"], r["reason"], r["revoked_by"], r["id"]) for r in told["revoked"]]
        render.table(terminal, ("NODE", "WHY", "BY", "KEY"), out)
    _title(terminal, "what that means")
    for line in _explained(told):
        terminal.say(plain(line))
    return 0


def _title(terminal: Terminal, text: str) -> None:
    terminal.say(f"\n{terminal.paint(text, BOLD)}")


def _explained(told: dict[str, Any]) -> list[str]:
    here = told["root"]["here"]
    lines = [
        "- A node is its key: KEY is the hash of it, and names are only labels.",
        "- The root key lets nodes in and puts them out. It is "
        + ("in this home: keep it as you keep an ssh key." if here else "on the founder's node."),
        f"- {told['node']} may "
        + ("invite, admit and revoke nodes." if here else "invite nobody and put nobody out."),
        "- A member may message agents that are open. Each node grants more for its own: fleet grants.",
    ]
    if told["revoked"]:
        lines.append("- Who was put out may do nothing, and its key never comes back.")
    return lines


COMMANDS = {"trust": Command(_trust, nothing, "fleet trust")}
