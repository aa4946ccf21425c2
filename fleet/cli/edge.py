"""Errors that are made here rather than told by the node, and those that nobody foresaw.

Imported only once something has gone wrong: the tree of errors takes longer to load than a send.
"""

from __future__ import annotations

import os
import sys
import time
import traceback

from fleet.core.errors.base import FleetError
from fleet.core.errors.files import MalformedTeamFile
from fleet.outcomes import EXIT_BUG, outcome_of
from fleet.paths import LOGS, home_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fleet.cli.terminal import Terminal


def told(error: Exception, words: Sequence[str], terminal: Terminal) -> int:
    """Tell the person; the exit code."""
    if not isinstance(error, FleetError):
        where = _noted(error, _home_of(words))
        error = FleetError(
            f"this is a bug in fleet: {type(error).__name__}: {error}",
            hint=f"please report it; the details are in {where}" if where else "please report it",
        )
    terminal.fail(as_json(error))
    return outcome_of(error).exit_code if type(error) is not FleetError else EXIT_BUG


def as_json(error: FleetError) -> dict[str, Any]:
    """An error in the door's form; beside it each mistake in a file, taken apart."""
    apart = [
        {"key": m.key, "found": m.found, "allowed": m.allowed, "hint": m.hint}
        for m in (error.mistakes if isinstance(error, MalformedTeamFile) else ())
    ]
    return ({"mistakes": apart} if apart else {}) | {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "layer": error.layer,
        "candidates": [
            {"address": c.address, "node": c.node, "state": c.state, "last_seen": c.last_seen}
            for c in error.candidates
        ],
    }


def _home_of(words: Sequence[str]) -> str:
    given = ""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word == "--home":
            given = after
        elif word.startswith("--home="):
            given = word.removeprefix("--home=")
    return home_from(given, os.environ)


def _noted(error: Exception, home: str) -> str:
    """Write the traceback down; where, or nothing if it could not be written.

    Only into a home that is there already, and without the command line: texts of messages are
    nobody's business.
    """
    name = time.strftime("crash-%Y%m%d-%H%M%S", time.gmtime())
    path = os.path.join(home, LOGS, f"{name}-{os.getpid()}.txt")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"Python {sys.version}\n")
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return ""
    return path
