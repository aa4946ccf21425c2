"""What is known of agent programs, as data: one TOML file each, ours here, a person's in their home.

A file of the same name in ``<home>/profiles`` replaces ours. What a field means stands in
``fleet/core/profile.py``; a file that says something else is refused with the key and the reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from importlib import resources
from math import inf
from pathlib import Path

import msgspec

from fleet.core.errors.requests import BadConfig, UnknownProfile
from fleet.core.profile import Profile, is_bare

GENERIC = "generic"
_KEYS = tuple(field.name for field in fields(Profile) if field.name != "name")


class Profiles:
    """All profiles of one home."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        aliases = {_key(alias): p for p in self.all() for alias in p.aliases}
        self._by_alias = {**aliases, **{_key(p.name): p for p in self.all()}}

    def all(self) -> tuple[Profile, ...]:
        """Every profile, by name."""
        return tuple(profile for _, profile in sorted(self._profiles.items()))

    def named(self, name: str) -> Profile:
        """The profile of this name, else of this alias; case, ``_`` and ``-`` make no difference.

        Raises:
            UnknownProfile: there is none.
        """
        found = self._by_alias.get(_key(name))
        if found is None:
            raise UnknownProfile(name, tuple(sorted(self._profiles)))
        return found

    def named_or_generic(self, name: str) -> Profile:
        """The profile of this name; generic when its file has gone."""
        return self._by_alias.get(_key(name)) or self._by_alias[GENERIC]

    def recognise(self, program: str, argv: tuple[str, ...], title: str = "") -> Profile:
        """The profile that a running program gives away, else its pane's title; generic if none."""
        script = next((word for word in argv[1:] if not word.startswith("-")), "")
        for profile in self.all():
            if program in profile.programs and (is_bare(argv) or not profile.bare_only):
                return profile
            if script.rpartition("/")[2] in profile.scripts:
                return profile
        for profile in self.all():
            if profile.pane_title and profile.pane_title.search(title):
                return profile
        return self._by_alias[GENERIC]


def load(user_folder: Path | None = None) -> Profiles:
    """Our profiles, and those of a home over them.

    Raises:
        BadConfig: a file of the home cannot be used; it names the key.
    """
    found: dict[str, Profile] = {}
    for resource in resources.files(__name__).iterdir():
        if resource.name.endswith(".toml"):
            name = resource.name.removesuffix(".toml")
            found[name] = _profile(name, resource.name, resource.read_bytes())
    if user_folder is not None and user_folder.is_dir():
        for path in sorted(user_folder.glob("*.toml")):
            found[_key(path.stem)] = _profile(_key(path.stem), str(path), _bytes_of(path))
    return Profiles(found.values())


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadConfig(str(path), error.strerror or str(error)) from None


def _profile(name: str, source: str, data: bytes) -> Profile:
    try:
        said = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond any reason
        raise BadConfig(source, f"not TOML: {error}") from None
    if unknown := said.keys() - _KEYS:
        raise BadConfig(source, f"unknown key {min(unknown)!r} (known: {', '.join(_KEYS)})")
    for key, value in said.items():
        if isinstance(value, int | float) and not 0 <= value < inf:
            raise BadConfig(source, f"Expected a number from 0 up, got {value} - at `$.{key}`")
    if isinstance(place := said.get("skills"), str) and not _is_below(place):
        raise BadConfig(source, f"{place!r} is no folder below the one it runs in - at `$.skills`")
    try:
        return msgspec.convert({**said, "name": name}, Profile, dec_hook=_pattern)
    except msgspec.ValidationError as error:
        raise BadConfig(source, str(error)) from None


def _is_below(place: str) -> bool:
    return not place.startswith(("/", "~")) and ".." not in place.split("/") and place.isprintable()


def _pattern(_kind: type, said: object) -> re.Pattern[str]:
    """A pattern from its text; msgspec adds the key to what is wrong with it."""
    if not isinstance(said, str):
        raise TypeError("Expected a pattern as text")
    try:
        return re.compile(said)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"The pattern {said!r} is broken: {error}") from None


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-")
