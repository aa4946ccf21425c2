"""Recorded screens of agent programs, and what a person reads on them.

``tests/screens/<program>/<state>.txt``: a head of ``key: value`` lines, ``---``, then the rows as
tmux printed them. ``composer``, ``asking``, ``busy`` and ``holds`` say what a correct reading is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet.core.composer import Composer, Own
from fleet.core.look import Look, Tty

SCREENS = Path(__file__).parents[1] / "screens"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One screen. ``nonce`` is that of our text in the input, or empty."""

    name: str
    look: Look
    composer: Composer
    asking: bool
    busy: bool
    nonce: str

    @property
    def own(self) -> Own:
        """How our text in the input begins and ends."""
        return Own(f"[fleet {self.nonce}", f"[end {self.nonce}]")

    def __str__(self) -> str:
        return self.name


def load(program: str) -> list[Recorded]:
    """All screens of a program, by name."""
    found = [_recorded(path) for path in sorted((SCREENS / program).glob("*.txt"))]
    assert found, f"no screens of {program}"
    return found


def _recorded(path: Path) -> Recorded:
    head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
    said = {key: value.strip() for key, _, value in (s.partition(":") for s in head.split("\n"))}
    column, row = said["cursor"].split(",")
    rows = tuple(body.removesuffix("\n").split("\n"))
    assert len(rows) == int(said["size"].partition("x")[2]), (
        f"{path.name} is not as tall as it says"
    )
    look = Look(
        exists=True,
        rows=rows,
        cursor_x=int(column),
        cursor_y=int(row),
        title=said["title"],
        tty=Tty.RAW,
    )
    return Recorded(
        name=path.stem,
        look=look,
        composer=Composer(said["composer"]),
        asking={"yes": True, "no": False}[said["asking"]],
        busy={"yes": True, "no": False}[said["busy"]],
        nonce=said["holds"].strip("-"),
    )
