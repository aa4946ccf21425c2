"""What holds for every test: marked by its folder, and deaf to the shell it was started from."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent

# A slow moment of a busy host is not a finding. Everybody tries the same examples, so that what fails
# here fails everywhere; --hypothesis-profile=explore looks for others, for as long as it takes.
settings.register_profile("fleet", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=3_000, print_blob=True)
settings.load_profile("fleet")

# Tests are often run from inside a pane, sometimes by an agent of a real fleet.
for name in [*os.environ]:
    if name.startswith(("FLEET_", "TMUX")):
        del os.environ[name]

# A shell that starts tests in the background has them ignore Ctrl-C, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test in a folder like tests/tmux the marker of that name."""
    markers = {line.partition(":")[0] for line in config.getini("markers")}
    for item in items:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if folder in markers:
            item.add_marker(folder)
