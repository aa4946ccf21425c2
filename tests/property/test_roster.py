"""However entries reach two nodes, in pieces and again, both come to the same roster."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.roster import Admit, Revoke, Roster, SignedEntry
from tests.support.strategies import signed_entries

batches = st.lists(signed_entries, max_size=8)


def everything(roster: Roster) -> tuple[object, ...]:
    return (
        roster.entries(),
        roster.members(),
        roster.revocations(),
        roster.digest(),
        *(roster.known(e.entry.node_id) for e in roster.entries()),
    )


def merged(*parts: list[SignedEntry]) -> Roster:
    roster = Roster()
    for part in parts:
        roster.merge(part)
    return roster


@given(batches, batches, batches)
def test_merging_is_commutative_associative_and_idempotent(
    a: list[SignedEntry], b: list[SignedEntry], c: list[SignedEntry]
):
    one = everything(merged(a, b, c))
    assert everything(merged(c, a, b)) == one
    assert everything(merged(b + c, a)) == one
    assert everything(merged(a, b, a, c, b, a)) == one
    assert everything(Roster(Roster([*a, *b, *c]).entries())) == one


@given(batches.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
def test_the_order_makes_no_difference(orders: tuple[list[SignedEntry], list[SignedEntry]]):
    one, other = orders
    assert everything(Roster(one)) == everything(Roster(other))


@given(batches, batches)
def test_who_belongs_is_who_was_admitted_and_not_revoked(
    first: list[SignedEntry], then: list[SignedEntry]
):
    roster = merged(first, then)
    said = [signed.entry for signed in (*first, *then)]
    revoked = {entry.node_id for entry in said if isinstance(entry, Revoke)}
    admitted = {entry.node_id for entry in said if isinstance(entry, Admit)}
    assert [admit.node_id for admit in roster.members()] == sorted(admitted - revoked)
    assert [revoke.node_id for revoke in roster.revocations()] == sorted(revoked)
    for node_id in admitted | revoked:
        member = roster.member(node_id)
        assert (member is None) == (node_id not in admitted - revoked)
        assert member in {None, roster.known(node_id)}
        assert member is None or member in said


@given(batches, batches)
def test_news_is_what_was_not_known_each_once(first: list[SignedEntry], then: list[SignedEntry]):
    roster = Roster(first)
    known = {signed.entry_id for signed in first}
    fresh = roster.merge(then)
    assert len(fresh) == len(set(fresh))
    assert {s.entry_id for s in fresh} == {s.entry_id for s in then} - known
    assert roster.merge(then) == ()


@given(batches, batches)
def test_digests_are_equal_exactly_when_the_entries_are(
    one: list[SignedEntry], other: list[SignedEntry]
):
    assert (Roster(one).digest() == Roster(other).digest()) == (set(one) == set(other))
