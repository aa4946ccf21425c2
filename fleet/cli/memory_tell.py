"""What is told to a team's memory: ``memory add``, ``edit``, ``promote``, ``orders``, ``handover``.

What somebody wrote is not lost when it cannot be taken: it is kept in a file, and they are told which.
"""

from __future__ import annotations

import os

from fleet.cli.command import Command
from fleet.cli.door import Failed
from fleet.cli.memory_show import show_finding
from fleet.cli.terminal import plain
from fleet.cli.text import text_arguments, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

_STDIN = 0


def _everywhere(parser: Parser, *, has_team: bool = True) -> None:
    if has_team:
        parser.add_argument(
            "--team", metavar="TEAM", default="",
            help="which team (default: your own, or the only one)",
        )  # fmt: skip
    parser.add_argument(
        "--key", metavar="K", default="", help="however often it is said, it counts once"
    )


def _finding_argument(parser: Parser) -> None:
    parser.add_argument("finding", metavar="FINDING", help="F12, or 12, or TEAM/F12")


def _tags(parser: Parser) -> None:
    parser.add_argument(
        "--tag", metavar="TAG", action="append", dest="tags", help="what it is about; repeat"
    )


def _add_arguments(parser: Parser) -> None:
    text_arguments(parser)
    parser.add_argument(
        "--role", metavar="ROLE", default="", help="whose it is (default: your own role's)"
    )
    parser.add_argument(
        "--for-team", action="store_true", help="it is for the whole team, whatever your role"
    )
    _tags(parser)
    parser.add_argument("--task", metavar="TASK", default="", help="what you were at")
    _everywhere(parser)


def _edit_arguments(parser: Parser) -> None:
    _finding_argument(parser)
    parser.add_argument(
        "-f", "--file", metavar="FILE",
        help="read the text from a file, - is standard input (default: $EDITOR opens it)",
    )  # fmt: skip
    _tags(parser)
    _everywhere(parser)


def _promote_arguments(parser: Parser) -> None:
    _finding_argument(parser)
    parser.add_argument(
        "--to", choices=("orders", "team"), required=True,
        help="the standing orders of its role, or the notes of the whole team",
    )  # fmt: skip
    _everywhere(parser)


def _orders_arguments(parser: Parser) -> None:
    parser.add_argument(
        "of", metavar="TEAM[/ROLE]", nargs="?", default="", help="whose (default: the only team's)"
    )
    parser.add_argument(
        "-f", "--file", metavar="FILE",
        help="they are from now on what this file says; - is standard input",
    )  # fmt: skip
    parser.add_argument("--edit", action="store_true", help="write them anew in $EDITOR")
    _everywhere(parser, has_team=False)


def _handover_arguments(parser: Parser) -> None:
    text_arguments(parser)
    _everywhere(parser)


# --- what they do ---


def _add(call: Invocation) -> int:
    given, text = call.given, text_of(call)
    done = _told(
        call, text, "memory_add", role=given.role, for_team=given.for_team, task=given.task,
        tags=given.tags or [], team=given.team,
    )  # fmt: skip
    return _answer(call, done, f"{done['id']} is remembered for {done['role'] or 'the whole team'}")


def _edit(call: Invocation) -> int:
    given = call.given
    if given.file is None:
        before = call.ask("finding", finding=given.finding, team=given.team).result
        text = _edited(call, before["text"])
        if text == before["text"] and given.tags is None:
            call.terminal.note("nothing was changed")
            return 0
    else:
        given.text = None
        text = text_of(call)
    done = _told(call, text, "memory_edit", finding=given.finding, tags=given.tags, team=given.team)
    return _answer(call, done, f"{done['id']} says it so now")


def _promote(call: Invocation) -> int:
    given = call.given
    done = call.ask(
        "memory_promote", finding=given.finding, to=given.to, team=given.team, key=given.key
    ).result
    if call.terminal.as_json:
        call.terminal.data(done)
    else:
        show_finding(call, done)
    return 0


def _orders(call: Invocation) -> int:
    given = call.given
    if given.edit and given.file is not None:
        raise call.usage("--edit and -f exclude each other")
    before: dict[str, Any] = {}
    if given.file is None:
        before = call.ask("memory", of=given.of).result
    if given.file is None and not given.edit:
        if call.terminal.as_json:
            call.terminal.data(before)
        elif before["orders"]:
            call.terminal.say(plain(before["orders"]))
        else:
            call.terminal.note("there are none")
        return 0
    seen: dict[str, Any] = {"seen": before["entry"]} if before else {}
    given.text = None
    text = _edited(call, before["orders"]) if before else text_of(call)
    done = _told(call, text, "memory_orders", of=given.of, **seen)
    where = f"{done['team']}/{done['role']}" if done["role"] else done["team"]
    return _answer(call, done, f"these are the standing orders of {where}")


def _handover(call: Invocation) -> int:
    text = text_of(call)
    done = _told(call, text, "memory_handover", team=call.given.team)
    return _answer(call, done, "whoever comes into your seat is told")


def _answer(call: Invocation, done: dict[str, Any], words: str) -> int:
    if call.terminal.as_json:
        call.terminal.data(done)
    else:
        call.terminal.say(plain(words))
    return 0


# --- what was written ---


def _told(call: Invocation, text: str, what: str, **args: Any) -> dict[str, Any]:
    """Tell the node; when it is not taken, keep the text before saying so."""
    from fleet.core.errors.base import FleetError

    try:
        done: dict[str, Any] = call.ask(what, text=text, key=call.given.key, **args).result
    except Failed as failed:
        failed.error["hint"] = _with_text_kept(call, text, failed.error["hint"])
        raise
    except FleetError as error:
        error.hint = _with_text_kept(call, text, error.hint)
        raise
    return done


def _with_text_kept(call: Invocation, text: str, hint: str) -> str:
    """A hint that also says where the text is now; a file that somebody named has it anyway."""
    if call.given.file not in {None, "-"}:
        return hint
    kept = f"what you wrote is kept in {_kept(text)}: say it again with -f"
    return f"{hint}; {kept}" if hint else kept


def _kept(text: str) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="fleet-memory-", suffix=".md", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return file.name


def _edited(call: Invocation, text: str) -> str:
    """A text as somebody leaves it in their editor.

    Raises:
        FleetError: there is no editor, it failed, or nothing was left.
    """
    import shlex
    import subprocess
    from pathlib import Path

    from fleet.core.errors.requests import MalformedRequest

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not editor or not os.isatty(_STDIN):
        raise MalformedRequest(
            "$EDITOR is not set" if not editor else "there is no terminal for an editor",
            hint="-f FILE takes the text from a file, -f - from standard input",
        )
    path = _kept(text)
    ended = subprocess.run([*shlex.split(editor), path], check=False)
    call.given.file = path  # what is in it is not kept a second time
    if ended.returncode:
        raise MalformedRequest(f"{editor} ended with {ended.returncode}", hint=f"see {path}")
    call.given.text = None
    left = text_of(call)
    Path(path).unlink()
    call.given.file = None
    return left.rstrip("\n")


COMMANDS = {
    "memory add": Command(
        _add, _add_arguments, 'fleet memory add "the tests need LANG=C" --tag tests --task T3'
    ),
    "memory edit": Command(_edit, _edit_arguments, "fleet memory edit F12"),
    "memory promote": Command(_promote, _promote_arguments, "fleet memory promote F12 --to orders"),
    "memory orders": Command(
        _orders, _orders_arguments, "fleet memory orders site/impl -f orders.md"
    ),
    "memory handover": Command(
        _handover,
        _handover_arguments,
        'fleet memory handover "T3 is half done: the branch is pushed"',
    ),
}
