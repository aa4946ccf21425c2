"""``trust rotate-root``: another root key, beside the old one and then in its place; and how that stands."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.passphrase import ask_signed
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation
    from fleet.cli.terminal import Terminal


def rotate(call: Invocation) -> int:
    """Begin, or finish."""
    told = ask_signed(call, "rotate_root", finish=call.given.finish).result
    if call.terminal.as_json:
        call.terminal.data(told)
    elif told["state"] == "overlap":
        call.terminal.say(
            plain(
                f"root {told['root']} signs now; what {told['before']} signed counts as before."
                " When all members know it: fleet trust rotate-root --finish"
            )
        )
    else:
        call.terminal.say(plain(f"root {told['before']} signs no more; its key is deleted here"))
    return 0


def show(terminal: Terminal, told: dict[str, Any]) -> None:
    """The roots, when there was ever another than the founding one."""
    roots = told.get("roots", [])
    if not roots[1:]:
        return
    terminal.say(f"\n{terminal.paint('root keys', BOLD)}")
    rows = [
        (r["state"], r["since"], "here" if r["here"] else "", r["members"], r["key"]) for r in roots
    ]
    render.table(terminal, ("STATE", "KNOWN SINCE", "", "MEMBERS", "KEY"), rows)
    if any(r["state"] == "undecided" for r in roots):
        terminal.note(
            "two keys say that they follow the root: somebody else has the old key. Neither lets anybody"
            " in until one has finished: fleet trust rotate-root --finish, on the node with the right one"
        )


def explained(told: dict[str, Any]) -> list[str]:
    """What the states mean."""
    states = {r["state"] for r in told.get("roots", [])}
    lines: list[str] = []
    if "overlap" in states:
        lines.append(
            "- A new root key signs; what the old one signs counts too, until fleet trust rotate-root --finish."
        )
    if "retired" in states:
        lines.append(
            "- A retired root key lets nobody in and puts nobody out. What it signed before, and was kept,"
            " stands."
        )
    if "undecided" in states:
        lines.append("- An undecided root key lets nobody in; whom it puts out is out.")
    return lines
