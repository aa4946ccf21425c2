"""How a demo tells what it does: each step, each command as it is typed, and what came of it."""

from __future__ import annotations

import os
import sys

from tests.support.homes import Home, Said

_TTY = sys.stdout.isatty() and "NO_COLOR" not in os.environ
BOLD, DIM, GREEN, OFF = ("\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m") if _TTY else ("",) * 4


class Stage:
    """Says what is done, does it, shows what came of it."""

    def __init__(self) -> None:
        self._steps = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._steps += 1
        print(f"\n{BOLD}{self._steps}. {title}{OFF}", flush=True)

    def run(self, home: Home, *words: str, code: int = 0, lines: int = 30) -> Said:
        """Run a command on a home and show it; it has to end with this code."""
        shown = " ".join(f'"{w}"' if " " in w else w for w in words)
        print(f"{GREEN}{home.name}{OFF} $ fleet {shown}", flush=True)
        said = home.run(*words)
        for line in (said.out + said.err).rstrip().splitlines()[:lines]:
            print(f"    {_short(line)}", flush=True)
        if code:
            print(f"    {DIM}(exit {said.code}){OFF}")
        if said.code != code:
            raise SystemExit(f"the demo expected exit {code}, got {said.code}")
        return said

    def note(self, text: str) -> None:
        """A word on what is to be seen."""
        print(f"    {DIM}{text}{OFF}", flush=True)


def _short(line: str) -> str:
    return line if len(line) <= 150 else line[:70] + " … " + line[-70:]
