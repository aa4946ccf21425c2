"""A program in a pane that says when it has read a text, and takes it as a turn at Enter.

    python reader.py PIPE

For each bracketed paste it writes one line to the named pipe: the monotonic time at which its end was
read. It echoes what it reads and shows a fresh prompt after Enter, as line editors do.
"""

from __future__ import annotations

import os
import sys
import time
import tty

END = b"\x1b[201~"


def main() -> None:
    """Read until the terminal closes."""
    pipe = os.open(sys.argv[1], os.O_WRONLY)
    tty.setraw(0)
    os.write(1, b"\x1b[?2004h> ")
    tail = b""
    while data := os.read(0, 65_536):
        now_s = time.monotonic()
        window = tail + data
        os.write(pipe, b"%.9f\n" % now_s * window.count(END))
        tail = window[-(len(END) - 1) :] if END not in window[-len(END) :] else b""
        shown = data.replace(b"\x1b[200~", b"").replace(END, b"").replace(b"\n", b"\r\n  ")
        os.write(1, shown[:-1] + b"\r\n> " if shown.endswith(b"\r") else shown)


if __name__ == "__main__":
    main()
