"""``skill``: what agents are taught about fleet, shown, or put where a program looks for skills.

Asks no node: a person may want it on a host that has none.
"""

from __future__ import annotations

import os

from fleet.cli.command import Command
from fleet.cli.terminal import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fleet.cli.command import Invocation, Parser


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--install", metavar="DIR", default="",
        help="write it into this folder of skills, as fleet/SKILL.md; a newer fleet's renews an older one's",
    )  # fmt: skip


def _skill(call: Invocation) -> int:
    from fleet.skill import skill

    if call.given.install:
        return _install(call, os.path.abspath(os.path.expanduser(call.given.install)))
    text = skill()
    if call.terminal.as_json:
        call.terminal.data({"text": text, "file": "", "was": ""})
    else:
        call.terminal.say(text.removesuffix("\n"))
    return 0


def _install(call: Invocation, folder: str) -> int:
    from pathlib import Path

    from fleet.core.errors.requests import MalformedRequest, WrongState
    from fleet.skill import FILE, NAME
    from fleet.skill.folder import Was, put

    file = f"{folder}/{NAME}/{FILE}"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        was = put(Path(folder), hidden=False)
    except OSError as error:
        why = error.strerror or str(error)
        raise MalformedRequest(
            f"{folder} cannot hold skills: {why}", hint="for example --install ~/.claude/skills"
        ) from None
    if was is Was.KEPT:
        raise WrongState(
            f"{file} is not as fleet wrote it, and stays",
            hint="move it away, or take another folder; fleet skill prints ours",
        )
    if call.terminal.as_json:
        from fleet.skill import skill

        call.terminal.data({"text": skill(), "file": file, "was": was.value})
    else:
        call.terminal.say(plain(f"{file}: {was.value}"))
    return 0


COMMANDS = {"skill": Command(_skill, _arguments, "fleet skill --install ~/.claude/skills")}
