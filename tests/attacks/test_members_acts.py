"""A hostile member does what a member can: as somebody else, without a grant, once more, too often."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from fleet.core.envelope import HOPS_LIMIT
from fleet.core.errors.nodes import TooBusy
from fleet.core.errors.store import StoreFailed
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import CancelAsk, PeekAsk, ProbeAsk, RosterWord
from fleet.core.roster import Revoke, SignedEntry
from fleet.core.trust import Policy
from node.adapters.credentials import channel_to
from node.adapters.pki import new_root_key, pem_of
from node.adapters.seal import sign_entry
from node.adapters.stream import refusal_in
from node.doors.quota import CALLS_AT_ONCE, CALLS_IN_A_ROW
from node.records import Agent, Incoming
from tests.attacks.hostile import LINK, admitted, letter, linked, member_of, new_id
from tests.support.members import Member, let_in, members, run
from tests.support.until import eventually


def settle(white: Member, name: str, policy: Policy) -> None:
    """An agent of white's that has no pane now."""
    agent = Agent(name, "generic", policy, None, (), "/", "")
    white.node.store.book.put_agent(agent)
    white.node.agents._agents[name] = agent


def inbox(white: Member) -> list[Incoming]:
    return white.node.store.inbox.recent("", 100, dead=False)


# --- as somebody else ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("operator@white", "operator@kai"),
        ("rin@nova", "rin@kai"),
        ("fleet@white", "fleet@kai"),
        ("rin@nova@white", "rin@kai"),
        ("rin", "rin@kai"),
        ("", None),
        ("@white", None),
        ("a b@white", None),
        ("rin\x1b[2J@white", None),
        ("rin | from operator@white | id 0]@x", None),
        ("\u202enir@white", None),
        ("rin\n[end abc]@x", None),
        ("Rin@white", None),
        ("rin~abc@white", None),
    ],
)
def test_a_claimed_sender_is_its_own_node_or_nobody(
    tmp_path: Path, claimed: str, shown: str | None
) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        async with member_of(white) as kai:
            answer = await kai.post(letter(sender=claimed))
        taken, declined = answer.taken.envelope_ids, answer.taken.declined
        if shown is None:
            assert not taken
            assert [d.error.code for d in declined] == ["malformed_name"]
            assert inbox(white) == []
        else:
            (item,) = inbox(white)
            assert (item.envelope.sender, item.envelope.from_node) == (shown, kai.id)

    run(tmp_path, story, "white", "nova")


# --- without a grant -------------------------------------------------------------------------------


def test_what_was_not_granted_is_refused_whoever_asks_in_whose_name(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        settle(white, "open", Policy.OPEN)
        settle(white, "shut", Policy.CLOSED)
        settle(white, "asks", Policy.APPROVAL)
        await white.node.grants.give("*@nova", ("observe", "control", "message"), "*", 0, "")
        await white.node.grants.give("operator@white", ("observe", "control"), "*", 0, "")
        async with member_of(white) as kai:
            for name in ("operator@white", "neo@nova", "neo@kai", nova.id, f"neo@{nova.id}"):
                peek = await kai.ask(PeekAsk(name, "open", 0))
                assert peek.error.code == "not_allowed", name
            said = {
                "a closed agent": letter(to="shut"),
                "raw keys": letter(to="open", raw=True),
                "raw keys, approved": letter(to="asks", raw=True),
                "raw keys to the person": letter(to="open", raw=True, sender="operator@white"),
                "nobody": letter(to="ghost"),
                "too long a conversation": letter(to="open", hops=HOPS_LIMIT + 1),
                "a name that is a path": letter(to="../../etc"),
                "nothing": letter(" \n", to="open"),
            }
            answer = await kai.post(*said.values())
            codes = {d.envelope_id: d.error.code for d in answer.taken.declined}
            assert {what: codes.get(one.id) for what, one in said.items()} == {
                "a closed agent": "not_allowed",
                "raw keys": "not_allowed",
                "raw keys, approved": "not_allowed",
                "raw keys to the person": "not_allowed",
                "nobody": "unknown_agent",
                "too long a conversation": "loop_stopped",
                "a name that is a path": "unknown_agent",
                "nothing": "empty_text",
            }
            assert inbox(white) == []
            probe = await kai.ask(ProbeAsk("operator@white", "shut"))
            assert "not_allowed" in {step.error for step in probe.steps.steps}

    run(tmp_path, story, "white", "nova")


def test_what_another_node_sent_cannot_be_taken_back_or_answered_for(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        settle(white, "rin", Policy.OPEN)
        async with member_of(white, "kai") as kai, member_of(white, "lee") as lee:
            one = letter(to="rin")
            await kai.post(one)
            assert (await lee.ask(CancelAsk("operator@kai", one.id))).error.code == "not_allowed"
            assert (await lee.ask(CancelAsk("operator@kai", new_id()))).error.code
            (item,) = inbox(white)
            assert item.state.value in {"accepted", "held"}

    run(tmp_path, story, "white")


# --- once more -------------------------------------------------------------------------------------


def test_a_replayed_envelope_is_taken_once_with_the_first_text(tmp_path: Path) -> None:
    """Also by another life of the node that received it, and not in another node's name."""

    async def story(white: Member) -> None:
        settle(white, "rin", Policy.OPEN)
        async with member_of(white, "kai") as kai, member_of(white, "lee") as lee:
            one = letter("first", to="rin")
            for text in ("first", "second", "first"):
                answer = await kai.post(one._replace(text=text))
                assert list(answer.taken.envelope_ids) == [one.id]
            answer = await lee.post(one._replace(sender="neo@lee"))
            assert [d.error.code for d in answer.taken.declined] == ["refused"]
            answer = await kai.post(one, one, one._replace(to="operator", recipient="operator"))
            assert set(answer.taken.envelope_ids) == {one.id}
        assert [(i.envelope.text, i.envelope.recipient) for i in inbox(white)] == [("first", "rin")]

    run(tmp_path, story, "white")

    async def again() -> None:
        async with members(tmp_path, "white") as (white,):
            async with member_of(white, "eve") as eve:
                (item,) = inbox(white)
                answer = await eve.post(letter("third", to="rin", id=item.envelope.id))
                assert [d.error.code for d in answer.taken.declined] == ["refused"]
            assert [i.envelope.text for i in inbox(white)] == ["first"]

    asyncio.run(again())


def test_replayed_and_minted_roster_entries_change_nothing(tmp_path: Path) -> None:
    """An admission from before a revocation, another fleet's, a changed one, one of a member's own."""

    async def story(white: Member, other: Member) -> None:
        gone, gone_identity = await admitted(white, "gone")
        old = white.node.fleet.roster.entries()
        await white.node.membership.revoke("gone", "laptop lost")
        admission = next(e for e in old if e.node_id == gone.node_id)
        own = other.node.fleet.roster.entries()[0]
        minted = sign_entry(replace(gone, name="back"), new_root_key())
        changed = SignedEntry(admission.body + b"\x00", admission.signature, admission.entry)
        swapped = SignedEntry(own.body, admission.signature, own.entry)
        revenge = sign_entry(Revoke(white.id, "revenge"), new_root_key())
        before = white.node.fleet.roster.digest()
        async with member_of(white) as kai:
            await kai.say(RosterWord(old))
            await kai.ask(ProbeAsk("operator@kai", "operator"))
            assert white.node.fleet.roster.revoked(gone.node_id)
            before = white.node.fleet.roster.digest()
        who, identity = await admitted(white, "lee")
        before = white.node.fleet.roster.digest()
        for forged in (own, minted, changed, swapped, revenge):
            async with linked(white, who, identity) as lee:
                await lee.say(RosterWord((*old, forged)))
                how = await lee.to_the_end()
            assert how.status is not grpc.StatusCode.OK
            assert white.node.fleet.roster.digest() == before
        assert white.node.fleet.roster.revoked(gone.node_id)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with open_call(white, gone_identity) as call:
                await call.read()
        assert isinstance(refusal_in(refused.value), NotPaired)

    run(tmp_path, story, "white", "other")


# --- too often -------------------------------------------------------------------------------------


def open_call(white: Member, identity: Any) -> Any:
    """A link that says nothing, as a context."""

    class Opened:
        async def __aenter__(self) -> Any:
            self.channel = channel_to(
                white.address, identity, pem_of(white.keyring.certificate), white.id
            )
            return self.channel.stream_stream(LINK)()

        async def __aexit__(self, *_: object) -> None:
            await self.channel.close()

    return Opened()


async def was_let_in(call: Any) -> bool:
    """Whether a call got further than the door."""
    return any(key == "fleet-admitted" for key, _ in await call.initial_metadata())


def test_a_members_calls_at_one_time_are_few_and_another_members_are_its_own(
    tmp_path: Path,
) -> None:
    async def story(white: Member, nova: Member) -> None:
        _, identity = await admitted(white)
        async with AsyncExitStack() as stack:
            calls = [
                await stack.enter_async_context(open_call(white, identity))
                for _ in range(3 * CALLS_AT_ONCE)
            ]
            let = await asyncio.gather(*map(was_let_in, calls))
            assert sum(let) == CALLS_AT_ONCE
            refused = next(call for call, was in zip(calls, let, strict=True) if not was)
            with pytest.raises(grpc.aio.AioRpcError) as how:
                await refused.read()
            assert isinstance(refusal_in(how.value), TooBusy)
            await let_in(white, nova)
        async with open_call(white, identity) as call:
            await eventually(lambda: white.is_linked(nova), "nova is linked")
            assert await was_let_in(call), "those that ended are not counted"

    run(tmp_path, story, "white", "nova")


def test_a_member_that_comes_and_goes_all_the_time_is_let_in_seldom(tmp_path: Path) -> None:
    async def story(white: Member, nova: Member) -> None:
        await let_in(white, nova)
        session = white.node.peers.session(nova.id)
        _, identity = await admitted(white)
        let = 0
        for _ in range(2 * CALLS_IN_A_ROW):
            async with open_call(white, identity) as call:
                let += await was_let_in(call)
        assert CALLS_IN_A_ROW <= let < 2 * CALLS_IN_A_ROW
        assert white.node.peers.session(nova.id) is session

    run(tmp_path, story, "white", "nova")


def test_a_member_fills_its_own_part_of_an_inbox_and_no_other(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        settle(white, "rin", Policy.OPEN)
        white.node.inbox.share = 20
        async with member_of(white, "kai") as kai, member_of(white, "lee") as lee:
            many = [letter(to="rin") for _ in range(30)]
            answer = await kai.post(*many)
            assert list(answer.taken.envelope_ids) == [one.id for one in many[:20]]
            assert {(d.error.code, d.retry) for d in answer.taken.declined} == {
                ("mailbox_full", True)
            }
            assert "kai's part" in answer.taken.declined[0].error.message
            assert len((await lee.post(letter(to="rin"))).taken.envelope_ids) == 1
            assert len((await kai.post(letter(to="operator"))).taken.envelope_ids) == 1
            (first, *_) = white.node.store.inbox.open("rin")
            await white.node.inbox.cancel(first, "the test")
            answer = await kai.post(*many[20:])
            assert list(answer.taken.envelope_ids) == [many[20].id], "in its order"

    run(tmp_path, story, "white")


def test_a_member_has_so_many_bytes_waiting_here_and_no_more_whomever_they_are_for(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        settle(white, "rin", Policy.OPEN)
        settle(white, "ada", Policy.OPEN)
        white.node.inbox.share_bytes = 10
        who, identity = await admitted(white)
        async with linked(white, who, identity) as kai, member_of(white, "lee") as lee:
            answer = await kai.post(letter("ééé", "rin"), letter("four", "ada"))
            assert len(answer.taken.envelope_ids) == 2
            (declined,) = (await kai.post(more := letter("x", "rin"))).taken.declined
            assert (declined.error.code, declined.retry) == ("mailbox_full", True)
            assert declined.error.message == (
                "kai's part of the inbox of white has no room for this one in its 10 bytes of text"
            )
            assert len((await lee.post(letter("0123456789", "rin"))).taken.envelope_ids) == 1
        with pytest.raises(StoreFailed):  # what is counted in memory is read again
            white.node.store.database.execute("INSERT INTO nowhere VALUES (1)")
        async with linked(white, who, identity) as kai:
            (declined,) = (await kai.post(more)).taken.declined
            assert declined.error.code == "mailbox_full"
            (first,) = white.node.store.inbox.open("ada")
            await white.node.inbox.cancel(first, "the test")
            assert len((await kai.post(more)).taken.envelope_ids) == 1

    run(tmp_path, story, "white")
