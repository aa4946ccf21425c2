"""Model programs for the model tmux: they read what is typed and show a screen, as real ones do.

What a program was really given is in ``turns``; keys that answered a question are in ``answers``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from fleet.core.keystrokes import PASTE_BEGIN, PASTE_END, Paste
from fleet.core.look import Tty
from fleet.core.profile import Hooks, Profile

_PIECES = re.compile(rb"\x1b\[200~.*?\x1b\[201~|\r|[^\r\x1b]+|\x1b", re.DOTALL)
_ROWS = 24
_WORKING = "working…"
_FOLDED_FROM = 5  # lines of a paste

CHAT = Profile(
    name="chat",
    title="a model program with a prompt",
    programs=("chat",),
    launch=("chat",),
    paste=Paste.BRACKETED,
    prompt=re.compile(r"^> "),
    dialog=(re.compile(r"^Allow .*\?"),),
    busy=(re.compile(f"^{_WORKING}"),),
    limited=(re.compile(r"^Limited for (?P<minutes>\d+) min"),),
)
"""What is known of ``Chat``: everything."""
PATIENT = Profile(
    name="patient",
    title="the same, and it queues what comes while it works",
    programs=("patient",),
    launch=("patient",),
    paste=Paste.BRACKETED,
    prompt=CHAT.prompt,
    dialog=CHAT.dialog,
    busy=CHAT.busy,
    queues_while_busy=True,
)
ROWS = replace(
    CHAT,
    name="rows",
    title="the same, and its input is known to have several rows; a long paste is folded",
    programs=("rows",),
    launch=("rows",),
    continuation=re.compile(r"^  "),
    folded=re.compile(r"\[pasted \d+ lines\]"),
    paste_limit_bytes=600,
)
TELLER = replace(
    ROWS,
    name="teller",
    title="the same, and it tells its turns by a hook",
    programs=("teller",),
    launch=("teller",),
    folded=None,
    hooks=Hooks(arguments=("--tell", "{tell}")),
    stronger_s=0.5,
)
LOGGER = replace(
    CHAT,
    name="logger",
    title="one row, and it writes its turns to a file",
    programs=("logger",),
    launch=("logger",),
    transcript=("log/*",),
    stronger_s=0.5,
)
MODELS = (CHAT, PATIENT, ROWS, TELLER, LOGGER)
"""The profiles of model programs."""


class Program:
    """What every program is to a terminal. One object is one process."""

    bracketed = False
    """Whether it has asked the terminal to frame pastes."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self.argv = argv
        self.name = argv[0].rpartition("/")[2]
        self.pid = 0
        self.start = 0
        self.ended = False
        self.tty = Tty.RAW
        self.unread = b""
        self.rows: tuple[str, ...] = ()

    def keys(self, data: bytes) -> None:
        """What the terminal gives it to read."""


class Chat(Program):
    """A program with a prompt. Everything that can go wrong with one is switched on from outside."""

    bracketed = True
    is_known = True
    """Whether there is a profile that tells how its questions look."""
    mark = "> "

    def __init__(self, argv: tuple[str, ...] = ("chat",)) -> None:
        super().__init__(argv)
        self.turns: list[str] = []
        self.answers: list[str] = []
        self.draft = ""
        self.question = ""
        self.asked_s: float | None = None  # since when the question is open
        self.asks_after_paste = ""
        self.busy = False
        self.limit = ""  # what it shows of a limit of its provider
        self.reads = True
        self.swallows = 0
        self.deaf = False
        self.dies_on = ""
        self.folds = self.name == "rows"
        self.tells_after_s = 0.0
        self.log: list[str] = []
        """Its transcript: turns that it has told of."""
        self.took: Callable[[str], None] = lambda _text: None
        self._folded = ""
        self._said: list[str] = []
        self._show()

    # --- what happens to it ---

    def keys(self, data: bytes) -> None:
        self.unread += data
        if self.reads:
            data, self.unread = self.unread, b""
            for piece in _PIECES.findall(data):
                if not self.ended:
                    self._read(piece)
        self._show()

    def set(self, **now: object) -> None:
        """Change what it is like from now on."""
        for name, value in now.items():
            getattr(self, name)  # a misspelt one is an error
            setattr(self, name, value)
        if "question" in now:
            self._ask(self.question)
        self.keys(b"")

    # --- what it does ---

    def _read(self, piece: bytes) -> None:
        if self.question:
            self.answers.append(piece.decode())
            self._say("answered")
            self._ask("")
        elif piece.startswith(PASTE_BEGIN):
            self._paste(piece[len(PASTE_BEGIN) : -len(PASTE_END)].decode())
        elif piece == b"\r":
            self._enter()
        else:
            self.draft += piece.decode()

    def _paste(self, text: str) -> None:
        if self.dies_on == "half a paste":
            text, self.ended = text[: len(text) // 2], True
        self.draft += text
        self._folded = text if self.folds and text.count("\n") + 1 >= _FOLDED_FROM else ""
        self._ask(self.asks_after_paste)
        self.ended = self.ended or self.dies_on == "paste"

    def _ask(self, question: str) -> None:
        self.question = question
        self.asked_s = asyncio.get_running_loop().time() if question else None

    def _enter(self) -> None:
        self.ended = self.dies_on == "enter"
        if self.swallows:
            self.swallows -= 1
        elif not self.deaf and not self.ended:
            text, self.draft = self.draft, ""
            self.turns.append(text)
            self._say(*text.split("\n"))
            self.took(text)
            asyncio.get_running_loop().call_later(self.tells_after_s, self._tell, text)

    def _tell(self, text: str) -> None:
        """What it took is told, unless it has ended: to its hook, and in its transcript."""
        if self.ended:
            return
        self.log.append(text)
        if "--tell" in self.argv:
            turns = Path(self.argv[self.argv.index("--tell") + 1]).parent / "turns"
            if turns.is_dir():  # else nobody wants to know any more
                told = msgspec.json.encode({"prompt": text})
                (turns / f"{len(self.log)}").write_bytes(told)

    def _say(self, *rows: str) -> None:
        self._said = [*self._said, *rows][-_ROWS:]

    def _show(self) -> None:
        fold = f"[pasted {self._folded.count(chr(10)) + 1} lines]"
        draft = self.draft.replace(self._folded, fold) if self._folded else self.draft
        first, *more = draft.split("\n")
        input_rows = [f"{self.mark}{first}", *(f"  {row}" for row in more)]
        working = [*([self.limit] if self.limit else []), *([_WORKING] if self.busy else [])]
        below = [self.question] if self.question else [*working, *input_rows]
        self.rows = (*self._said, *below)[-_ROWS:]


class Slow(Chat):
    """Needs some seconds before it shows its prompt."""

    def __init__(self, argv: tuple[str, ...] = ("slow",)) -> None:
        self.is_loaded = False
        super().__init__(argv)
        asyncio.get_running_loop().call_later(5.0, lambda: self.set(is_loaded=True))

    def _show(self) -> None:
        super()._show()
        if not self.is_loaded:
            self.rows = ("loading…",)


class Shell(Chat):
    """A shell at its prompt: every turn is a command that it runs."""

    mark = "$ "

    def __init__(self, argv: tuple[str, ...] = ("bash",)) -> None:
        super().__init__(argv)


class Lines(Chat):
    """A program that reads lines from a cooked terminal: no bracketed paste, each line is a turn."""

    bracketed = False
    is_known = False
    mark = ""

    def __init__(self, argv: tuple[str, ...] = ("lines",)) -> None:
        super().__init__(argv)
        self.tty = Tty.LINE


class Stillborn(Program):
    """Ends before anybody can look at it."""

    def __init__(self, argv: tuple[str, ...] = ("stillborn",)) -> None:
        super().__init__(argv)
        self.ended = True


INSTALLED: dict[str, Callable[[tuple[str, ...]], Program]] = {
    "chat": Chat,
    "patient": Chat,
    "rows": Chat,
    "teller": Chat,
    "logger": Chat,
    "bash": Shell,
    "lines": Lines,
    "slow": Slow,
    "stillborn": Stillborn,
    "sleep": Program,
}
"""What a model host has in its PATH."""
