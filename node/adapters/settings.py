"""A program's settings file, JSON of somebody else: something put in, and taken out again.

Objects are merged key by key, lists get our entries behind theirs. Taking out leaves what others
wrote since, in any order, and drops an object or list only if it is empty without ours.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TypeGuard

import msgspec

from node.adapters import plain

Json = dict[str, object]
_MOST_BYTES = 1024 * 1024


def put_in(path: Path, added: Json) -> None:
    """Merge ``added`` into the file; one that is not there is made, its folder is not.

    Raises:
        OSError: it cannot be read or written, or its folder is not there.
        ValueError: it is not a JSON object, or has something else where ours has to go.
    """
    _write(path, _with(_read(path), added))


def take_out(path: Path, added: Json) -> None:
    """Take ``added`` out of the file again; one that holds nothing else goes.

    Raises:
        OSError: it cannot be read or written.
        ValueError: it is not a JSON object any more.
    """
    if not path.exists():
        return
    found = _read(path)
    left = _without(found, added)
    if not left:
        path.unlink()
    elif left != found:
        _write(path, left)


def _read(path: Path) -> Json:
    try:
        return msgspec.json.decode(plain.whole(path, _MOST_BYTES), type=Json)
    except FileNotFoundError:
        return {}
    except RecursionError:
        raise ValueError(f"{path} is nested too deep") from None


def _write(path: Path, value: Json) -> None:
    """In one step: its program may read it at any moment. The draft's name is nobody's to guess."""
    fd, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        with contextlib.suppress(FileNotFoundError):
            Path(draft).chmod(path.stat().st_mode & 0o777)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _with(theirs: Json, ours: Json) -> Json:
    merged = dict(theirs)
    for key, value in ours.items():
        before = merged.get(key)
        if _is_object(before) and _is_object(value):
            merged[key] = _with(before, value)
        elif _is_list(before) and _is_list(value):
            merged[key] = [*before, *(one for one in value if one not in before)]
        elif key in theirs and before != value:
            raise ValueError(f"its {key!r} is another kind of thing than ours")
        else:
            merged[key] = value
    return merged


def _without(theirs: Json, ours: Json) -> Json:
    left = dict(theirs)
    for key, value in ours.items():
        before = left.get(key)
        if _is_object(before) and _is_object(value):
            left[key] = _without(before, value)
        elif _is_list(before) and _is_list(value):
            left[key] = [one for one in before if one not in value]
        elif before == value:
            left[key] = None
        else:
            continue
        if not left[key]:
            del left[key]
    return left


def _is_object(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
