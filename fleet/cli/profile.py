"""``profile``: the kinds of programs a node knows, one of them whole, and whether one's own are right."""

from __future__ import annotations

import os

from fleet.cli import render
from fleet.cli.command import Command
from fleet.cli.terminal import DIM, GREEN, RED, YELLOW, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fleet.cli.command import Invocation, Parser
    from fleet.cli.profile_check import Checked, Finding
    from fleet.cli.terminal import Terminal

    Value = list[Any] | dict[str, Any] | str | float | bool | None

_COLOURS = {"ok": GREEN, "warn": YELLOW, "fail": RED}
_OF_THE_FILE = ("name", "source", "file", "changed")
"""Said of a profile, not by it."""
_COMMANDS = ("launch", "resume")


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "action", choices=("ls", "show", "check"), nargs="?", default="ls",
        help="list them; show one whole; check files before a node reads them (default: ls)",
    )  # fmt: skip
    parser.add_argument(
        "names", metavar="NAME", nargs="*",
        help="which; for check also files (default: all in the home's folder profiles)",
    )  # fmt: skip


def _profile(call: Invocation) -> int:
    match call.given.action, call.given.names:
        case "check", names:
            return _check(call, names)
        case "show", [name]:
            return _show(call, name)
        case "ls", []:
            return _ls(call)
        case "show", _:
            raise call.usage("which one? show takes one name", hint="fleet profile ls lists them")
        case _:
            raise call.usage("ls takes no name", hint="fleet profile show NAME shows one")


def _ls(call: Invocation) -> int:
    profiles = call.ask("profiles").result
    if call.terminal.as_json:
        call.terminal.data(profiles)
        return 0
    rows = [
        (
            one["name"], one["title"], ", ".join(one["aliases"]), ", ".join(one["programs"]),
            one.get("tested"), one.get("source"),
        )
        for one in profiles
    ]  # fmt: skip
    headings = ("NAME", "TITLE", "ALIASES", "PROGRAMS", "VERSION TESTED", "FROM")
    render.table(call.terminal, headings, rows)
    return 0


# --- one of them ---


def _show(call: Invocation, name: str) -> int:
    profile = call.ask("profile", name=name).result
    terminal = call.terminal
    if terminal.as_json:
        terminal.data(profile)
        return 0
    where = plain(f"{profile['source']}, {profile['file']}")
    terminal.say(f"{plain(profile['name'])}  {terminal.paint(where, DIM)}")
    from shlex import join

    said = {key: value for key, value in profile.items() if key not in _OF_THE_FILE}
    width = max(map(len, said))
    for key, value in said.items():
        _tell(terminal, key, join(value) if key in _COMMANDS else value, width)
    if profile["changed"]:
        terminal.note("the file says something else by now: fleet down, fleet up reads it")
    return 0


def _tell(terminal: Terminal, key: str, value: Any, width: int) -> None:
    """A key and what it says; each pattern of several on a line of its own, tables below their key."""
    shown = _values(value)
    first, *rest = shown or [terminal.paint("none", DIM)]
    terminal.say(f"{terminal.paint(plain(key.ljust(width)), DIM)}  {first}")
    for one in rest:
        terminal.say(f"{' ' * width}  {one}")


def _values(value: Value) -> list[str]:
    match value:
        case None | "":
            return []
        case bool():
            return [str(value).lower()]
        case float():
            return [f"{value:g}"]
        case list():
            return [line for one in value for line in _values(one)]
        case dict():
            return [f"{key} = {line}" for key, one in value.items() for line in _values(one)]
        case str() if "\n" in value:
            return [plain(line) for line in value.splitlines()]
        case str() if value != value.strip():
            return [plain(f"'{value}'")]  # a blank at an end of a pattern counts
        case _:
            return [plain(value)]


# --- one's own ---


def _check(call: Invocation, names: list[str]) -> int:
    """Each file with what was found; ends as a node would that reads the first broken one."""
    from fleet.cli.profile_check import checked, files

    found = [checked(file) for file in files(os.path.join(call.home, "profiles"), names)]
    terminal = call.terminal
    if terminal.as_json:
        terminal.data([one.as_json() for one in found])
    elif not found:
        terminal.note(f"no profiles of your own in {call.home}/profiles")
    for one in found:
        _report(terminal, one)
    broken = [one for one in found if one.verdict == "fail"]
    if not broken:
        return 0
    from fleet.core.errors.requests import BadConfig
    from fleet.outcomes import outcome_of

    first = broken[0]
    worst = next(finding for finding in first.findings if finding.verdict == "fail")
    error = BadConfig(first.file, _where(worst))
    if not terminal.as_json:
        more = f" (and {len(broken) - 1} more)" if broken[1:] else ""
        terminal.complain(f"{error.message}{more}", worst.hint or error.hint)
    return outcome_of(error).exit_code


def _report(terminal: Terminal, one: Checked) -> None:
    verdict = terminal.paint(one.verdict.ljust(4), _COLOURS[one.verdict])
    terminal.say(f"{verdict}  {plain(one.file)}")
    for finding in one.findings:
        mark = terminal.paint(finding.verdict.ljust(4), _COLOURS[finding.verdict])
        hint = f" ({finding.hint})" if finding.hint else ""
        terminal.say(f"  {mark}  {plain(_where(finding) + hint)}")


def _where(finding: Finding) -> str:
    line = f"line {finding.line}" if finding.line else ""
    return ": ".join(part for part in (line, finding.key, finding.reason) if part)


COMMANDS = {"profile": Command(_profile, _arguments, "fleet profile check chat.toml")}
