"""``status`` and ``whoami``: the node at a glance, and who it takes the caller for."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation
    from fleet.cli.terminal import Terminal

SHORT_ID = 12


def _status(call: Invocation) -> int:
    status = call.ask("status").result
    if call.terminal.as_json:
        call.terminal.data(status)
    else:
        describe(call.terminal, status)
    return 0


def describe(terminal: Terminal, status: dict[str, Any]) -> None:
    """A node in a few lines."""
    peers = status["peers"]
    up = sum(peer.get("state") == "connected" for peer in peers)
    pairs = (
        ("node", f"{status['node']}  ({str(status['id'])[:SHORT_ID]}…)"),
        ("listen", status.get("listen")),
        ("fleet", _fleet(status)),
        ("home", status.get("home")),
        ("process", f"{status['pid']}, version {status.get('version', '?')}"),
        ("mdns", status.get("mdns")),
        ("agents", _agents(status["agents"])),
        ("peers", f"{up} of {len(peers)} connected" if peers else "none yet: fleet invite"),
        *((name, _queue(queue)) for name, queue in status["queues"].items()),
    )  # fmt: skip
    render.facts(terminal, pairs)
    if peers:
        terminal.say("")
        rows = [
            (peer["node"], peer["state"], render.ago(peer.get("last_seen")), peer.get("trouble"))
            for peer in peers
        ]
        render.table(terminal, ("PEER", "STATE", "LAST SEEN", "TROUBLE"), rows)
    for missing in status["missing"]:
        terminal.say(terminal.paint("missing", YELLOW) + plain(f"  {missing}"))


def _fleet(status: dict[str, Any]) -> str:
    role = ", holds its root key" if status.get("admin") else ""
    return f"{str(status.get('fleet') or '')[:SHORT_ID]}…{role}"


def _agents(counts: dict[str, int]) -> str:
    here, online, known = counts["here"], counts["online"], counts["known"]
    return f"{here} here, {online} of them online; {known} known in the fleet"


def _queue(queue: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in queue.items() if count) or "empty"


def _whoami(call: Invocation) -> int:
    who = call.ask("whoami").result
    if call.terminal.as_json:
        call.terminal.data(who)
    else:
        call.terminal.say(plain(who["identity"]))
    return 0


COMMANDS = {
    "status": Command(_status, nothing, "fleet status --json"),
    "whoami": Command(_whoami, nothing, "fleet whoami"),
}
