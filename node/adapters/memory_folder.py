"""What teams remember as Markdown files, each team's folder a git repository (``node.ports.MemoryFolder``).

The files say what the team's log says and can be written anew at any time; a node that was killed in the
middle writes them again. Only an ``orders.md`` may say more: people edit it. Its last known contents are
noted before and after each write (``.git/fleet.json``), so that an unfinished write of ours is never taken
for an edit, and an edit never for a write of ours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from fleet.core.address import NAME
from fleet.core.errors.requests import MalformedName
from fleet.core.errors.store import NoSpace, StoreFailed
from fleet.core.memory_events import ORDERS_CHARS, tidy
from fleet.core.memory_pages import ORDERS, orders_path, role_of
from node.adapters import keyfile, plain
from node.adapters.memory_git import Repository, blob_id
from node.ports.memory import OrdersEdit, OrdersUnreadable

_ORDERS_BYTES = 4 * ORDERS_CHARS
_NO_SPACE = 28


class MemoryFolders:
    """All teams' folders below one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._one_at_a_time = asyncio.Lock()

    async def write(self, team: str, pages: Mapping[str, str], head: int, at_s: float) -> None:
        """See ``node.ports.MemoryFolder``, as for all of them."""
        folder = self._folder(team)
        async with self._one_at_a_time:
            await asyncio.to_thread(folder.write, dict(pages), head, at_s)

    async def edited(self, team: str) -> tuple[OrdersEdit | OrdersUnreadable, ...]:
        folder = self._folder(team)
        async with self._one_at_a_time:
            return await asyncio.to_thread(folder.edited)

    async def taken(self, edit: OrdersEdit) -> None:
        folder = self._folder(edit.team)
        async with self._one_at_a_time:
            await asyncio.to_thread(folder.taken, edit)

    def _folder(self, team: str) -> TeamFolder:
        if NAME.fullmatch(team) is None:
            raise MalformedName(team, "no folder can be called so")
        return TeamFolder(self._root / team, team)


class _Known(msgspec.Struct, frozen=True):
    """What an ``orders.md`` may hold without being anybody's edit, and the event it was written after."""

    ids: tuple[str, ...] = (blob_id(b""),)
    seen: int = 0


class _State(msgspec.Struct):
    """``unfinished``: a write began and may have come to any point."""

    orders: dict[str, _Known] = {}
    written: tuple[str, ...] = ()
    unfinished: bool = False


class TeamFolder:
    """One team's folder; blocks while it works."""

    def __init__(self, folder: Path, team: str) -> None:
        self._folder = folder
        self._team = team
        self._repository = Repository(folder)
        self._note = self._repository.git / "fleet.json"

    # --- what the port says ---

    def write(self, pages: dict[str, str], head: int, at_s: float) -> None:
        try:
            self._write(pages, head, at_s)
        except OSError as error:
            raise _failed(error, self._folder) from error

    def edited(self) -> tuple[OrdersEdit | OrdersUnreadable, ...]:
        try:
            return tuple(self._edits(self._state()))
        except OSError as error:
            raise _failed(error, self._folder) from error

    def taken(self, edit: OrdersEdit) -> None:
        try:
            state = self._ready()
            state.orders[orders_path(edit.role)] = _Known((_print(edit.text),), edit.seen)
            self._save(state)
        except OSError as error:
            raise _failed(error, self._folder) from error

    # --- writing ---

    def _write(self, pages: dict[str, str], head: int, at_s: float) -> None:
        state = self._ready()
        orders = {path: text for path, text in pages.items() if path.endswith(ORDERS)}
        before = dict(state.orders)
        for path, text in orders.items():
            known = before.get(path, _Known())
            state.orders[path] = _Known(tuple(sorted({*known.ids, _print(text)})), known.seen)
        gone = sorted(set(state.written) - pages.keys())
        state.written = tuple(sorted({*state.written, *pages}))
        unfinished, state.unfinished = state.unfinished, True
        self._save(state)
        for path, text in pages.items():
            if path in orders:
                if self._swap(path, text, state.orders[path]):
                    state.orders[path] = _Known((_print(text),), head)
                else:
                    state.orders[path] = before.get(path, _Known())
            else:
                self._replace(path, text)
        self._remove(gone, state)
        data = {path: text.encode() for path, text in pages.items()}
        if (
            self._repository.commit(data, f"memory of {self._team}, event {head}", at_s)
            or unfinished
        ):
            self._repository.show_clean()
        state.written, state.unfinished = tuple(sorted(pages)), False
        self._save(state)

    def _replace(self, path: str, text: str) -> None:
        file, data = self._folder / path, text.encode()
        fresh = _fresh(file)
        if _read(file, len(data)) == data:
            return
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _put(fresh, data)
        fresh.replace(file)

    def _swap(self, path: str, text: str, known: _Known) -> bool:
        """Put orders in the place of those that are known; False: they are not, and stay as they are.

        The old file is moved aside before it is looked at, so that nobody changes it in between.
        """
        file = self._folder / path
        fresh = _fresh(file)
        self._bring_back(file, known)
        if (found := _look(file)) is not None and found == text:
            return True
        if isinstance(found, _Bad) or (found is not None and _print(found) not in known.ids):
            return False
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _put(fresh, text.encode())
        if found is not None:
            file.rename(_aside(file))
            self._bring_back(file, known)
        try:
            os.link(fresh, file)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        keyfile.sync_folder(file.parent)
        return True

    def _bring_back(self, file: Path, known: _Known) -> None:
        """What was moved aside is either known, or somebody's edit that goes where it was."""
        aside = _aside(file)
        found = _look(aside)
        if found is None:
            return
        if isinstance(found, _Bad) or _print(found) not in known.ids:
            try:
                os.link(aside, file)
            except FileExistsError:
                aside.rename(file.with_name("orders.saved.md"))  # and somebody wrote another one
                return
        aside.unlink()

    def _remove(self, gone: list[str], state: _State) -> None:
        """Files that we wrote once and that are none of the pages any more."""
        for path in gone:
            file = self._folder / path
            if path.endswith(ORDERS):
                known = state.orders.get(path, _Known())
                self._bring_back(file, known)
                found = _look(file)
                if found is None or isinstance(found, _Bad) or _print(found) not in known.ids:
                    continue
                state.orders.pop(path, None)
            file.unlink(missing_ok=True)

    # --- edits ---

    def _edits(self, state: _State) -> Iterator[OrdersEdit | OrdersUnreadable]:
        if not self._folder.is_dir():
            return
        folders = {role_of(entry.name) for entry in self._folder.iterdir() if entry.is_dir()}
        for role in ["", *sorted(folders)]:
            if role and NAME.fullmatch(role) is None:
                continue
            path = orders_path(role)
            file, known = self._folder / path, state.orders.get(path, _Known())
            if file.parent.is_dir():
                self._bring_back(file, known)
            found = _look(file)
            if isinstance(found, _Bad):
                yield OrdersUnreadable(self._team, role, str(file), found.why)
            elif found is not None and _print(found) not in known.ids:
                yield OrdersEdit(self._team, role, tidy(found), known.seen)

    # --- what is known ---

    def _ready(self) -> _State:
        if not self._note.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._repository.init()
        return self._state()

    def _state(self) -> _State:
        data = _read(self._note)
        try:
            return msgspec.json.decode(data, type=_State) if data else _State()
        except msgspec.DecodeError:
            return _State(unfinished=True)  # all orders are unknown then, and read before written

    def _save(self, state: _State) -> None:
        data = msgspec.json.encode(state)
        if _read(self._note) != data:
            fresh = _fresh(self._note)
            _put(fresh, data)
            fresh.replace(self._note)
            keyfile.sync_folder(self._note.parent)


class _Bad(msgspec.Struct, frozen=True):
    """A file that cannot be read as a text, and why."""

    why: str


def _look(file: Path) -> str | _Bad | None:
    """What an ``orders.md`` says; None when there is none."""
    try:
        return plain.whole(file, _ORDERS_BYTES).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        return _Bad(f"it is not UTF-8 from byte {error.start} on")
    except (ValueError, OSError) as error:
        return _Bad(str(error))


def _fresh(file: Path) -> Path:
    """Where a file is written before it is put in place; a node that was killed may have left one."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    return fresh


def _aside(file: Path) -> Path:
    return file.with_name(f".{file.name}.old")


def _print(text: str) -> str:
    """Orders that differ in nothing but the space around them are the same."""
    return blob_id(tidy(text).encode())


def _read(file: Path, most_bytes: int = -1) -> bytes | None:
    """The bytes of a file of ours; None when there is none, or it is larger."""
    try:
        if 0 <= most_bytes < file.stat().st_size:
            return None
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _put(file: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(file, flags, 0o600), "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def _failed(error: OSError, folder: Path) -> StoreFailed:
    if error.errno == _NO_SPACE:
        return NoSpace(str(folder))
    return StoreFailed(f"cannot keep {folder}: {error.strerror}: {error.filename}")
