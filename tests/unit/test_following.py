"""A node that took a new key is another id, and goes on as the one before; in doubt nobody does.

``tests/property/test_following.py`` tries the orders.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from fleet.core.following import LINEAGE_LIMIT, Following
from fleet.core.roster import Admit, Appoint, Follow, Revoke, Roster, RosterEntry, SignedEntry
from fleet.wire.roster import write_body
from tests.support.fleets import id_of

A, B, C, D = (id_of(letter) for letter in "abcd")
KEY = id_of("k")


def signed(entry: RosterEntry, power: SignedEntry | None = None) -> SignedEntry:
    body = write_body("fleet", entry, power)
    return SignedEntry(body, b"signature of " + body, entry, power)


def admit(node_id: str, follows: str = "") -> Admit:
    before = Follow(follows, b"public key", b"signature") if follows else None
    return Admit(node_id, "nova", b"certificate", before)


def roster(*entries: RosterEntry) -> Roster:
    return Roster(map(signed, entries))


GIVEN_UP = Revoke(A, "it goes on with a new key", follower=B)


def belonging(known: Roster) -> list[str]:
    return [one.node_id for one in known.members()]


def test_a_new_key_belongs_beside_the_old_one_until_that_is_given_up():
    both = roster(admit(A), admit(B, A))
    assert belonging(both) == [A, B]
    assert (both.heir(A), both.lineage(B)) == (B, (B, A))
    assert not both.is_given_up(A)
    both.merge([signed(GIVEN_UP)])
    assert belonging(both) == [B]
    assert both.is_given_up(A)
    assert both.put_out(A) is None, "the node is as welcome as before"
    assert both.revocations() == (), "nobody was put out"
    assert both.revoked(A) == GIVEN_UP


def test_keys_follow_each_other():
    third = roster(admit(A), admit(B, A), admit(C, B), GIVEN_UP, Revoke(B, "", follower=C))
    assert belonging(third) == [C]
    assert (third.heir(A), third.heir(B), third.lineage(C)) == (C, C, (C, B, A))
    assert third.is_given_up(A)
    assert third.is_given_up(B)


def test_what_follows_a_node_that_was_put_out_is_out():
    for out in (A, B):
        gone = roster(admit(A), admit(B, A), admit(C, B), Revoke(out, "lost"))
        assert belonging(gone) == []
    assert belonging(roster(admit(A), admit(B, A), Revoke(A, "lost"))) == []
    assert belonging(roster(admit(A), admit(B, A), GIVEN_UP, Revoke(A, "lost"))) == []


def test_a_node_that_is_put_out_is_out_under_all_the_ids_it_had():
    gone = roster(admit(A), admit(B, A), Revoke(B, "lost"))
    assert belonging(gone) == [], "its old key was not even given up"
    assert gone.put_out(A) == gone.put_out(B) == Revoke(B, "lost")
    assert [one.node_id for one in gone.revocations()] == [B]


def test_of_two_that_follow_one_neither_belongs_until_one_is_put_out():
    torn = roster(admit(A), admit(B, A), admit(C, A))
    assert belonging(torn) == [A]
    assert torn.heir(A) == A
    assert torn.followers(A) == {B, C}
    torn.merge([signed(GIVEN_UP)])
    assert belonging(torn) == []
    torn.merge([signed(Revoke(C, "a thief's"))])
    assert belonging(torn) == [B]
    assert torn.heir(A) == B


def test_a_thief_does_not_get_away_by_taking_yet_another_key():
    torn = roster(admit(A), admit(B, A), admit(C, A), admit(D, C), Revoke(C, "", follower=D))
    assert B not in belonging(torn)
    assert D not in belonging(torn)
    torn.merge([signed(Revoke(D, "a thief's"))])
    assert belonging(torn) == [B]


def test_who_is_said_to_be_followed_by_another_is_not_followed():
    assert belonging(roster(admit(A), admit(B, A), Revoke(A, "", follower=C))) == []


def test_the_wrong_one_of_two_is_put_out_also_when_both_have_given_up_the_old_key():
    for node, thief in ((B, C), (C, B)):
        torn = roster(
            admit(A), admit(B, A), admit(C, A), GIVEN_UP, Revoke(A, "by another admin", follower=C)
        )
        assert belonging(torn) == []
        torn.merge([signed(Revoke(thief, "a thief's"))])
        assert belonging(torn) == [node]
        assert torn.is_given_up(A)


def test_whoever_claims_what_another_does_is_told_until_one_is_put_out():
    torn = roster(admit(A), admit(B, A))
    assert torn.contested() == ()
    torn.merge([signed(GIVEN_UP)])
    assert torn.contested() == (), "the one that was let in is the one that it is given up for"
    torn.merge([signed(admit(C, A))])
    assert torn.contested() == ((A, (B, C)),)
    torn.merge([signed(admit(D, C)), signed(Revoke(C, "", follower=D))])
    assert torn.contested() == ((A, (B, C)),)
    torn.merge([signed(Revoke(D, "a thief's"))])
    assert torn.contested() == ()
    assert roster(admit(A), admit(B, A), Revoke(A, "", follower=C)).contested() == ((A, (B, C)),)


def test_of_a_node_that_was_put_out_nothing_is_contested():
    claims = admit(C, B), admit(D, B)
    assert roster(admit(B), *claims).contested() == ((B, (C, D)),)
    assert roster(admit(B), *claims, Revoke(B, "lost")).contested() == ()
    assert roster(admit(A), admit(B, A), *claims, Revoke(A, "lost")).contested() == ()


def test_one_that_follows_two_and_those_in_a_circle_do_not_belong():
    assert C not in belonging(roster(admit(A), admit(B), admit(C, A), admit(C, B)))
    assert belonging(roster(admit(A, B), admit(B, A))) == []
    assert roster(admit(A, B), admit(B, A)).heir(A) == A


@pytest.mark.parametrize("length", [LINEAGE_LIMIT, LINEAGE_LIMIT + 1, 3_000])
def test_a_line_of_keys_is_as_long_as_it_may_be_and_no_longer(length: int):
    ids = [f"{number:04}" for number in range(length + 1)]
    known = Following({new: frozenset({old}) for old, new in pairwise(ids)}, {})
    assert known.is_void(ids[-1]) == (length > LINEAGE_LIMIT)


def test_the_power_of_an_admin_goes_on_with_its_node_and_ends_with_it():
    power = signed(Appoint(A, KEY, b"certificate"))
    kai = signed(Admit(D, "kai", b"certificate"), power)
    fleet = Roster([signed(admit(A)), power, kai, signed(admit(B, A), power)])
    assert [one.node_id for one in fleet.admins()] == [A]
    fleet.merge([signed(GIVEN_UP, power)])
    assert [one.node_id for one in fleet.admins()] == [B]
    assert fleet.power(B, KEY) == power
    assert fleet.power(D, KEY) is None
    assert belonging(fleet) == [B, D]
    fleet.merge([signed(Revoke(B, "lost"))])
    assert fleet.admins() == ()
    assert belonging(fleet) == [], "whom it let in is let in by nobody"


def test_a_plain_revocation_is_told_before_the_one_that_gives_a_key_up():
    for entries in ((GIVEN_UP, Revoke(A, "aaa")), (Revoke(A, "aaa"), GIVEN_UP)):
        assert roster(admit(A), admit(B, A), *entries).revoked(A) == Revoke(A, "aaa")
