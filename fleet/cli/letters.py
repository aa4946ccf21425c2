"""Envelopes that exist: ``inbox``, ``outbox``, ``show``, and what may still be done with one."""

from __future__ import annotations

from fleet.cli import receipts, render
from fleet.cli.command import Command
from fleet.cli.terminal import DIM, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal
    from fleet.cli.timeline import Delay

    Receipt = dict[str, Any]


_REACHED = ("submitted", "acknowledged")
_EVERY = 1_000_000  # as many as a list may have


def _inbox_arguments(parser: Parser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default="",
        help="an agent of this host, or operator; in an agent's pane that agent's own",
    )  # fmt: skip
    _list_arguments(parser)


def _list_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--dead", action="store_true", help="only dead letters: given up, kept, revivable"
    )
    parser.add_argument(
        "--held", action="store_true", help="only what is held on its agent's node, and why"
    )
    parser.add_argument(
        "-n", "--limit", metavar="N", type=int, default=100, help="the newest N (default: 100)"
    )


def _inbox(call: Invocation) -> int:
    given = call.given
    answer = call.ask("inbox", name=given.name, **_chosen(call))
    return _list(call.terminal, answer.result, "from", "nothing has arrived")


def _outbox(call: Invocation) -> int:
    answer = call.ask("outbox", **_chosen(call))
    return _list(call.terminal, answer.result, "to", "nothing was sent from here")


def _chosen(call: Invocation) -> dict[str, Any]:
    """Which envelopes of a list."""
    given = call.given
    limit = int(given.limit)
    if limit < 1:
        raise call.usage(f"-n {limit}: at least one")
    if given.dead and given.held:
        raise call.usage("--dead and --held: what is dead is held no more")
    held = {"held": True} if given.held else {}  # a node of an earlier version lists all without it
    return {"dead": given.dead, "limit": limit, **held}


def _list(terminal: Terminal, letters: list[Receipt], other: str, empty: str) -> int:
    if terminal.as_json:
        terminal.data(letters)
        return 0
    if not letters:
        terminal.note(empty)
        return 0
    sides = ("from", "to") if other == "from" else ("to", "from")
    rows = [
        (
            one["id"], render.ago(one.get("at")), *(one[side] for side in sides), one["state"],
            _reason(one), render.first_line(one.get("text") or ""),
        )
        for one in letters
    ]  # fmt: skip
    headings = ("ID", "AT", *(side.upper() for side in sides), "STATE", "REASON", "TEXT")
    render.table(terminal, headings, rows)
    if terminal.out_is_tty and any(one["state"] == "held" for one in letters):
        terminal.note("held: fleet show ID says more; fleet release ID, fleet cancel ID act on it")
    return 0


def _reason(one: Receipt) -> str:
    """The word; of what is held also the sentence, since somebody has to do something about it."""
    reason = str(one.get("reason") or "")
    return f"{reason}: {receipts.in_the_way(one)}" if one["state"] == "held" else reason


def _one_id(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the envelope's id, or how it begins")


def _delays(timeline: Sequence[Receipt]) -> list[Delay]:
    from time import time

    from fleet.cli.timeline import delays

    return delays(timeline, time())


def _show(call: Invocation) -> int:
    receipt = call.ask("show", id=call.given.id).result
    terminal = call.terminal
    found = _delays(receipt["timeline"])
    if terminal.as_json:
        terminal.data({**receipt, "delays": [one.as_json() for one in found]})
        return 0
    terminal.say(receipts.line(terminal, receipt))
    cleaned = receipt.get("cleaned") or None
    pairs = (
        ("from", receipt.get("from")),
        ("to", receipt.get("to")),
        ("answers", receipt.get("reply_to")),
        ("thread", receipt.get("thread") if receipt.get("thread") != receipt["id"] else ""),
        ("hops", receipt.get("hops") or ""),
        ("raw", "yes" if receipt.get("raw") else ""),
        ("cleaned", f"{cleaned} characters were made visible" if cleaned else ""),
        ("expires", receipt.get("expires_at")),
    )
    render.facts(terminal, pairs)
    terminal.say("")
    _timeline(terminal, found)
    _waits(terminal, receipt)
    terminal.say("")
    for line in plain(receipt.get("text") or "").splitlines():
        terminal.say(f"  {line}")
    return 0


def _waits(terminal: Terminal, receipt: Receipt) -> None:
    """What stands in the way, and what to do about it."""
    held = receipts.in_the_way(receipt) if receipt["state"] == "held" else ""
    hint = "" if receipt["state"] in _REACHED else receipts.todo(receipt)
    if held or hint:
        terminal.say("")
        render.facts(terminal, (("held", held), ("next", hint)))


def _timeline(terminal: Terminal, found: Sequence[Delay]) -> None:
    """Times count from the first entry, each by the clock of the node that says so."""
    began = found[0].entry["at"]
    began_s = render.clock_s(began) or 0.0
    terminal.say(terminal.paint(plain(f"since {began}"), DIM))
    rows = [
        (
            f"{(render.clock_s(one.entry['at']) or began_s) - began_s:+.3f} s",
            one.entry["node"], one.entry["state"], one.entry.get("reason") or "",
            "" if one.lasted_s is None else receipts.length(one.lasted_s), one.layer,
            "longest" if one.is_longest else "", one.entry.get("evidence") or "",
            one.entry.get("detail") or "",
        )
        for one in found
    ]  # fmt: skip
    headings = (
        "AFTER", "NODE", "STATE", "REASON", "LASTED", "LAYER", "", "EVIDENCE", "DETAIL",
    )  # fmt: skip
    render.table(terminal, headings, rows)


def _asks(name: str) -> Callable[[Invocation], int]:
    """A command that does something with one envelope and shows its receipt."""

    def run(call: Invocation) -> int:
        answer = call.ask(name, id=call.given.id)
        if call.terminal.as_json:
            call.terminal.data(answer.result)
            return answer.exit_code
        call.terminal.say(receipts.line(call.terminal, answer.result))
        if answer.exit_code:
            call.terminal.complain(receipts.why(answer.result), receipts.todo(answer.result))
        return answer.exit_code

    return run


def _release_arguments(parser: Parser) -> None:
    _one_id(parser)
    parser.add_argument(
        "--all", action="store_true",
        help="ID is an agent's name: approve all that waits for approval for it, the oldest first",
    )  # fmt: skip


def _release(call: Invocation) -> int:
    return _release_all(call) if call.given.all else _asks("release")(call)


def _release_all(call: Invocation) -> int:
    from fleet.cli.door import Failed

    name = call.given.id
    held = call.ask("inbox", name=name, held=True, limit=_EVERY).result
    released: list[Receipt] = []
    for one in reversed(held):
        if one["state"] == "held" and one["reason"] == "approval":
            try:
                released.append(call.ask("release", id=one["id"]).result)
            except Failed as failed:
                if failed.error.get("code") != "wrong_state":  # else it was taken back meanwhile
                    raise
    if call.terminal.as_json:
        call.terminal.data(released)
        return 0
    for one in released:
        call.terminal.say(receipts.line(call.terminal, one))
    if not released:
        call.terminal.note(f"nothing waits for approval for {name}")
    return 0


COMMANDS = {
    "inbox": Command(_inbox, _inbox_arguments, "fleet inbox operator"),
    "outbox": Command(_outbox, _list_arguments, "fleet outbox --dead"),
    "show": Command(_show, _one_id, "fleet show 01KB3"),
    "ack": Command(_asks("ack"), _one_id, "fleet ack 01KB3"),
    "cancel": Command(_asks("cancel"), _one_id, "fleet cancel 01KB3"),
    "release": Command(_release, _release_arguments, "fleet release 01KB3"),
    "revive": Command(_asks("revive"), _one_id, "fleet revive 01KB3"),
}
