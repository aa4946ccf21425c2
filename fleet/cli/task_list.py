"""The list of tasks: ``task add``, ``change``, ``ls``, ``show``."""

from __future__ import annotations

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.task_work import of_team, task_argument
from fleet.cli.terminal import BOLD, plain
from fleet.cli.text import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser

    Task = dict[str, Any]


def _what_it_is(parser: Parser) -> None:
    """What a task is made of, as options."""
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="read the text from a file; - is standard input"
    )
    parser.add_argument("--text", metavar="TEXT", help="all there is to say")
    parser.add_argument(
        "--path",
        metavar="PATH",
        action="append",
        dest="paths",
        help="a file it is about, or FILE:FUNCTION; repeat",
    )
    parser.add_argument(
        "--want", metavar="SKILL", action="append", dest="wants", help="a competence; repeat"
    )
    parser.add_argument("--size", choices=("s", "m", "l"), help="about how much work")
    parser.add_argument(
        "--after", metavar="TASK", action="append", help="what has to be done first; repeat"
    )
    parser.add_argument("--parent", metavar="TASK", help="the task that it is part of")
    parser.add_argument("--acceptance", metavar="TEXT", help="how one sees that it is done")


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("title", metavar="TITLE", help="what is to be done, in one line")
    _what_it_is(parser)
    parser.add_argument(
        "--found-while", metavar="TASK", default="", help="what you were at when it came up"
    )
    of_team(parser)


def _change_arguments(parser: Parser) -> None:
    task_argument(parser)
    parser.add_argument("--title", metavar="TITLE", help="what is to be done, in one line")
    _what_it_is(parser)
    of_team(parser)


def _ls_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--state", metavar="STATE", default="",
        help="only these: free, waiting, open, claimed, started, blocked, done, removed",
    )  # fmt: skip
    parser.add_argument("--holder", metavar="SEAT", default="", help="only what this one holds")
    parser.add_argument("--all", action="store_true", help="done and removed ones too")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=200, help="at most so many (default: 200)"
    )
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _show_arguments(parser: Parser) -> None:
    task_argument(parser)
    parser.add_argument(
        "--team", metavar="TEAM", default="", help="which team (default: your own, or the only one)"
    )


def _told(call: Invocation) -> dict[str, Any]:
    """What was said of a task, and nothing of what was not."""
    given = call.given
    if given.file is not None or given.text is not None:
        given.text = text_of(call)
    names = ("title", "text", "paths", "wants", "size", "after", "parent", "acceptance")
    return {name: value for name in names if (value := getattr(given, name)) is not None}


def _add(call: Invocation) -> int:
    given, told = call.given, _told(call)
    done = call.ask(
        "task_add", team=given.team, key=given.key, found_while=given.found_while, **told
    ).result
    return _answer(call, done, "{id} {title}")


def _change(call: Invocation) -> int:
    given = call.given
    done = call.ask(
        "task_change", team=given.team, key=given.key, task=given.task, **_told(call)
    ).result
    return _answer(call, done, "{id} is now: {title}")


def _answer(call: Invocation, done: Task, words: str) -> int:
    if call.terminal.as_json:
        call.terminal.data(done)
    else:
        call.terminal.say(plain(words.format_map(done)))
    return 0


def _ls(call: Invocation) -> int:
    given, terminal = call.given, call.terminal
    if given.limit < 0:
        raise call.usage(f"--limit {given.limit}: not below 0")
    tasks = call.ask(
        "tasks", team=given.team, state=given.state, holder=given.holder, all=given.all,
        limit=given.limit,
    ).result  # fmt: skip
    if terminal.as_json:
        terminal.data(tasks)
    elif tasks:
        rows = [
            (
                one["id"], _state(one), one["holder"], one["size"], ", ".join(one["wants"]),
                render.first_line(one["title"], 72), render.first_line(one["why"], 40),
            )
            for one in tasks
        ]  # fmt: skip
        render.table(terminal, ("TASK", "STATE", "HOLDER", "SIZE", "WANTS", "TITLE", "WHY"), rows)
    else:
        terminal.note('no such tasks: fleet task add "what is to be done"')
    return 0


def _state(one: Task) -> str:
    return f"waits for {', '.join(one['waits_for'])}" if one["waits_for"] else str(one["state"])


def _show(call: Invocation) -> int:
    told, terminal = (
        call.ask("task", team=call.given.team, task=call.given.task).result,
        call.terminal,
    )
    if terminal.as_json:
        terminal.data(told)
        return 0
    terminal.say(terminal.paint(plain(f"{told['id']} {told['title']}"), BOLD))
    render.facts(
        terminal,
        [
            ("team", told["team"]), ("state", _state(told)), ("holder", told["holder"]),
            ("token", told["token"] or None), ("why", told["why"]), ("evidence", told["evidence"]),
            ("size", told["size"]), ("paths", ", ".join(told["paths"])),
            ("wants", ", ".join(told["wants"])), ("after", ", ".join(told["after"])),
            ("part of", told["parent"]), ("found while", told["found_while"]),
            ("side-finds", ", ".join(told["side_finds"])), ("acceptance", told["acceptance"]),
            ("by", f"{told['by']}, {render.ago(told['at'])}"),
        ],
    )  # fmt: skip
    if told["text"]:
        terminal.say(plain(f"\n{told['text']}"))
    terminal.say(f"\n{terminal.paint('history', BOLD)}")
    render.table(
        terminal,
        ("WHEN", "WHAT", "BY", "SAID"),
        [
            (render.ago(h["at"]), h["what"].removeprefix("task_"), h["by"], _said(h))
            for h in told["history"]
        ],
    )
    return 0


def _said(entry: Task) -> str:
    words = (entry.get(name) for name in ("holder", "note", "why", "evidence"))
    return render.first_line(" ".join(str(word) for word in words if word), 100)


COMMANDS = {
    "task add": Command(
        _add, _add_arguments, 'fleet task add "mend the door" --path README.md --size s'
    ),
    "task change": Command(_change, _change_arguments, "fleet task change T3 --after T2"),
    "task ls": Command(_ls, _ls_arguments, "fleet task ls --state free"),
    "task show": Command(_show, _show_arguments, "fleet task show T3"),
}
