"""A small agent program: shows a prompt, takes bracketed pastes, writes down every turn.

    python recorder.py FILE [--busy SECONDS] [--silent] [--swallow N] [--dialog] …

Each submitted turn becomes one line of JSON: its text, and the monotonic times of its first and last
byte. ``--silent`` echoes nothing, ``--swallow N`` ignores the first N Enters after each paste,
``--dialog`` opens a question first that any key answers (and writes that down as a turn "DIALOG"),
``--ask`` opens it after the first paste, ``--quit`` ends after the first paste, ``--deaf`` shows its
prompt and never reads, ``--mute`` reads and does nothing at all, ``--tell COMMAND`` gives each turn to
a command as JSON, ``--log FILE`` adds it to a file, ``--shout`` takes what stands between first and
last line in capitals, ``--banner TEXT`` shows a row above the prompt until C-l clears the screen,
``--flicker`` shows an empty input for a moment after an Enter that it swallows. C-u empties a row of
input, C-d ends it. Real programs do all of these.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import select
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


class Recorder:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.turn = b""
        self.in_paste = False
        self.held = b""
        self.first_s = 0.0
        self.swallow = options.swallow

    def note(self, **facts: object) -> None:
        with Path(self.options.file).open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")

    def show(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def prompt(self) -> None:
        self.show("> ")

    def feed(self, data: bytes, now_s: float) -> None:
        data = self.held + data
        self.held = b""
        while data:
            mark = END if self.in_paste else BEGIN
            at = data.find(mark)
            if at < 0:
                keep = next((n for n in range(len(mark) - 1, 0, -1) if data.endswith(mark[:n])), 0)
                piece, self.held = (data[:-keep], data[-keep:]) if keep else (data, b"")
                self.take(piece, now_s)
                return
            self.take(data[:at], now_s)
            self.in_paste = not self.in_paste
            data = data[at + len(mark) :]
            if not self.in_paste:
                self.pasted()

    def take(self, piece: bytes, now_s: float) -> None:
        if piece and not self.turn:
            self.first_s = now_s
        if self.in_paste:
            self.turn += piece
            self.echo(piece)
            return
        for byte in piece:
            if byte == 0x0D:
                self.enter(now_s)
            elif byte == 0x04:
                sys.exit()
            elif byte == 0x15:
                self.turn = b""
                self.show("\r\x1b[K")
                self.prompt()
            elif byte == 0x0C:
                self.show("\x1b[H\x1b[2J")
                self.prompt()
                self.echo(self.turn)
            else:
                self.turn += bytes([byte])
                self.echo(bytes([byte]))

    def pasted(self) -> None:
        if self.options.quit:
            sys.exit()
        if self.options.ask:
            self.options.ask = False
            self.show("\r\n")
            self.ask()

    def ask(self) -> None:
        self.show("Allow this? (y/n) ")
        os.read(0, 1)
        self.note(text="DIALOG")
        self.show("\r\x1b[K")
        self.prompt()
        self.echo(self.turn)

    def echo(self, piece: bytes) -> None:
        if not self.options.silent:
            shown = piece.replace(b"\r", b"\n").replace(b"\n", b"\r\n  ")
            os.write(1, shown)

    def enter(self, now_s: float) -> None:
        if self.swallow > 0:
            self.swallow -= 1
            if self.options.flicker:
                self.show("\x1b[H\x1b[2J")
                self.prompt()
                time.sleep(0.3)
                self.echo(self.turn)
            return
        self.swallow = self.options.swallow
        text = self.turn.decode("utf-8", "surrogateescape")
        if self.options.shout:
            first, *middle, last = text.split("\n")
            text = "\n".join([first, *(line.upper() for line in middle), last])
        self.note(text=text, first_s=self.first_s, last_s=now_s)
        self.tell(text)
        self.turn = b""
        self.show("\r\n")
        if self.options.busy:
            self.show("(at work)")
            end_s = time.monotonic() + self.options.busy
            while (left := end_s - time.monotonic()) > 0:
                select.select([], [], [], left)
            self.show("\r\x1b[K")
        self.prompt()

    def tell(self, text: str) -> None:
        said = json.dumps({"prompt": text})
        if self.options.log:
            with Path(self.options.log).open("a", encoding="utf-8") as file:
                file.write(said + "\n")
        if self.options.tell:
            subprocess.run(["/bin/sh", "-c", self.options.tell], input=said.encode(), check=True)


def main(program: type[Recorder] = Recorder) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--busy", type=float, default=0.0)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--swallow", type=int, default=0)
    for name in ("--tell", "--log", "--banner"):
        parser.add_argument(name, default="")
    for flag in ("--dialog", "--ask", "--quit", "--deaf", "--mute", "--shout", "--flicker"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--pause", type=float, default=0.0)
    recorder = program(parser.parse_args())
    atexit.register(termios.tcsetattr, 0, termios.TCSADRAIN, termios.tcgetattr(0))
    tty.setraw(0)
    recorder.show("\x1b[?2004h" + recorder.options.banner.replace("\\n", "\r\n"))
    (recorder.ask if recorder.options.dialog else recorder.prompt)()
    while recorder.options.deaf:
        select.select([], [], [])
    while data := os.read(0, 65536):
        if not recorder.options.mute:
            recorder.feed(data, time.monotonic())


if __name__ == "__main__":
    main()
