"""Fault points: nothing happens without consent, and then exactly what was planned."""

from __future__ import annotations

import re
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_FULL, OperationalError

import pytest

from node import faults
from node.faults import CONSENT, CONSENTS, FAULTS, POINTS, Fault, FaultInjected, Faults, planned


def wish(text: str, consent: str = CONSENTS) -> dict[str, Fault]:
    return planned({FAULTS: text, CONSENT: consent})


def test_points_are_off_unless_somebody_consents_in_so_many_words() -> None:
    assert faults.fault is faults._nothing
    for consent in ("", "yes", "1"):
        assert wish("db:commit=kill", consent) == {}
    assert planned({FAULTS: "db:commit=kill"}) == {}
    assert planned({CONSENT: CONSENTS}) == {}


def test_what_a_node_starts_does_not_inherit_the_plan() -> None:
    environ = {FAULTS: "db:commit=kill", CONSENT: CONSENTS, "HOME": "/"}
    planned(environ)
    assert environ == {"HOME": "/"}


def test_a_plan_names_points_actions_and_passages() -> None:
    assert wish("rx:before_commit=kill:3,ack:lost=stall2.5,db:write=full") == {
        "rx:before_commit": Fault("kill", faults.STALL_S, 3),
        "ack:lost": Fault("stall", 2.5, 1),
        "db:write": Fault("full", faults.STALL_S, 1),
    }


@pytest.mark.parametrize(
    "text", ["nowhere=kill", "ack:lost=explode", "ack:lost", "ack:lost=kill:0"]
)
def test_a_plan_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no such point or action"):
        wish(text)


def test_an_exception_comes_once_at_its_passage() -> None:
    plan = Faults(wish("ack:lost=exception:2"))
    plan.passed("ack:lost")
    plan.passed("send:before_call")
    with pytest.raises(FaultInjected):
        plan.passed("ack:lost")
    plan.passed("ack:lost")


@pytest.mark.parametrize(("action", "code"), [("full", SQLITE_FULL), ("busy", SQLITE_BUSY)])
@pytest.mark.parametrize("point", ["db:write", "db:commit"])
def test_the_next_use_of_the_database_fails_once_as_sqlite_would_fail_it(
    action: str, code: int, point: str
) -> None:
    plan = Faults(wish(f"ack:lost={action}"))
    plan.passed(point)
    plan.passed("ack:lost")
    with pytest.raises(OperationalError) as caught:
        plan.passed(point)
    assert caught.value.sqlite_errorcode == code
    plan.passed(point)


def test_every_point_is_somewhere_in_the_product_and_no_other_is() -> None:
    sources = [p.read_text() for p in Path(faults.__file__).parent.rglob("*.py")]
    used = {point for text in sources for point in re.findall(r'\bfault\("([^"]+)"\)', text)}
    assert used == {*POINTS}
