"""The team file: ``team.toml``, checked in with the project, read into a ``TeamPlan``.

Every mistake is named at once, with its key, what stands there and what may. The same reader takes a
plan in its canonical form, as a database or another node hands it over; there it can be as hostile as
any file: large, binary, deep, or with orders that are a link to somewhere else.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from stat import S_ISREG
from typing import Any, cast

import msgspec

from fleet.core.errors.files import MalformedTeamFile, Mistake
from fleet.core.team import Limits, RolePlan, Skill, TeamPlan, Worktree
from fleet.core.teamrules import mistakes_in
from fleet.core.teamvalues import key_of, shown
from fleet.teamfile.reading import MISTAKES_LIMIT, Reading
from fleet.teamfile.shapes import RoleTable, SkillTable, TeamTable

NAME = "team.toml"
FILE_LIMIT_BYTES = 256 * 1024
ORDERS_LIMIT_BYTES = 512 * 1024
"""A rule bounds the characters; this bounds what is read to count them."""
# tomllib takes a quadratic time for a key of many parts: half a minute for one of 64 KiB.
_ENDLESS_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*\.[ \t]*){16}"""
)


def read(path: Path) -> TeamPlan:
    """Read a team file, and the files with standing orders that it names.

    Raises:
        MalformedTeamFile: with everything that is wrong with it.
    """
    source = str(path)
    try:
        real = path.resolve(strict=True)
        said = _tables_of(_text_of(real, FILE_LIMIT_BYTES))
    except _Unreadable as wrong:
        raise MalformedTeamFile(source, (wrong.at(""),)) from None
    except RecursionError:
        raise _no_toml(source, "tables in tables without end") from None
    except (OSError, RuntimeError) as error:  # links in a circle
        raise MalformedTeamFile(source, (_unreachable("", error),)) from None
    except ValueError as error:  # also numbers beyond any reason, and a path that is none
        raise _no_toml(source, str(error)) from None
    return _plan(source, said, real.parent)


def read_form(text: str | bytes, source: str) -> TeamPlan:
    """Read what ``fleet.core.team.canonical`` has written; ``source`` is how errors call it.

    Raises:
        MalformedTeamFile: it was not written by that, or not for this build.
    """
    try:
        said = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        wrong = Mistake("", f"no JSON ({error})", "a team's plan as JSON")
        raise MalformedTeamFile(source, (wrong,)) from None
    if not isinstance(said, dict):
        raise MalformedTeamFile(source, (Mistake("", shown(said), "a team's plan as JSON"),))
    return _plan(source, cast(dict[str, Any], said), None)


def _tables_of(text: str) -> dict[str, Any]:
    if _ENDLESS_KEY.search(text):
        raise _Unreadable("a key of more than 16 parts", "TOML with keys of a few parts")
    return tomllib.loads(text)


def _no_toml(source: str, why: str) -> MalformedTeamFile:
    return MalformedTeamFile(source, (Mistake("", f"no TOML ({why})", "a team file in TOML"),))


# --- files ---


class _Unreadable(Exception):
    """A file that is not what it has to be."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(found)
        self.found = found
        self.allowed = allowed

    def at(self, key: str) -> Mistake:
        return Mistake(key, self.found, self.allowed)


def _text_of(path: Path, limit_bytes: int) -> str:
    """The text of a plain file, with the line ends that TOML has, too.

    Raises:
        OSError: it cannot be read.
        _Unreadable: it is no plain file, too large, or no UTF-8.
    """
    # Asked before it is opened: opening a pipe would wait for somebody who writes.
    if not S_ISREG(path.stat().st_mode):
        raise _Unreadable("no plain file", "a file with text")
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise _Unreadable(f"more than {limit_bytes} bytes", f"up to {limit_bytes} bytes")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unreadable(f"bytes that are no UTF-8, in line {line}", "text in UTF-8") from None


def _unreachable(key: str, error: Exception) -> Mistake:
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    return Mistake(key, f"cannot be read ({why})", "a file that can be read")


# --- tables to a plan ---


def _plan(source: str, said: dict[str, Any], folder: Path | None) -> TeamPlan:
    reading = Reading()
    table = reading.table(TeamTable, said, "")
    plan = _team(reading, table, folder)
    if len(reading.mistakes) < MISTAKES_LIMIT:
        reading.mistakes += [_placed(m, table) for m in mistakes_in(plan) if reading.is_new(m)]
    if reading.mistakes:
        found = tuple(reading.mistakes[:MISTAKES_LIMIT])
        raise MalformedTeamFile(source, found, len(reading.mistakes) - len(found))
    return plan


def _placed(mistake: Mistake, table: TeamTable) -> Mistake:
    """The mistake, at the key that the file has for it: orders may stand in a file of their own."""
    keys = {
        f"roles.{key_of(name)}.orders" for name, role in table.roles.items() if role.orders_file
    }
    return replace(mistake, key=f"{mistake.key}_file") if mistake.key in keys else mistake


def _team(reading: Reading, table: TeamTable, folder: Path | None) -> TeamPlan:
    roles = (_role(reading, name, table, folder) for name in sorted(table.roles))
    return TeamPlan(
        name=table.name.strip().lower(),
        lead=table.lead.strip().lower(),
        roles=tuple(roles),
        about=table.about,
        repository=table.repository,
        base=table.base,
        test=table.test,
        tick_s=table.tick_s,
        lease_s=table.lease_s,
        down_s=table.down_s,
    )


def _role(reading: Reading, name: str, team: TeamTable, folder: Path | None) -> RolePlan:
    said = team.roles[name]
    repository = said.repository or team.repository
    otherwise = Worktree.OWN if repository else Worktree.NONE
    return RolePlan(
        name=name,
        profile=said.profile.strip().lower(),
        command=said.command,
        orders=_orders(reading, f"roles.{key_of(name)}", said, folder),
        skills=tuple(map(_skill, said.skills)),
        count=said.count,
        node=said.node.strip().lower(),
        repository=repository,
        worktree=said.worktree or otherwise,
        branch=said.branch,
        include=said.include,
        limits=Limits(said.limits.claims, said.limits.briefing_chars),
        policy=said.policy,
        hooks=said.hooks,
        grants=said.grants,
    )


def _skill(said: SkillTable) -> Skill:
    return Skill(said.id, said.name or said.id, said.description, said.tags, said.examples)


def _orders(reading: Reading, at: str, said: RoleTable, folder: Path | None) -> str:
    """The standing orders, wherever they stand; empty where they cannot be had."""
    key = f"{at}.orders_file"
    if not said.orders_file:
        return said.orders
    if said.orders:
        reading.wrong(Mistake(key, "beside orders", "one of the two"))
    elif folder is None:
        reading.wrong(Mistake(key, shown(said.orders_file), "orders, inline"))
    else:
        try:
            return _text_of(_below(folder, said.orders_file), ORDERS_LIMIT_BYTES)
        except _Unreadable as wrong:
            reading.wrong(wrong.at(key))
        except (OSError, RuntimeError, ValueError) as error:
            reading.wrong(_unreachable(key, error))
    return ""


def _below(folder: Path, name: str) -> Path:
    """The file of that name, wherever links lead, as long as it is below the folder."""
    real = (folder / name).resolve(strict=True)
    if not real.is_relative_to(folder):
        raise _Unreadable(f"{shown(name)}, which is outside", "a file below the team file's folder")
    return real
