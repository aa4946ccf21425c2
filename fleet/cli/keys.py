"""``trust``: whom the fleet trusts, by which key, and what that lets each do; the root key's passphrase."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.passphrase import FILE, ask_signed, said
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "action", choices=("show", "lock", "unlock"), nargs="?", default="show",
        help="show it all; put a passphrase on the root key; take it off (default: show)",
    )  # fmt: skip


def _trust(call: Invocation) -> int:
    match call.given.action:
        case "lock":
            return _lock(call)
        case "unlock":
            return _unlock(call)
        case _:
            return _show(call)


def _lock(call: Invocation) -> int:
    passphrase = said(call, "a passphrase for the root key: ", twice=True)
    if not passphrase:
        raise call.usage(
            "there is nobody to say a passphrase",
            hint=f"on a terminal, or in the file {FILE} names",
        )
    told = call.ask("lock", passphrase=passphrase).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say("the root key has a passphrase now; without it nothing can be signed")
    return 0


def _unlock(call: Invocation) -> int:
    told = ask_signed(call, "unlock").result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say("the root key has no passphrase any more")
    return 0


# --- showing ---


def _show(call: Invocation) -> int:
    told = call.ask("trust").result
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(told)
        return 0
    render.facts(
        terminal,
        [
            ("fleet", told["fleet"]),
            ("root key", _where(told["root"])),
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


def _where(root: dict[str, Any]) -> str:
    if not root["here"]:
        return "not on this node"
    return "on this node, " + ("with" if root["passphrase"] else "without") + " a passphrase"


def _title(terminal: Terminal, text: str) -> None:
    terminal.say(f"\n{terminal.paint(text, BOLD)}")


def _kept(root: dict[str, Any]) -> str:
    if not root["here"]:
        return "on the founder's node."
    if root["passphrase"]:
        return "in this home, and of no use without its passphrase."
    return (
        "in this home: keep it as you keep an ssh key, or put a passphrase on it: fleet trust lock."
    )


def _explained(told: dict[str, Any]) -> list[str]:
    here = told["root"]["here"]
    lines = [
        "- A node is its key: KEY is the hash of it, and names are only labels.",
        "- The root key lets nodes in and puts them out. It is " + _kept(told["root"]),
        f"- {told['node']} may "
        + ("invite, admit and revoke nodes." if here else "invite nobody and put nobody out."),
        "- A member may message agents that are open. Each node grants more for its own: fleet grants.",
    ]
    if told["revoked"]:
        lines.append("- Who was put out may do nothing, and its key never comes back.")
    return lines


COMMANDS = {"trust": Command(_trust, _arguments, "fleet trust")}
