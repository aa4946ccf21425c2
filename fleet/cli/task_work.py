"""Work on tasks: ``task claim``, ``start``, ``note``, ``block``, ``done``, ``release``, ``reopen``,
``assign``, ``rm``."""

from __future__ import annotations

from fleet.cli.command import Command
from fleet.cli.terminal import plain
from fleet.cli.text import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fleet.cli.command import Invocation, Parser

_SAID = {
    "claim": "{id} is yours: {title}",
    "start": "{id} started: {title}",
    "note": "noted with {id}",
    "block": "{id} is blocked: {why}",
    "done": "{id} is done",
    "release": "{id} is free again",
    "reopen": "{id} is open again",
    "assign": "{id} is {holder}'s now: {title}",
    "rm": "{id} is off the list",
}

_NEED_NO_WORDS = frozenset({"release", "rm"})


def of_team(parser: Parser) -> None:
    """What every command about tasks takes."""
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )
    parser.add_argument(
        "--key", metavar="K", default="", help="however often it is said, it counts once"
    )


def task_argument(parser: Parser, *, is_needed: bool = True) -> None:
    """Which task."""
    parser.add_argument(
        "task", metavar="TASK", nargs=None if is_needed else "?", default="",
        help="T12, or 12, or TEAM/T12",
    )  # fmt: skip


def _held(parser: Parser) -> None:
    parser.add_argument(
        "--token", metavar="N", type=int, default=0,
        help="only if the claim is still the one with this token",
    )  # fmt: skip


def _claim_arguments(parser: Parser) -> None:
    task_argument(parser, is_needed=False)
    of_team(parser)


def _start_arguments(parser: Parser) -> None:
    task_argument(parser)
    _held(parser)
    of_team(parser)


def _said_arguments(what: str, *, is_held: bool) -> Callable[[Parser], None]:
    def arguments(parser: Parser) -> None:
        task_argument(parser)
        parser.add_argument("text", metavar="TEXT", nargs="?", help=what)
        parser.add_argument(
            "-f", "--file", metavar="FILE", help="read it from a file; - is standard input"
        )
        if is_held:
            _held(parser)
        of_team(parser)

    return arguments


def _assign_arguments(parser: Parser) -> None:
    task_argument(parser)
    parser.add_argument("seat", metavar="SEAT", help="a seat of the team, such as impl-2")
    of_team(parser)


def _ask(call: Invocation, verb: str, **args: Any) -> int:
    given = call.given
    told = call.ask(f"task_{verb}", team=given.team, key=given.key, **args).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        call.terminal.say(plain(_SAID[verb].format_map(told)))
        if verb == "claim" and told["text"]:
            call.terminal.say(plain(f"\n{told['text']}"))
    return 0


def _claim(call: Invocation) -> int:
    return _ask(call, "claim", task=call.given.task)


def _start(call: Invocation) -> int:
    return _ask(call, "start", task=call.given.task, token=_token(call))


def _assign(call: Invocation) -> int:
    return _ask(call, "assign", task=call.given.task, seat=call.given.seat)


def _refuse_arguments(parser: Parser) -> None:
    task_argument(parser)
    parser.add_argument("text", metavar="WHY", nargs="?", help="why: it decides who is asked")
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="read it from a file; - is standard input"
    )
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _refuse(call: Invocation) -> int:
    told = call.ask(
        "task_refuse", task=call.given.task, text=text_of(call), team=call.given.team
    ).result
    if call.terminal.as_json:
        call.terminal.data(told)
    else:
        then = told["next"]
        words = (
            f"{then['who']} is asked next" if then and then["offered"] else "nobody else is asked"
        )
        call.terminal.say(plain(f"{told['id']} is passed on; {words}"))
    return 0


def _token(call: Invocation) -> int:
    if call.given.token < 0:
        raise call.usage(f"--token {call.given.token}: not below 0")
    return int(call.given.token)


def _saying(verb: str, *, is_held: bool) -> Callable[[Invocation], int]:
    def run(call: Invocation) -> int:
        held: dict[str, Any] = {"token": _token(call)} if is_held else {}
        is_said = call.given.text is not None or call.given.file is not None
        text = text_of(call) if is_said or verb not in _NEED_NO_WORDS else ""
        return _ask(call, verb, task=call.given.task, text=text, **held)

    return run


def _said(verb: str, what: str, example: str, *, is_held: bool) -> Command:
    return Command(
        _saying(verb, is_held=is_held),
        _said_arguments(what, is_held=is_held),
        example,
    )


COMMANDS = {
    "task claim": Command(_claim, _claim_arguments, "fleet task claim"),
    "task start": Command(_start, _start_arguments, "fleet task start T3"),
    "task note": _said("note", "what to write down", 'fleet task note T3 "two callers"', is_held=False),
    "task block": _said("block", "why", 'fleet task block T3 "the staging host is down"', is_held=True),
    "task done": _said(
        "done", "what shows it: a commit, a test's output, a message",
        'fleet task done T3 "commit 1f3c9a2, make test: 412 passed"', is_held=True,
    ),
    "task release": _said("release", "why", "fleet task release T3", is_held=True),
    "task reopen": _said("reopen", "why", 'fleet task reopen T3 "it fails on arm"', is_held=False),
    "task assign": Command(_assign, _assign_arguments, "fleet task assign T3 impl-2"),
    "task refuse": Command(
        _refuse, _refuse_arguments, 'fleet task refuse T3 "there is no GPU here"'
    ),
    "task rm": _said("rm", "why", 'fleet task rm T3 "a double of T1"', is_held=False),
}  # fmt: skip
