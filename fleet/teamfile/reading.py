"""Tables of a file as values of ours, with everything that does not fit them, not only the first.

What stands in the file is never shown but shortened, and never opened up: a table may hold anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from shlex import split
from typing import Any, TypeVar, cast, get_args, get_origin

import msgspec

from fleet.core.errors.files import Mistake
from fleet.core.team import Worktree
from fleet.core.teamvalues import SHOWN_CHARS, key_of, shown
from fleet.core.trust import Policy, Verb
from fleet.teamfile.shapes import SkillTable

MISTAKES_LIMIT = 100
_ENTRIES_LIMIT = 256

_ALLOWED: dict[object, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Worktree | None: ", ".join(f'"{one}"' for one in Worktree),
    Policy: ", ".join(f'"{one}"' for one in Policy),
    Verb: ", ".join(f'"{one}"' for one in Verb),
}
_Table = TypeVar("_Table", bound=msgspec.Struct)


class Reading:
    """Tables of a file as our own, with everything that does not fit them.

    Where something does not fit, its default stands in, so that the rest can be looked at as well;
    what would only follow from that is not told.
    """

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._broken: set[str] = set()

    def wrong(self, mistake: Mistake) -> None:
        self.mistakes.append(mistake)
        self._broken.add(mistake.key)

    def is_new(self, mistake: Mistake) -> bool:
        """Whether a mistake does not follow from one that was told."""
        keys = (mistake.key, *mistake.also)
        return not any(_meet(key, broken) for key in keys for broken in self._broken)

    def table(self, kind: type[_Table], said: dict[str, Any], at: str) -> _Table:
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for key in (key for key in said if key not in fields):
            self._unknown(key, tuple(fields), at)
        given: dict[str, Any] = {}
        for name, field in fields.items():
            key = f"{at}{name}"
            if name in said:
                given[name] = self._value(field.type, said[name], key)
            elif field.required:
                self.wrong(Mistake(key, "missing", _allowed(field.type)))
            if given.get(name) is None:
                given[name] = _stand_in(field.type) if field.required else field.default
        return kind(**given)

    def _unknown(self, key: str, known: tuple[str, ...], at: str) -> None:
        few = len(self.mistakes) < MISTAKES_LIMIT
        near = get_close_matches(key[:SHOWN_CHARS].lower(), known, n=1) if few else []
        hint = f"did you mean {near[0]}?" if near else ""
        allowed = ", ".join(sorted(known))
        self.mistakes.append(Mistake(f"{at}{key_of(key)}", "no such key", allowed, hint))

    def _value(self, kind: Any, said: Any, at: str) -> Any:
        """The value in its kind; None where it does not fit."""
        inner = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if isinstance(said, dict):
                return self.table(kind, cast(dict[str, Any], said), f"{at}.")
        elif get_origin(kind) is dict:
            if isinstance(said, dict):
                return self._each(inner[1], cast(dict[str, Any], said), at)
        elif get_origin(kind) is tuple:
            if isinstance(said, list):
                return self._list(inner[0], cast(Sequence[Any], said), at)
        elif (leaf := _leaf(kind, said)) is not None:
            return leaf
        self.wrong(Mistake(at, shown(said), _allowed(kind), _hint(kind, said)))
        return None

    def _each(self, kind: Any, said: dict[str, Any], at: str) -> dict[str, Any]:
        if len(said) > _ENTRIES_LIMIT:
            self.wrong(Mistake(at, f"{len(said)} tables", f"up to {_ENTRIES_LIMIT}"))
            return {}
        found: dict[str, Any] = {}
        for key, value in said.items():
            name = key.strip().lower()
            if name in found:
                self.wrong(Mistake(f"{at}.{key_of(key)}", "the same name again", "each name once"))
            elif (read := self._value(kind, value, f"{at}.{key_of(name)}")) is not None:
                found[name] = read
        return found

    def _list(self, kind: Any, said: Sequence[Any], at: str) -> tuple[Any, ...] | None:
        if len(said) > _ENTRIES_LIMIT:
            self.wrong(Mistake(at, f"a list of {len(said)}", f"up to {_ENTRIES_LIMIT}"))
            return None
        read = [self._value(kind, value, f"{at}[{n}]") for n, value in enumerate(said)]
        return tuple(_stand_in(kind) if value is None else value for value in read)


def _leaf(kind: Any, said: object) -> Any:
    """What is no table and no list; None where it does not fit."""
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError:
        return None


def _stand_in(kind: Any) -> Any:
    return _STAND_INS[get_origin(kind) or kind]


_STAND_INS: dict[Any, Any] = {
    str: "", tuple: (), dict: {}, SkillTable: SkillTable("", "", ()), Verb: Verb.MESSAGE,
}  # fmt: skip
"""For what has no default: no rule is asked about them."""


def _meet(key: str, broken: str) -> bool:
    """Whether a key is the broken one, lies below it, or is the list that it is an entry of."""
    return (
        key == broken
        or key.startswith((f"{broken}.", f"{broken}["))
        or broken.startswith(f"{key}[")
    )


def _allowed(kind: Any) -> str:
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return "tables: [[…]]" if inner is SkillTable else f"a list, each of it {_allowed(inner)}"
    return _ALLOWED.get(kind, "a table")


def _hint(kind: Any, said: object) -> str:
    """How it may have been meant."""
    if not isinstance(said, str):
        return ""
    if kind in {int, float, bool} and re.fullmatch(r"[\d.]+|true|false", said):
        return "without the quotes"
    if get_origin(kind) is tuple and len(said) <= SHOWN_CHARS:
        try:
            return f"as in {json.dumps(split(said))}"
        except ValueError:
            return ""
    return ""
