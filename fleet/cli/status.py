"""``status`` and ``whoami``: the node at a glance, and who it takes the caller for."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command, nothing
from fleet.cli.terminal import YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from fleet.cli.command import Invocation
    from fleet.cli.terminal import Terminal

SHORT_ID = 12
_ERRORS_SHOWN = 3
_PEERS = ("PEER", "STATE", "SINCE", "QUEUED", "TROUBLE")
_WAITING = ("WAITS FOR", "HOW MANY", "OLDEST", "WHY")
_ERRORS = ("ERRORS OF LATE", "EVENT", "ERROR", "DETAIL")


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
        *((name, _queue(status["queues"][name])) for name in ("outbox", "inbox")),
        ("dead letters", _dead(status["queues"].get("dead", {}))),
        ("metrics", status.get("metrics")),
    )  # fmt: skip
    render.facts(terminal, pairs)
    _table(terminal, _PEERS, [_peer(peer) for peer in peers])
    _table(terminal, _WAITING, list(_waiting(status["queues"])))
    _table(terminal, _ERRORS, [_error(one) for one in status.get("errors", [])[-_ERRORS_SHOWN:]])
    for missing in status["missing"]:
        terminal.say(terminal.paint("missing", YELLOW) + plain(f"  {missing}"))


def _table(terminal: Terminal, headings: Sequence[str], rows: list[tuple[object, ...]]) -> None:
    if rows:
        terminal.say("")
        render.table(terminal, headings, rows)


def _peer(peer: dict[str, Any]) -> tuple[object, ...]:
    """What is wrong now; of a peer that is reached again, what was wrong last."""
    failed = peer.get("last_error")
    trouble = peer.get("trouble")
    if failed and not trouble:
        trouble = f"{render.ago(failed['at'])}: {failed['message']} ({failed['layer']})"
    since = render.ago(peer.get("since") or peer.get("last_seen"))
    return peer["node"], peer["state"], since, peer.get("queued") or "", trouble


def _waiting(queues: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for one in queues.get("queued", []):
        yield f"node {one['node']}", one["count"], render.span(one["oldest_s"]), "queued here"
    for one in queues.get("waiting", []):
        why = ", ".join(f"{count} {reason}" for reason, count in one["held"].items())
        yield one["agent"], one["count"], render.span(one["oldest_s"]), why


def _error(one: dict[str, Any]) -> tuple[object, ...]:
    return render.ago(one["at"]), one["event"], one["error"], render.first_line(one["detail"])


def _dead(dead: dict[str, Any]) -> str:
    told = [
        f"{one['count']} in the {name}, the oldest {render.span(one['oldest_s'])} old"
        for name, one in dead.items()
        if one["count"]
    ]
    return "; ".join(told) + (": fleet inbox --dead, fleet outbox --dead" if told else "")


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
