"""A member's next incarnation: ``team respawn``."""

from __future__ import annotations

from fleet.cli import receipts
from fleet.cli.command import Command
from fleet.cli.team_run import STARTING_S, place_arguments
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser


def _respawn_arguments(parser: Parser) -> None:
    parser.add_argument(
        "seat",
        metavar="SEAT",
        help="which seat, such as site/impl-2; impl-2 where one team is known",
    )
    parser.add_argument(
        "--node", metavar="N", default="", help="where it is to live (default: where it lives now)"
    )
    place_arguments(parser, "it has its first message")


def _respawn(call: Invocation) -> int:
    from fleet.cli.start import folder_of, server_socket

    given = call.given
    answer = call.ask(
        "team_respawn", patience_s=given.timeout + STARTING_S, seat=given.seat, node=given.node,
        checkout=folder_of(given.checkout) if given.checkout else "", timeout_s=given.timeout,
        socket=server_socket(given.socket, call.environ),
    )  # fmt: skip
    told, terminal = answer.result, call.terminal
    if terminal.as_json:
        terminal.data(told)
        return answer.exit_code
    terminal.say(plain(f"{told['team']}/{told['seat']} is {told['address']}: {told['brief']}"))
    if told["claims"]:
        terminal.say(plain(f"it holds {', '.join(told['claims'])}"))
    for line in _left(told["before"]):
        terminal.say(plain(line))
    if answer.exit_code:
        call.terminal.complain(*_why(told))
    return answer.exit_code


def _left(before: dict[str, Any] | None) -> list[str]:
    """What is left of the old incarnation, where something is."""
    if before is None:
        return []
    said: list[str] = []
    if before["unsaved"]:
        said.append(f"on {before['node']}, in {before['folder']}: {'; '.join(before['unsaved'])}")
    if before["unpushed"]:
        said.append(f"on {before['node']} only: {'; '.join(before['unpushed'])}")
    return said


def _why(told: dict[str, Any]) -> tuple[str, str]:
    """What is not as it should be yet, and what to do about it."""
    before = told["before"]
    if before is not None and not before["over"]:
        away = (
            f"{before['node']} is away: {before['address']} may still run there, and holds nothing"
        )
        return (
            away,
            f"it is ended when {before['node']} is linked again, and you are told what it left",
        )
    return receipts.why(told["receipt"]), receipts.todo(told["receipt"])


COMMANDS = {
    "team respawn": Command(
        _respawn, _respawn_arguments, "fleet team respawn site/impl-2 --node nova"
    )
}
