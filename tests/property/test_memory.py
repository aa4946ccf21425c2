"""Any log in any order: one memory, one briefing, one set of files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st

from fleet.core.briefing import BUDGET_CHARS, LEAST_CHARS, briefing
from fleet.core.briefing_parts import BriefingParts, OpenTask, Unread, parts_of
from fleet.core.errors.base import FleetError
from fleet.core.memory import Memory
from fleet.core.memory_events import (
    PLACES,
    FindingAdded,
    FindingEdited,
    FindingPromoted,
    HandedOver,
    Noted,
    OrdersSet,
)
from fleet.core.memory_pages import pages_of
from fleet.core.quoted import quoted
from tests.support.strategies import any_texts

roles = st.sampled_from(["", "dev", "lead"])
numbers = st.integers(1, 25)
words = st.lists(
    st.sampled_from(["lease", "roof", "door", "node/engine/peers.py", "# Standing orders", "\n", "\n## x"]),
    min_size=1, max_size=60,
).map(" ".join)  # fmt: skip
texts = words | any_texts
events = st.one_of(
    st.builds(FindingAdded, roles, texts, st.just(()) | st.just(("ci",)), st.integers(0, 3)),
    st.builds(FindingEdited, numbers, texts, st.just(())),
    st.builds(FindingPromoted, numbers, st.sampled_from(PLACES), roles, texts),
    st.builds(OrdersSet, roles, texts, st.integers(0, 25)),
    st.builds(HandedOver, st.just("dev"), st.sampled_from(["dev", "dev-2"]), texts),
)
logs = st.lists(events, max_size=25).map(
    lambda some: [Noted(n, 10.0 * n, "neo@white", event) for n, event in enumerate(some, 1)]
)
tasks = st.lists(
    st.builds(OpenTask, numbers, texts, st.just("open"), st.just("kungfu/dev"), st.booleans(), texts),
    max_size=4, unique_by=lambda task: task.number,
)  # fmt: skip
messages = st.lists(
    st.builds(Unread, st.text("01AB", min_size=2), st.just("rin@nova"), st.floats(0, 99), texts),
    max_size=4, unique_by=lambda message: message.id,
)  # fmt: skip
budgets = st.integers(LEAST_CHARS, 12_000)


def remembered(log: Sequence[Noted]) -> Memory:
    memory = Memory("kungfu")
    memory.fold(log)
    return memory


def parts(log: Sequence[Noted], todo: list[OpenTask], unread: list[Unread]) -> BriefingParts:
    return parts_of(remembered(log), "dev", "dev", todo, unread)


@given(st.data(), logs, tasks, messages, budgets)
def test_the_order_of_arrival_changes_nothing_and_neither_does_what_comes_twice(
    data: st.DataObject, log: list[Noted], todo: list[OpenTask], unread: list[Unread], budget: int
) -> None:
    twice = data.draw(st.permutations([*log, *log[::2]]))
    here, there = remembered(log), Memory("kungfu")
    for noted in twice:
        there.fold([noted])
    assert pages_of(here) == pages_of(there)
    assert here.findings() == there.findings()
    assert (here.head, here.at_s, here.roles()) == (there.head, there.at_s, there.roles())
    otherwise = parts(twice, data.draw(st.permutations(todo)), data.draw(st.permutations(unread)))
    assert briefing(parts(log, todo, unread), budget) == briefing(otherwise, budget)


@given(logs, tasks, messages, budgets)
def test_it_is_never_longer_than_asked_for_and_orders_are_whole_or_missed_aloud(
    log: list[Noted], todo: list[OpenTask], unread: list[Unread], budget: int
) -> None:
    made_of = parts(log, todo, unread)
    page = briefing(made_of, budget)
    assert len(page) <= budget
    for orders, where in ((made_of.team_orders, "kungfu"), (made_of.role_orders, "kungfu/dev")):
        if orders and orders.text:
            missed = f"The standing orders of {where}, {len(orders.text)} characters, do not fit"
            assert (f"\n{quoted(orders.text)}\n" in page) != (missed in page)


@given(logs, tasks, messages)
def test_lines_that_are_not_quoted_are_ours(
    log: list[Noted], todo: list[OpenTask], unread: list[Unread]
) -> None:
    ours = re.compile(
        r"|# Briefing for kungfu/dev|Your role is dev\. .*"
        r"|## (Standing orders|Hand-over from whoever was here before|Tasks that you hold"
        r"|Messages that wait for you|Other open tasks|Notes of the team|Findings, oldest first)"
        r"|For (everyone in kungfu|the role dev), by neo@white, [-0-9T:.]+Z:"
        r"|by neo@white, [-0-9T:.]+Z:|T\d+, open(, held by kungfu/dev)?:"
        r"|[01AB]+, rin@nova, ([-0-9T:.]+Z|at some time):"
        r"|F\d+, (promoted )?by neo@white, [-0-9T:.]+Z(, at T\d)?( \[ci\])?:"
        r"|\(\d+ more characters: `fleet [\w /]+`\)"
    )
    page = briefing(parts(log, todo, unread), 200_000)
    for line in page.split("\n"):
        assert line.startswith(">") or ours.fullmatch(line), line


@given(logs, tasks, messages, budgets, budgets)
def test_more_room_only_ever_adds(
    log: list[Noted], todo: list[OpenTask], unread: list[Unread], one: int, other: int
) -> None:
    made_of = parts(log, todo, unread)
    small, large = (briefing(made_of, budget) for budget in sorted((one, other)))
    heads = re.compile(r"^(?:F\d+, .*|T\d+, .*|[01AB]+, .*|For .*|by .*):$", re.MULTILINE)
    assert set(heads.findall(small)) <= set(heads.findall(large))


@given(logs)
def test_what_is_checked_before_it_is_written_keeps_orders_within_the_usual_briefing(
    log: list[Noted],
) -> None:
    memory = Memory("kungfu")
    for noted in log:
        try:
            memory.check(noted.event)
        except FleetError:
            continue
        memory.fold([noted])
    assume(memory.orders() or memory.orders("dev"))
    assert "do not fit" not in briefing(parts_of(memory, "dev", "dev"), BUDGET_CHARS)
