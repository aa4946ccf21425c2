"""A small agent program: shows a prompt, takes bracketed pastes, writes down every turn.

    python recorder.py FILE [--busy SECONDS] [--silent] [--swallow N] [--dialog]

Each submitted turn becomes one line of JSON: its text, and the monotonic times of its first and last
byte. ``--silent`` echoes nothing, ``--swallow N`` ignores the first N Enters after each paste,
``--dialog`` opens a question first that any key answers (and writes that down as a turn "DIALOG").
Real programs do all of these.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
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
            else:
                self.turn += bytes([byte])
                self.echo(bytes([byte]))

    def echo(self, piece: bytes) -> None:
        if not self.options.silent:
            shown = piece.replace(b"\r", b"\n").replace(b"\n", b"\r\n  ")
            os.write(1, shown)

    def enter(self, now_s: float) -> None:
        if self.swallow > 0:
            self.swallow -= 1
            return
        self.swallow = self.options.swallow
        text = self.turn.decode("utf-8", "surrogateescape")
        self.note(text=text, first_s=self.first_s, last_s=now_s)
        self.turn = b""
        self.show("\r\n")
        if self.options.busy:
            end_s = time.monotonic() + self.options.busy
            while (left := end_s - time.monotonic()) > 0:
                select.select([], [], [], left)
        self.prompt()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--busy", type=float, default=0.0)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--swallow", type=int, default=0)
    parser.add_argument("--dialog", action="store_true")
    recorder = Recorder(parser.parse_args())
    tty.setraw(0)
    recorder.show("\x1b[?2004h")
    if recorder.options.dialog:
        recorder.show("Allow this? (y/n) ")
        os.read(0, 1)
        recorder.note(text="DIALOG")
        recorder.show("\r\n")
    recorder.prompt()
    while data := os.read(0, 65536):
        recorder.feed(data, time.monotonic())


if __name__ == "__main__":
    main()
