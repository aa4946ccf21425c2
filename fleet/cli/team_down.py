"""``team down``, ``team bye``: members are asked to save, say goodbye themselves, and are ended."""

from __future__ import annotations

from fleet.cli import receipts, render
from fleet.cli.command import Command, left, seconds
from fleet.cli.door import Answer, Broken, Door
from fleet.cli.team_show import team_argument
from fleet.cli.terminal import BOLD, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Seat = dict[str, Any]

_PATIENCE_S = (
    120.0  # between two words of the node, which speaks each second; ending may take a while
)
EXIT_NOT_YET = 5


def _down_arguments(parser: Parser) -> None:
    team_argument(parser)
    parser.add_argument("--role", metavar="R", default="", help="only the seats of this role")
    parser.add_argument(
        "--deadline", metavar="S", type=seconds,
        help="how long members have to save and to answer: seconds, or 5m (default: the team file's down_s)",
    )  # fmt: skip
    parser.add_argument(
        "--kill", action="store_true",
        help="then end who has not answered; who was asked before and did not answer, at once",
    )  # fmt: skip


def _down(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    args = {"team": given.team, "role": given.role, "kill": given.kill}
    if given.deadline is not None:
        args["deadline_s"] = given.deadline
    seen = _Seen(call)
    door = Door(call.home)
    try:
        answer = door.ask("team_down", args, patience_s=_PATIENCE_S, hear=seen.hear)
    except KeyboardInterrupt:
        terminal.note(
            "who was asked stays asked, and is ended once it says goodbye; nobody else is"
        )
        raise
    except (Broken, TimeoutError) as broken:
        answer = seen.last_known(broken)
    finally:
        door.close()
    if terminal.as_json:
        terminal.data(answer.result)
    else:
        _report(call, answer.result)
    return answer.exit_code


class _Seen:
    """How all stand, while it is waited for them."""

    def __init__(self, call: Invocation) -> None:
        self._call = call
        self._seats: list[Seat] | None = None

    def hear(self, told: dict[str, Any]) -> None:
        """The node's newest word, shown where somebody watches."""
        progress = told["progress"]
        self._seats = progress["seats"]
        self._call.terminal.passing(waiting(progress["seats"], progress["left_s"]))

    def last_known(self, broken: Exception) -> Answer:
        """How they stood when the node went away in the middle. It goes on when it is back.

        Raises:
            NodeNotRunning: nothing was heard at all.
        """
        if self._seats is None:
            raise left(self._call.home, Broken(str(broken))) from None
        self._call.terminal.passing_over()
        self._call.terminal.complain(
            f"the node went away ({broken}); this is how they stood",
            "what was asked and answered is kept: fleet up, then fleet team down once more",
        )
        return Answer(self._seats, EXIT_NOT_YET)


def waiting(seats: list[Seat], left_s: float) -> str:
    """One line: for how long, who has answered, and how it is with who has not."""
    answered = sum(one["answered"] for one in seats)
    open_ = [f"{one['seat']} {_how(one)}" for one in seats if not one["ended"]]
    return f"{left_s:.0f} s  {answered} of {len(seats)} said goodbye  {', '.join(open_)}".rstrip()


def _how(one: Seat) -> str:
    if one["answered"]:
        return "(being ended)"
    if one["error"]:
        return f"({one['error']['code']})"
    receipt = one["receipt"]
    return f"({receipts.named(receipt['timeline'][-1])})" if receipt else "(not asked yet)"


# --- the report ---


def _report(call: Invocation, seats: list[Seat]) -> None:
    terminal = call.terminal
    if not seats:
        terminal.note("nobody is there to be asked")
        return
    rows = [
        (one["seat"], one["node"], _answer(one), "yes" if one["ended"] else "no", _tasks(one))
        for one in seats
    ]
    render.table(terminal, ("SEAT", "NODE", "ANSWER", "ENDED", "TASKS"), rows)
    behind = [one for one in seats if _leaves(one)]
    if behind:
        terminal.say(f"\n{terminal.paint('left behind', BOLD)}")
    for one in behind:
        terminal.say(plain(f"{one['seat']}  {_where(one)}"))
        for what in (*one["unsaved"], *one["unpushed"]):
            terminal.say(plain(f"    {what}"))
    if short := [one for one in seats if not one["ended"]]:
        terminal.complain(*_why(call, short))


def _leaves(one: Seat) -> bool:
    """Whether there is something of it that only its host has; who is there still has its folder."""
    return bool(one["unsaved"] or one["unpushed"] or (one["ended"] and one["folder"]))


def _answer(one: Seat) -> str:
    if one["answered"]:
        return f"goodbye, {render.ago(one['said_at'])}"
    if one["ended"]:
        return f"none: {one['why']}"
    return "none yet" if one["state"] == "asked" else "none"


def _tasks(one: Seat) -> str:
    kinds = (("holds", one["holds"]), ("back on the list:", one["released"]))
    return ", ".join(f"{word} {' '.join(tasks)}" for word, tasks in kinds if tasks)


def _where(one: Seat) -> str:
    branch = f"branch {one['branch']}" if one["branch"] else ""
    return ", ".join(part for part in (one["folder"], branch, f"on {one['node']}") if part)


def _why(call: Invocation, short: list[Seat]) -> tuple[str, str]:
    """Why some are not down, and what to do about it."""
    said = "; ".join(f"{one['seat']}: {_reason(one)}" for one in short)
    first = short[0]
    if first["error"]:
        return said, str(first["error"]["hint"])
    again = f"fleet team down {call.given.team}".rstrip()
    return said, (
        f"look: fleet peek {first['address']}; it may still answer; {again} asks again,"
        f" {again} --kill ends who does not"
    )


def _reason(one: Seat) -> str:
    if one["error"]:
        return str(one["error"]["message"])
    if one["answered"]:
        return "it said goodbye, and is not ended yet"
    if one["state"] == "filled":
        return "nobody asks it to leave any more: the team was brought up meanwhile"
    receipt = one["receipt"]
    if receipt and receipt["state"] not in {"submitted", "acknowledged"}:
        return f"it has not read that it is asked: {receipts.why(receipt)}"
    return "no answer; it keeps running"


# --- bye ---


def _bye_arguments(parser: Parser) -> None:
    parser.add_argument(
        "team", metavar="TEAM", nargs="?", default="", help="which team (default: your own)"
    )
    parser.add_argument(
        "--note", metavar="TEXT", default="",
        help="for whoever comes next in your seat: where it stands, and what comes next",
    )  # fmt: skip


def _bye(call: Invocation) -> int:
    given = call.given
    team = given.team or call.environ.get("FLEET_TEAM", "")
    told = call.ask("team_bye", team=team, note=given.note).result
    if call.terminal.as_json:
        call.terminal.data(told)
        return 0
    back = f"; {' '.join(told['released'])} back on the list" if told["released"] else ""
    again = "it was said before; " if told["again"] else ""
    call.terminal.say(
        plain(f"goodbye, {told['team']}/{told['seat']}{back}; {again}your program is ended now")
    )
    return 0


COMMANDS = {
    "team down": Command(_down, _down_arguments, "fleet team down site --deadline 5m"),
    "team bye": Command(
        _bye, _bye_arguments, 'fleet team bye --note "T3 is half done; the tests are red"'
    ),
}
