"""Coverage-guided fuzzing of everything that reads what others wrote.

``make fuzz`` runs each target for a minute of processor time, so that a busy machine shortens nothing, or
``SECONDS=3600`` for an hour; the suite for five seconds.
An input that reaches a line of ours which none has reached before is kept and changed further. What a
target may raise is part of the target; anything else is a finding, and is written to ``.cache/fuzz``.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / "fleet"), str(ROOT / "node"), str(ROOT / "tests" / "attacks" / "a_hole.py"))
FOUND = ROOT / ".cache" / "fuzz"
LONGEST = 4_096

_WORDS = (
    b"\x00", b"\x7f", b"\x80", b"\xff", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\x1b[201~",
    b"\x1b]0;", b"\r\n", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"\xf3\xa0\x81\x81", b"\xf0\x9f\x98\x80", b"\xcc\x81", b"[end ", b"[fleet ", b"@", b"~", b"/", b"*",
    b"operator", b"fleet1.", b"127.0.0.1:1", b"[::1]:65535", b"\x00\x00\x00\x00\x00\x00\xf0\x7f",
    b"\x00\x00\x00\x00\x00\x00\xf8\x7f", b"-1", b"1e309",
)  # fmt: skip


class Broken(AssertionError):
    """A property of the target does not hold."""


@dataclass
class Target:
    """Something that reads bytes, what it may answer them with, and what they look like."""

    read: Callable[[bytes], object]
    may_raise: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]


@dataclass
class Run:
    """What a run has seen."""

    inputs: int = 0
    lines: set[tuple[CodeType, int]] = field(default_factory=set)
    kept: list[bytes] = field(default_factory=list)


@contextmanager
def traced(run: Run) -> Iterator[None]:
    """Note each line of ours that runs. A line that was seen costs a look into a set."""
    seen = run.lines

    def on_line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
        return on_line

    def on_call(frame: FrameType, _event: str, _: object) -> Any:
        return on_line if frame.f_code.co_filename.startswith(OURS) else None

    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(None)


def fuzz(name: str, target: Target, seconds: float, seed: int) -> Run:
    """Read ever new inputs for so much processor time.

    Raises:
        Broken: one was read wrongly; it names the file that has it.
    """
    dice = random.Random(seed)
    run = Run()
    for one in target.seeds:
        _try(name, target, one, run)
    run.kept = list(target.seeds)
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        data = changed(dice, run.kept)
        before = len(run.lines)
        _try(name, target, data, run)
        if len(run.lines) > before:
            run.kept.append(data)
    return run


def _try(name: str, target: Target, data: bytes, run: Run) -> None:
    run.inputs += 1
    try:
        with traced(run):
            target.read(data)
    except target.may_raise:
        return
    except Exception as error:
        FOUND.mkdir(parents=True, exist_ok=True)
        path = FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        raise Broken(f"{name}: {error!r} for {data[:200]!r}; the input is in {path}") from error


def changed(dice: random.Random, kept: list[bytes]) -> bytes:
    """One of the kept inputs with a few changes; the newest are tried most."""
    data = bytearray(kept[min(dice.randrange(len(kept)), dice.randrange(len(kept))) * -1 - 1])
    for _ in range(1 << dice.randrange(4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << dice.randrange(8)
            case 1 if data:
                data[at % len(data)] = dice.randrange(256)
            case 2:
                data[at:at] = dice.choice(_WORDS)
            case 3:
                del data[at : at + dice.randrange(1, 9)]
            case 4:
                piece = data[at : at + dice.randrange(1, 33)]
                data[at:at] = piece * dice.randrange(1, 5)
            case 5:
                other = dice.choice(kept)
                begin = dice.randrange(len(other) + 1)
                data[at:] = other[begin:]
            case _:
                data[at:at] = dice.randbytes(dice.randrange(1, 9))
    return bytes(data[:LONGEST])


def main() -> None:
    """Every target, or one."""
    from tests.attacks.fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="", help="targets, with commas between them")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    given = parser.parse_args()
    wanted = [name for name in given.only.split(",") if name] or list(TARGETS)
    seed = given.seed or random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed}; {given.seconds:g} s each")
    for name in wanted:
        run = fuzz(name, TARGETS[name], given.seconds, seed)
        print(
            f"{name:12} {run.inputs:>10,} inputs {len(run.lines):>6,} lines {len(run.kept):>6,} kept",
            flush=True,
        )


if __name__ == "__main__":
    main()
