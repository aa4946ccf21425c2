from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.terminals import TerminalRoom, terminal_room


@pytest.fixture(scope="module")
def room() -> Iterator[TerminalRoom]:
    with terminal_room() as found:
        yield found
