"""Keys with a passphrase, while a node takes a new key or the fleet another root key: nothing is signed
without it, what was begun goes on with it, and no key loses its passphrase over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.core.errors.base import FleetError
from fleet.core.errors.trust import KeyLocked, NotAllowed
from node.doors.roots import roots
from tests.api.test_admins import appoint
from tests.api.test_rotation import met_again, rotate
from tests.support.members import Member, let_in, run
from tests.support.until import eventually

PASSPHRASE = "correct horse"
WRONG = "", "battery staple"


def signing_keys(folder: Path) -> dict[str, bool]:
    """The keys in a home that sign for others, by the kind of their file: whether each is locked."""
    keys = [*folder.glob("keys/root*.key"), *folder.glob("keys/admin.key")]
    return {
        path.name.split(".")[0] + str(path.name.count(".")): path.read_bytes().startswith(
            b"fleet key, locked"
        )
        for path in keys
    }


async def signs_only_with_it(member: Member) -> None:
    """Whether nothing is let in without the passphrase, and somebody with it."""
    with pytest.raises(KeyLocked):
        await member.node.membership.invite(60)
    await member.node.membership.invite(60, PASSPHRASE)


def test_the_founder_takes_a_new_key_with_its_passphrase_and_with_nothing_else(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        old = white.id
        await white.node.membership.lock(PASSPHRASE)
        for wrong in WRONG:
            with pytest.raises(KeyLocked):
                await white.node.rotation.rotate(wrong)
        waiting = white.node.rotation.next_id()
        assert (white.id, white.lives, bool(waiting)) == (old, 1, True), "it goes on as it was"
        told = await rotate(white, PASSPHRASE)
        assert (told["id"], told["old"]) == (waiting, old), "with the key that was made at first"
        assert signing_keys(tmp_path / "white") == {"root1": True}
        await signs_only_with_it(white)

    run(tmp_path, story, "white")


def test_a_member_whose_admin_is_locked_is_told_how_it_gets_its_new_key(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        old = nova.id
        await white.node.membership.lock(PASSPHRASE)
        with pytest.raises(NotAllowed, match="its own is locked") as refused:
            await nova.node.rotation.rotate(PASSPHRASE)
        assert "on white: fleet invite --expires" in (refused.value.hint or "")
        assert not isinstance(refused.value, KeyLocked), "or nova's person were asked for it"
        assert (nova.id, nova.lives, nova.is_linked(white)) == (old, 1, True)
        assert not white.node.fleet.roster.followers(old)
        await white.node.membership.invite(60, PASSPHRASE)
        await rotate(nova)
        await met_again(white, nova, old)

    run(tmp_path, story, "white", "nova")


def test_an_admins_own_passphrase_is_asked_for_its_new_key_and_goes_on_with_it(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await appoint(white, nova)
        await nova.node.membership.lock(PASSPHRASE)
        for wrong in WRONG:
            with pytest.raises(KeyLocked):
                await nova.node.rotation.rotate(wrong)
        old = nova.id
        await rotate(nova, PASSPHRASE)
        await met_again(white, nova, old)
        await eventually(lambda: nova.node.membership.is_admin, "it is an admin under its new id")
        assert signing_keys(tmp_path / "nova") == {"admin1": True}
        await signs_only_with_it(nova)

    run(tmp_path, story, "white", "nova")


def test_a_locked_root_that_is_followed_signs_for_new_keys_and_finishes_only_with_its_passphrase(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        await white.node.membership.lock(PASSPHRASE)
        await white.node.roots.rotate(PASSPHRASE)
        assert signing_keys(tmp_path / "white") == {"root1": True, "root2": True}
        old = white.id
        for wrong in WRONG:
            with pytest.raises(KeyLocked):
                await white.node.rotation.rotate(wrong)
        await rotate(white, PASSPHRASE)
        await met_again(nova, white, old)
        for wrong in WRONG:
            with pytest.raises(KeyLocked):
                await white.node.roots.finish(wrong)
        assert states(white) == ["overlap", "signs"]
        assert (await white.node.roots.finish(PASSPHRASE))["state"] == "finished"
        await eventually(lambda: states(nova) == ["retired", "signs"], "nova knows")
        assert signing_keys(tmp_path / "white") == {"root2": True}
        await signs_only_with_it(white)

    run(tmp_path, story, "white", "nova")


def test_a_passphrase_that_was_changed_while_another_root_waits_is_the_new_ones_too(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        await white.node.membership.lock("battery staple")
        await white.node.roots.rotate("battery staple")
        await white.node.membership.unlock("battery staple")
        assert signing_keys(tmp_path / "white") == {"root1": False, "root2": False}
        await white.node.membership.lock(PASSPHRASE)
        assert signing_keys(tmp_path / "white") == {"root1": True, "root2": True}
        await refused(white, "battery staple")
        await white.node.roots.finish(PASSPHRASE)
        await signs_only_with_it(white)

    run(tmp_path, story, "white")


async def refused(member: Member, passphrase: str) -> None:
    with pytest.raises(FleetError, match="passphrase is wrong"):
        await member.node.roots.finish(passphrase)


def states(member: Member) -> list[str]:
    return [str(root["state"]) for root in roots(member.node)]
