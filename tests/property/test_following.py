"""Who follows whom is the same on every node, in whatever order it was told; and in doubt nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from hypothesis import given
from hypothesis import strategies as st

from fleet.core.roster import Admit, Appoint, Follow, Revoke, Roster, RosterEntry, SignedEntry
from fleet.wire.roster import read_body, write_body

IDS = ("a", "b", "c", "d", "e")
_ids = st.sampled_from(IDS)
_admits = st.builds(
    lambda new, old: Admit(new, "nova", b"", Follow(old, b"", b"") if old and old != new else None),
    _ids,
    st.none() | _ids,
)
_revokes = st.builds(lambda old, new: Revoke(old, "", follower=new), _ids, st.just("") | _ids)
_powers = st.builds(Appoint, _ids, st.sampled_from(["x", "y"]), st.just(b""))


def _signed(entry: RosterEntry, power: SignedEntry | None = None) -> SignedEntry:
    body = write_body("fleet", entry, power)
    return SignedEntry(body, b"signature of " + body, entry, power)


_by_root = (_admits | _revokes).map(_signed)
_by_admins = st.builds(_signed, _admits | _revokes, _powers.map(_signed))
_entries = st.lists(_by_root | _by_admins, max_size=10)
_of_root = st.lists(_by_root, max_size=10)


def everything(roster: Roster) -> tuple[object, ...]:
    return (
        roster.members(),
        roster.revocations(),
        roster.admins(),
        *((roster.heir(i), roster.lineage(i), roster.followers(i)) for i in IDS),
        *((roster.is_given_up(i), roster.put_out(i), roster.revoked(i)) for i in IDS),
    )


@given(_entries.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
def test_the_order_makes_no_difference(orders: tuple[list[SignedEntry], list[SignedEntry]]):
    one, other = orders
    by_and_by = Roster()
    for signed in other:
        by_and_by.merge([signed])
    assert everything(Roster(one)) == everything(by_and_by)


@given(_entries)
def test_there_are_never_two_that_go_on_as_one(entries: list[SignedEntry]):
    roster = Roster(entries)
    for node_id in IDS:
        after = [i for i in IDS if roster.member(i) and node_id in roster.lineage(i)[1:]]
        # Several only if they are one after the other.
        assert sorted(after, key=lambda i: len(roster.lineage(i))) == [
            i for i in reversed(roster.lineage(roster.heir(node_id))) if i in after
        ]


@given(_entries)
def test_whoever_belongs_has_nobody_put_out_among_its_keys(entries: list[SignedEntry]):
    roster = Roster(entries)
    out = {one.entry.node_id for one in roster.entries() if _is_plain(one.entry)}
    for member in roster.members():
        assert not out & {*roster.lineage(member.node_id)}
        assert roster.put_out(member.node_id) is None


@given(_of_root)
def test_who_follows_is_who_a_dumb_look_at_everything_finds(entries: list[SignedEntry]):
    said = [one.entry for one in entries]
    revoked = {e.node_id for e in said if isinstance(e, Revoke)}
    out = {e.node_id for e in said if _is_plain(e)}
    links = {(e.follows.node_id, e.node_id) for e in said if isinstance(e, Admit) and e.follows}

    def after(node_id: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """All that come after it in any line."""
        for old, new in links:
            if old == node_id and new not in seen:
                yield new
                yield from after(new, seen | {new})

    def lives(node_id: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether some line from it on ends with nobody put out on the way."""
        if node_id in out or node_id in seen:
            return False
        then = [new for old, new in links if old == node_id]
        return not then or any(lives(new, seen | {node_id}) for new in then)

    def is_sound(node_id: str, seen: frozenset[str]) -> bool:
        olds = [old for old, new in links if new == node_id]
        if not olds:
            return True
        if len(olds) > 1 or olds[0] in seen:
            return False
        (old,) = olds
        if old in out:
            return False
        ends = [e.follower for e in said if isinstance(e, Revoke) and e.node_id == old]
        named = {*filter(lives, ends)}
        rivals = [new for before, new in links if before == old and new != node_id]
        return named <= {node_id} and not any(map(lives, rivals)) and is_sound(old, seen | {old})

    belongs = {
        e.node_id
        for e in said
        if isinstance(e, Admit)
        and e.node_id not in revoked
        and not out & {e.node_id, *after(e.node_id)}
        and is_sound(e.node_id, frozenset({e.node_id}))
    }
    assert {admit.node_id for admit in Roster(entries).members()} == belongs


@given(_entries)
def test_what_is_said_of_following_comes_back_from_the_wire(entries: list[SignedEntry]):
    for signed in entries:
        assert read_body(signed.body) == ("fleet", signed.entry)


def _is_plain(entry: RosterEntry) -> TypeGuard[Revoke]:
    return isinstance(entry, Revoke) and not entry.follower
