"""What the engine may rely on of its authority: real keys, and the words that stand for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


class Words:
    def __init__(self, folder: Path) -> None:
        pass

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
