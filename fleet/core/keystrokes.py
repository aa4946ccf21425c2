r"""Text to the bytes that are pasted: cleaned, framed, and dressed for the program.

A peer's text is data. What could act as a key, end a paste early, or mislead a reader is replaced
by a visible ``\u{…}`` and counted, never dropped in silence. The frame names the speaker with a
nonce made after the text arrived, so no text can forge it; it labels a prompt, it does not make it
safe. Nothing here ever becomes part of a tmux command line.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import assert_never

from fleet.core.address import NODE_ITSELF, OPERATOR
from fleet.core.envelope import Envelope

PASTE_BEGIN = b"\x1b[200~"
PASTE_END = b"\x1b[201~"

_PLAIN = re.compile(r"[\x20-\x7e\n\t]*")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_KEPT_FORMAT = frozenset("\u200c\u200d\ufe0f")  # ZWNJ, ZWJ, emoji presentation: scripts need them
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Paste(StrEnum):
    """How a text is put into the program's input."""

    BRACKETED = "bracketed"  # framed by us: one paste, even before the program is ready
    NATIVE = "native"  # tmux frames it if the program asked for bracketed paste
    LINES = "lines"  # a program that reads lines: each line is a turn


class Dress(StrEnum):
    """How header and end line are written."""

    PLAIN = "plain"
    COMMENT = "comment"  # behind "# ", for programs that run what they read
    REPL = "repl"  # the same, after an empty line, which ends an open block


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text that is safe to paste, and how many characters were made visible in it."""

    text: str
    changed: int


def clean(text: str) -> Cleaned:
    """Make a text safe to paste.

    Line ends become LF and trailing ones go, uncounted. Every control character but LF and TAB,
    bidi controls, tags, private and unassigned characters and variation selectors become visible.
    Cleaning twice changes nothing more.
    """
    text = _LINE_ENDS.sub("\n", text).rstrip("\n")
    if _PLAIN.fullmatch(text):
        return Cleaned(text, 0)
    pieces = [char if _is_kept(char) else f"\\u{{{ord(char):x}}}" for char in text]
    changed = sum(1 for char, piece in zip(text, pieces, strict=True) if char != piece)
    return Cleaned("".join(pieces), changed)


def untabbed(cleaned: Cleaned) -> Cleaned:
    """A tab is a key, too, to a program that reads keys and is given no paste: it completes names.
    It becomes blanks up to the next eighth column, and is counted."""
    return Cleaned(cleaned.text.expandtabs(), cleaned.changed + cleaned.text.count("\t"))


def suited(
    cleaned: Cleaned,
    *,
    keeps_tabs: bool,
    keeps_decomposed: bool,
    mention: re.Pattern[str] | None,
) -> Cleaned:
    """A text as its program takes it without a change of its own, which nobody would count.

    What the program would expand, a file that is mentioned, gets a backslash before it.
    """
    text, changed = cleaned.text, cleaned.changed
    if not keeps_decomposed and not unicodedata.is_normalized("NFC", text):
        composed = unicodedata.normalize("NFC", text)
        text, changed = composed, changed + max(1, len(text) - len(composed))
    text, count = _escaped(text, mention)
    changed += count
    return Cleaned(text, changed) if keeps_tabs else untabbed(Cleaned(text, changed))


@lru_cache(maxsize=4096)
def _is_kept(char: str) -> bool:
    if char in "\n\t" or char in _KEPT_FORMAT:
        return True
    if "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef":
        return False
    return unicodedata.category(char) not in _REFUSED_CATEGORIES


def _escaped(text: str, mention: re.Pattern[str] | None) -> tuple[str, int]:
    return mention.subn(lambda found: f"\\{found[0]}", text) if mention else (text, 0)


def authority(envelope: Envelope, here: str) -> str:
    """On whose authority a text speaks, in the words of the header. ``here`` is our node id."""
    agent = envelope.sender.partition("@")[0]
    if agent == NODE_ITSELF and envelope.from_node == here:
        return "your own node"
    if agent != OPERATOR:
        return "a peer agent, not your user"
    return "your node's operator" if envelope.from_node == here else "the operator of a peer node"


def framed(
    envelope: Envelope,
    text: str,
    nonce: str,
    here: str,
    dress: Dress,
    mention: re.Pattern[str] | None = None,
) -> str:
    """Header, text and end line, as the agent reads them. A raw envelope is its bare text.

    An address in the header may look like a ``mention`` to the program, too.
    """
    if envelope.raw:
        return text
    mark = "" if dress is Dress.PLAIN else "# "
    gap = "\n" if dress is Dress.REPL else ""
    head = (
        f"{mark}{frame_start(nonce)} | from {envelope.sender} | {authority(envelope, here)} "
        f'| id {envelope.id} | answer: fleet reply {envelope.id} "…"]'
    )
    head, _ = _escaped(head, mention)
    return f"{head}\n{text}\n{gap}{mark}{end_line(nonce)}"


def frame_start(nonce: str) -> str:
    """What a framed text begins with."""
    return f"[fleet {nonce}"


def end_line(nonce: str) -> str:
    """The last line of a framed text; while it stands at the cursor, the text is unsubmitted."""
    return f"[end {nonce}]"


def pasted(text: str, paste: Paste) -> bytes:
    """The bytes for tmux's buffer, which is always pasted with ``-r`` (LF stays LF).

    Lines end in CR where each line is to be a turn; the last Enter is pressed separately.
    """
    match paste:
        case Paste.BRACKETED:
            return PASTE_BEGIN + text.encode() + PASTE_END
        case Paste.NATIVE:
            return text.encode()
        case Paste.LINES:
            return text.replace("\n", "\r").encode()
        case _:
            assert_never(paste)
