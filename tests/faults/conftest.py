"""How long a run is, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.field import AGENTS, Field, field
from tests.faults.judge import Verdict
from tests.support.homes import Home

SHORT_EACH, LONG_EACH, OTHER_EACH = 2, 25, 10
"""Messages to each of two agents: of every kill in ``make test``, and of kills and of other faults
in ``make test-faults``."""
_WRITES_OF_A_START = 14
ACTIONS = ("kill", "exception", "stall8", "stall30", "full", "busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long-faults", action="store_true", help="all actions, many messages")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "action" in metafunc.fixturenames:
        is_long = metafunc.config.getoption("--long-faults", default=False)
        metafunc.parametrize("action", ACTIONS if is_long else ACTIONS[:1])


@pytest.fixture(scope="module")
def one_node() -> Iterator[Field]:
    with field(nodes=1) as one:
        yield one


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Field]:
    with field(nodes=2) as two:
        yield two


class Judge:
    """Fails nodes and judges them; remembers what it came to."""

    def __init__(self, config: pytest.Config, note: pytest.Item) -> None:
        self._is_long = bool(config.getoption("--long-faults", default=False))
        self._note = note
        self.each = SHORT_EACH

    def __call__(self, where: Field, victim: Home, point: str, action: str) -> None:
        nth = 1
        if self._is_long:
            self.each = LONG_EACH if action == "kill" else OTHER_EACH
            # Somewhere among the first of them; several may pass a point together.
            nth = Random(f"{point} {action}").randint(1, self.each // 3)
        if point.startswith("db:"):  # a start alone passes them a few times
            self.each, nth = self.each + 4, nth + _WRITES_OF_A_START
        verdict = where.fail(victim, f"{point}={action}:{nth}", self.each)
        self.judged(verdict)

    def judged(self, verdict: Verdict) -> None:
        """Nothing is wrong with any message."""
        self._note.user_properties.append(("faults", told(verdict)))
        assert verdict.is_clean, verdict
        assert len(verdict.unsure) <= 1, "no more than what was being typed"
        assert verdict.messages == len(AGENTS) * self.each


def told(verdict: Verdict) -> dict[str, int]:
    """A verdict as numbers."""
    names = ("unsure", "lost", "doubled", "false", "foreign", "disordered")
    return {"messages": verdict.messages, **{n: len(getattr(verdict, n)) for n in names}}


@pytest.fixture
def fails(request: pytest.FixtureRequest) -> Judge:
    return Judge(request.config, request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The numbers of the whole run."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    judged = [told for r in reports for name, told in r.user_properties if name == "faults"]
    if judged:
        sums = {name: sum(one[name] for one in judged) for name in judged[0]}
        said = ", ".join(f"{count} {name}" for name, count in sums.items())
        terminalreporter.write_line(f"faults: {len(judged)} runs, {said}")
