"""A command on a real terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading

from tests.support.homes import FLEET, Home


def on_terminal(
    home: Home,
    *words: str,
    columns: int = 80,
    until: tuple[bytes, threading.Event] | None = None,
    **environment: str,
) -> bytes:
    """What a command shows on a terminal of that width; ``until`` is set when its bytes are seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    known = {**home.environment, "TERM": "xterm-256color", **environment}
    del known["COLUMNS"]
    with subprocess.Popen(
        [FLEET, *words], env=known, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
                if until and until[0] in shown:
                    until[1].set()
        except OSError:  # how a terminal says that its last writer is gone
            pass
        process.wait()
    os.close(ours)
    return shown.replace(b"\r\n", b"\n")
