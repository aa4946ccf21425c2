"""The control lines that type, built from ids and numbers only.

Test, paste and mark are one command list inside the tmux server, which is single-threaded: nothing
can come between them. Loading a buffer is not part of that list, for tmux goes on with other clients
while it reads the file (3.3a, seen). No text ever becomes part of a line; it comes through the
buffer, whose name nobody else has: several nodes may share a server, not a pane. ``if-shell`` runs
on some other pane when its target is gone (tmux 3.3a, seen), so the condition names the pane.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet.core.keystrokes import Paste
from node.ports.panes import PaneRef

INST, LAST, SUB = "@fleet_inst", "@fleet_last", "@fleet_sub"
SENT, REFUSED = "FLEET-SENT", "FLEET-REFUSED"

_PANE = re.compile(r"%[0-9]{1,9}")
_TOKEN = re.compile(r"[a-z0-9-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9/_.-]+")
_PROGRAM = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, slots=True)
class Now:
    """What is to be known at the moment of typing. ``shell`` is the program beneath an adopted agent,
    which would run a text if the agent has ended by then; empty when there is none. ``cursor_x`` is
    the column where the cursor was seen: whatever came up since has moved it."""

    version: tuple[int, int]
    shell: str = ""
    cursor_x: int | None = None


def paste_line(ref: PaneRef, sequence: int, path: str, how: Paste, now: Now) -> str:
    """Paste the file's bytes and set the mark, if the pane is as expected and not marked yet."""
    unmarked = f"#{{e|<:#{{?{LAST},#{{{LAST}}},0}},{sequence:d}}}"
    # In a mode tmux forgets the program's bracketed paste, so a paste it is to frame leaves it.
    leave, frame = (f"copy-mode -q -t {_pane(ref)} ; ", " -p") if how is Paste.NATIVE else ("", "")
    return _typing(ref, sequence, path, (unmarked, LAST), leave, frame, now)


def enter_line(ref: PaneRef, sequence: int, path: str, now: Now) -> str:
    """Paste one CR, if this very text is the pane's newest. Never ``send-keys``: a mode would eat
    it, and a synchronised window would press Enter in its other panes."""
    newest = f"#{{==:#{{{LAST}}},{sequence:d}}}"
    return _typing(ref, sequence, path, (newest, SUB), "", "", now)


def _typing(
    ref: PaneRef,
    sequence: int,
    path: str,
    marked: tuple[str, str],
    leave: str,
    frame: str,
    now: Now,
) -> str:
    pane, (condition, mark) = _pane(ref), marked
    raw = " -S" if now.version >= (3, 7) else ""  # 3.7 would make escape characters visible
    if _PROGRAM.fullmatch(now.shell):
        condition = _all(f"#{{!=:#{{pane_current_command}},{now.shell}}}", condition)
    if now.cursor_x is not None:
        condition = _all(f"#{{==:#{{cursor_x}},{now.cursor_x:d}}}", condition)
    buffer = f"fleet-{pane[1:]}-{sequence:d}"
    return (
        f"load-buffer -b {buffer} {_path(path)} ; "
        f"if-shell -F -t {pane} '{_all(*_bound(ref), condition)}' {{ {leave}"
        f"paste-buffer -r -d{raw}{frame} -b {buffer} -t {pane} ; "
        f"set-option -p -t {pane} {mark} {sequence:d} ; "
        f"display-message -p {SENT} }} "
        f"{{ display-message -p {REFUSED} ; delete-buffer -b {buffer} }}"
    )


def mark_line(pane: str, token: str) -> str:
    """Bind a pane to an incarnation, with nothing typed yet."""
    if not _PANE.fullmatch(pane) or not _TOKEN.fullmatch(token):
        raise AssertionError((pane, token))
    return (
        f"set-option -p -t {pane} {LAST} 0 ; set-option -p -t {pane} {SUB} 0 ; "
        f"set-option -p -t {pane} {INST} {token}"
    )


def unmark_line(ref: PaneRef) -> str:
    """Take the marks off again, if they are this incarnation's."""
    pane = _pane(ref)
    off = " ; ".join(f"set-option -p -u -t {pane} {mark}" for mark in (INST, LAST, SUB))
    return f"if-shell -F -t {pane} '{_all(*_same(ref))}' {{ {off} }}"


def kill_line(ref: PaneRef) -> str:
    """Close the pane, if it is this incarnation's."""
    return f"if-shell -F -t {_pane(ref)} '{_all(*_same(ref))}' {{ kill-pane -t {_pane(ref)} }}"


def _same(ref: PaneRef) -> tuple[str, ...]:
    return (f"#{{==:#{{pane_id}},{_pane(ref)}}}", f"#{{==:#{{{INST}}},{_token(ref)}}}")


def _bound(ref: PaneRef) -> tuple[str, ...]:
    return (
        *_same(ref),
        f"#{{==:#{{pane_pid}},{ref.pane_pid:d}}}",
        "#{==:#{pane_dead},0}",  # a paste into a dead pane crashes tmux before 3.4
        "#{==:#{pane_input_off},0}",
    )


def _all(*conditions: str) -> str:
    joined = conditions[-1]
    for condition in reversed(conditions[:-1]):
        joined = f"#{{&&:{condition},{joined}}}"
    return joined


def _pane(ref: PaneRef) -> str:
    if not _PANE.fullmatch(ref.pane):
        raise AssertionError(ref.pane)
    return ref.pane


def _token(ref: PaneRef) -> str:
    if not _TOKEN.fullmatch(ref.token):
        raise AssertionError(ref.token)
    return ref.token


def _path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise AssertionError(path)
    return path
