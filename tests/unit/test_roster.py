"""Entries merge in any order to one roster; a revocation wins over everything, for ever.

``tests/property/test_roster.py`` tries the orders.
"""

from fleet.core.roster import Admit, Appoint, Revoke, Roster, RosterEntry, SignedEntry
from fleet.wire.roster import write_body
from tests.support.fleets import id_of


def signed(entry: RosterEntry) -> SignedEntry:
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


# --- admins ---

ADMIN = Appoint(WHITE.node_id, id_of("k"), b"certificate of the key")
POWER = signed(ADMIN)


def by_admin(entry: Admit | Revoke) -> SignedEntry:
    body = write_body("fleet", entry, POWER)
    return SignedEntry(body, b"signature of " + body, entry, POWER)


def dismissed(*kept: SignedEntry, reason: str = "over") -> SignedEntry:
    return signed(Revoke(ADMIN.admin_id, reason, tuple(sorted(one.entry_id for one in kept))))


KAI = by_admin(Admit(id_of("i"), "kai", b"certificate"))
RIN = by_admin(Admit(id_of("r"), "rin", b"certificate"))


def members(*entries: SignedEntry) -> set[str]:
    """Who belongs, in this order and in the other."""
    one, other = Roster(entries), Roster(reversed(entries))
    assert one.members() == other.members()
    assert one.admins() == other.admins()
    return {admit.name for admit in one.members()}


def test_whom_an_admin_let_in_belongs_and_its_power_comes_with_the_entry():
    assert members(signed(WHITE), KAI) == {"white", "kai"}
    roster = Roster([signed(WHITE), KAI])
    assert roster.entries() == Roster([KAI, signed(WHITE), POWER]).entries()
    assert roster.admins() == (ADMIN,)
    assert roster.power(WHITE.node_id, ADMIN.admin_id) == POWER
    assert roster.power(NOVA.node_id, ADMIN.admin_id) is None
    assert roster.let_in_by(ADMIN.admin_id) == (KAI,)
    assert set(roster.authorities(b"founder")) == {ADMIN.certificate, b"founder"}
    assert roster.admission(id_of("i")) == KAI
    assert KAI.appointed == ADMIN
    assert [one.speaks_of_admins for one in (KAI, POWER, signed(WHITE))] == [True, True, False]
    assert roster.holds(KAI.entry_id)
    assert not roster.holds(RIN.entry_id)


def test_of_a_dismissed_admin_only_what_every_dismissal_keeps_stands():
    assert members(signed(WHITE), KAI, RIN, dismissed(KAI)) == {"white", "kai"}
    assert members(signed(WHITE), KAI, RIN, dismissed(KAI), dismissed(RIN, reason="x")) == {"white"}
    assert members(signed(WHITE), KAI, RIN, dismissed(KAI, RIN), dismissed(RIN, reason="x")) == {
        "white", "rin",
    }  # fmt: skip
    roster = Roster([signed(WHITE), KAI, dismissed(KAI)])
    assert roster.admins() == ()
    both = {ADMIN.certificate, b"founder"}
    assert set(roster.authorities(b"founder")) == both, "kai's certificate is under it"
    assert Roster([signed(WHITE), KAI, dismissed()]).authorities(b"founder") == (b"founder",)
    assert roster.revocations() == (), "an admin's key is no node"


def test_an_admin_whose_node_was_put_out_keeps_nobody_in_unless_the_root_says_so():
    out = signed(Revoke(WHITE.node_id, "lost"))
    assert members(signed(WHITE), signed(NOVA), KAI, out) == {"nova"}
    assert members(signed(WHITE), signed(NOVA), KAI, out, dismissed(KAI)) == {"nova", "kai"}


def test_whom_an_admin_put_out_stays_out_after_its_dismissal():
    out = by_admin(Revoke(NOVA.node_id, "lost"))
    assert members(signed(WHITE), signed(NOVA), out, dismissed()) == {"white"}
    assert Roster([out]).revocation(NOVA.node_id) == out


def test_the_root_lets_in_for_good_whom_an_admin_let_in_before():
    again = signed(Admit(id_of("i"), "kai", b"certificate by the root"))
    assert members(signed(WHITE), KAI, again, dismissed()) == {"white", "kai"}
    assert Roster([KAI, again]).admission(id_of("i")) == again


def test_a_key_that_is_appointed_twice_is_everywhere_the_same_nodes():
    other = signed(Appoint(NOVA.node_id, ADMIN.admin_id, ADMIN.certificate))
    members(signed(WHITE), signed(NOVA), POWER, other)
