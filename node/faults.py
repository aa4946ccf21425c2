"""Places where tests make a node fail: killed, interrupted, stalled, with a full or a busy database.

Off, ``fault`` is a function that does nothing, chosen once when the program starts. To switch it on
takes two variables, of which one says in so many words what it means: nobody does that by accident.
What a node starts (tmux, agents) does not inherit them.

    FLEET_FAULTS="rx:before_commit=kill:3"     at the third passage; point=action[:nth][,…]

Actions: ``kill`` (SIGKILL, as a power cut), ``exception`` (a bug), ``stall`` or ``stall2.5`` (the
whole process stands still for seconds), ``full`` and ``busy`` (the next write or commit of the
database fails as SQLite would fail it). Each happens once.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

import structlog

FAULTS = "FLEET_FAULTS"
CONSENT = "FLEET_FAULTS_CONSENT"
CONSENTS = "this node may be killed at any moment"
STALL_S = 30.0

POINTS = (
    "out:before_commit",
    "out:after_commit",
    "send:before_call",
    "send:after_call_before_db",
    "rx:before_authz",
    "rx:in_txn",
    "rx:before_commit",
    "rx:after_commit_before_ack",
    "ack:lost",
    "claim:before_commit",
    "claim:after_intent",
    "tmux:after_load",
    "tmux:after_paste_before_db",
    "tmux:after_paste_db",
    "tmux:before_enter",
    "tmux:after_enter_before_db",
    "tmux:after_submit_db",
    "receipt:before_send",
    "receipt:before_commit",
    "receipt:after_commit_before_ack",
    "receipt:after_send_before_db",
    "roster:after_verify_before_commit",
    "roster:before_cut",
    "revoke:before_commit",
    "roster:before_again",
    "pair:after_code_burn",
    "pair:before_admit_commit",
    "pair:after_confirm_before_commit",
    "rotate:after_key",
    "rotate:before_admit_commit",
    "rotate:between_admit_and_revoke",
    "rotate:after_staging",
    "rotate:before_rekey_commit",
    "rotate:after_rekey",
    "worktree:after_branch",
    "worktree:after_add",
    "worktree:after_checkout",
    "worktree:after_copy",
    "worktree:after_move",
    "worktree:after_set_aside",
    "worktree:after_delete",
    "worktree:after_forget",
    "seat:after_commit_before_ask",
    "seat:after_answer",
    "host:after_begun",
    "host:after_start",
    "start:after_spawn",
    "accept:after_home_commit",
    "accept:before_commit",
    "root:before_sign",
    "root:before_succession",
    "root:before_retirement",
    "root:before_delete",
    "db:write",
    "db:commit",
)
_DATABASE = ("db:write", "db:commit")
_ERRORS = {
    "full": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "busy": (sqlite3.SQLITE_BUSY, "database is locked"),
}
_WISH = re.compile(
    r"(?P<point>[a-z_:]+)=(?P<action>kill|exception|full|busy|stall(?P<seconds>[0-9.]+)?)"
    r"(:(?P<nth>[1-9][0-9]*))?"
)

log = structlog.get_logger()


class FaultInjected(Exception):
    """What the action ``exception`` raises: no error that anybody expects."""


@dataclass(slots=True)
class Fault:
    """What is to happen at one point, and after how many passages more."""

    action: str
    stall_s: float
    left: int


class Faults:
    """A plan that is carried out as its points are passed."""

    def __init__(self, plan: Mapping[str, Fault]) -> None:
        self._plan = dict(plan)
        self._error = ""

    def passed(self, point: str) -> None:
        """The program is at a point; perhaps it gets no further."""
        planned = self._plan.get(point)
        if planned is not None:
            planned.left -= 1
            if not planned.left:
                self._happen(point, planned)
        if self._error and point in _DATABASE:
            (code, said), self._error = _ERRORS[self._error], ""
            error = sqlite3.OperationalError(said)
            error.sqlite_errorcode = code
            raise error

    def _happen(self, point: str, planned: Fault) -> None:
        log.warning("fault", point=point, action=planned.action)
        match planned.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exception":
                raise FaultInjected(point)
            case "full" | "busy":
                self._error = planned.action
            case _:
                time.sleep(planned.stall_s)


def planned(environ: MutableMapping[str, str]) -> dict[str, Fault]:
    """The plan that the environment asks for, taken out of it; nothing without consent.

    Raises:
        ValueError: it cannot be understood.
    """
    wishes, consent = environ.pop(FAULTS, ""), environ.pop(CONSENT, "")
    if not wishes or consent != CONSENTS:
        return {}
    plan: dict[str, Fault] = {}
    for wish in wishes.split(","):
        found = _WISH.fullmatch(wish)
        if found is None or found["point"] not in POINTS:
            raise ValueError(f"{FAULTS} has no such point or action: {wish!r}")
        seconds = float(found["seconds"] or STALL_S)
        action = found["action"].rstrip("0123456789.")
        plan[found["point"]] = Fault(action, seconds, int(found["nth"] or 1))
    return plan


def _nothing(_point: str) -> None:
    return


_PLAN = planned(os.environ)
fault: Callable[[str], None] = Faults(_PLAN).passed if _PLAN else _nothing
"""``fault("rx:before_commit")``: where a test may end it all."""
