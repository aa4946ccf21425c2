"""Stories: transcripts of a few nodes, as text, played in a world of their own.

A scene is comment lines that say what it shows, commands, ``----`` and what they answered; a blank
line ends it. What commands there are is in ``script.py``. Rewriting puts in what is answered now, and
somebody reads the difference:

    python -m tests.support.story tests/stories/*.txt
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.checkers import check
from tests.support.script import Script
from tests.support.world import World, play_world

_LINE = "----"


@dataclass(frozen=True, slots=True)
class Scene:
    """One block of a story."""

    comments: tuple[str, ...]
    commands: tuple[str, ...]
    answers: tuple[str, ...]

    def __str__(self) -> str:
        shown = [*self.comments, *self.commands]
        return "\n".join([*shown, _LINE, *self.answers] if self.answers else shown)


def read(text: str) -> list[Scene]:
    """The scenes of a story, in order."""
    return [_scene(block.split("\n")) for block in text.strip("\n").split("\n\n") if block.strip()]


def _scene(lines: list[str]) -> Scene:
    asked, answers = lines, []
    if _LINE in lines:
        at = lines.index(_LINE)
        asked, answers = lines[:at], lines[at + 1 :]
    comments = tuple(line for line in asked if line.startswith("# "))
    commands = tuple(line for line in asked if not line.startswith("# "))
    return Scene(comments, commands, tuple(answers))


def written(scenes: list[Scene]) -> str:
    """The scenes as a story's text."""
    return "\n\n".join(str(scene) for scene in scenes) + "\n"


def played(text: str) -> str:
    """The story with what its commands answer now; every checker is applied at the end.

    Raises:
        AssertionError: something that has to be true of every world is not.
    """

    async def story(world: World) -> list[Scene]:
        script = Script(world)
        return [replace(scene, answers=await _answers(script, scene)) for scene in read(text)]

    return written(play_world(story, check))


async def _answers(script: Script, scene: Scene) -> tuple[str, ...]:
    answers: list[str] = []
    for command in scene.commands:
        answers += await script.do(command)
    return tuple(answers)


def main(files: list[str]) -> int:
    """Rewrite stories; 1 when a checker objects to one, which is left as it was."""
    failed = 0
    for file in files:
        path = Path(file)
        try:
            path.write_text(played(path.read_text()))
        except AssertionError as error:
            failed = 1
            print(f"{file}: {error}", file=sys.stderr)  # noqa: T201 - a command for people
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
