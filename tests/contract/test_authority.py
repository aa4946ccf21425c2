"""What the engine may rely on of its authority: real keys, and the words that stand for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from fleet.core.address import NODE_ID
from fleet.core.errors.requests import MalformedRequest, WrongState
from fleet.core.errors.trust import KeyLocked, NotAllowed, NotPaired
from fleet.core.roster import Admit, Revoke
from node.adapters.keyring import Keyring
from node.adapters.pki import new_node_key, public_bytes
from node.ports.authority import Authority
from tests.support.authority import FakeAuthority, id_of

NOW_S = 1_700_000_000.0
PASSPHRASE = "correct horse"


class Made(Protocol):
    """A maker of authorities, each of a fleet of its own, and of keys of nodes."""

    def founder(self, name: str) -> Authority: ...

    def plain(self, name: str) -> Authority:
        """One without the root key."""
        ...

    def key(self, name: str) -> bytes: ...

    def started_again(self, authority: Authority, name: str) -> Authority:
        """The same authority in its node's next life."""
        ...

    def id_of(self, authority: Authority) -> str: ...

    def certificate(self, authority: Authority) -> bytes: ...


class Words:
    def __init__(self, folder: Path) -> None:
        pass

    @staticmethod
    def started_again(authority: Authority, _name: str) -> Authority:
        assert isinstance(authority, FakeAuthority)
        authority.start_again()
        return authority

    @staticmethod
    def id_of(authority: Authority) -> str:
        assert isinstance(authority, FakeAuthority)
        return authority.node_id

    @staticmethod
    def certificate(authority: Authority) -> bytes:
        return f"{Words.id_of(authority)} is of {authority.fleet_id}".encode()

    def founder(self, name: str) -> Authority:
        return self._made(name, is_admin=True)

    def plain(self, name: str) -> Authority:
        return self._made(name, is_admin=False)

    @staticmethod
    def _made(name: str, *, is_admin: bool) -> Authority:
        made = FakeAuthority(id_of(name), id_of(f"root {name}"), is_admin, lambda _id, _at: None)
        made.now_s = lambda: NOW_S
        return made

    def key(self, name: str) -> bytes:
        return id_of(name).encode()


class Keys:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def started_again(self, _authority: Authority, name: str) -> Authority:
        return Keyring.open(self._folder / name, lambda: NOW_S)

    @staticmethod
    def id_of(authority: Authority) -> str:
        assert isinstance(authority, Keyring)
        return authority.node_id

    @staticmethod
    def certificate(authority: Authority) -> bytes:
        assert isinstance(authority, Keyring)
        return authority.certificate

    def founder(self, name: str) -> Authority:
        folder = self._folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return Keyring.open(folder, lambda: NOW_S)

    def plain(self, name: str) -> Authority:
        self.founder(name)
        (self._folder / name / "root.key").unlink()
        return Keyring.open(self._folder / name, lambda: NOW_S)

    def key(self, name: str) -> bytes:
        return public_bytes(new_node_key().public_key())


@pytest.fixture(params=[Words, Keys])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    kind: Callable[[Path], Made] = request.param
    return kind(tmp_path)


def test_what_the_root_signs_is_verified_as_it_was_said(made: Made) -> None:
    white = made.founder("white")
    entry, certificate = white.admit(made.key("nova"), "nova")
    assert isinstance(entry.entry, Admit)
    assert (entry.entry.name, entry.entry.certificate) == ("nova", certificate)
    assert NODE_ID.fullmatch(entry.node_id)
    assert white.verify(entry.body, entry.signature) == entry
    revoke = white.revoke(entry.node_id, "lost")
    assert revoke.entry == Revoke(entry.node_id, "lost")
    assert white.verify(revoke.body, revoke.signature) == revoke


def test_a_key_is_admitted_in_the_same_words_every_time(made: Made) -> None:
    white, key = made.founder("white"), made.key("nova")
    assert white.admit(key, "nova") == white.admit(key, "nova")
    assert white.admit(key, "nova")[0].entry_id != white.admit(made.key("kai"), "nova")[0].entry_id


def test_what_was_changed_after_it_was_signed_is_refused(made: Made) -> None:
    white = made.founder("white")
    entry, _ = white.admit(made.key("nova"), "nova")
    forged = entry.body.replace(b"nova", b"kaii")
    assert forged != entry.body
    with pytest.raises(NotPaired):
        white.verify(forged, entry.signature)
    with pytest.raises(NotPaired):
        white.verify(entry.body, bytes(len(entry.signature)))


def test_what_another_root_signed_is_refused(made: Made) -> None:
    white, other = made.founder("white"), made.founder("other")
    assert white.fleet_id != other.fleet_id
    entry, _ = other.admit(made.key("nova"), "nova")
    with pytest.raises(NotPaired):
        white.verify(entry.body, entry.signature)


def test_without_the_root_key_nobody_is_let_in_or_put_out(made: Made) -> None:
    assert made.founder("white").is_admin
    plain = made.plain("nova")
    assert not plain.is_admin
    with pytest.raises(NotAllowed):
        plain.admit(made.key("kai"), "kai")
    with pytest.raises(NotAllowed):
        plain.revoke(id_of("kai"), "no reason")


# --- a root key with a passphrase ---


def locked(authority: Authority) -> bool:
    """Asked anew: a type checker believes that it stays as it was."""
    return authority.is_locked


def test_a_locked_root_signs_when_its_passphrase_was_said_and_until_then(made: Made) -> None:
    async def story() -> None:
        white, key = made.founder("white"), made.key("nova")
        before = white.admit(key, "nova")
        await white.lock(PASSPHRASE)
        assert white.is_admin
        assert white.has_passphrase
        assert locked(white)
        for sign in (lambda: white.admit(key, "nova"), lambda: white.revoke(id_of("kai"), "lost")):
            with pytest.raises(KeyLocked):
                sign()
        await white.unlock(PASSPHRASE, NOW_S + 10)
        assert not locked(white)
        assert white.admit(key, "nova") == before, "it is the same key"
        white.forget()
        assert locked(white)
        await white.unlock(PASSPHRASE, NOW_S)
        assert locked(white), "its time is over"

    asyncio.run(story())


def test_saying_it_for_a_shorter_time_takes_nothing_back(made: Made) -> None:
    async def story() -> None:
        white = made.founder("white")
        await white.lock(PASSPHRASE)
        await white.unlock(PASSPHRASE, NOW_S + 3_600)
        await white.unlock(PASSPHRASE, NOW_S - 1)
        assert not locked(white)

    asyncio.run(story())


def test_a_wrong_passphrase_opens_nothing(made: Made) -> None:
    async def story() -> None:
        white = made.founder("white")
        await white.lock(PASSPHRASE)
        for wrong in ("", "correct horsf", PASSPHRASE + "\n"):
            with pytest.raises(KeyLocked, match="wrong"):
                await white.unlock(wrong, NOW_S + 10)
            with pytest.raises(KeyLocked, match="wrong"):
                await white.unlock_for_good(wrong)
        assert locked(white)
        with pytest.raises(WrongState):
            await white.lock("another one")

    asyncio.run(story())


def test_a_passphrase_can_be_taken_off_and_has_a_least_length(made: Made) -> None:
    async def story() -> None:
        white = made.founder("white")
        with pytest.raises(MalformedRequest):
            await white.lock("short")
        with pytest.raises(WrongState):
            await white.unlock_for_good(PASSPHRASE)
        await white.lock(PASSPHRASE)
        await white.unlock_for_good(PASSPHRASE)
        assert not white.has_passphrase
        assert not locked(white)
        white.revoke(id_of("kai"), "lost")

    asyncio.run(story())


def test_whoever_has_no_root_key_has_nothing_to_lock(made: Made) -> None:
    plain = made.plain("nova")
    assert not plain.has_passphrase
    assert not locked(plain)


# --- a new key ---


def test_a_new_key_is_the_same_until_it_is_taken_and_follows_by_both_keys_word(made: Made) -> None:
    white = made.founder("white")
    old = made.id_of(white)
    assert white.next_id() == ""
    proof = white.prove_next()
    assert white.next_id()
    assert white.prove_next().public_key == proof.public_key
    admission, ending = white.succession(made.certificate(white), "white", proof)
    assert isinstance(admission.entry, Admit)
    assert admission.entry.follows is not None
    assert (admission.entry.node_id, admission.entry.follows.node_id) == (white.next_id(), old)
    assert ending.entry == Revoke(
        old, f"goes on as {white.next_id()}", follower=admission.entry.node_id
    )
    for signed in (admission, ending):
        assert white.verify(signed.body, signed.signature) == signed
    assert white.ending(admission) == ending


def test_a_key_for_which_one_of_the_two_does_not_sign_is_refused(made: Made) -> None:
    white, other = made.founder("white"), made.founder("other")
    proof, foreign = white.prove_next(), other.prove_next()
    own = made.certificate(white)
    for wrong in (
        replace(proof, by_old=proof.by_new),
        replace(proof, by_new=proof.by_old),
        replace(proof, public_key=foreign.public_key),
        replace(foreign, by_old=proof.by_old),
        foreign,
    ):
        with pytest.raises(NotPaired):
            white.succession(own, "white", wrong)
    with pytest.raises(NotPaired):
        white.succession(made.certificate(other), "white", proof)


def test_a_node_is_its_new_key_from_its_next_start_on_and_never_before(made: Made) -> None:
    white = made.founder("white")
    old, certificate = made.id_of(white), made.certificate(white)
    entries = white.succession(certificate, "white", white.prove_next())
    again = made.started_again(white, "white")
    assert made.id_of(again) == old, "nothing was decided"
    assert again.prove_next().public_key == white.prove_next().public_key
    assert again.followed() == ()
    new = again.next_id()
    again.take_next(entries)
    assert made.id_of(again) == old
    after = made.started_again(again, "white")
    assert (made.id_of(after), after.next_id()) == (new, "")
    assert after.followed() == entries
    after.remembered()
    assert made.started_again(after, "white").followed() == ()


def test_what_does_not_let_the_new_key_follow_is_not_taken(made: Made) -> None:
    white, other = made.founder("white"), made.founder("other")
    admission, ending = white.succession(made.certificate(white), "white", white.prove_next())
    foreign = other.succession(made.certificate(other), "other", other.prove_next())
    plain = white.revoke(made.id_of(white), "lost")
    for wrong in ((), (admission,), (ending, admission), (admission, plain), foreign):
        with pytest.raises(NotPaired):
            white.take_next(wrong)
    again = made.started_again(white, "white")
    assert made.id_of(again) == made.id_of(white)
