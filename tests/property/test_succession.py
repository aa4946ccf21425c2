"""Whoever signs for the fleet, and however it reaches the nodes: all come to the same, and what a retired
root signed counts as far as it was kept and no further."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.roster import Admit, Retire, Revoke, Roster, SignedEntry, Succeed
from fleet.core.succession import FOUNDER
from tests.property.test_roster import everything, merged
from tests.support.strategies import FIRST, RIVAL, History, histories, said_by, signed_on


def with_powers(entries: list[SignedEntry]) -> dict[str, SignedEntry]:
    """By id, also what they rest on."""
    return {one.entry_id: one for signed in entries for one in (signed, *signed.rests_on)}


def by_root(signed: SignedEntry) -> list[SignedEntry]:
    """Those of an entry and what it rests on that a root signed itself."""
    return [one for one in (signed, *signed.rests_on) if one.appointed is None]


def is_void(signed: SignedEntry, kept: dict[str, frozenset[str]]) -> bool:
    return any(one.root in kept and one.entry_id not in kept[one.root] for one in by_root(signed))


def is_undecided(signed: SignedEntry, said: dict[str, SignedEntry]) -> bool:
    """Whether it rests on one of several successors of one root, of whom none has retired it."""
    for one in (signed, *signed.rests_on):
        others = [e for e in said.values() if isinstance(e.entry, Succeed) and e.root == one.root]
        if isinstance(one.entry, Succeed) and one is not signed and len(others) > 1:
            return True
    return False


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_makes_no_difference(history: History, dice: Random):
    entries = list(history.entries)
    one = everything(Roster(entries))
    dice.shuffle(entries)
    half = len(entries) // 2
    assert everything(Roster(entries)) == one
    assert everything(merged(entries[half:], entries[:half], entries)) == one
    assert everything(merged(*([entry] for entry in entries))) == one
    assert everything(Roster(Roster(entries).entries())) == one


@given(histories())
def test_what_counts_is_what_no_retirement_voids_and_no_rival_leaves_undecided(history: History):
    """By a dumb definition: look at everything that was ever said."""
    said = with_powers(history.entries)
    said = {i: one for i, one in said.items() if not is_void(one, history.kept)}
    roster = Roster(history.entries)
    assert {one.entry_id for one in roster.entries()} == set(said)
    revokes = [one for one in said.values() if isinstance(one.entry, Revoke)]
    out = {one.node_id for one in revokes}
    assert all(roster.revoked(node_id) for node_id in out)
    dismissed = {one.node_id for one in revokes if one.appointed is None}

    def stands(signed: SignedEntry) -> bool:
        if not isinstance(signed.entry, Admit) or is_undecided(signed, said):
            return False
        admin = signed.appointed
        if admin is None:
            return True
        return admin.admin_id not in dismissed and admin.node_id not in out

    belongs = {one.node_id for one in said.values() if stands(one)} - out
    assert {admit.node_id for admit in roster.members()} == belongs


@given(histories(retired=True), st.lists(said_by(None) | said_by(RIVAL), max_size=6), st.data())
def test_who_has_the_key_of_a_retired_root_changes_nothing(
    history: History, forged: list[SignedEntry], data: st.DataObject
):
    """It lets nobody in, puts nobody out, gives no power, names no successor and retires nobody."""
    roster = Roster(history.entries)
    before = everything(roster)
    kept = data.draw(st.sets(st.sampled_from(sorted(with_powers(history.entries)))))
    rivals = RIVAL, signed_on(Retire("root", tuple({RIVAL.entry_id, *kept})), RIVAL)
    new = [one for one in (*forged, *rivals) if is_void(one, history.kept)]
    assert set(rivals) <= set(new)
    assert roster.merge(data.draw(st.permutations(new))) == ()
    assert everything(roster) == before


@given(histories())
def test_whom_a_root_put_out_stays_out_when_its_successor_keeps_that(history: History):
    first = Roster([one for one in history.entries if not isinstance(one.entry, Retire)])
    out = {
        one.node_id
        for one in first.entries()
        if isinstance(one.entry, Revoke) and RIVAL not in one.rests_on
    }
    own = [i for root in (FOUNDER, FIRST.entry_id) for i in first.signed_by(root)]
    keeps_all = tuple({*own, FIRST.entry_id} - {RIVAL.entry_id})
    roster = Roster([*first.entries(), signed_on(Retire("root", keeps_all), FIRST)])
    assert roster.line.is_retired(FOUNDER)
    assert all(roster.revoked(node_id) for node_id in out)


def test_of_two_that_retired_one_root_the_first_stays():
    """Both have the old key, so nothing that is signed tells them apart: what was known first does."""
    mine = signed_on(Retire("root", (FIRST.entry_id,)), FIRST)
    theirs = signed_on(Retire("root", (RIVAL.entry_id,)), RIVAL)
    assert Roster([mine]).merge([theirs, RIVAL]) == ()
    assert Roster([theirs]).merge([mine, FIRST]) == ()
    both = Roster([mine, theirs])
    assert both.line == Roster([theirs, mine]).line
    assert {one.entry_id for one in both.rivals()} == {FIRST.entry_id, RIVAL.entry_id}
