"""``log``: what happened and what happens, from the node's audit log; who, what, to whom."""

from __future__ import annotations

from fleet.cli.command import Command, left
from fleet.cli.door import PATIENCE_S, Broken, Door, Failed
from fleet.cli.terminal import BOLD, DIM, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.terminal import Terminal

_ALWAYS = ("n", "at", "kind")
_CHAIN = ("hash", "previous")


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "-n",
        "--lines",
        metavar="N",
        type=int,
        default=20,
        help="begin with the last N (default: 20)",
    )
    parser.add_argument("--no-follow", action="store_true", help="end after those that are there")
    parser.add_argument(
        "--verify", action="store_true",
        help="walk the log's hash chain instead, and say where it is broken; needs no node",
    )  # fmt: skip
    parser.add_argument(
        "--against", metavar="HASH", default=None,
        help="with --verify: the log has to hold this hash, kept from an earlier --verify",
    )  # fmt: skip


def _log(call: Invocation) -> int:
    if call.given.verify:
        from fleet.cli.audit import verify

        return verify(call)
    if call.given.against is not None:
        raise call.usage("--against goes with --verify")
    lines, follows = int(call.given.lines), not call.given.no_follow
    if lines < 0:
        raise call.usage(f"-n {lines}: not below 0")
    door = Door(call.home)
    door.begin("log", {"lines": lines, "follow": follows})
    try:
        while True:
            told = door.next_line(None if follows else PATIENCE_S)
            if "error" in told:
                raise Failed(told["error"], int(told.get("exit", 1)))
            if "item" not in told:
                return 0
            _show(call.terminal, told["item"])
    except Broken as broken:
        if follows:  # the node was stopped, which ends what can be followed
            call.terminal.note("the node has stopped")
            return 0
        raise left(call.home, broken) from None
    finally:
        door.close()


def _show(terminal: Terminal, event: dict[str, Any]) -> None:
    if terminal.as_json:
        terminal.data(event)
    else:
        facts = " ".join(
            f"{terminal.paint(name, DIM)}={plain(value)}"
            for name, value in event.items()
            if name not in _ALWAYS + _CHAIN and value not in ("", None)
        )
        kind = terminal.paint(plain(event["kind"]).ljust(20), BOLD)
        terminal.say(f"{terminal.paint(plain(event['at']), DIM)}  {kind}  {facts}")
    terminal.heard()


COMMANDS = {"log": Command(_log, _arguments, "fleet log -n 50")}
