"""Starting things in tmux through libtmux: sessions, windows, versions. Never on the hot path.

libtmux runs a process per command and takes 136 ms to import, so it is imported when first needed
and called in a thread.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.core.errors import NoTmux, PaneGone
from node.ports import SpawnSpec

if TYPE_CHECKING:
    import libtmux

OLDEST: tuple[int, int] = (3, 2)
_MASTER: tuple[int, int] = (99, 0)  # "tmux master" has no number
WIDTH, HEIGHT = 160, 48
_IDENTITY = "#{pid}:#{start_time}"


def installed_version() -> tuple[int, int]:
    """The version of the tmux on PATH.

    Raises:
        NoTmux: there is none, or it is too old.
    """
    if shutil.which("tmux") is None:
        raise NoTmux("tmux is not installed", hint="install tmux 3.2 or newer")
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

    def __init__(self, socket: str, tmux_args: tuple[str, ...]) -> None:
        self._socket = socket
        self._tmux_args = tmux_args

    def identity(self) -> str:
        """Pid and start time of the running server; empty when none runs."""
        done = self._run("display-message", "-p", _IDENTITY)
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
                f"tmux at {self._socket} refused: {made.stderr.strip() or 'no reason given'}",
                hint="see fleet doctor",
            )

    def spawn(self, spec: SpawnSpec, session: str) -> str:
        """Run the program as a new pane's own process; the pane's id.

        Two words at least make tmux execute without a shell, hence ``env``. Formats are expanded in
        ``-c`` (``#(…)`` would run), so ``#`` is doubled; a word ending in ``;`` would end the command.
        """
        program = shutil.which(spec.argv[0])
        if program is None:
            raise PaneGone(spec.window, f"{spec.argv[0]} is not found in PATH")
        self._make_folder()
        server = self._libtmux()
        words = [word[:-1] + "\\;" if word.endswith(";") else word for word in spec.argv]
        options = [o for k, v in spec.environment for o in ("-e", f"{k}={v}")]
        if spec.cwd:
            options += ["-c", spec.cwd.replace("#", "##")]
        target = ["-t", f"={session}:"]
        new = ["new-window", "-d", *target]
        if self._run("has-session", "-t", f"={session}").returncode:
            new = ["new-session", "-d", "-s", session, "-x", str(WIDTH), "-y", str(HEIGHT)]
        made = server.cmd(
            *new, "-n", spec.window, "-P", "-F", "#{pane_id}", *options, "env", program, *words[1:]
        )
        if made.returncode or not made.stdout:
            raise NoTmux(f"tmux could not start {spec.argv[0]}: {' '.join(made.stderr)}")
        return str(made.stdout[0])

    def _libtmux(self) -> libtmux.Server:
        import libtmux  # noqa: PLC0415 - 136 ms that most starts of a node never need

        return libtmux.Server(socket_path=self._socket)

    def _make_folder(self) -> None:
        folder = Path(self._socket).parent
        if not folder.exists() and folder.parent.exists():
            folder.mkdir(mode=0o700, exist_ok=True)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in {"TMUX", "TMUX_PANE"}}
        return subprocess.run(
            ["tmux", *self._tmux_args, "-S", self._socket, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
