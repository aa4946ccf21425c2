"""Looks at panes for tests of what they mean: programs, rows, and a text of ours in an input."""

import re
from dataclasses import replace

from fleet import profiles
from fleet.core.composer import Own
from fleet.core.delivery import HoldReason
from fleet.core.look import Look, Tty
from fleet.core.profile import Profile
from fleet.core.screen import Hold

PROFILES = profiles.load()
BASH, PYTHON = PROFILES.named("bash"), PROFILES.named("python")
PTK, GENERIC = PROFILES.named("prompt-toolkit"), PROFILES.named("generic")
# What a profile of an agent program may say: a composer in a box, with a placeholder, that takes
# input while the program works, and a program that asks.
AGENT = Profile(
    name="agent",
    title="an agent",
    prompt=re.compile(r"^\s*│ > "),
    placeholder=re.compile(r'(Try "[^"]*")?\s*│'),
    dialog=(re.compile(r"Do you want to proceed\?"), re.compile(r"^❯ 1\. Yes")),
    busy=(re.compile(r"esc to interrupt"),),
    queues_while_busy=True,
)
TOKEN = "token-1"
EMPTY_BOX = re.compile(r'(\s*│ > )(Try "[^"]*")?\s*│$')


def look(*rows: str, **changes: object) -> Look:
    """A pane of ours with these rows, the cursor behind the last one; in an empty box, in it."""
    last = rows[-1] if rows else ""
    plain = Look(
        exists=True,
        token=TOKEN,
        rows=rows,
        cursor_x=len(last),
        cursor_y=max(0, len(rows) - 1),
        tty=Tty.RAW,
    )
    seen = replace(plain, **changes)  # type: ignore[arg-type]
    box = EMPTY_BOX.match(seen.cursor_row)
    return seen if box is None or "cursor_x" in changes else replace(seen, cursor_x=box.end(1))


def own(end: str, start: str = "") -> Own:
    """A text of ours, known by its last line."""
    return Own(start, end)


END = "[end 7f3k2q]"
FRAME = ("$ # [fleet 7f3k2q | from neo@white | …]", "make", f"# {END}")
# What a profile of an agent program says that shows its input in a box, folds what is long, and has
# a title of its own.
BOXED = Profile(
    name="boxed",
    title="an agent with a box",
    prompt=re.compile(r"^> "),
    continuation=re.compile(r"^  "),
    placeholder=re.compile(r"Type here"),
    folded=re.compile(r"\[Pasted \d+ lines\]"),
    dialog=(re.compile(r"^ *1\. Yes"),),
    dialog_title=re.compile(r"Action Required"),
    busy_title=re.compile(r"^✦"),
    queues_while_busy=True,
)
RULE = "────"
OWN = Own("[fleet 7f3k2q", END)
STANDING = look(RULE, "> [fleet 7f3k2q | from neo@white]", "  hello", f"  {END}")
ASKED = look("1. Yes", "2. No", "", cursor_x=1)
DIALOG = Hold(HoldReason.DIALOG, "a question is open on its screen")
IDLE = look("$ make", "ok", "ada@nova:~/src$")
