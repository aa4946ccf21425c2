"""Profiles as programs are shown them: what the node reads screens with, and from which file."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import cast

import msgspec

from fleet.core.errors.requests import BadConfig
from fleet.core.profile import Profile
from fleet.paths import Paths
from fleet.profiles import load
from node.engine.node import Node

_LISTED = ("name", "title", "aliases", "programs", "tested")


def listed(node: Node) -> list[dict[str, object]]:
    """The profiles that can be named."""
    return [
        {key: one[key] for key in _LISTED} | {"source": _file(node, str(one["name"]))[0]}
        for one in map(_fields, node.profiles.all())
    ]


def whole(node: Node, name: str) -> dict[str, object]:
    """Everything that one profile says, as its file would say it, and which file that is.

    ``changed``: the file says something else by now; it is read when the node starts.

    Raises:
        UnknownProfile: there is none of this name.
    """
    profile = node.profiles.named(name)
    source, file = _file(node, profile.name)
    return {**_fields(profile), "source": source, "file": file, "changed": _changed(node, profile)}


def _fields(profile: Profile) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(profile, enc_hook=_pattern)
    return fields


def _pattern(said: object) -> str:
    if isinstance(said, re.Pattern):
        return cast(re.Pattern[str], said).pattern
    raise NotImplementedError(f"{type(said).__name__} in a profile")


def _file(node: Node, name: str) -> tuple[str, str]:
    """``home`` or ``shipped``, and the path; a person's own file replaces ours."""
    for path in Paths(Path(node.home)).profiles.glob("*.toml"):
        if path.stem.strip().lower().replace("_", "-") == name:
            return "home", str(path)
    return "shipped", str(resources.files("fleet.profiles") / f"{name}.toml")


def _changed(node: Node, profile: Profile) -> bool:
    try:
        now = load(Paths(Path(node.home)).profiles)
    except BadConfig:
        return True
    return profile not in now.all()
