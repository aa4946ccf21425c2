"""Where a home keeps what. Everything lives below one root; nothing is looked up elsewhere.

Touches no disk. Importing it costs next to nothing: every command of the command line does.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_HOME = "~/.fleet"
DOOR = "run/door.sock"
LOCK = "run/lock"
LOGS = "log"
DATABASE = "fleet.db"
SEARCH = "search.db"


def home_from(option: str, environ: Mapping[str, str]) -> str:
    """The home that is meant: the option, else ``FLEET_HOME``, else ``~/.fleet``; absolute."""
    return os.path.abspath(os.path.expanduser(option or environ.get("FLEET_HOME") or DEFAULT_HOME))


class Paths:
    """The files and folders of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = root / "run"
        self.door = root / DOOR
        self.lock = root / LOCK
        self.keys = root / "keys"
        self.database = root / DATABASE
        self.search = root / SEARCH
        self.memory = root / "memory"
        self.logs = root / LOGS
        self.log = self.logs / "node.log"
        self.errors = self.logs / "node.err"
        self.config = root / "config.toml"
        self.profiles = root / "profiles"
        self.spill = root / "spill"
        self.hooks = root / "hooks"
        self.worktrees = root / "worktrees"

    @property
    def folders(self) -> tuple[Path, ...]:
        """What a node makes, outermost first."""
        return (self.root, self.run, self.keys, self.logs, self.spill, self.hooks, self.memory)
