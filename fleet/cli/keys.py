"""``trust``: whom the fleet trusts, by which key, and what that lets each do; the root key's passphrase."""

from __future__ import annotations

from fleet.cli import render, roots
from fleet.cli.command import Command
from fleet.cli.passphrase import FILE, ask_signed, said
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal


_LOOK_EVERY_S = 0.1
_LOOKS = 300
"""A node that starts anew finishes first what it is typing."""


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "action", nargs="?", default="show",
        choices=("show", "admin", "rotate-key", "rotate-root", "lock", "unlock"),
        help="show it all; let NODE sign too; give this node a new key; let another root key sign;"
        " put a passphrase on the key;"
        " take it off (default: show)",
    )  # fmt: skip
    parser.add_argument("node", metavar="NODE", nargs="?", default="", help="for admin: which")
    parser.add_argument(
        "--withdraw", action="store_true", help="with admin: take the power back instead"
    )
    parser.add_argument(
        "--reason", metavar="WORDS", default="", help="with --withdraw: kept in the roster"
    )
    parser.add_argument(
        "--finish", action="store_true", help="with rotate-root: the old key signs no more"
    )


def _trust(call: Invocation) -> int:
    given = call.given
    if given.action != "admin" and (given.node or given.withdraw):
        raise call.usage(f"{given.action} takes no node", hint="fleet trust admin NODE takes one")
    if given.action != "rotate-root" and given.finish:
        raise call.usage(f"{given.action} cannot be finished", hint="rotate-root --finish can")
    match given.action:
        case "rotate-root":
            return roots.rotate(call)
        case "admin":
            return _admin(call)
        case "rotate-key":
            return _rotate_key(call)
        case "lock":
            return _lock(call)
        case "unlock":
            return _unlock(call)
        case _:
            return _show(call)


def _admin(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    if not given.node:
        raise call.usage("which node?", hint="fleet nodes lists them")
    if given.withdraw:
        told = ask_signed(call, "dismiss", node=given.node, reason=given.reason).result
        done = "signs no more; whom it let in stays"
    else:
        told = ask_signed(call, "appoint", node=given.node).result
        done = "may invite and revoke now, with a key of its own"
    if terminal.as_json:
        terminal.data(told)
    else:
        terminal.say(plain(f"{told['node']} {done}"))
    return 0


def _rotate_key(call: Invocation) -> int:
    told = ask_signed(call, "rotate_key").result
    _wait_for(call, told["id"])
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    terminal = call.terminal
    terminal.say(plain(f"{told['node']} goes on with a new key: {told['id']}"))
    terminal.say(plain(f"the old one is worth nothing where that is known: {told['old']}"))
    if told["away"]:
        away = ", ".join(told["away"])
        terminal.note(plain(f"away, and told when they are met again: {away}"))
    if told["older"]:
        older = ", ".join(told["older"])
        terminal.note(
            plain(
                f"of an older version, to whom this is a new node, and what waits is lost: {older}"
            )
        )
    return 0


def _wait_for(call: Invocation, node_id: str) -> None:
    """Until the node has started anew, as who it is now.

    Raises:
        NodeNotRunning: it does not come up again.
    """
    from time import sleep

    from fleet.core.errors.nodes import NodeNotRunning

    for look in range(_LOOKS):
        try:
            if call.ask("status").result["id"] == node_id:
                return
        except NodeNotRunning:
            if look == _LOOKS - 1:
                raise
        sleep(_LOOK_EVERY_S)


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
    roots.show(terminal, told)
    if told["admins"]:
        _title(terminal, "admins, beside the root")
        admins = [(a["node"], ", ".join(a["let_in"]), a["key"]) for a in told["admins"]]
        render.table(terminal, ("NODE", "LET IN", "KEY IT SIGNS WITH"), admins)
    _title(terminal, "members")
    members = [(m["node"], m["state"], m["admitted_by"], m["id"]) for m in told["members"]]
    render.table(terminal, ("NODE", "STATE", "LET IN BY", "KEY"), members)
    before = [(m["node"], old) for m in told["members"] for old in m.get("keys_before", ())]
    if before:
        _title(terminal, "keys that were given up for newer ones")
        render.table(terminal, ("NODE", "KEY"), before)
    contested = told.get("contested", ())
    if contested:
        _title(terminal, "keys that claim to follow one that was given up")
        claims = [
            (
                c["node"],
                "this node" if c["here"] else "",
                _by(c),
                c["id"],
                "follows " + of["id"][:8],
            )
            for of in contested
            for c in of["claims"]
        ]
        render.table(terminal, ("NODE", "", "LET IN BY", "KEY", ""), claims)
    if told["revoked"]:
        _title(terminal, "put out, for good")
        out = [(r["node"], r["reason"], r["revoked_by"], r["id"]) for r in told["revoked"]]
        render.table(terminal, ("NODE", "WHY", "BY", "KEY"), out)
    _title(terminal, "what that means")
    for line in _explained(told):
        terminal.say(plain(line))
    return 0


def _by(claim: dict[str, Any]) -> str:
    return ", ".join(claim["admitted_by"]) or "nobody yet"


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
    lines = [
        "- A node is its key: KEY is the hash of it, and names are only labels.",
        "- The root key lets nodes in and puts them out. It is " + _kept(told["root"]),
        f"- {told['node']} may "
        + ("invite and revoke nodes." if told["admin"] else "invite nobody and put nobody out."),
        "- A member may message agents that are open. Each node grants more for its own: fleet grants.",
    ]
    if told["admins"]:
        lines.append(
            "- An admin lets in and puts out with a key of its own. The root can take that back:"
            " fleet trust admin NODE --withdraw."
        )
    lines += roots.explained(told)
    if told.get("next_key"):
        lines.append(
            f"- A new key of this node waits to be signed for, {told['next_key'][:12]}: fleet trust rotate-key."
        )
    for of in told.get("contested", ()):
        lines.append(
            f"- {len(of['claims'])} keys claim to follow {of['node']}'s: somebody else had that key, too."
            " None of them belongs. On the node itself,"
            " fleet status shows which is its own; an admin puts the others out, for instance:"
            f" fleet revoke {of['claims'][-1]['node']}."
        )
    if told["revoked"]:
        lines.append("- Who was put out may do nothing, and its key never comes back.")
    return lines


COMMANDS = {"trust": Command(_trust, _arguments, "fleet trust")}
