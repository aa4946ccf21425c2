"""What is known about one kind of agent program, as a value.

Profiles are data (``fleet/profiles/*.toml``); this is their shape and what each field means to the
rest of the core. A profile describes what is seen on a screen and how input is taken; it decides
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet.core.keystrokes import Dress, Paste

SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "tcsh", "csh", "ash", "nu"})
"""Programs that run what is typed at their prompt."""


def is_bare(argv: tuple[str, ...]) -> bool:
    """Whether a program was given options only: an interpreter then shows its own prompt."""
    return all(word.startswith("-") for word in argv[1:])


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of program.

    ``prompt`` matches the beginning of the cursor's row where input is typed; what stands behind it
    is a draft unless it matches ``placeholder``. Without ``prompt`` the screen cannot tell ready
    from busy, and only the terminal's state is asked. ``dialog`` and ``busy`` match any visible
    row. ``line_reader`` allows programs that read whole lines from a cooked terminal.
    """

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()  # names of the foreground program that give it away
    bare_only: bool = False  # an interpreter: recognised only without a script to run
    is_shell: bool = False  # runs what it is sent; adopted only when the profile is named
    launch: tuple[str, ...] = ()  # the command when `fleet start` is given none
    paste: Paste = Paste.NATIVE
    dress: Dress = Dress.PLAIN
    prompt: re.Pattern[str] | None = None
    placeholder: re.Pattern[str] | None = None
    dialog: tuple[re.Pattern[str], ...] = ()
    busy: tuple[re.Pattern[str], ...] = ()
    queues_while_busy: bool = False
    line_reader: bool = False
    settle_s: float = 0.0  # between the text being shown and Enter
    show_limit_s: float = 1.0  # for the text to appear; then Enter is tried all the same
    evidence_limit_s: float = 5.0  # after Enter; then unconfirmed
    mode_grace_s: float = 3.0  # for somebody reading in copy mode
    paste_limit_bytes: int = 100_000  # one paste; longer texts go to a file
    line_limit_bytes: int = 4_000  # of a cooked terminal: the kernel cuts at 4 095
