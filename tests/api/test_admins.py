"""A second admin: it lets in and puts out with a key of its own, as long as the root lets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed, NotPaired
from fleet.core.roster import Admit, Appoint, Revoke, SignedEntry
from fleet.wire.roster import entry_from_wire, power_in
from node.adapters.keyring import Keyring
from node.adapters.pki import (
    der_of,
    key_id,
    new_node_key,
    new_root_key,
    node_certificate,
    root_certificate,
    root_key_from,
)
from node.adapters.seal import ADMIN, sign_by_power, sign_entry, verify_entry
from node.doors.trust import overview
from tests.attacks.hostile import admitted, linked
from tests.support.members import Member, let_in, meet, run
from tests.support.until import eventually


async def appoint(white: Member, nova: Member) -> None:
    """Make nova an admin, and wait until it knows."""
    await white.node.admins.appoint("nova", "")
    await eventually(lambda: nova.node.membership.is_admin, "nova knows that it is an admin")


def knows(member: Member, other: Member) -> bool:
    return member.node.fleet.roster.member(other.id) is not None


def test_an_admin_lets_in_and_puts_out_and_everybody_believes_it(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova)
        with pytest.raises(NotAllowed):
            await nova.node.membership.invite(60)
        await appoint(white, nova)
        await let_in(nova, kai, rin)
        await eventually(lambda: knows(white, kai) and knows(white, rin), "white knows them")
        await meet(kai, white)
        await meet(kai, rin)
        rows = {row["node"]: row for row in overview(white.node)["members"]}  # type: ignore[attr-defined]
        assert {n: r["admitted_by"] for n, r in rows.items()} == {
            "white": "root", "nova": "root", "kai": "nova", "rin": "nova",
        }  # fmt: skip
        await nova.node.membership.revoke("rin", "lost")
        await eventually(lambda: not kai.is_linked(rin), "rin is cut off")
        assert white.node.fleet.roster.revoked(rin.id)
        again = Keyring.open(tmp_path / "kai" / "keys")
        assert again.certificate == kai.keyring.certificate, (
            "its certificate is good after a restart"
        )

    run(tmp_path, story, "white", "nova", "kai", "rin")


def test_taken_back_whom_it_let_in_stays_and_nobody_else_ever_comes(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        await appoint(white, nova)
        await let_in(nova, kai)
        await meet(kai, white)
        power = nova.keyring._power
        assert power is not None
        await white.node.admins.dismiss("nova", "no need any more", "")
        await eventually(lambda: not nova.node.membership.is_admin, "nova knows that it is none")
        assert white.is_linked(nova), "it is a member as before"
        assert white.is_linked(kai)
        with pytest.raises(NotAllowed):
            await nova.node.membership.invite(60)

        # Its key is still in its home, and signs what it signed before. It counts for nothing.
        late = signed_with(tmp_path / "nova", white.keyring.fleet_id, power)
        assert white.node.peers.verify(late) == late, "the signature is right"
        white.node.fleet.merge((late,))
        assert white.node.fleet.roster.member(late.node_id) is None
        with pytest.raises(NotPaired):
            white.node.fleet.authorise(late.node_id)

    run(tmp_path, story, "white", "nova", "kai")


def signed_with(home: Path, fleet_id: str, power: SignedEntry) -> SignedEntry:
    """An admission of somebody new by the admin key that lies in a home."""
    key = root_key_from((home / "keys/admin.key").read_bytes())
    issuer = der_of((home / "keys/admin.crt").read_bytes())
    friend = new_node_key().public_key()
    admit = Admit(key_id(friend), "friend", node_certificate(friend, key, issuer))
    return sign_by_power(admit, key, fleet_id, power)


def test_an_admin_that_is_put_out_takes_nobody_with_it(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        await appoint(white, nova)
        await let_in(nova, kai)
        await meet(kai, white)
        await white.node.membership.revoke("nova", "laptop lost")
        await eventually(lambda: not kai.is_linked(nova), "kai has cut nova off")
        assert white.is_linked(kai)
        assert kai.is_linked(white)
        assert white.node.fleet.roster.admins() == ()
        out = [row["node"] for row in overview(white.node)["revoked"]]  # type: ignore[attr-defined]
        assert out == ["nova"], "an admin's key is no node"

    run(tmp_path, story, "white", "nova", "kai")


def test_only_the_root_makes_and_unmakes_admins(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await appoint(white, nova)
        for wrong in (
            nova.node.admins.appoint("kai", ""),
            kai.node.admins.appoint("kai", ""),
            nova.node.admins.dismiss("nova", "", ""),
        ):
            with pytest.raises(NotAllowed):
                await wrong
        await white.node.admins.appoint("kai", "")
        await eventually(lambda: kai.node.membership.is_admin, "kai knows")
        with pytest.raises(NotAllowed):
            await kai.node.membership.revoke("nova", "")
        for again in (
            white.node.admins.appoint("nova", ""),
            white.node.admins.appoint("white", ""),
            white.node.admins.dismiss("white", "", ""),
        ):
            with pytest.raises(WrongState):
                await again

    run(tmp_path, story, "white", "nova", "kai")


def test_an_admin_key_may_be_locked_too(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await appoint(white, nova)
        await nova.node.membership.lock("correct horse")
        with pytest.raises(FleetError, match="locked"):
            await nova.node.membership.invite(60)
        await nova.node.membership.invite(60, "correct horse")

    run(tmp_path, story, "white", "nova")


def test_an_older_node_is_not_told_of_what_it_cannot_check_and_keeps_its_link(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova)
        await appoint(white, nova)
        await let_in(nova, kai)
        await eventually(lambda: knows(white, kai), "white knows kai")
        who, identity = await admitted(white, "old")
        async with linked(white, who, identity) as old:  # says hello in version 1
            told = (await old.hear("roster")).roster.entries
            ids = {entry_from_wire(one.body, one.signature).node_id for one in told}
            assert {white.id, nova.id, who.node_id} <= ids
            assert kai.id not in ids
            assert all(power_in(one.body) is None for one in told)
            with pytest.raises(VersionMismatch):
                await white.node.admins.appoint("old", "")
            await white.node.admins.dismiss("nova", "", "")
            last = (await old.hear("roster")).roster.entries
            assert [entry_from_wire(o.body, o.signature).entry for o in last] == [
                white.node.fleet.roster.revoked(power_of(nova).admin_id)
            ]
            assert old.is_linked()

    run(tmp_path, story, "white", "nova", "kai")


def power_of(nova: Member) -> Appoint:
    """What nova was once appointed by."""
    entries = (signed.entry for signed in nova.node.fleet.roster.entries())
    return next(one for one in entries if isinstance(one, Appoint) and one.node_id == nova.id)


# --- what an admin cannot sign ---


def test_an_entry_that_goes_beyond_an_admins_power_does_not_exist() -> None:
    root, key, other = new_root_key(), new_root_key(), new_root_key()
    root_der, admin_der = root_certificate(root), root_certificate(key, ADMIN)
    fleet_id, admin_id = key_id(root.public_key()), key_id(key.public_key())
    power = sign_entry(Appoint("a" * 52, admin_id, admin_der), root)
    node = new_node_key().public_key()
    admit = Admit(key_id(node), "kai", node_certificate(node, key, admin_der))
    revoke = Revoke("b" * 52, "lost")

    def refused(signed: SignedEntry, why: str) -> None:
        with pytest.raises(NotPaired, match=why):
            verify_entry(signed.body, signed.signature, root_der)

    good = sign_by_power(admit, key, fleet_id, power)
    assert verify_entry(good.body, good.signature, root_der) == good
    refused(sign_by_power(revoke, other, fleet_id, power), "not signed")
    refused(sign_by_power(Revoke(admin_id, "", ("0" * 64,)), key, fleet_id, power), "only the root")
    refused(sign_by_power(power.entry, key, fleet_id, power), "only the root")
    by_root = Admit(admit.node_id, "kai", node_certificate(node, root, root_der))
    refused(sign_by_power(by_root, key, fleet_id, power), "not acceptable")
    refused(sign_by_power(revoke, key, fleet_id, sign_entry(revoke, root)), "no power")
    nested = sign_by_power(power.entry, key, fleet_id, power)
    refused(sign_by_power(revoke, key, fleet_id, nested), "only the root")
    own = sign_entry(
        Appoint("a" * 52, key_id(other.public_key()), root_certificate(other, ADMIN)), other
    )
    refused(sign_by_power(revoke, other, fleet_id, own), "not signed")
    refused(sign_by_power(revoke, key, "c" * 52, power), "another fleet")
