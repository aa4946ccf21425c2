"""A team at work: ``team up``."""

from __future__ import annotations

from fleet.cli import receipts, render
from fleet.cli.command import Command, seconds
from fleet.cli.team_show import team_argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal

TIMEOUT_S = 60.0
STARTING_S = 600.0  # worktrees of a large repository, one after the other


def _up_arguments(parser: Parser) -> None:
    team_argument(parser)
    parser.add_argument("--role", metavar="R", default="", help="only the seats of this role")
    place_arguments(parser, "all have their first message")


def place_arguments(parser: Parser, until: str) -> None:
    """Where members are started on this host, and how long is waited."""
    parser.add_argument(
        "--checkout", metavar="DIR",
        help="where the repository is on this host, if the team file has its address",
    )  # fmt: skip
    parser.add_argument(
        "--socket", metavar="S",
        help="the tmux server: a path, or a name as for tmux -L (default: yours, else tmux's default)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=TIMEOUT_S,
        help=f"seconds to wait until {until} (default: 60)",
    )  # fmt: skip


def _up(call: Invocation) -> int:
    from fleet.cli.start import folder_of, server_socket

    given = call.given
    answer = call.ask(
        "team_up", patience_s=given.timeout + STARTING_S, hear=_Shown(call.terminal).hear,
        team=given.team, role=given.role,
        checkout=folder_of(given.checkout) if given.checkout else "", timeout_s=given.timeout,
        socket=server_socket(given.socket, call.environ),
    )  # fmt: skip
    if call.terminal.as_json:
        call.terminal.data(answer.result)
        return answer.exit_code
    rows = [(one["seat"], one["node"], one["address"], _became(one)) for one in answer.result]
    render.table(call.terminal, ("SEAT", "NODE", "AGENT", "FIRST MESSAGE"), rows)
    short = [one for one in answer.result if _is_short(one)]
    if short:
        call.terminal.complain(*_why(short))
    return answer.exit_code


class _Shown:
    """A line for each seat as soon as all is done for it, and how many are not that far yet."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._begun: set[str] = set()

    def hear(self, line: dict[str, Any]) -> None:
        """Something became of a seat."""
        one = line.get("progress")
        if not one or not self._terminal.shows_progress:
            return
        if not one["done"]:
            self._begun.add(one["seat"])
        else:
            self._begun.discard(one["seat"])
            self._terminal.note(f"{one['seat']}  {one['node']}  {_became(one)}")
        if self._begun:
            self._terminal.passing(f"waiting for {', '.join(sorted(self._begun))}")


def _became(one: dict[str, Any]) -> str:
    if one["error"]:
        return str(one["error"]["code"])
    lived = "" if one["started"] else "lives; "
    return f"{lived}{one['brief'] or 'none'}"


def _is_short(one: dict[str, Any]) -> bool:
    return bool(one["error"]) or one["brief"] not in {"", "submitted", "acknowledged"}


def _why(short: list[dict[str, Any]]) -> tuple[str, str]:
    """Why some of them are not there, or do not know their job yet; what to do about the first."""
    said = [
        f"{one['seat']}: {one['error']['message']}"
        if one["error"]
        else f"{one['seat']}: {receipts.why(one['receipt'])}"
        for one in short
    ]
    first = short[0]
    todo = first["error"]["hint"] if first["error"] else receipts.todo(first["receipt"])
    return "; ".join(said), todo


COMMANDS = {"team up": Command(_up, _up_arguments, "fleet team up site")}
