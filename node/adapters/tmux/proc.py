"""What /proc and the terminal itself tell of a pane's programs. Linux; elsewhere: unknown.

Cooked or raw is asked of the terminal (termios), unread bytes too (FIONREAD, up to 4 095), both
through a descriptor that never becomes a controlling terminal. Whether a program waits for a line is
read from /proc/<pid>/syscall: blocked in read(2).
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import platform
import signal
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from fleet.core.look import Foreground, Tty
from fleet.core.profile import SHELLS
from node.ports.panes import PaneRef

INCARNATION = "FLEET_INCARNATION"
"""By this a program that was started is known, also before its pane is marked."""
_READ = {"x86_64": "0", "aarch64": "63"}.get(platform.machine(), "none")
_END_S = 2.0


@dataclass(frozen=True, slots=True)
class Process:
    """One process, unmistakably: a pid is used again, a pid with its start tick is not."""

    pid: int
    start: int
    group: int
    session: int
    terminal_group: int
    program: str


def process(pid: int) -> Process | None:
    """The process of this pid, from /proc/<pid>/stat (proc(5)); None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - a third of the time
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    program = text[text.find("(") + 1 : text.rfind(")")]
    if fields[0] == "Z":
        return None
    return Process(pid, int(fields[19]), int(fields[2]), int(fields[3]), int(fields[5]), program)


def argv(pid: int) -> tuple[str, ...]:
    """The words a process was started with; empty when they cannot be read."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(word.decode(errors="replace") for word in raw.rstrip(b"\0").split(b"\0"))


def was_started_as(pid: int, token: str) -> bool:
    """Whether a process was given this token when it was started (proc(5): its first environment)."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{INCARNATION}={token}".encode() in raw.split(b"\0")


def in_front(pane_pid: int) -> Process | None:
    """The leader of the group that has the pane's terminal now."""
    owner = process(pane_pid)
    if owner is None:
        return None
    return process(owner.terminal_group) or owner


def foreground(ref: PaneRef) -> Foreground:
    """Whose program has the terminal, as seen from the bound agent's process."""
    owner = process(ref.pane_pid)
    agent = process(ref.agent_pid)
    if owner is None:
        return Foreground.SHELL if ref.agent_pid != ref.pane_pid else Foreground.OTHER
    if agent is None or agent.start != ref.agent_start:
        return Foreground.SHELL
    if owner.terminal_group == agent.group:
        return Foreground.AGENT
    front = process(owner.terminal_group)
    if front is None or (front.pid == ref.pane_pid and front.program in SHELLS):
        return Foreground.SHELL
    return Foreground.OTHER


def shell_beneath(ref: PaneRef) -> str:
    """The name of the program that comes to the front when an adopted agent ends; empty when the
    agent is the pane's own process, or is called the same."""
    if ref.agent_pid == ref.pane_pid:
        return ""
    owner, agent = process(ref.pane_pid), process(ref.agent_pid)
    if owner is None or (agent is not None and agent.program == owner.program):
        return ""
    return owner.program


class Terminals:
    """Open descriptors of panes' terminals, one per path."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def read(self, path: str, pane_pid: int) -> tuple[Tty, int]:
        """The terminal's state and how many bytes its program has not read."""
        try:
            descriptor = self._descriptor(path)
            modes = termios.tcgetattr(descriptor)
            waiting = array.array("i", [0])
            fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
        except (OSError, termios.error):
            self.forget(path)
            return Tty.UNKNOWN, 0
        if not modes[3] & termios.ICANON:
            return Tty.RAW, waiting[0]
        front = in_front(pane_pid)
        reading = front is not None and _waits_for_line(front.pid)
        return (Tty.LINE if reading else Tty.COOKED), waiting[0]

    def _descriptor(self, path: str) -> int:
        if path not in self._open:
            flags = os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
            self._open[path] = os.open(path, flags)
        return self._open[path]

    def forget(self, path: str) -> None:
        """Close a terminal that is gone."""
        if (descriptor := self._open.pop(path, None)) is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Close them all."""
        for path in list(self._open):
            self.forget(path)


def _waits_for_line(pid: int) -> bool:
    """Whether any thread of the process is blocked in read(2)."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            if (thread / "syscall").read_text().split(" ", 1)[0] == _READ:
                return True
    return False


def in_session(leader: int) -> tuple[Process, ...]:
    """Everything that runs in a pane: the session that its first process leads, all groups of it.

    None when it is our own session. While one member lives the kernel gives the number to nobody else.
    """
    if leader == os.getsid(0):
        return ()
    pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return tuple(found for pid in pids if (found := process(pid)) and found.session == leader)


def end(members: tuple[Process, ...]) -> None:
    """End processes that outlive their pane: closing it only hangs up. Blocks for a moment.

    Asked first, killed after two seconds. A pid that is somebody else's by now is left alone.
    """
    _signal(members, signal.SIGTERM)
    end_s = time.monotonic() + _END_S
    while any(_lives(member) for member in members) and time.monotonic() < end_s:
        time.sleep(0.02)
    _signal(members, signal.SIGKILL)


def _signal(members: tuple[Process, ...], number: int) -> None:
    for member in members:
        if _lives(member):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member.pid, number)


def _lives(member: Process) -> bool:
    now = process(member.pid)
    return now is not None and now.start == member.start


def is_tmux_server(pid: int) -> bool:
    """Whether this process calls itself a tmux server, as they all do (3.3a, seen)."""
    found = process(pid)
    return found is not None and found.program == "tmux: server"
