"""A receipt in words: what is known of an envelope, why it is not further, and what to do.

It never says more than the receipt. A sentence of the node's goes before one made here.
"""

from __future__ import annotations

from fleet.cli.terminal import GREEN, RED, YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fleet.cli.terminal import Terminal

    Receipt = dict[str, Any]

_COLOURS = {
    "submitted": GREEN, "acknowledged": GREEN, "refused": RED, "expired": RED, "cancelled": RED,
    "unconfirmed": RED, "in_doubt": RED,
}  # fmt: skip
_WHY = {
    "queued": "{node} has not taken it yet; it waits in the outbox here",
    "accepted": "it is on {node}'s disk, and nothing is typed yet",
    "held": "it is held on {node}",
    "typing": "it is being typed",
    "typed": "the text is in its input, and there is no evidence yet that it was taken",
    "submitted": "it was taken, and not acknowledged yet",
    "unconfirmed": "it was typed and Enter was pressed, and nothing shows whether it was taken",
    "in_doubt": "the agent or tmux died while it was typed; it may have been taken",
    "refused": "it was refused",
    "expired": "its time ran out before it was typed",
    "cancelled": "it was taken back",
}
_HELD = {
    "dialog": "a question is open on its screen",
    "draft": "somebody has typed something there and not sent it",
    "busy": "the program is at work, and does not queue input",
    "mode": "the pane is in copy mode, or its input is switched off",
    "starting": "the program has not shown its prompt yet",
    "approval": "its owner wants to see it first",
    "offline": "it has no running pane now",
    "unknown": "its profile does not know what is on its screen",
}
_TODO = {
    "queued": "it goes by itself when {node} can be reached; why not: fleet route {to}",
    "accepted": "fleet show {short} follows it; the way there: fleet route {to} --probe",
    "typing": "fleet show {short}",
    "typed": "fleet show {short}; if a question is open there, it waits for the answer",
    "submitted": "fleet show {short}",
    "unconfirmed": "look: fleet peek {to}; if it did not take it: fleet revive {short}",
    "in_doubt": "look: fleet peek {to}; then fleet revive {short}, or leave it",
    "expired": "fleet revive {short} sends it again",
    "held": "it is typed by itself at a safe moment; look: fleet peek {to}",
    "unknown": "look: fleet peek {to}; if it takes input: on {node}, fleet release {short}",
    "dialog": "look: fleet peek {to}; answer it there, no message ever does; this one waits",
    "draft": "send or remove it there: fleet attach {name} on {node}; this one waits",
    "approval": "on {node}: fleet release {short}",
    "offline": "on {node}: fleet start {name}, or fleet adopt {name}; it is typed then",
    "not_allowed": "ask for a grant: on {node}, fleet grant {sender} VERB {name}",
    "rate_exceeded": "fleet revive {short} sends it again, when that time is over",
    "loop_stopped": "a person may go on: fleet send {to}, which begins a new conversation",
}


def line(terminal: Terminal, receipt: Receipt, took_s: float | None = None) -> str:
    """One line: state, recipient, id, and how it is known."""
    state = str(receipt["state"])
    facts = [str(fact) for fact in (receipt.get("evidence"), receipt.get("reason")) if fact]
    if receipt.get("cleaned"):
        facts.append(f"{receipt['cleaned']} characters made visible")
    if took_s is not None:
        facts.append(length(took_s))
    told = f"  ({', '.join(facts)})" if facts else ""
    return painted(terminal, state) + plain(f"  {receipt['to']}  {receipt['id']}{told}")


def painted(terminal: Terminal, state: str, columns: int = 9) -> str:
    """A state in its colour, as wide as a column of states."""
    return terminal.paint(plain(f"{state:<{columns}}"), _COLOURS.get(state, YELLOW))


def chain(timeline: Sequence[Receipt], most: int = 7) -> str:
    """The states so far on one line: ``queued > accepted > held(draft) > typed``.

    ``typing`` is left out once it has passed, and of a long way only its end is shown.
    """
    names: list[str] = []
    for number, entry in enumerate(timeline):
        name = named(entry)
        if names[-1:] != [name] and (name != "typing" or number == len(timeline) - 1):
            names.append(name)
    return " > ".join(names if len(names) <= most else ["…", *names[-most:]])


def named(entry: Receipt) -> str:
    """A state of a timeline; of a hold also its reason: ``held(draft)``."""
    reason = entry.get("reason")
    return f"held({reason})" if entry["state"] == "held" and reason else str(entry["state"])


def why(receipt: Receipt) -> str:
    """Why it is no further, as one sentence about the recipient."""
    state = str(receipt["state"])
    sentence = _WHY.get(state, f"it is {state}").format(**_names(receipt))
    detail = in_the_way(receipt)
    return f"{receipt['to']}: {sentence}{': ' + detail if detail else ''}"


def in_the_way(receipt: Receipt) -> str:
    """What it waits for or failed at, in words; the node's own before ours."""
    reason = str(receipt.get("reason") or "")
    return str(receipt.get("detail") or "") or _HELD.get(reason, reason)


def todo(receipt: Receipt) -> str:
    """What to do about it; empty when there is nothing to do."""
    state, reason = str(receipt["state"]), str(receipt.get("reason") or "")
    # A draft that stood there for too long is the reason of an end too, and then nothing waits.
    word = reason if reason in _TODO and state in {"held", "refused"} else state
    return _TODO.get(word, "").format(**_names(receipt))


def length(length_s: float) -> str:
    """How long something took."""
    return f"{length_s * 1_000:.0f} ms" if length_s < 1 else f"{length_s:.1f} s"


def _names(receipt: Receipt) -> dict[str, str]:
    name, _, node = str(receipt["to"]).partition("@")
    return {
        "to": str(receipt["to"]),
        "name": name,
        "node": node or "its node",
        "sender": str(receipt.get("from", "")),
        "short": str(receipt["id"]),
    }
