"""What is known about one kind of agent program, as a value.

Profiles are data (``fleet/profiles/*.toml``); this is their shape and what each field means to the
rest of the core. A profile describes what is seen on a screen and how input is taken; it decides
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fleet.core.keystrokes import Dress, Paste

SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "tcsh", "csh", "ash", "nu"})
"""Programs that run what is typed at their prompt."""


def is_bare(argv: tuple[str, ...]) -> bool:
    """Whether a program was given options only: an interpreter then shows its own prompt."""
    return all(word.startswith("-") for word in argv[1:])


class Unknown(StrEnum):
    """What is done at a screen on which no prompt is found."""

    HOLD = "hold"
    TYPE = "type"  # the terminal reads, and that is enough


@dataclass(frozen=True, slots=True)
class Hooks:
    """How a program is made to tell us each text that it takes as a turn.

    In every value ``{folder}`` stands for the agent's own folder below the home, and ``{tell}`` for
    a command in it that hands its standard input, JSON, to the node; in ``arguments`` and ``files``
    it is quoted for a shell. ``arguments`` are added behind the command, ``environment`` to its
    environment, ``files`` are written into the folder. ``text`` is the key of the JSON that holds
    the turn's text. ``adopt_file`` is a settings file, JSON, below the folder a program runs in,
    that it reads again while it runs; ``adopt`` is merged into it for an agent that is adopted.
    """

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = "prompt"
    adopt_file: str = ""
    adopt: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of program.

    ``prompt`` matches the beginning of the row where input is typed; what stands behind it is a
    draft unless it matches ``placeholder``. ``continuation`` matches what stands before the text in
    each further row of an input of several rows; only with it is Enter bound to our text being seen
    there. ``frame`` is for an input that no row by itself gives away: it is searched in the whole
    screen, its group ``input`` is the input's rows, if the cursor stands in them, its group ``top``
    is missing when the first of them is above the screen, and ``edge`` is as wide as the input.
    ``folded`` is what a program shows in place of a long paste. Without ``prompt`` the screen
    cannot tell ready from busy, and only the terminal's state is asked.

    ``starting`` matches a row that a program shows only until it is ready, though its prompt is there
    already: what it is given then may meet a question of its start. A question is open where ``dialog_title`` finds it in the pane's title, or where ``dialog`` finds
    a row while the cursor stands at no prompt; the program is at work where ``busy_title`` says so, or
    ``busy`` finds a row near its input and ``idle_title`` does not say otherwise. ``limited`` finds a row
    near its input that says that the program takes no work for a while (``limited.py``). ``line_reader`` allows programs that read whole lines from a cooked terminal.
    """

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()  # names of the foreground program that give it away
    scripts: tuple[str, ...] = ()  # the same, of the file that an interpreter in front runs
    pane_title: re.Pattern[str] | None = None  # a title that gives it away
    bare_only: bool = False  # an interpreter: recognised only without a script to run
    is_shell: bool = False  # runs what it is sent; adopted only when the profile is named
    launch: tuple[str, ...] = ()  # the command when `fleet start` is given none
    resume: tuple[str, ...] = ()  # the same, to go on with the conversation that was
    paste: Paste = Paste.NATIVE
    dress: Dress = Dress.PLAIN
    prompt: re.Pattern[str] | None = None
    continuation: re.Pattern[str] | None = None
    frame: re.Pattern[str] | None = None
    placeholder: re.Pattern[str] | None = None
    folded: re.Pattern[str] | None = None
    starting: tuple[re.Pattern[str], ...] = ()
    dialog: tuple[re.Pattern[str], ...] = ()
    dialog_title: re.Pattern[str] | None = None
    busy: tuple[re.Pattern[str], ...] = ()
    busy_title: re.Pattern[str] | None = None
    idle_title: re.Pattern[str] | None = None
    limited: tuple[re.Pattern[str], ...] = ()
    unknown: Unknown = Unknown.HOLD
    queues_while_busy: bool = False
    line_reader: bool = False
    keeps_tabs: bool = True  # else they are typed as blanks, for it makes blanks of them
    keeps_decomposed: bool = True  # else letters are typed composed (NFC), for it composes them
    mention: re.Pattern[str] | None = (
        None  # what it would read a file for; typed behind a backslash
    )
    settle_s: float = 0.0  # between the text being shown and Enter
    busy_enter_s: float = (
        0.0  # while it works: Enter this soon after the paste, else when it is idle
    )
    show_limit_s: float = 1.0  # for the text to appear
    evidence_limit_s: float = 5.0  # after Enter; then unconfirmed
    stronger_s: float = 0.0  # for a hook or transcript to speak once the screen has
    mode_grace_s: float = 3.0  # for somebody reading in copy mode
    draft_limit_s: float = 0.0  # for a draft to go away; 0: until the message expires
    paste_limit_bytes: int = 100_000  # one paste; longer texts go to a file
    line_limit_bytes: int = 4_000  # of a cooked terminal: the kernel cuts at 4 095
    transcript: tuple[str, ...] = ()  # files it writes its turns to; ~ is its user's folder
    skills: str = ""  # below the folder it runs in: where it looks for skills, a folder each
    hooks: Hooks | None = None
    tested: str = ""  # the versions that the profile was measured with
