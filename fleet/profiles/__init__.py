"""What is known of agent programs, as data: one TOML file each, ours here, a person's in their home.

A file of the same name in ``<home>/profiles`` replaces ours. What a field means stands in
``fleet/core/profile.py``; a file that says something else is refused with the key and the reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import msgspec

from fleet.core.errors import BadConfig, UnknownProfile
from fleet.core.keystrokes import Dress, Paste
from fleet.core.profile import Profile

GENERIC = "generic"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The shape of a profile's file: ``Profile`` with patterns as text."""

    title: str
    aliases: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    bare_only: bool = False
    is_shell: bool = False
    launch: tuple[str, ...] = ()
    paste: Paste = Paste.NATIVE
    dress: Dress = Dress.PLAIN
    prompt: str = ""
    placeholder: str = ""
    dialog: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    queues_while_busy: bool = False
    line_reader: bool = False
    settle_s: float = 0.0
    show_limit_s: float = 1.0
    evidence_limit_s: float = 5.0
    mode_grace_s: float = 3.0
    paste_limit_bytes: int = 100_000
    line_limit_bytes: int = 4_000


class Profiles:
    """All profiles of one home."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        self._by_alias = {
            _key(alias): profile
            for profile in self._profiles.values()
            for alias in (*profile.aliases, profile.name)
        }

    def all(self) -> tuple[Profile, ...]:
        """Every profile, by name."""
        return tuple(profile for _, profile in sorted(self._profiles.items()))

    def named(self, name: str) -> Profile:
        """The profile of this name or alias; case, ``_`` and ``-`` make no difference.

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

    def recognise(self, program: str, argv: tuple[str, ...]) -> Profile:
        """The profile that a running program gives away; generic if none."""
        for profile in self.all():
            is_bare = all(word.startswith("-") for word in argv[1:])
            if program in profile.programs and (is_bare or not profile.bare_only):
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
            found[_key(path.stem)] = _profile(_key(path.stem), str(path), path.read_bytes())
    return Profiles(found.values())


def _profile(name: str, source: str, data: bytes) -> Profile:
    try:
        raw = tomllib.loads(data.decode())
        file = msgspec.convert(raw, _File)
        fields = {f: getattr(file, f) for f in _File.__struct_fields__}
        return Profile(name=name, **_with_patterns(fields))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(source, f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        known = ", ".join(_File.__struct_fields__)
        raise BadConfig(source, f"{error} (known keys: {known})") from None
    except re.error as error:
        raise BadConfig(source, f"the pattern {error.pattern!r} is broken: {error}") from None


def _with_patterns(fields: Mapping[str, object]) -> dict[str, object]:
    compiled = dict(fields)
    for key in ("prompt", "placeholder"):
        text = compiled[key]
        compiled[key] = re.compile(str(text)) if text else None
    for key in ("dialog", "busy"):
        patterns = compiled[key]
        compiled[key] = tuple(re.compile(p) for p in patterns)  # type: ignore[attr-defined]
    return compiled


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-")
