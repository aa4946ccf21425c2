"""``send`` and ``reply``: hand a text over, wait, and tell truly how far it came."""

from __future__ import annotations

import time

from fleet.cli import receipts
from fleet.cli.command import Command, left, seconds
from fleet.cli.door import Answer, Broken, Door, Failed
from fleet.cli.text import text_arguments, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Receipt = dict[str, Any]

WAITS = ("queued", "accepted", "typed", "submitted", "acknowledged")
"""``WAITABLE`` of ``fleet/outcomes.py``; a test compares."""
TIMEOUT_S = 30.0
MOMENT_S = 0.3
"""A wait shorter than this is not worth a line."""
_GRACE_S = 30.0  # how much later than asked for an answer may come from a busy node
EXIT_NOT_YET = 5


def _wait_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--wait", metavar="STATE", choices=WAITS,
        help=f"come back at this state: {', '.join(WAITS)} (default: submitted)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, help="seconds to wait for it (default: 30)"
    )
    parser.add_argument(
        "--key", metavar="K", help="the same key and text again sends nothing twice"
    )


def _send_arguments(parser: Parser) -> None:
    parser.add_argument(
        "to",
        metavar="TO",
        help="agent, agent@node, team/role, operator@node, or @team for everybody in it",
    )
    text_arguments(parser)
    _wait_arguments(parser)
    parser.add_argument("--reply-to", metavar="ID", help="the envelope this one answers")
    parser.add_argument(
        "--expires", metavar="S", type=seconds, dest="expires_s",
        help="give up after: seconds, or 10m, 2h (default: 7d)",
    )  # fmt: skip
    parser.add_argument(
        "--draft-limit", metavar="S", type=seconds, dest="draft_limit_s",
        help="give up when somebody's draft stands in the way for longer than this",
    )  # fmt: skip
    parser.add_argument("--raw", action="store_true", help="type the bare text, as for /clear")
    parser.add_argument(
        "--from", metavar="NAME", dest="sender", help="who you think you are; the node checks it"
    )


def _reply_arguments(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the envelope to answer, or how its id begins")
    text_arguments(parser)
    _wait_arguments(parser)


def _send(call: Invocation) -> int:
    given = call.given
    args = {
        "to": given.to, "text": text_of(call), "from": given.sender, "raw": given.raw or None,
        "key": given.key, "expires_s": given.expires_s, "reply_to": given.reply_to,
        "wait": given.wait, "timeout_s": given.timeout, "draft_limit_s": given.draft_limit_s,
    }  # fmt: skip
    if given.to.startswith("@"):
        return _to_team(call, args)
    return _carry_out(call, "send", args)


def _reply(call: Invocation) -> int:
    given = call.given
    args = {
        "id": given.id, "text": text_of(call), "key": given.key,
        "wait": given.wait, "timeout_s": given.timeout,
    }  # fmt: skip
    return _carry_out(call, "reply", args)


def _to_team(call: Invocation, args: dict[str, Any]) -> int:
    """A receipt for each member; what one of them could not get stands beside the others'."""
    given = {key: value for key, value in args.items() if value is not None}
    timeout_s = TIMEOUT_S if call.given.timeout is None else call.given.timeout
    answer = call.ask("send_team", patience_s=timeout_s + _GRACE_S, **given)
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(answer.result)
        return answer.exit_code
    for one in answer.result:
        if "error" in one:
            terminal.complain(f"{one['to']}: {one['error']['message']}", one["error"]["hint"])
            continue
        terminal.say(receipts.line(terminal, one))
        if one["exit"]:
            terminal.complain(receipts.why(one), receipts.todo(one))
    return answer.exit_code


def _carry_out(call: Invocation, name: str, args: dict[str, Any]) -> int:
    began_s = time.monotonic()
    waiting = Waiting(call, began_s)
    door = Door(call.home)
    door.begin(name, {key: value for key, value in args.items() if value is not None})
    timeout_s = TIMEOUT_S if call.given.timeout is None else call.given.timeout
    try:
        answer = waiting.end(door, began_s + timeout_s + _GRACE_S)
    except Broken as broken:
        answer = waiting.last_known(broken)
    _show(call, answer, time.monotonic() - began_s)
    return answer.exit_code


class Waiting:
    """The lines before the last: what is known so far, shown if it takes longer than a moment."""

    def __init__(self, call: Invocation, began_s: float) -> None:
        self._call = call
        self._began_s = began_s
        self._seen: Receipt | None = None

    def end(self, door: Door, until_s: float) -> Answer:
        """Hear the door out.

        Raises:
            Failed: the node's own error.
            Broken: it broke off, or has not answered in time.
        """
        watched = self._call.terminal.shows_progress
        while True:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise Broken("it takes too long")
            try:
                told = door.next_line(min(left_s, MOMENT_S) if watched else left_s)
            except TimeoutError:
                self._show()
                continue
            if "error" in told:
                raise Failed(told["error"], int(told.get("exit", 1)))
            if "result" in told:
                return Answer(told["result"], int(told.get("exit", 0)))
            self._seen = told.get("progress")
            self._show()

    def _show(self) -> None:
        waited_s = time.monotonic() - self._began_s
        if waited_s < MOMENT_S:
            return
        self._call.terminal.passing(f"{waited_s:.0f} s  {self._known()}")

    def _known(self) -> str:
        """The states as they happened, and what is in the way of the next."""
        if self._seen is None:
            return "the node has not answered yet"
        way, detail = receipts.chain(self._seen["timeline"]), receipts.in_the_way(self._seen)
        return f"{way}  {detail}" if detail else way

    def last_known(self, broken: Broken) -> Answer:
        """The answer when the door went silent: a receipt seen stays true, else nothing is known.

        Raises:
            InDoubt: the node may or may not have taken the text.
        """
        if self._seen is not None:
            return Answer(self._seen, EXIT_NOT_YET)
        from fleet.core.errors.ends import InDoubt

        raise InDoubt.rebuilt(
            f"the node went away before it answered ({broken}); it may have taken the text",
            "fleet status; then fleet outbox, or once more: with --key that cannot send twice",
            "local-node",
            (),
        ) from left(self._call.home, broken)


def _show(call: Invocation, answer: Answer, took_s: float) -> None:
    terminal, receipt = call.terminal, answer.result
    if terminal.as_json:
        terminal.data(receipt)
        return
    terminal.say(receipts.line(terminal, receipt, took_s))
    if answer.exit_code:
        terminal.complain(receipts.why(receipt), receipts.todo(receipt))


COMMANDS = {
    "send": Command(_send, _send_arguments, 'fleet send rin@nova "the tests are green"'),
    "reply": Command(_reply, _reply_arguments, 'fleet reply 01KB3 "fine, go on"'),
}
