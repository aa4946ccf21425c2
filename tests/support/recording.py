"""What a recorder's file says: the turns its program was really given."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.homes import Home

PROGRAM = Path(__file__).with_name("recorder.py")
FRAMED = re.compile(
    r"\[fleet (?P<nonce>[a-z2-7]{6}) \| from (?P<sender>\S+) \| (?P<authority>[^|]+) "
    r"\| id (?P<id>[0-9A-Z]{26}) \|[^\n]*\]\n(?P<text>.*)\n\[end (?P=nonce)\]",
    re.DOTALL,
)


@dataclass(frozen=True)
class Turn:
    """One submitted turn, taken apart."""

    sender: str
    authority: str
    id: str
    text: str
    last_s: float


class Recording:
    """The file that one recorder writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, home: Home, name: str, *options: str, profile: str = "generic") -> str:
        """Start a recorder as an agent; its address."""
        words = ("start", name, "--profile", profile, "--")
        program = (sys.executable, str(PROGRAM), str(self.path), *options)
        return str(home.ask_with(words, program)["address"])

    def raw(self) -> list[str]:
        """Every turn as the program got it."""
        if not self.path.exists():
            return []
        return [str(json.loads(line)["text"]) for line in self.path.read_text().splitlines()]

    def turns(self) -> list[Turn]:
        """Every turn, taken apart.

        Raises:
            AssertionError: a turn is not exactly one framed text.
        """
        found = []
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            told = json.loads(line)
            whole = FRAMED.fullmatch(told["text"])
            assert whole, f"not one whole message: {told['text'][:300]!r}"
            found.append(
                Turn(
                    whole["sender"], whole["authority"], whole["id"], whole["text"], told["last_s"]
                )
            )
        return found
