"""A receipt in words says what is known and what to do, for every state and every reason."""

from __future__ import annotations

import pytest

from fleet.cli import receipts
from fleet.cli.receipts import chain, line, todo, why
from fleet.cli.terminal import Terminal
from fleet.core.delivery import HoldReason, State
from tests.support.door import receipt
from tests.support.pages import DOCS, rows, section


@pytest.fixture
def terminal() -> Terminal:
    return Terminal({}, as_json=False)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_sentence_about_the_recipient(state: State) -> None:
    sentence = why(receipt(state=state.value, evidence=None))
    assert sentence.startswith("rin@nova: ")
    assert sentence != f"rin@nova: it is {state.value}" or state is State.ACKNOWLEDGED


@pytest.mark.parametrize("reason", HoldReason)
def test_every_reason_to_hold_says_what_is_in_the_way_and_what_to_do(reason: HoldReason) -> None:
    held = receipt(state="held", reason=reason.value)
    assert why(held) != why(receipt(state="held", reason="")), "the reason is in the sentence"
    assert f": {reason.value}" not in why(held), "and in words"
    assert todo(held)


def test_a_message_that_a_draft_outlasted_does_not_wait_any_more() -> None:
    ended = receipt(state="expired", reason="draft", evidence=None)
    assert todo(ended) == f"fleet revive {ended['id']} sends it again"
    assert todo(receipt(state="refused", reason="not_allowed")).startswith("ask for a grant")


def test_the_nodes_own_sentence_goes_before_ours() -> None:
    held = receipt(state="held", reason="dialog", detail="Allow this to run?")
    assert why(held) == "rin@nova: it is held on nova: Allow this to run?"


def test_a_state_of_a_later_version_is_told_as_it_is() -> None:
    later = receipt(state="pondered", reason="moon", evidence=None)
    assert why(later) == "rin@nova: it is pondered: moon"
    assert todo(later) == ""


def test_a_recipient_without_a_node_is_no_reason_to_fail() -> None:
    assert "its node" in why(receipt(state="queued", to="rin"))


def test_what_to_do_names_the_id_in_full_so_that_it_can_be_pasted() -> None:
    unconfirmed = receipt(state="unconfirmed")
    assert f"fleet revive {unconfirmed['id']}" in todo(unconfirmed)


def test_a_line_has_state_recipient_id_and_how_it_is_known(terminal: Terminal) -> None:
    shown = line(terminal, receipt(cleaned=3), 0.0234)
    assert shown == (
        "submitted  rin@nova  01KB3FZ2Q0H4T4SJ6BVX0W6Y2N  "
        "(screen, 3 characters made visible, 23 ms)"
    )
    held = receipt(state="held", reason="draft", evidence=None)
    assert line(terminal, held) == "held       rin@nova  01KB3FZ2Q0H4T4SJ6BVX0W6Y2N  (draft)"


def test_nothing_less_than_submitted_reads_like_success() -> None:
    for state in set(State) - {State.SUBMITTED, State.ACKNOWLEDGED}:
        sentence = why(receipt(state=state.value)).lower()
        assert "delivered" not in sentence
        assert "sent" not in sentence.split()


@pytest.mark.parametrize(
    ("length_s", "shown"), [(0.0004, "0 ms"), (0.99, "990 ms"), (1.26, "1.3 s")]
)
def test_how_long_it_took_is_told_in_milliseconds_below_a_second(
    length_s: float, shown: str
) -> None:
    assert receipts.length(length_s) == shown


def way(*states: str) -> list[dict[str, str]]:
    """A timeline of states; ``held:draft`` is one with its reason."""
    parts = [state.partition(":") for state in states]
    return [{"state": state, "reason": reason} for state, _, reason in parts]


def test_the_states_so_far_are_one_line_with_what_held_it() -> None:
    states = ("queued", "accepted", "held:draft", "typing", "typed", "submitted")
    assert chain(way(*states)) == "queued > accepted > held(draft) > typed > submitted"


def test_typing_is_shown_while_it_lasts_and_the_same_hold_again_is_one() -> None:
    assert chain(way("accepted", "held:busy", "held:busy", "typing")) == (
        "accepted > held(busy) > typing"
    )
    assert chain(way("accepted", "held:busy", "held:draft")) == (
        "accepted > held(busy) > held(draft)"
    )


def test_of_a_long_way_the_end_is_shown() -> None:
    holds = ["held:busy", "held:draft"] * 9
    assert chain(way("queued", *holds), most=3) == "… > held(draft) > held(busy) > held(draft)"


def test_the_guide_has_a_row_for_every_state_that_is_not_the_end_a_sender_wants() -> None:
    guide = DOCS / "guides/when-a-message-does-not-arrive.md"
    states = {row[0].split("`")[1] for row in rows(section(guide, "1. What does the receipt say?"))}
    assert states >= {s.value for s in State} - {"typing", "cancelled", "acknowledged"}
    reasons = {row[0].strip("`") for row in rows(section(guide, "3. What is it waiting for?"))}
    assert reasons == {reason.value for reason in HoldReason}
