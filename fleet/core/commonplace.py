"""Places that every change passes through: import lists, changelogs, version and lock files.

Two tasks that meet there need not wait for each other; they need a rule. Here is where such a place is
recognized by its name, and which rule fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Advice(StrEnum):
    """What a shared place is; ``REMEDIES`` says what helps."""

    IMPORTS = "imports"
    CHANGELOG = "changelog"
    VERSION = "version"
    LOCK = "lock"


REMEDIES: Mapping[Advice, str] = MappingProxyType(
    {
        Advice.IMPORTS: "whoever comes second keeps both lists",
        Advice.CHANGELOG: "a fragment directory: one file a change",
        Advice.VERSION: "one owner; numbers from fleet slot take",
        Advice.LOCK: "one owner, who has it written anew after each merge",
    }
)

_CHANGELOGS = frozenset({"changelog", "changes", "history", "news", "releases", "release-notes"})
_DOCUMENTS = frozenset({"", "adoc", "md", "rst", "txt"})
_LOCKS = frozenset(
    {
        "cargo.lock", "composer.lock", "flake.lock", "gemfile.lock", "go.sum", "npm-shrinkwrap.json",
        "package-lock.json", "pdm.lock", "pipfile.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock",
        "yarn.lock",
    }
)  # fmt: skip
_VERSION_STEMS = frozenset({"version", "_version", "__version__", "__about__"})
_VERSION_NAMES = frozenset({"version", "__version__", "version_info"})


def advice_for(path: str, name: str = "", *, is_imports: bool = False) -> Advice | None:
    """What a block is to everybody, None when it is somebody's own. ``name`` is the block's, empty for the
    file as a whole."""
    file = path.rpartition("/")[2].lower()
    stem, _, suffix = file.partition(".")
    if file in _LOCKS:
        return Advice.LOCK
    if stem.replace("_", "-") in _CHANGELOGS and suffix in _DOCUMENTS:
        return Advice.CHANGELOG
    if stem in _VERSION_STEMS or name.lower() in _VERSION_NAMES:
        return Advice.VERSION
    return Advice.IMPORTS if is_imports else None
