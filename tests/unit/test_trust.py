"""Nothing is allowed that was not granted, but a message to an open agent."""

import pytest

from fleet.core.errors.ends import LoopStopped
from fleet.core.errors.trust import NotAllowed, RateExceeded
from fleet.core.rate import Rate
from fleet.core.trust import (
    Caller,
    Grant,
    Policy,
    Ruling,
    Verb,
    check_hops,
    rule,
    rule_message,
)

HERE, THERE = "h" * 52, "t" * 52
NOW_S = 1_000.0
OPERATOR = Caller("operator", "nova", HERE, is_local=True)
LOCAL = Caller("ada", "nova", HERE, is_local=True)
NEO = Caller("neo", "white", THERE, is_local=False)
FAR_OPERATOR = Caller("operator", "white", THERE, is_local=False)


def grant(
    who: str, agent: str = "*", *verbs: Verb, until_s: float = 0.0, rate: Rate | None = None
) -> Grant:
    return Grant(who, agent, frozenset(verbs or Verb), until_s, rate)


def at_once(_grant: Grant) -> float:
    return 0.0


def allowed(caller: Caller, verb: Verb, agent: str, grants: list[Grant], now_s: float) -> bool:
    try:
        return rule(caller, verb, agent, grants, now_s, at_once).approved
    except NotAllowed:
        return False


def test_the_words_that_people_type_are_those_of_the_design():
    assert " ".join(Verb) == "message observe control spawn"
    assert " ".join(Policy) == "open approval closed"


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("caller", [LOCAL, NEO, FAR_OPERATOR], ids=str)
def test_without_a_grant_nobody_may_anything(caller: Caller, verb: Verb):
    with pytest.raises(NotAllowed) as refused:
        rule(caller, verb, "rin", (), NOW_S, at_once)
    assert str(refused.value) == f"{caller} may not {verb} rin"
    assert refused.value.hint == f"ask its operator: fleet grant '{caller}' {verb} rin"


@pytest.mark.parametrize("verb", Verb)
def test_the_person_whose_node_this_is_may_everything_here(verb: Verb):
    assert rule(OPERATOR, verb, "rin", (), NOW_S, at_once) == Ruling("own operator")
    assert OPERATOR.is_own_operator
    assert not any(caller.is_own_operator for caller in (LOCAL, NEO, FAR_OPERATOR))


@pytest.mark.parametrize(
    ("who", "fits"),
    [
        ("neo@white", True),
        ("*@white", True),
        ("neo@*", True),
        ("n*@wh*", True),
        ("*", True),
        (f"neo@{THERE}", True),
        (f"*@{THERE}", True),
        ("neo", False),
        ("neo@nova", False),
        ("trinity@white", False),
        ("*@nova", False),
        (f"neo@{HERE}", False),
        ("NEO@white", False),
        ("neo@white~tttt", False),
    ],
)
def test_a_grant_fits_the_printed_address_or_the_nodes_id(who: str, fits: bool):
    assert allowed(NEO, Verb.OBSERVE, "rin", [grant(who)], NOW_S) == fits


@pytest.mark.parametrize(
    ("agent", "fits"),
    [("rin", True), ("*", True), ("r*", True), ("*in", True), ("ri", False), ("rina", False)],
)
def test_a_grant_is_about_the_agents_that_its_pattern_fits(agent: str, fits: bool):
    assert allowed(NEO, Verb.OBSERVE, "rin", [grant("*", agent)], NOW_S) == fits


def test_a_grant_survives_a_new_name_of_the_node_and_is_no_good_to_another_of_that_name():
    by_id, by_name = grant(f"neo@{THERE}"), grant("neo@white")
    renamed = Caller("neo", "snow", THERE, is_local=False)
    impostor = Caller("neo", "white~eeee", "e" * 52, is_local=False)
    assert allowed(renamed, Verb.OBSERVE, "rin", [by_id], NOW_S)
    assert not allowed(renamed, Verb.OBSERVE, "rin", [by_name], NOW_S)
    assert not allowed(impostor, Verb.OBSERVE, "rin", [by_id, by_name], NOW_S)


@pytest.mark.parametrize("given", Verb)
@pytest.mark.parametrize("asked", Verb)
def test_each_verb_is_granted_by_itself(given: Verb, asked: Verb):
    assert allowed(NEO, asked, "rin", [grant("*", "*", given)], NOW_S) == (given is asked)


def test_one_of_several_grants_is_enough_and_parts_of_several_are_not():
    apart = [grant("neo@white", "ada", Verb.CONTROL), grant("*", "rin", Verb.OBSERVE)]
    assert not allowed(NEO, Verb.CONTROL, "rin", apart, NOW_S)
    assert allowed(NEO, Verb.CONTROL, "rin", [*apart, grant("neo@white", "rin")], NOW_S)


def test_a_grant_ends_at_its_time_and_one_without_a_time_never():
    ends = [grant("*", until_s=NOW_S)]
    assert allowed(NEO, Verb.OBSERVE, "rin", ends, NOW_S - 0.001)
    assert not allowed(NEO, Verb.OBSERVE, "rin", ends, NOW_S)
    assert allowed(NEO, Verb.OBSERVE, "rin", [grant("*")], 1e12)


def may_message(caller: Caller, policy: Policy, *grants: Grant) -> bool:
    return rule_message(caller, "rin", policy, grants, NOW_S, at_once).approved


@pytest.mark.parametrize("caller", [OPERATOR, LOCAL, NEO, FAR_OPERATOR], ids=str)
def test_everybody_may_message_an_open_agent(caller: Caller):
    assert may_message(caller, Policy.OPEN)


def test_a_message_to_an_agent_by_approval_waits_unless_it_is_granted():
    assert not may_message(NEO, Policy.APPROVAL)
    assert not may_message(NEO, Policy.APPROVAL, grant("*", "*", Verb.OBSERVE))
    assert may_message(NEO, Policy.APPROVAL, grant("*", "*", Verb.MESSAGE))
    assert may_message(OPERATOR, Policy.APPROVAL)


def test_a_closed_agent_hears_its_own_node_and_no_other() -> None:
    itself = Caller("fleet", "nova", HERE, is_local=True)
    assert may_message(itself, Policy.CLOSED)
    ruling = rule_message(itself, "rin", Policy.APPROVAL, (), NOW_S, at_once)
    assert ruling == Ruling("own node")
    with pytest.raises(NotAllowed):
        may_message(Caller("fleet", "white", THERE, is_local=False), Policy.CLOSED)
    with pytest.raises(NotAllowed):
        rule(itself, Verb.CONTROL, "rin", (), NOW_S, at_once)


def test_a_closed_agent_takes_messages_from_whom_they_were_granted_and_nobody_else():
    assert may_message(NEO, Policy.CLOSED, grant("neo@white", "rin", Verb.MESSAGE))
    assert may_message(OPERATOR, Policy.CLOSED)
    for caller in (LOCAL, NEO, FAR_OPERATOR):
        with pytest.raises(NotAllowed) as refused:
            may_message(caller, Policy.CLOSED, grant("neo@white", "ada", Verb.MESSAGE))
        assert str(refused.value) == f"{caller} may not message rin"
        assert refused.value.hint == f"ask its operator: fleet grant '{caller}' message rin"


@pytest.mark.parametrize(
    ("policy", "grants", "by"),
    [
        (Policy.OPEN, (), "policy open"),
        (Policy.APPROVAL, (), "policy approval"),
        (Policy.OPEN, (grant("*@white", "r*", Verb.MESSAGE),), "grant *@white message r*"),
        (Policy.CLOSED, (grant("neo@white"),), "grant neo@white control,message,observe,spawn *"),
    ],
)
def test_a_ruling_names_what_it_follows_from(policy: Policy, grants: tuple[Grant, ...], by: str):
    assert rule_message(NEO, "rin", policy, grants, NOW_S, at_once).by == by


# --- rates ---

OFTEN, SELDOM = grant("*@white", rate=Rate(10, "m")), grant("neo@*", rate=Rate(1, "h"))


def test_a_rated_grant_allows_until_it_is_used_up_and_takes_a_use_each_time():
    ruling = rule(NEO, Verb.OBSERVE, "rin", [OFTEN], NOW_S, at_once)
    assert ruling.spends == (OFTEN,)
    with pytest.raises(RateExceeded, match="neo@white may observe rin 10/m") as refused:
        rule(NEO, Verb.OBSERVE, "rin", [OFTEN], NOW_S, lambda _grant: 5.91)
    assert "again in 6.0 s" in str(refused.value)


def test_of_several_rated_grants_the_one_that_is_left_is_used():
    waits = {OFTEN: 6.0, SELDOM: 0.0}
    ruling = rule(NEO, Verb.OBSERVE, "rin", [OFTEN, SELDOM], NOW_S, waits.__getitem__)
    assert ruling.spends == (SELDOM,)
    waits = {OFTEN: 6.0, SELDOM: 3_000.0}
    with pytest.raises(RateExceeded, match=r"10/m, .* again in 6\.0 s"):
        rule(NEO, Verb.OBSERVE, "rin", [SELDOM, OFTEN], NOW_S, waits.__getitem__)


def test_a_grant_without_a_rate_goes_before_those_with_one():
    grants = [OFTEN, grant("neo@white", "rin", Verb.MESSAGE)]
    ruling = rule_message(NEO, "rin", Policy.OPEN, grants, NOW_S, lambda _grant: 9.0)
    assert ruling == Ruling("grant neo@white message rin")


@pytest.mark.parametrize("policy", Policy)
def test_a_rate_holds_whatever_the_agents_policy_is(policy: Policy):
    assert rule_message(NEO, "rin", policy, [OFTEN], NOW_S, at_once).spends == (OFTEN,)
    with pytest.raises(RateExceeded):
        rule_message(NEO, "rin", policy, [OFTEN], NOW_S, lambda _grant: 1.0)


def test_a_rate_binds_neither_whom_it_does_not_fit_nor_the_person_of_the_node():
    others = [grant("*@mba", rate=Rate(1, "d")), grant("*@white", "ada", rate=Rate(1, "d"))]
    ended = grant("*", until_s=NOW_S, rate=Rate(1, "d"))
    ruling = rule_message(NEO, "rin", Policy.OPEN, [*others, ended], NOW_S, lambda _grant: 9.0)
    assert ruling == Ruling("policy open")
    everybody = [grant("*", rate=Rate(1, "d"))]
    ruling = rule_message(OPERATOR, "rin", Policy.CLOSED, everybody, NOW_S, lambda _grant: 9.0)
    assert ruling == Ruling("own operator")


def test_two_agents_answer_each_other_up_to_the_limit_and_then_are_stopped():
    for hops in (0, 1, 32):
        check_hops("01J", hops, 32)
    with pytest.raises(LoopStopped, match="conversation 01J went back and forth 33 times"):
        check_hops("01J", 33, 32)
