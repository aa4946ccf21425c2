"""A receipt says what is known, in the one shape that programs get."""

from math import inf, nan

import pytest

from fleet.core.delivery import Evidence, State
from fleet.core.envelope import (
    DEDUPE_KEPT_S,
    DEFAULT_EXPIRY_S,
    ENVELOPE_ID,
    HOPS_LIMIT,
    LONGEST_EXPIRY_S,
    TEXT_LIMIT_BYTES,
    Entry,
    Receipt,
    check_draft_limit,
    check_expiry,
    check_text,
    digest,
)
from fleet.core.errors.requests import EmptyText, MalformedRequest, TooLarge, UndecodableText
from tests.support.letters import letter, ulid

QUEUED = Entry(State.QUEUED, 1_000.0, "white")
HELD = Entry(State.HELD, 1_001.5, "nova", "dialog", detail="a question is open on its screen")
SUBMITTED = Entry(State.SUBMITTED, 1_002.25, "nova", evidence=Evidence.SCREEN)


def test_a_receipt_is_its_newest_entry_and_the_way_there():
    receipt = Receipt(letter(), (QUEUED, HELD, SUBMITTED), cleaned=2)
    assert receipt.last == SUBMITTED
    assert receipt.as_json() == {
        "id": ulid(1),
        "from": "neo@white",
        "to": "rin@nova",
        "state": "submitted",
        "reason": "",
        "detail": "",
        "evidence": "screen",
        "timeline": [
            {"state": "queued", "at": "1970-01-01T00:16:40.000Z", "node": "white"},
            {
                "state": "held",
                "at": "1970-01-01T00:16:41.500Z",
                "node": "nova",
                "reason": "dialog",
                "detail": "a question is open on its screen",
            },
            {
                "state": "submitted",
                "at": "1970-01-01T00:16:42.250Z",
                "node": "nova",
                "evidence": "screen",
            },
        ],
        "cleaned": 2,
    }


def test_a_receipt_without_evidence_says_so():
    told = Receipt(letter(), (QUEUED, HELD)).as_json()
    assert (told["state"], told["reason"], told["evidence"]) == ("held", "dialog", None)
    assert (told["detail"], told["cleaned"]) == ("a question is open on its screen", 0)


@pytest.mark.parametrize("text", ["", " ", "\n\t \r\n", "\u2028", "\x85"])
def test_nothing_but_white_space_is_nothing_to_send(text: str):
    with pytest.raises(EmptyText):
        check_text(text)


@pytest.mark.parametrize("letter_", ["a", "é", "€", "😀"])
def test_the_limit_is_in_bytes_of_utf_8_and_reaches_to_the_last_one(letter_: str):
    size = len(letter_.encode())
    fits = letter_ * (TEXT_LIMIT_BYTES // size)
    fits += "a" * (TEXT_LIMIT_BYTES - len(fits.encode()))
    check_text(fits)
    with pytest.raises(TooLarge, match=f"{TEXT_LIMIT_BYTES + 1} bytes; at most {TEXT_LIMIT_BYTES}"):
        check_text(fits + "a")


def test_a_text_that_no_wire_can_carry_is_refused_with_the_place():
    with pytest.raises(UndecodableText, match=r"^the text is not UTF-8: .* offset 3$"):
        check_text("aé\udc80b")


def test_a_digest_names_a_text_and_does_not_tell_it():
    assert digest("the tests are green") == "24479de979f5c9a768dfaea1d856900e"
    assert len({digest(text) for text in ("a", "b", "a ", "€")}) == 4


@pytest.mark.parametrize("text", [ulid(1), "0" * 26, "Z" * 26])
def test_an_id_is_26_letters_of_a_ulid(text: str):
    assert ENVELOPE_ID.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, ulid(1).lower(), *(f"{strange}{'0' * 25}" for strange in "ILOU-; \n")],
)
def test_what_could_be_misread_or_means_something_to_a_shell_is_no_id(text: str):
    assert not ENVELOPE_ID.fullmatch(text)


@pytest.mark.parametrize("expires_s", [0.001, DEFAULT_EXPIRY_S, LONGEST_EXPIRY_S])
def test_a_message_may_be_good_for_a_moment_or_two_weeks(expires_s: float):
    check_expiry(expires_s)


@pytest.mark.parametrize("expires_s", [0, -1, LONGEST_EXPIRY_S + 1, inf, -inf, nan])
def test_a_time_that_is_none_or_longer_is_refused(expires_s: float):
    with pytest.raises(MalformedRequest) as refused:
        check_expiry(expires_s)
    assert str(refused.value) == f"a message cannot expire after {expires_s:g} s"
    assert refused.value.hint == "above 0, and at most 14d"


def test_the_limits_are_those_that_people_are_told():
    assert TEXT_LIMIT_BYTES == 256 * 1_024
    assert HOPS_LIMIT == 32
    days = [s / 86_400 for s in (DEFAULT_EXPIRY_S, LONGEST_EXPIRY_S, DEDUPE_KEPT_S)]
    assert days == [7, 14, 30]


def test_an_inbox_remembers_an_id_longer_than_any_sender_tries():
    assert DEDUPE_KEPT_S > 2 * LONGEST_EXPIRY_S > 2 * DEFAULT_EXPIRY_S


@pytest.mark.parametrize("limit_s", [0.0, 0.5, LONGEST_EXPIRY_S])
def test_a_draft_may_be_waited_for_up_to_the_longest_expiry(limit_s: float):
    check_draft_limit(limit_s)


@pytest.mark.parametrize("limit_s", [-1.0, LONGEST_EXPIRY_S + 1, float("nan"), float("inf")])
def test_no_other_time_is_waited_for_a_draft(limit_s: float):
    with pytest.raises(MalformedRequest, match="a draft cannot be waited for"):
        check_draft_limit(limit_s)
