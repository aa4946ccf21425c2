"""What agent programs tell of the turns they took (``node.ports.witness.Witness``).

A hook is a program's own word. It runs ``tell``, a few lines of shell in the agent's folder, which
puts what it is given on standard input into a file of its own: written whole, then moved, so that
no half turn is ever read, and a turn told while the node is down is there when it comes back. A
transcript is searched for the envelope's id and our end line: both are ours alone, and both mean
that the text arrived from its first line to its last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fleet.core.delivery import Evidence
from fleet.core.errors.panes import HooksUnsupported
from fleet.core.errors.store import StoreFailed
from fleet.core.keystrokes import Dress
from fleet.core.profile import Hooks, Profile
from node.adapters import plain, settings
from node.ports.panes import PaneRef
from node.ports.witness import Hooked, Told

_KEPT = 64
"""Told turns that stay in an agent's folder, for a node that comes back."""
_TURN_BYTES = 2 * 1024 * 1024
"""A told turn. What we type is far shorter; a longer one is somebody else's."""
_TAIL_BYTES = 2 * 1024 * 1024
_NEWEST = 8
"""Transcripts that are read: an agent at work writes the newest of its kind."""
_SEARCHES = 4
_SEARCH_S = 0.5
_TRANSCRIPT_S = 0.05
"""Between two searches of transcripts: a glob and a read, in a thread."""

_TELL = """\
#!/bin/sh
# What an agent's program hands over on standard input, as a file for the node. Never in its way.
umask 077{only}
turn=$(mktemp {turns}/.XXXXXXXXXXXX) || exit 0
cat >"$turn" && mv "$turn" {turns}/"${{turn##*/.}}"
exit 0
"""
_ONLY = """
[ "${{TMUX%%,*}} $TMUX_PANE" = {pane} ] || exit 0"""
_ADOPTED = "adopted.json"


class _Adopted(msgspec.Struct):
    """What was put into whose file."""

    path: str
    added: settings.Json


class Witnesses:
    """One folder below the home for each agent with hooks."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._heard: dict[str, dict[str, str]] = {}  # of each agent: file, and the text told in it
        self._searched: dict[str, float] = {}
        self._searching: dict[str, asyncio.Future[bool]] = {}
        self._threads = ThreadPoolExecutor(_SEARCHES, thread_name_prefix="transcripts")

    def install(self, name: str, hooks: Hooks, ref: PaneRef | None) -> Hooked:
        """Write the files that make the program tell its turns."""
        folder = self._root / name
        turns, tell = folder / "turns", folder / "tell"
        # Settings that a running program reads are everybody's in that folder: ours is one pane.
        only = _ONLY.format(pane=shlex.quote(f"{ref.socket} {ref.pane}")) if ref else ""
        try:
            turns.mkdir(mode=0o700, parents=True, exist_ok=True)
            tell.write_text(_TELL.format(turns=shlex.quote(str(turns)), only=only))
            tell.chmod(0o700)
            for file, text in hooks.files.items():
                (folder / Path(file).name).write_text(_filled(text, folder, tell, in_string=True))
        except OSError as error:
            raise StoreFailed(f"cannot write below {folder}: {error.strerror}") from error
        if ref is not None:
            self._adopt(name, hooks, ref, _filled(hooks.adopt, folder, tell, in_string=True))
            return Hooked()
        return Hooked(
            tuple(_filled(word, folder, tell) for word in hooks.arguments),
            tuple(
                (key, word.replace("{folder}", str(folder)).replace("{tell}", str(tell)))
                for key, word in hooks.environment.items()
            ),
        )

    def _adopt(self, name: str, hooks: Hooks, ref: PaneRef, adopt: str) -> None:
        """Put the hook into the settings that the running program reads again."""
        if not hooks.adopt_file:
            raise HooksUnsupported(name)
        path = Path(_folder_of(ref.agent_pid)) / hooks.adopt_file
        if not path.parent.is_dir():
            why = f"it reads new settings only from {path.parent}, which is not there"
            raise HooksUnsupported(name, why)
        if os.path.realpath(path) != str(path):
            # Written through it we would change, or copy, a file of another place.
            raise HooksUnsupported(name, f"{path} is a symbolic link, or stands behind one")
        added = msgspec.json.decode(adopt, type=settings.Json)
        told = {"path": str(path), "added": added}
        try:
            (self._root / name / _ADOPTED).write_bytes(msgspec.json.encode(told))
            settings.put_in(path, added)
        except ValueError:
            why = f"{path} is not a JSON object that takes our hook"
            raise HooksUnsupported(name, why) from None
        except OSError as error:
            raise StoreFailed(f"cannot write {path}: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Drop the agent's folder, and take out what stands in its program's settings."""
        self._heard.pop(name, None)
        with contextlib.suppress(OSError, ValueError):  # somebody else has changed or dropped it
            told = msgspec.json.decode((self._root / name / _ADOPTED).read_bytes(), type=_Adopted)
            settings.take_out(Path(told.path), told.added)
        shutil.rmtree(self._root / name, ignore_errors=True)

    def keep(self, names: Container[str]) -> None:
        """Remove what is left of agents that are none: the node died while one was adopted."""
        with contextlib.suppress(OSError):
            for folder in self._root.iterdir():
                if folder.name not in names:
                    self.remove(folder.name)

    async def told(
        self, name: str, ref: PaneRef, profile: Profile, envelope_id: str, end: str
    ) -> Told | None:
        """The hook's word, else a transcript's."""
        if profile.hooks is not None:
            for text in self._turns(name, profile.hooks.text):
                if envelope_id in text and end in text:
                    return Told(Evidence.HOOK, text)
        if profile.transcript and self._is_due(name):
            line = end if profile.dress is Dress.PLAIN else f"# {end}"
            marks = (envelope_id.encode(), line.encode())
            if await self._search(name, profile.transcript, ref.agent_pid, marks):
                return Told(Evidence.TRANSCRIPT, "")
        return None

    async def _search(
        self, name: str, patterns: tuple[str, ...], pid: int, marks: tuple[bytes, bytes]
    ) -> bool:
        """Look into transcripts, in a thread; a disk that hangs is not waited for."""
        loop = asyncio.get_running_loop()
        search = loop.run_in_executor(self._threads, _is_written, patterns, pid, *marks)
        self._searching[name] = search
        done, _ = await asyncio.wait({search}, timeout=_SEARCH_S)
        return bool(done) and search.result()

    def _turns(self, name: str, key: str) -> list[str]:
        """The texts an agent's hook told lately; older files go."""
        before = self._heard.get(name, {})
        found = [p for p in (self._root / name / "turns").glob("*") if not p.name.startswith(".")]
        if before.keys() == {path.name for path in found}:
            return list(before.values())
        found.sort(key=_written_at)
        for path in found[:-_KEPT]:
            with contextlib.suppress(OSError):  # not a file of ours, or gone
                path.unlink()
        kept = found[-_KEPT:]
        self._heard[name] = {p.name: before.get(p.name) or _text_in(p, key) for p in kept}
        return list(self._heard[name].values())

    def _is_due(self, name: str) -> bool:
        if name in self._searching and not self._searching[name].done():
            return False
        now_s = asyncio.get_running_loop().time()
        if now_s - self._searched.get(name, -_TRANSCRIPT_S) < _TRANSCRIPT_S:
            return False
        self._searched[name] = now_s
        return True


def _filled(template: str, folder: Path, tell: Path, *, in_string: bool = False) -> str:
    """The template with its places filled; in files they stand within strings of JSON or a script."""
    for place, value in (("{folder}", str(folder)), ("{tell}", shlex.quote(str(tell)))):
        template = template.replace(place, json.dumps(value)[1:-1] if in_string else value)
    return template


def _text_in(path: Path, key: str) -> str:
    """The turn that a file tells; empty when it tells something else."""
    try:
        said = plain.whole(path, _TURN_BYTES)
        text = msgspec.json.decode(said, type=dict[str, object]).get(key)
    except (OSError, ValueError, RecursionError):
        return ""
    return text if isinstance(text, str) else ""


def _is_written(patterns: tuple[str, ...], pid: int, envelope_id: bytes, end: bytes) -> bool:
    """Whether both stand in the tail of one of the files written last.

    An end line behind a blank is one that was read off a screen, where a gutter stands before it:
    another agent has looked at ours, and its transcript tells nothing of what ours took.
    """
    found = [path for pattern in patterns for path in _files(pattern, pid)]
    newest = sorted(found, key=_written_at, reverse=True)[:_NEWEST]
    return any(
        envelope_id in tail and tail.count(end) > tail.count(b" " + end)
        for tail in map(_tail, newest)
    )


def _files(pattern: str, pid: int) -> list[Path]:
    """The files that a pattern means for the agent's process: ``~`` and ``$NAME`` are those of its
    own environment, a relative one begins where it runs. An unset name means no file."""
    environment = _environment(pid)
    head, _, rest = pattern.partition("/")
    if head == "~":
        base = environment.get("HOME", "")
    elif head.startswith("$"):
        base = environment.get(head[1:], "")
    else:
        base, rest = _folder_of(pid), pattern
    try:
        return list(Path(base).glob(rest)) if base and rest else []
    except (OSError, ValueError):  # a folder went meanwhile, or its name is none
        return []


def _environment(pid: int) -> dict[str, str]:
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in raw.split("\0") if "=" in pair)


def _folder_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _tail(path: Path) -> bytes:
    try:
        return plain.tail_of(path, _TAIL_BYTES)
    except (OSError, ValueError):
        return b""
