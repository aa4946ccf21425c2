"""Of several links both sides keep the same one, and a node that is away is tried again, spread out."""

from itertools import pairwise, permutations, product

import pytest

from fleet.core.frames import LATEST_PROTOCOL, PROTOCOL, Hello
from fleet.core.link import FIRST_RETRY_S, LAST_RETRY_S, LinkId, agreed, replaces, retry_after_s


@pytest.mark.parametrize(
    ("oldest", "latest", "spoken"),
    [
        (PROTOCOL, LATEST_PROTOCOL, LATEST_PROTOCOL),
        (PROTOCOL, 0, PROTOCOL),  # version 1 knew no range
        (PROTOCOL, PROTOCOL, PROTOCOL),
        (LATEST_PROTOCOL, LATEST_PROTOCOL + 1, LATEST_PROTOCOL),
        (LATEST_PROTOCOL + 1, LATEST_PROTOCOL + 2, None),
        (PROTOCOL - 1, 0, None),
        (PROTOCOL - 1, PROTOCOL, PROTOCOL),
        (99, 1, None),
    ],
)
def test_two_nodes_speak_the_newest_version_that_both_know(
    oldest: int, latest: int, spoken: int | None
):
    assert agreed(Hello(oldest, "", "", "", "", (), "", latest)) == spoken


WHITE, NOVA = "a" * 52, "b" * 52
SMALLER = min(WHITE, NOVA)


def kept(arrivals: tuple[str, ...], boot: str = "boot 1") -> str:
    """Who dialled the link that is left after links arrived in this order."""
    link = LinkId(arrivals[0], boot)
    for dialled_by in arrivals[1:]:
        new = LinkId(dialled_by, boot)
        link = new if replaces(new, link, SMALLER) else link
    return link.dialled_by


def test_both_sides_keep_the_same_link_in_whatever_order_they_see_them():
    for one, other in product(permutations((WHITE, NOVA)), repeat=2):
        assert kept(one) == kept(other) == WHITE


def test_a_new_link_from_the_same_side_replaces_one_that_is_dead_and_does_not_know_it():
    for side in (WHITE, NOVA):
        assert replaces(LinkId(side, "boot 1"), LinkId(side, "boot 1"), SMALLER)


def test_a_link_to_a_new_life_of_the_peer_replaces_any_link_to_an_earlier_one():
    for new, old in product((WHITE, NOVA), repeat=2):
        assert replaces(LinkId(new, "boot 2"), LinkId(old, "boot 1"), SMALLER)


def test_the_larger_side_does_not_replace_what_the_smaller_one_dialled():
    assert replaces(LinkId(WHITE, "boot 1"), LinkId(NOVA, "boot 1"), SMALLER)
    assert not replaces(LinkId(NOVA, "boot 1"), LinkId(WHITE, "boot 1"), SMALLER)


def test_waits_grow_from_a_fifth_of_a_second_to_five_and_no_further():
    waits = [retry_after_s(attempts, 1.0) for attempts in range(60)]
    assert waits[0] == pytest.approx(FIRST_RETRY_S) == pytest.approx(0.2)
    assert waits[1] == pytest.approx(0.34)
    assert all(one <= next_ for one, next_ in pairwise(waits))
    assert {*waits[10:]} == {LAST_RETRY_S} == {5.0}
    assert retry_after_s(1_000_000, 1.0) == LAST_RETRY_S


@pytest.mark.parametrize("attempts", [0, 1, 5, 50])
def test_half_of_each_wait_is_fixed_and_half_is_left_to_the_dice(attempts: int):
    longest = retry_after_s(attempts, 1.0)
    assert retry_after_s(attempts, 0.0) == pytest.approx(longest / 2)
    assert retry_after_s(attempts, 0.5) == pytest.approx(longest * 3 / 4)
