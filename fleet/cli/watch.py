"""``watch``: all envelopes as they move, one line for each state they come to."""

from __future__ import annotations

from fleet.cli import receipts, render
from fleet.cli.command import Command
from fleet.cli.door import PATIENCE_S, Broken, Door, Failed
from fleet.cli.terminal import DIM, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal

    Move = dict[str, Any]

SHORT_ID = 14  # as many letters as tell an envelope from others of the same millisecond


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--agent", metavar="NAME", default="", help="only what it sends and what is sent to it"
    )


def _watch(call: Invocation) -> int:
    door = Door(call.home)
    try:
        door.begin("watch", {"agent": call.given.agent})
        told = door.next_line(PATIENCE_S)
        while "error" not in told:
            if "item" in told:
                _show(call.terminal, told["item"])
            else:
                call.terminal.note("following; Ctrl-C ends it")
            told = door.next_line(None)
        raise Failed(told["error"], int(told.get("exit", 1)))
    except KeyboardInterrupt:
        call.terminal.passing_over()
    except Broken:  # the node was stopped, which ends what can be followed
        call.terminal.note("the node has stopped")
    finally:
        door.close()
    return 0


def _show(terminal: Terminal, move: Move) -> None:
    if terminal.as_json:
        terminal.data(move)
    else:
        terminal.say(line(terminal, move))
    terminal.heard()


def line(terminal: Terminal, move: Move) -> str:
    """One change: when, which envelope, from whom to whom, what it came to, and how long that took."""
    state = receipts.painted(terminal, str(move["state"]), 12)
    when = terminal.paint(plain(_time_of_day(str(move["at"]))), DIM)
    way = plain(f"{str(move['id'])[:SHORT_ID]}  {move['from']} -> {move['to']}")
    facts = [str(move.get(name) or "") for name in ("reason", "evidence", "detail")]
    why = ": ".join(fact for fact in facts if fact)
    took = f"+{receipts.length(max(0.0, move['ms']) / 1_000)}" if move.get("ms") is not None else ""
    return "  ".join(part for part in (when, way, state, plain(why), took) if part).rstrip()


def _time_of_day(moment: str) -> str:
    """Milliseconds of this host's day: lines are read side by side with what happens here."""
    from datetime import datetime

    at_s = render.clock_s(moment)
    if at_s is None:
        return moment
    return datetime.fromtimestamp(at_s).astimezone().strftime("%H:%M:%S.%f")[:-3]


COMMANDS = {"watch": Command(_watch, _arguments, "fleet watch --agent rin")}
