"""Teams' memory as files that are none: passes ``tests/contract/test_memory_folder.py``."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.core.memory_events import tidy
from fleet.core.memory_pages import ORDERS, orders_path, role_of
from node.ports.memory import OrdersEdit, OrdersUnreadable


class FakeMemoryFolders:
    """``files`` by team and path is what people see, and what a test changes as a person would;
    ``history`` the pages of each write that changed something."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.history: dict[str, list[dict[str, str]]] = {}
        self._known: dict[tuple[str, str], tuple[str, int]] = {}

    async def write(self, team: str, pages: Mapping[str, str], head: int, at_s: float) -> None:
        history = self.history.setdefault(team, [])
        gone = history[-1].keys() - pages.keys() if history else set[str]()
        for path in gone:
            if not self._is_edited(team, path):
                self.files.pop((team, path), None)
        for path, text in pages.items():
            edited = path.endswith(ORDERS) and self._is_edited(team, path)
            if not edited or self.files[team, path] == text.encode():
                self.files[team, path] = text.encode()
                self._known[team, path] = (tidy(text), head)
        if not history or history[-1] != pages:
            history.append(dict(pages))

    async def edited(self, team: str) -> tuple[OrdersEdit | OrdersUnreadable, ...]:
        found: dict[str, OrdersEdit | OrdersUnreadable] = {}
        for of, path in self.files:
            if of == team and path.endswith(ORDERS) and self._is_edited(team, path):
                role, data = role_of(path.rpartition("/")[0]), self.files[team, path]
                try:
                    text = tidy(data.decode())
                    found[role] = OrdersEdit(team, role, text, self._last(team, path)[1])
                except UnicodeDecodeError:
                    found[role] = OrdersUnreadable(team, role, path, "it is not UTF-8")
        return tuple(edit for _, edit in sorted(found.items()))

    async def taken(self, edit: OrdersEdit) -> None:
        self._known[edit.team, orders_path(edit.role)] = (edit.text, edit.seen)

    def _last(self, team: str, path: str) -> tuple[str, int]:
        return self._known.get((team, path), ("", 0))

    def _is_edited(self, team: str, path: str) -> bool:
        data = self.files.get((team, path))
        if data is None:
            return False
        try:
            return tidy(data.decode()) != self._last(team, path)[0]
        except UnicodeDecodeError:
            return path.endswith(ORDERS)
