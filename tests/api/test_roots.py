"""Another root key: beside the old one, then in its place; over real TLS, with real keys on disk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import InvitationRefused, KeyLocked, NotAllowed, NotPaired
from fleet.core.roster import Admit, Appoint, Retire, Revoke, RosterEntry, SignedEntry, Succeed
from fleet.core.succession import FOUNDER, LONGEST_LINE
from fleet.wire.roster import entry_from_wire
from node.adapters.pki import (
    RootKey,
    key_id,
    new_node_key,
    new_root_key,
    node_certificate,
    pem_of,
    root_certificate,
    root_key_from,
)
from node.adapters.seal import ADMIN, sign_by_power, sign_entry, verify_entry
from node.doors.roots import roots
from tests.attacks.hostile import admitted, linked
from tests.support.members import Member, let_in, meet, run
from tests.support.until import eventually

PASSPHRASE = "correct horse"


async def rotated(white: Member, *others: Member) -> None:
    """Another root key signs, and these know it."""
    await white.node.roots.rotate("")
    for other in others:
        await eventually(partial(stands, other, "overlap"), "it knows the new root")


async def finished(white: Member, *others: Member) -> None:
    """The old one signs no more, and these know it."""
    await white.node.roots.finish("")
    for other in others:
        await eventually(partial(stands, other, "retired"), "it knows that the old one is none")


def stands(member: Member, before: str) -> bool:
    return states(member)[-2:] == [before, "signs"]


def states(member: Member) -> list[str]:
    return [str(root["state"]) for root in roots(member.node)]


def knows(member: Member, other: Member) -> bool:
    return member.node.fleet.roster.member(other.id) is not None


def key_files(folder: Path) -> set[str]:
    """By their names; a root's id is cut to where it does not differ from run to run."""
    return {path.name.split(".")[-1] for path in (folder / "keys").glob("root.*.*")} | {
        path.name for path in (folder / "keys").glob("root.*") if path.name.count(".") == 1
    }


def test_a_new_root_lets_in_and_puts_out_beside_the_old_one_and_then_alone(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova)
        founding = root_key_from((tmp_path / "white/keys/root.key").read_bytes())
        await rotated(white, nova)
        assert await white.node.roots.rotate("") == {
            "state": "overlap", "root": roots(white.node)[1]["key"],
            "before": white.node.membership.fleet_id,
        }, "once more is no other"  # fmt: skip
        link = white.node.peers.session(nova.id)
        await let_in(white, kai)
        await meet(kai, nova)
        assert [root["members"] for root in roots(kai.node)] == [2, 1]
        assert founder_pem(nova) in nova.keyring.trust().roots
        await finished(white, nova, kai)
        assert (await white.node.roots.finish(""))["state"] == "finished", "once more is no error"
        assert white.node.peers.session(nova.id) is link, "nobody's link ended over it"
        assert key_files(tmp_path / "white") == {"root.crt", "key", "crt"}
        await let_in(white, rin)
        await meet(rin, kai)
        await white.node.membership.revoke("nova", "lost")
        await eventually(lambda: not kai.is_linked(nova), "kai has cut nova off")
        assert nova.node.membership.fleet_id == rin.node.membership.fleet_id, "it is the same fleet"

        # Whoever has the old key lets nobody in and puts nobody out any more.
        for late in forged(founding, kai):
            assert kai.node.peers.verify(late) == late, "the signature is right"
            assert kai.node.fleet.merge((late,)) == ()
        assert knows(kai, rin)
        assert states(kai) == ["retired", "signs"]

    run(tmp_path, story, "white", "nova", "kai", "rin")


def founder_pem(member: Member) -> bytes:
    return pem_of(member.keyring.root_certificate)


def forged(key: RootKey, victim: Member) -> list[SignedEntry]:
    """All that one could want to sign with a stolen root key."""
    der = root_certificate(key)
    friend, admin, heir = new_node_key().public_key(), new_root_key(), new_root_key()
    succeed = sign_entry(Succeed(key_id(heir.public_key()), root_certificate(heir)), key)
    entries: list[RosterEntry] = [
        Admit(key_id(friend), "friend", node_certificate(friend, key, der)),
        Revoke(victim.id, "no reason"),
        Appoint(victim.id, key_id(admin.public_key()), root_certificate(admin, ADMIN)),
    ]
    fleet_id = key_id(key.public_key())
    retire = sign_by_power(Retire(fleet_id, (succeed.entry_id,)), heir, fleet_id, succeed)
    return [*(sign_entry(entry, key) for entry in entries), succeed, retire]


def test_the_founding_certificate_is_an_authority_as_long_as_somebody_rests_on_it(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        await rotated(white, nova)
        await let_in(white, kai)
        await finished(white, nova, kai)
        assert founder_pem(kai) in kai.keyring.trust().roots, "white and nova rest on it"
        assert founder_pem(kai) == founder_pem(white)
        roster = kai.node.fleet.roster
        assert len(roster.authorities(b"founder")) == 2
        assert b"founder" in roster.authorities(b"founder")

    run(tmp_path, story, "white", "nova", "kai")


def test_admins_go_on_and_later_ones_rest_on_the_new_root(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova, kai)
        await white.node.admins.appoint("nova", "")
        await eventually(lambda: nova.node.membership.is_admin, "nova knows that it is an admin")
        await rotated(white, nova, kai)
        await finished(white, nova, kai)
        assert nova.node.membership.is_admin
        await let_in(nova, rin)
        await eventually(lambda: knows(white, rin), "white knows whom nova let in")
        await white.node.admins.appoint("kai", "")
        await eventually(lambda: kai.node.membership.is_admin, "kai knows that it is an admin")
        await kai.node.membership.revoke("rin", "lost")
        await eventually(lambda: not knows(white, rin), "white knows whom kai put out")
        await white.node.admins.dismiss("nova", "", "")
        await eventually(lambda: not nova.node.membership.is_admin, "nova knows that it is none")
        with pytest.raises(NotAllowed):
            await nova.node.roots.rotate("")
        with pytest.raises(WrongState):
            await nova.node.roots.finish("")

    run(tmp_path, story, "white", "nova", "kai", "rin")


def test_who_was_away_all_the_while_learns_it_from_whomever_it_meets_and_after_restarts_all_holds(
    tmp_path: Path,
) -> None:
    async def before(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await meet(kai, nova)

    async def meanwhile(white: Member, nova: Member, rin: Member) -> None:
        await meet(nova, white)
        await rotated(white, nova)
        await let_in(white, rin)
        await finished(white, nova, rin)
        await white.node.membership.revoke("rin", "lost")
        await eventually(lambda: not knows(nova, rin), "nova knows")

    async def after(nova: Member, kai: Member) -> None:
        await meet(kai, nova)
        await eventually(lambda: states(kai) == ["retired", "signs"], "kai knows")
        assert [node["node"] for node in roots_out(kai)] == ["rin"]

    async def again(white: Member, nova: Member, kai: Member, vega: Member) -> None:
        await meet(kai, white)
        await let_in(white, vega)
        await meet(vega, kai)
        assert {tuple(states(one)) for one in (white, nova, kai, vega)} == {("retired", "signs")}
        await rotated(white)
        assert states(white) == ["retired", "overlap", "signs"]
        await finished(white, kai)
        assert states(white) == ["retired", "retired", "signs"]
        assert knows(vega, kai)

    run(tmp_path, before, "white", "nova", "kai")
    run(tmp_path, meanwhile, "white", "nova", "rin")
    run(tmp_path, after, "nova", "kai")
    run(tmp_path, again, "white", "nova", "kai", "vega")


def roots_out(member: Member) -> list[dict[str, str]]:
    roster = member.node.fleet.roster
    known = [(revoke, roster.known(revoke.node_id)) for revoke in roster.revocations()]
    return [{"node": admit.name} for _, admit in known if admit]


def test_a_root_with_a_passphrase_is_followed_by_one_with_the_same(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await white.node.membership.lock(PASSPHRASE)
        for wrong in ("", "battery staple"):
            with pytest.raises(KeyLocked):
                await white.node.roots.rotate(wrong)
        assert states(white) == ["signs"]
        await white.node.roots.rotate(PASSPHRASE)
        (path,) = (tmp_path / "white/keys").glob("root.*.key")
        assert path.read_bytes().startswith(b"fleet key, locked")
        with pytest.raises(KeyLocked):
            await white.node.membership.invite(60)
        token, _ = await white.node.membership.invite(60, PASSPHRASE)
        await nova.node.membership.join(token)
        with pytest.raises(KeyLocked):
            await white.node.roots.finish("")
        await white.node.roots.finish(PASSPHRASE)
        await white.node.membership.unlock(PASSPHRASE)
        await white.node.membership.invite(60)
        assert not path.read_bytes().startswith(b"fleet key, locked")

    run(tmp_path, story, "white", "nova")


def test_two_that_follow_one_root_let_nobody_in_until_the_owner_has_finished(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova)
        thief = root_key_from((tmp_path / "white/keys/root.key").read_bytes())
        *_, rival, _ = forged(thief, kai)
        await rotated(white, nova)
        await let_in(white, kai)
        before, _ = await white.node.membership.invite(60)
        nova.node.fleet.merge((rival,))
        white.node.fleet.merge((rival,))
        assert states(nova) == ["signs", "undecided", "undecided"]
        assert not knows(nova, kai), "whom neither lets in for sure is not in"
        with pytest.raises(WrongState, match="somebody else has the old key"):
            await white.node.roots.rotate("")
        with pytest.raises(WrongState, match="somebody else has the old key"):
            await white.node.membership.invite(60)
        with pytest.raises(WrongState, match="somebody else has the old key"):
            await white.node.admins.appoint("nova", "")
        with pytest.raises(InvitationRefused, match="two keys follow"):
            await rin.node.membership.join(before)
        await finished(white, nova)
        await rin.node.membership.join(before)
        assert knows(nova, kai)
        assert states(white) == ["retired", "signs"]
        assert nova.node.fleet.merge((rival,)) == ()

    run(tmp_path, story, "white", "nova", "kai", "rin")


def test_an_older_node_holds_a_rotation_up_and_is_told_of_none(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        who, identity = await admitted(white, "old")
        async with linked(white, who, identity) as old:  # says hello in version 1
            await old.hear("roster")
            with pytest.raises(VersionMismatch):
                await white.node.roots.rotate("")
        await eventually(lambda: white.node.peers.session(who.node_id) is None, "it is gone")
        await rotated(white, nova)
        async with linked(white, who, identity) as old:
            told = (await old.hear("roster")).roster.entries
            kinds = {type(entry_from_wire(one.body, one.signature).entry) for one in told}
            assert kinds == {Admit}
            assert old.is_linked()

    run(tmp_path, story, "white", "nova")


def test_who_joins_elsewhere_leaves_all_root_keys_behind(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await rotated(nova)
        assert key_files(tmp_path / "nova") == {"root.crt", "root.key", "key", "crt"}
        await let_in(white, nova)
        assert key_files(tmp_path / "nova") == {"root.crt"}
        assert states(nova) == ["signs"]
        with pytest.raises(NotAllowed):
            await nova.node.roots.rotate("")

    run(tmp_path, story, "white", "nova")


# --- what cannot be signed ---


def test_a_succession_or_retirement_that_nobody_may_sign_does_not_exist() -> None:
    root, heir, other = new_root_key(), new_root_key(), new_root_key()
    root_der = root_certificate(root)
    fleet_id = key_id(root.public_key())

    def succeed(key: RootKey) -> Succeed:
        return Succeed(key_id(key.public_key()), root_certificate(key))

    def refused(signed: SignedEntry, why: str) -> None:
        with pytest.raises(NotPaired, match=why):
            verify_entry(signed.body, signed.signature, root_der)

    first = sign_entry(succeed(heir), root)
    kept = Retire(fleet_id, (first.entry_id,))
    good = sign_by_power(kept, heir, fleet_id, first)
    assert verify_entry(good.body, good.signature, root_der) == good
    admin = Appoint("a" * 52, key_id(other.public_key()), root_certificate(other, ADMIN))
    power = sign_entry(admin, root)
    refused(sign_by_power(succeed(heir), other, fleet_id, None), "not signed")
    refused(sign_by_power(succeed(heir), other, fleet_id, power), "only the root")
    refused(sign_by_power(kept, other, fleet_id, power), "only the root")
    refused(sign_by_power(kept, other, fleet_id, first), "not signed")
    refused(sign_entry(Retire(fleet_id, ()), root), "only who follows")
    refused(sign_by_power(Retire(fleet_id, ()), heir, fleet_id, first), "with it who follows")
    refused(sign_by_power(Retire("b" * 52, kept.kept), heir, fleet_id, first), "only who follows")
    refused(sign_entry(Succeed("b" * 52, root_certificate(heir)), root), "another root")
    refused(sign_entry(Succeed(admin.admin_id, admin.certificate), root), "not acceptable")
    refused(sign_by_power(succeed(root), heir, fleet_id, first), "was one before")
    refused(sign_by_power(Revoke("a" * 52, ""), heir, fleet_id, good), "no power")
    second = sign_by_power(succeed(other), heir, fleet_id, first)
    skips = sign_by_power(Retire(fleet_id, (second.entry_id,)), other, fleet_id, second)
    refused(skips, "only who follows")


def test_no_entry_rests_on_more_successions_than_a_line_may_have() -> None:
    root = new_root_key()
    fleet_id, key, power = key_id(root.public_key()), root, None
    for _ in range(LONGEST_LINE):
        heir = new_root_key()
        entry = Succeed(key_id(heir.public_key()), root_certificate(heir))
        power, key = sign_by_power(entry, key, fleet_id, power), heir
        checked = verify_entry(power.body, power.signature, root_certificate(root))
        assert checked == power
    admin = new_root_key()
    appoint = Appoint("a" * 52, key_id(admin.public_key()), root_certificate(admin, ADMIN))
    last = sign_by_power(appoint, key, fleet_id, power)
    revoke = sign_by_power(Revoke("b" * 52, ""), admin, fleet_id, last)
    assert verify_entry(revoke.body, revoke.signature, root_certificate(root)) == revoke
    heir = new_root_key()
    entry = Succeed(key_id(heir.public_key()), root_certificate(heir))
    long = sign_by_power(entry, key, fleet_id, power)
    with pytest.raises(NotPaired, match="successions"):
        verify_entry(long.body, long.signature, root_certificate(root))
    assert verify_entry(last.body, last.signature, root_certificate(root)).root != FOUNDER
