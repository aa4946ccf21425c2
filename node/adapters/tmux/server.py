"""Starting things in tmux through libtmux: sessions, windows, versions. Never on the hot path.

libtmux runs a process per command and takes 136 ms to import, so it is imported when first needed
and called in a thread.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.core.errors.panes import NoTmux
from fleet.core.errors.requests import MalformedRequest
from node.adapters.tmux import proc
from node.ports.panes import SpawnSpec

if TYPE_CHECKING:
    import libtmux

OLDEST: tuple[int, int] = (3, 2)
_MASTER: tuple[int, int] = (99, 0)  # "tmux master" has no number
WIDTH, HEIGHT = 160, 48
IDENTITY = "#{pid}:#{start_time}"
_REVIVED_S = 1.0
_ANSWER_S = 10.0


def installed_version() -> tuple[int, int]:
    """The version of the tmux on PATH.

    Raises:
        NoTmux: there is none, or it is too old.
    """
    if shutil.which("tmux") is None:
        raise _missing()
    said = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else _MASTER
    if version < OLDEST:
        raise NoTmux(
            f"this is {said.strip()}; fleet needs tmux {OLDEST[0]}.{OLDEST[1]}",
            hint="install a newer tmux",
        )
    return version


class Server:
    """One tmux server, known by its socket."""

    def __init__(self, path: str, tmux_args: tuple[str, ...]) -> None:
        self.socket = path
        self._tmux_args = tmux_args

    def runs(self) -> bool:
        """Whether somebody listens at the socket; a server that stands still does."""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.setblocking(False)
            try:
                caller.connect(self.socket)
            except (BlockingIOError, PermissionError):
                return True
            except OSError:
                return False
            return True

    def identity(self) -> str:
        """Pid and start time of the running server; empty when none runs."""
        done = self._run("display-message", "-p", IDENTITY)
        return done.stdout.strip() if done.returncode == 0 else ""

    def ensure_session(self, session: str) -> None:
        """Make sure a session of our own keeps the server up and our client attached.

        Starts the server, with its user's own configuration, when none runs.
        """
        if self._run("has-session", "-t", f"={session}").returncode == 0:
            return
        self._make_folder()
        made = self._run(
            "new-session", "-d", "-s", session, "-x", str(WIDTH), "-y", str(HEIGHT),
            "env", "sleep", "infinity",
        )  # fmt: skip
        if made.returncode and self._run("has-session", "-t", f"={session}").returncode:
            raise NoTmux(
                f"tmux at {self.socket} refused: {made.stderr.strip() or 'no reason given'}",
                hint="see fleet doctor",
            )

    def end_session(self, session: str) -> None:
        """End a session of our own, if it is there."""
        self._run("kill-session", "-t", f"={session}")

    def revive(self, pid: int) -> None:
        """Have a running server make its socket again: SIGUSR1, says tmux(1). Blocks for a moment.

        Somebody tidies up /tmp, and the agents of a server that works are out of reach. A process
        that is no tmux server, and would die of the signal, is left alone, and so is a socket that
        leads somewhere.
        """
        if self.runs() or not proc.is_tmux_server(pid):
            return
        self._make_folder()
        os.kill(pid, signal.SIGUSR1)
        end_s = time.monotonic() + _REVIVED_S
        while not self.runs() and time.monotonic() < end_s:
            time.sleep(0.01)

    def program(self, spec: SpawnSpec) -> str:
        """The path of what is to be run.

        Raises:
            MalformedRequest: there is no such program.
        """
        # With a slash it is meant from where the agent starts, not from where the node runs.
        named = spec.argv[0]
        program = shutil.which(str(Path(spec.cwd, named)) if "/" in named else named)
        if program is None:
            raise MalformedRequest(
                f"there is no program {named} to start {spec.window} with",
                hint="look for a slip of the pen, or say its whole path",
            )
        return program

    def spawn(self, spec: SpawnSpec, session: str) -> str:
        """Run the program as a new pane's own process; the pane's id.

        Two words at least make tmux execute without a shell, hence ``env``.
        """
        program = self.program(spec)
        told = (*spec.environment, (proc.INCARNATION, spec.token))
        options = [o for k, v in told for o in ("-e", f"{k}={v}")]
        if spec.cwd:
            options += ["-c", _literal(spec.cwd)]
        new = ["new-window", "-d", "-t", f"={session}:"]
        if self._run("has-session", "-t", f"={session}").returncode:
            new = ["new-session", "-d", "-s", session, "-x", str(WIDTH), "-y", str(HEIGHT)]
        words = [*options, "env", program, *spec.argv[1:]]
        made = self._libtmux().cmd(
            *new, "-n", spec.window, "-P", "-F", "#{pane_id}", *(_unended(word) for word in words)
        )
        if made.returncode or not made.stdout:
            raise NoTmux(f"tmux could not start {program}: {' '.join(made.stderr)}")
        return str(made.stdout[0])

    def _libtmux(self) -> libtmux.Server:
        import libtmux  # noqa: PLC0415 - 136 ms that most starts of a node never need

        return libtmux.Server(socket_path=self.socket)

    def _make_folder(self) -> None:
        folder = Path(self.socket).parent
        if not folder.exists() and folder.parent.exists():
            folder.mkdir(mode=0o700, exist_ok=True)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}}
        try:
            return subprocess.run(
                ["tmux", *self._tmux_args, "-S", self.socket, *words],
                capture_output=True,
                text=True,
                check=False,
                env=environment,
                timeout=_ANSWER_S,
            )
        except FileNotFoundError:
            raise _missing() from None
        except subprocess.TimeoutExpired:
            raise NoTmux(f"the tmux server at {self.socket} does not answer") from None


def _missing() -> NoTmux:
    return NoTmux("tmux is not installed", hint="install tmux 3.2 or newer")


def _literal(text: str) -> str:
    """Text for an option in which tmux expands formats; ``#(…)`` would run.

    Each ``#`` is doubled, but for those before ``[``, which tmux leaves as they are (3.3a, seen).
    """
    return re.sub(r"#(?!#*\[)", "##", text)


def _unended(word: str) -> str:
    """A word for tmux's command line, where one that ends in ``;`` would end the command."""
    return word[:-1] + "\\;" if word.endswith(";") else word
