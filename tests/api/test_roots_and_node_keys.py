"""Nodes take new keys before, while and after the fleet gets another root key."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from pathlib import Path

from node.adapters.pki import pem_of
from tests.api.test_roots import finished, knows, rotated, states
from tests.api.test_rotation import met_again, rotate
from tests.support.members import Member, are_linked, let_in, meet, run
from tests.support.until import eventually


def trusts_founder(member: Member) -> bool:
    """Whether TLS lets in who has a certificate under the founding root."""
    return pem_of(member.keyring.root_certificate) in member.keyring.trust().roots


def test_the_founding_certificate_is_no_authority_once_its_last_member_has_another(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova)
        await rotated(white, nova)
        await finished(white, nova)
        await let_in(white, kai)
        await meet(kai, nova)
        for member, others in ((nova, (white, kai)), (white, (nova, kai))):
            assert all(map(trusts_founder, (white, nova, kai))), f"{member.id} rests on it"
            old = member.id
            await rotate(member)
            for other in others:
                await met_again(other, member, old)
        for member in (white, nova, kai):
            assert not trusts_founder(member)
        await let_in(white, rin)
        await meet(rin, kai)
        assert not trusts_founder(rin)

    run(tmp_path, story, "white", "nova", "kai", "rin")


def test_who_was_away_meets_one_that_it_knows_and_then_all_with_other_keys_under_another_root(
    tmp_path: Path,
) -> None:
    async def before(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        await let_in(white, nova, kai, rin)

    async def meanwhile(white: Member, nova: Member, rin: Member) -> None:
        await meet(nova, white)
        await meet(rin, white)
        await rotate_and_meet(nova, white)
        await rotated(white, nova, rin)
        await rotate_and_meet(rin, white)
        await finished(white, nova, rin)
        await rotate_and_meet(nova, white)

    async def after(white: Member, nova: Member, kai: Member, rin: Member) -> None:
        everybody = white, nova, kai, rin
        for other in (white, nova, rin):  # white has its certificate under the founding root still
            await meet(kai, other)
        for one, other in permutations(everybody, 2):
            await eventually(partial(knows, one, other), "it knows the other's key")
        assert {tuple(states(one)) for one in everybody} == {("retired", "signs")}
        assert len({one.node.fleet.roster.digest() for one in everybody}) == 1

    run(tmp_path, before, "white", "nova", "kai", "rin")
    run(tmp_path, meanwhile, "white", "nova", "rin")
    run(tmp_path, after, "white", "nova", "kai", "rin")


async def rotate_and_meet(member: Member, other: Member) -> None:
    """A new key for a node, and another that has met it under that."""
    old = member.id
    await rotate(member)
    await met_again(other, member, old)
    assert are_linked(member, other)
