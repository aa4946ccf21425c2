"""What became of a message, by the model server's record and nothing else.

A message is right when exactly one user turn holds its frame, in it the text byte for byte as cleaned
(or, for a long one, the file that the turn names), and nothing is glued to it. Every word that no
message, no person and not the program itself said is a surplus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.core.keystrokes import clean, suited
from fleet.core.profile import Profile
from tests.agents.model_server import Request
from tests.support.recording import FRAMED

_ELSEWHERE = re.compile(
    r"(?P<first>.*)\n… the whole text \((?P<size>\d+) bytes, sha256 \w+\) is in (?P<path>/[^\n]+)",
    re.DOTALL,
)
OWN_WORDS = {
    "claude": (r"<system-reminder>.*?</system-reminder>", r"<local-command-caveat>.*"),
    "codex": (r"<environment_context>.*</environment_context>", r"# AGENTS\.md instructions.*"),
    "gemini": (r"<session_context>.*</session_context>", r"This is the Gemini CLI.*"),
    "opencode": (),
    "aider": (
        r"^(Change get_factorial|Refactor hello|I switched to a new|I am not sharing any)\b.*",
        r"# \*SEARCH/REPLACE block\* Rules:.*",
    ),
}
"""What programs add to the conversation in their user's name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the record says of one message."""

    turns: int  # how often it was taken as a turn
    wrong: str = ""  # what is not as it was sent
    is_elsewhere: bool = False  # the turn names a file

    @property
    def is_right(self) -> bool:
        return self.turns == 1 and not self.wrong


@dataclass(frozen=True, slots=True)
class Meant:
    """A message as it has to arrive: what is typed, or what a file holds in its place."""

    typed: str
    kept: str
    changed: int  # of the typed text, which its receipt has to say


def meant(text: str, profile: Profile) -> Meant:
    """A text as cleaning leaves it, and as the program's profile says it has to be typed."""
    cleaned = clean(text)
    typed = suited(
        cleaned,
        keeps_tabs=profile.keeps_tabs,
        keeps_decomposed=profile.keeps_decomposed,
        mention=profile.mention,
    )
    return Meant(typed.text, cleaned.text, typed.changed)


def find(requests: Iterable[Request], envelope_id: str, text: Meant) -> Finding:
    """What became of one message, over all conversations: they repeat what was said before."""
    mark = f"| id {envelope_id} |"
    turns, wrong, is_elsewhere = 0, "", False
    for request in requests:
        holding = [turn for turn in request.asked.texts if mark in turn]
        turns = max(turns, sum(turn.count(mark) for turn in holding))
        for turn in holding:
            found = _compare(turn, envelope_id, text)
            wrong, is_elsewhere = wrong or found.wrong, is_elsewhere or found.is_elsewhere
    return Finding(turns, wrong, is_elsewhere)


def _compare(turn: str, envelope_id: str, text: Meant) -> Finding:
    frames = [frame for frame in FRAMED.finditer(turn) if frame["id"] == envelope_id]
    if len(frames) != 1:
        return Finding(1, f"its frame is broken: {_short(turn)}")
    told, typed = frames[0]["text"], text.typed
    if told == typed:
        return Finding(1)
    if spilled := _ELSEWHERE.fullmatch(told):
        path = Path(spilled["path"])
        kept = path.read_bytes() if path.exists() else b""
        if kept == text.kept.encode() and typed.startswith(spilled["first"]):
            return Finding(1, is_elsewhere=True)
        return Finding(1, f"the file holds something else: {path.name}", is_elsewhere=True)
    at = next((i for i, (a, b) in enumerate(zip(told, typed, strict=False)) if a != b), -1)
    at = min(len(told), len(typed)) if at < 0 else at
    return Finding(1, f"differs at {at}: {_short(told[at:])} instead of {_short(typed[at:])}")


def surplus(program: str, requests: Iterable[Request], said: Sequence[str]) -> list[str]:
    """Words in user turns that no message, no person (``said``) and not the program itself said."""
    found: dict[str, None] = {}
    for request in requests:
        for turn in request.asked.texts:
            rest = FRAMED.sub("", turn)
            for prompt in said:
                rest = rest.replace(prompt, "", 1)
            for pattern in OWN_WORDS[program]:
                rest = re.sub(pattern, "", rest, flags=re.DOTALL)
            if rest.strip():
                found[rest.strip()] = None
    return [*found]


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:40]} … {text[-18:]}")
