"""Two keys that both claim to follow a node's old one: shown, explained, and decided by who may put out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet.core.errors.names import AmbiguousName, UnknownNode
from fleet.core.errors.trust import NotPaired
from fleet.core.roster import SignedEntry
from node.adapters.pki import new_node_key, public_bytes, sign_follow
from node.doors.trust import overview
from node.ports.authority import Proof
from tests.api.test_rotation import met_again, rotate, said
from tests.support.members import Member, are_linked, let_in, meet, run
from tests.support.until import eventually


def signed_for_a_thief(admin: Member, victim: Member) -> tuple[SignedEntry, SignedEntry]:
    """What an admin that knows nothing yet signs for whoever has a copy of a node's key."""
    key, fleet_id = new_node_key(), admin.keyring.fleet_id
    public_key = public_bytes(key.public_key())
    proof = Proof(
        public_key,
        sign_follow(victim.keyring._key, fleet_id, victim.id, public_key),
        sign_follow(key, fleet_id, victim.id, public_key),
    )
    return admin.keyring.succession(victim.keyring.certificate, "nova", proof)


def contested(member: Member) -> list[dict[str, Any]]:
    """What ``fleet trust`` tells of it there."""
    told: Any = overview(member.node)["contested"]
    return list(told)


def test_two_new_keys_of_one_node_are_shown_and_one_is_put_out_by_the_name_that_is_shown(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member) -> None:
        await let_in(white, nova, kai)
        await white.node.admins.appoint("kai", "")
        await eventually(lambda: kai.node.membership.is_admin, "kai knows")
        old, thiefs = nova.id, signed_for_a_thief(kai, nova)
        await rotate(nova)
        for other in (white, kai):
            await meet(nova, other)
        await met_again(white, nova, old)
        for member in (nova, kai, white):
            member.node.fleet.merge(thiefs)
        await eventually(lambda: not (white.is_linked(nova) or kai.is_linked(nova)), "all cut it")

        thief = thiefs[0].node_id
        for member in (white, nova, kai):
            (shown,) = contested(member)
            assert (shown["node"], shown["id"]) == ("nova", old)
            assert {c["id"]: (c["admitted_by"], c["here"]) for c in shown["claims"]} == {
                nova.id: (["root"], member is nova), thief: (["kai"], False),
            }  # fmt: skip
        with pytest.raises(NotPaired, match="claim to follow"):
            white.node.fleet.authorise(nova.id)
        with pytest.raises(AmbiguousName) as several:
            await white.node.membership.revoke("nova", "")
        (name,) = (c["node"] for c in contested(white)[0]["claims"] if c["id"] == thief)
        assert name in {one.address for one in several.value.candidates}
        with pytest.raises(UnknownNode):
            await white.node.membership.revoke("nova~7777", "")

        assert (await white.node.membership.revoke(name, "a thief's"))["id"] == thief
        for other in (white, kai):
            await eventually(partial(are_linked, other, nova), "nova is back")
            assert contested(other) == []
        assert white.audit("node revoked")[-1]["node"] == name
        await said(white, nova, "it is you")
        await said(nova, kai, "it is me")

    run(tmp_path, story, "white", "nova", "kai")
