"""However entries reach two nodes, in pieces and again, both come to the same roster."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.roster import Admit, Revoke, Roster, SignedEntry
from tests.support.strategies import all_entries, signed_entries

batches = st.lists(signed_entries, max_size=8)
mixed = st.lists(all_entries, max_size=8)


def everything(roster: Roster) -> tuple[object, ...]:
    return (
        roster.entries(),
        roster.members(),
        roster.revocations(),
        roster.digest(),
        roster.admins(),
        roster.authorities(b"founder"),
        roster.line,
        *(roster.known(e.node_id) for e in roster.entries()),
        *(roster.admission(e.node_id) for e in roster.entries()),
        *(roster.revocation(e.node_id) for e in roster.entries()),
    )


def merged(*parts: list[SignedEntry]) -> Roster:
    roster = Roster()
    for part in parts:
        roster.merge(part)
    return roster


@given(mixed, mixed, mixed)
def test_merging_is_commutative_associative_and_idempotent(
    a: list[SignedEntry], b: list[SignedEntry], c: list[SignedEntry]
):
    one = everything(merged(a, b, c))
    assert everything(merged(c, a, b)) == one
    assert everything(merged(b + c, a)) == one
    assert everything(merged(a, b, a, c, b, a)) == one
    assert everything(Roster(Roster([*a, *b, *c]).entries())) == one


@given(mixed.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
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


@given(mixed, mixed)
def test_who_was_put_out_stays_out_whoever_signed_it_and_whatever_became_of_them(
    first: list[SignedEntry], then: list[SignedEntry]
):
    roster = Roster(first)
    out = {revoke.node_id for revoke in roster.revocations()}
    roster.merge(then)
    assert not out & {admit.node_id for admit in roster.members()}
    assert all(roster.revoked(node_id) for node_id in out)


@given(mixed)
def test_a_member_rests_on_the_root_or_on_an_admin_who_may_or_on_what_the_root_keeps(
    entries: list[SignedEntry],
):
    """By a dumb definition: look at everything that was ever said."""
    everything = [one for signed in entries for one in (signed.power, signed) if one]
    said = [one.entry for one in everything]
    out = {entry.node_id for entry in said if isinstance(entry, Revoke)}
    by_root = [s.entry for s in everything if s.power is None and isinstance(s.entry, Revoke)]

    def stands(signed: SignedEntry) -> bool:
        admin = signed.appointed
        if admin is None:
            return True
        taken_back = [revoke for revoke in by_root if revoke.node_id == admin.admin_id]
        if taken_back:
            return all(signed.entry_id in revoke.kept for revoke in taken_back)
        return admin.node_id not in out

    admissions = [one for one in everything if isinstance(one.entry, Admit)]
    belongs = {one.node_id for one in admissions if stands(one)} - out
    assert {admit.node_id for admit in Roster(entries).members()} == belongs
