"""Entries merge in any order to one roster; a revocation wins over everything, for ever.

``tests/property/test_roster.py`` tries the orders.
"""

from fleet.core.roster import Admit, Revoke, Roster, SignedEntry
from fleet.wire import write_body
from tests.support.fleets import id_of


def signed(entry: Admit | Revoke) -> SignedEntry:
    body = write_body("fleet", entry)
    return SignedEntry(body, b"signature of " + body, entry)


WHITE = Admit(id_of("w"), "white", b"certificate")
NOVA = Admit(id_of("n"), "nova", b"certificate")
OUT = Revoke(NOVA.node_id, "laptop lost")


def test_who_was_admitted_belongs():
    roster = Roster([signed(WHITE), signed(NOVA)])
    assert roster.member(NOVA.node_id) == roster.known(NOVA.node_id) == NOVA
    assert roster.members() == (NOVA, WHITE)
    assert roster.revoked(NOVA.node_id) is None
    assert roster.revocations() == ()


def test_who_was_never_admitted_does_not():
    roster = Roster([signed(WHITE)])
    assert roster.member(NOVA.node_id) is None
    assert roster.known(NOVA.node_id) is None


def test_a_revocation_is_final_also_against_a_later_admission_of_the_same_key():
    roster = Roster([signed(WHITE), signed(NOVA), signed(OUT)])
    roster.merge([signed(Admit(NOVA.node_id, "nova-again", b"new certificate"))])
    assert roster.member(NOVA.node_id) is None
    assert roster.members() == (WHITE,)
    assert roster.revoked(NOVA.node_id) == OUT
    assert roster.revocations() == (OUT,)


def test_a_revocation_that_comes_before_the_admission_wins_as_well():
    roster = Roster([signed(OUT)])
    roster.merge([signed(NOVA)])
    assert roster.member(NOVA.node_id) is None
    assert roster.known(NOVA.node_id) == NOVA, "it is still shown by name"


def test_merging_says_what_was_new():
    roster = Roster()
    assert roster.merge([signed(WHITE), signed(NOVA), signed(WHITE)]) == (
        signed(WHITE),
        signed(NOVA),
    )
    assert roster.merge([signed(WHITE), signed(OUT)]) == (signed(OUT),)
    assert roster.merge([]) == ()


def test_of_two_entries_for_one_node_every_replica_takes_the_same():
    one, other = signed(WHITE), signed(Admit(WHITE.node_id, "snow", b"certificate"))
    newer = signed(Admit(WHITE.node_id, "white", b"other certificate"))
    assert Roster([one, other]).members() == Roster([other, one]).members() == (WHITE,)
    assert Roster([one, newer]).members() == Roster([newer, one]).members() == (newer.entry,)
    why = [signed(Revoke(WHITE.node_id, reason)) for reason in ("lost", "stolen")]
    assert Roster(why).revocations() == Roster(reversed(why)).revocations() == (why[1].entry,)


def test_two_rosters_have_one_digest_exactly_when_they_hold_the_same():
    entries = [signed(WHITE), signed(NOVA), signed(OUT)]
    whole = Roster(entries)
    assert whole.digest() == Roster(reversed(entries)).digest()
    assert whole.entries() == Roster(reversed(entries)).entries()
    digests = {Roster(entries[:count]).digest() for count in range(4)}
    assert len(digests) == 4


def test_an_entry_is_named_by_the_bytes_that_were_signed():
    assert signed(WHITE).entry_id == signed(WHITE).entry_id
    assert SignedEntry(signed(WHITE).body, b"x", WHITE).entry_id == signed(WHITE).entry_id
    assert signed(WHITE).entry_id != signed(NOVA).entry_id
    assert len(signed(WHITE).entry_id) == 64
