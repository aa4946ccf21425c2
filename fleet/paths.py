"""Where a home keeps what. Everything lives below one root; nothing is looked up elsewhere."""

from __future__ import annotations

from pathlib import Path


class Paths:
    """The files and folders of one home. Touches no disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = root / "run"
        self.door = self.run / "door.sock"
        self.lock = self.run / "lock"
        self.keys = root / "keys"
        self.database = root / "fleet.db"
        self.logs = root / "log"
        self.log = self.logs / "node.log"
        self.errors = self.logs / "node.err"
        self.config = root / "config.toml"
        self.profiles = root / "profiles"
        self.spill = root / "spill"

    @property
    def folders(self) -> tuple[Path, ...]:
        """What a node makes, outermost first."""
        return (self.root, self.run, self.keys, self.logs, self.spill)
