"""Nodes of the versions before and of the one after talk with this one: what is new is passed over.

The older peers are built from the descriptors as they were (``protocol-1.binpb``, ``protocol-2.binpb``),
so they can say and understand nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor

from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.frames import (
    LATEST_PROTOCOL,
    PROTOCOL,
    AdminAsk,
    FollowAsk,
    Question,
    TeamAsk,
)
from fleet.core.roster import Admit
from fleet.v1 import directory_pb2, link_pb2, mailbox_pb2, pairing_pb2, roster_pb2, types_pb2
from node.adapters.pki import RootKey, key_id, new_node_key, node_certificate, root_key_from
from node.adapters.seal import sign_entry
from node.adapters.stream import refusal_in
from node.engine.outbox import Wish
from node.engine.versions import ADMINS, COMPARING
from tests.api.test_links import admitted, linked, read_to_the_end
from tests.api.test_team_invitations import web_on
from tests.api.test_teams import person
from tests.support.letters import ulid
from tests.support.members import Member, let_in, run
from tests.support.until import eventually

OLD = {
    version: descriptor_pb2.FileDescriptorSet.FromString(
        (Path(__file__).parent / f"protocol-{version}.binpb").read_bytes()
    )
    for version in range(PROTOCOL, LATEST_PROTOCOL)
}
NOW = (directory_pb2, link_pb2, mailbox_pb2, pairing_pb2, roster_pb2, types_pb2)
EXTRA = b"\xfa\x3e\x03abc"  # a field 1007, of which nothing is known


def old_class(version: int, name: str) -> Any:
    """A message class of an older version, which knows nothing of this build's."""
    pool = descriptor_pool.DescriptorPool()
    for file in OLD[version].file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"fleet.v1.{name}"))


OLD_FRAMES = {version: old_class(version, "Frame") for version in OLD}
each_older = pytest.mark.parametrize("version", OLD)


def old_hello(version: int, boot: str = "b") -> bytes:
    """As a build of that version says it; the first one knew of no newest."""
    said = {"protocol": PROTOCOL, "build": "0", "name": "kai", "boot": boot}
    if version > PROTOCOL:
        said["latest"] = version
    return bytes(OLD_FRAMES[version](hello=said).SerializeToString())


def hello(oldest: int, latest: int = 0) -> bytes:
    said = link_pb2.Hello(
        protocol=oldest, latest=latest, build="x", name="kai", boot="b", epoch="e"
    )
    return link_pb2.Frame(hello=said).SerializeToString()


async def heard(call: Any, kind: str, of: Callable[[bytes], Any]) -> Any:
    """The next frame of a kind; all before it are understood."""
    while True:
        frame = of(await call.read())
        found = frame.WhichOneof("frame")
        assert found is not None, f"said to who does not know it: {frame}"
        if found == kind:
            return getattr(frame, kind)


@each_older
def test_a_peer_of_a_version_before_sends_is_sent_to_and_asks(tmp_path: Path, version: int) -> None:
    OldFrame, known = OLD_FRAMES[version], OLD_FRAMES[version].FromString  # noqa: N806 - a class

    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity, old_hello(version)) as call:
            assert (await heard(call, "hello", known)).protocol == PROTOCOL
            assert await speaks(white, kai) == version
            agents = [{"name": "rin", "profile": "generic", "presence": "online"}]
            for said in (
                {"directory": {"full": True, "agents": agents}},
                {"post": {"envelopes": [old_letter()]}},
            ):
                await call.write(OldFrame(**said).SerializeToString())
            assert list((await heard(call, "taken", known)).envelope_ids) == [ulid(1)]
            found = white.node.fleet.directory.called
            await eventually(lambda: found("rin"), "white knows its agent")
            sent = await white.node.outbox.send(person(white), Wish("rin@kai", "hello"))
            (envelope,) = (await heard(call, "post", known)).envelopes
            assert (envelope.id, envelope.text) == (sent.envelope.id, "hello")
            states = ("accepted", "typing", "typed", "submitted")
            entries = [{"state": state, "at_s": 1.0, "node": "kai"} for state in states]
            report = {"envelope_id": envelope.id, "first": 1, "entries": entries[1:]}
            for said in (
                {"taken": {"envelope_ids": [envelope.id]}},
                {"reports": {"reports": [report]}},
                {"ask": {"number": 7, "probe": {"caller": "operator@kai", "agent": "nobody"}}},
            ):
                await call.write(OldFrame(**said).SerializeToString())
            assert (await heard(call, "reports_taken", known)).counts[0].count == len(states)
            assert (await heard(call, "answer", known)).number == 7
            assert state_of(white, envelope.id) == "submitted"

    run(tmp_path, story, "white")


@each_older
def test_what_is_open_is_compared_with_a_peer_of_a_version_before_that_knows_how(
    tmp_path: Path, version: int
) -> None:
    OldFrame, known = OLD_FRAMES[version], OLD_FRAMES[version].FromString  # noqa: N806 - a class

    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        first = await sent_to(white, "first")
        async with linked(white, kai, identity, old_hello(version)) as call:
            assert [e.id for e in (await heard(call, "post", known)).envelopes] == [first]
            await call.write(OldFrame(taken={"envelope_ids": [first]}).SerializeToString())
            await eventually(lambda: state_of(white, first) == "accepted", "white knows")
        await eventually(lambda: white.node.peers.session(kai.node_id) is None, "it is away")
        second = await sent_to(white, "second")
        async with linked(white, kai, identity, old_hello(version, "another life")) as call:
            again = [first] if version >= COMPARING else []
            if again:
                standing = await heard(call, "standing", known)
                assert [one.envelope_id for one in standing.sent] == again
                await call.write(OldFrame(differing={"forgotten": again}).SerializeToString())
            posted: list[str] = []
            while second not in posted:
                posted += [e.id for e in (await heard(call, "post", known)).envelopes]
            assert posted == [*again, second]

    run(tmp_path, story, "white")


async def sent_to(white: Member, text: str) -> str:
    receipt = await white.node.outbox.send(person(white), Wish("operator@kai", text))
    return receipt.envelope.id


def state_of(white: Member, envelope_id: str) -> str:
    row = white.node.store.outbox.get(envelope_id)
    return row.state if row else ""


async def speaks(white: Member, kai: Admit) -> int:
    """The version that a peer and white have agreed on, once they have."""
    session = white.node.peers.session
    await eventually(lambda: session(kai.node_id), "the link stands")
    found = session(kai.node_id)
    assert found is not None
    return found.protocol


@each_older
def test_a_peer_of_a_version_before_is_told_what_of_the_roster_it_can_read(
    tmp_path: Path, version: int
) -> None:
    frame, body = OLD_FRAMES[version].FromString, old_class(version, "EntryBody").FromString

    async def story(white: Member, nova: Member, rin: Member) -> None:
        await let_in(white, nova)
        await white.node.admins.appoint("nova", "")
        await eventually(lambda: nova.node.membership.is_admin, "nova knows")
        kai, identity = await admitted(white, "kai")
        await white.node.roots.rotate("")
        await let_in(white, rin)
        async with linked(white, kai, identity, old_hello(version)) as call:
            told = [body(one.body) for one in (await heard(call, "roster", frame)).entries]
            kinds = [entry.WhichOneof("entry") for entry in told]
            assert kinds.count("admit") == 3, "by the founding root, and nobody by the new one"
            assert set(kinds) == ({"admit", "appoint"} if version >= ADMINS else {"admit"})

    run(tmp_path, story, "white", "nova", "rin")


@each_older
def test_a_peer_of_a_version_before_is_asked_nothing_that_it_does_not_know_and_the_asker_is_told(
    tmp_path: Path, version: int
) -> None:
    known = OLD_FRAMES[version].FromString

    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        team = await web_on(white)
        async with linked(white, kai, identity, old_hello(version)) as call:
            assert await speaks(white, kai) == version
            too_old = f"kai does not know of teams: it speaks version {version} "
            with pytest.raises(VersionMismatch, match=too_old) as refused:
                await white.node.invitations.invite(
                    person(white), team, kai.node_id, ("impl",), 60.0
                )
            assert "same version" in (refused.value.hint or "")
            assert not team.board.asked, "it was not even written down"
            assert not white.node.store.agreements.errands(kai.node_id)
            peers = white.node.peers
            assert not peers.say(kai.node_id, team.have())
            questions: list[Question] = [
                TeamAsk("operator@white", team.team_id, "claim", b"{}", ""),
                FollowAsk("operator@white", b"", b"", b""),
            ]
            if version < ADMINS:
                questions.append(AdminAsk("operator@white"))
            for question in questions:
                with pytest.raises(VersionMismatch, match="kai does not know of"):
                    await peers.ask(kai.node_id, question)
            await sent_to(white, "hello")
            assert await heard(call, "post", known), (
                "and nothing else was said, and the link stands"
            )

    run(tmp_path, story, "white")


def old_letter() -> dict[str, object]:
    return {
        "id": ulid(1), "sender": "neo@kai", "recipient": "operator", "text": "hello", "thread": ulid(1),
        "created_at_s": 1.0, "expires_in_s": 60.0,
    }  # fmt: skip


def test_what_a_newer_peer_says_more_is_passed_over_and_its_questions_are_declined(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        first = hello(PROTOCOL + 1, LATEST_PROTOCOL + 5) + EXTRA
        async with linked(white, kai, identity, first) as call:
            await heard(call, "hello", link_pb2.Frame.FromString)
            await call.write(EXTRA)  # a frame of a kind that is not known
            ask = link_pb2.Ask(number=7).SerializeToString() + EXTRA
            await call.write(b"\x42" + bytes([len(ask)]) + ask)
            answer = await heard(call, "answer", link_pb2.Frame.FromString)
            assert (answer.number, answer.error.code) == (7, "version_mismatch")
            session = white.node.peers.session(kai.node_id)
            assert session is not None
            assert session.protocol == LATEST_PROTOCOL

    run(tmp_path, story, "white")


def test_an_entry_of_a_kind_that_only_a_newer_peer_knows_is_passed_over_and_the_rest_is_taken(
    tmp_path: Path,
) -> None:
    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity, hello(PROTOCOL, LATEST_PROTOCOL + 1)) as call:
            rin = await tell_of_rin(white, call, told_anew(white))
            await eventually(
                lambda: white.node.fleet.roster.member(rin), "white takes what it knows"
            )
            assert white.node.peers.session(kai.node_id) is not None, "the link stands"
        assert len(white.node.fleet.roster.entries()) == 3, "white, kai and rin, and nothing else"

    run(tmp_path, story, "white")


def test_a_peer_that_is_not_newer_and_tells_such_an_entry_is_cut_off(tmp_path: Path) -> None:
    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity, hello(PROTOCOL, LATEST_PROTOCOL)) as call:
            rin = await tell_of_rin(white, call, told_anew(white))
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await read_to_the_end(call)
        assert isinstance(refusal_in(ended.value), MalformedRequest)
        assert white.node.fleet.roster.member(rin) is None

    run(tmp_path, story, "white")


def told_anew(white: Member) -> tuple[roster_pb2.SignedEntry, ...]:
    """What the root says in a later version: an entry of another kind, and one of ours that rests on it."""
    new = roster_pb2.EntryBody(fleet_id=white.keyring.fleet_id).SerializeToString() + EXTRA
    power = roster_pb2.SignedEntry(body=new, signature=signature_of(white, new))
    revoke = roster_pb2.Revoke(node_id="b" * 52, reason="no reason")
    body = roster_pb2.EntryBody(fleet_id=white.keyring.fleet_id, revoke=revoke, power=power)
    rests = body.SerializeToString()
    signed = roster_pb2.SignedEntry(body=rests, signature=signature_of(white, rests))
    return power, signed


def root_of(white: Member) -> RootKey:
    return root_key_from((white.options.home / "keys/root.key").read_bytes())


def signature_of(white: Member, body: bytes) -> bytes:
    return root_of(white).sign(b"fleet roster v1\0" + body)


async def tell_of_rin(white: Member, call: Any, others: tuple[roster_pb2.SignedEntry, ...]) -> str:
    """Tell white that a node is let in, with other entries around it; the node's id."""
    root, key = root_of(white), new_node_key().public_key()
    admit = Admit(key_id(key), "rin", node_certificate(key, root, white.keyring.root_certificate))
    signed = sign_entry(admit, root)
    entry = roster_pb2.SignedEntry(body=signed.body, signature=signed.signature)
    await heard(call, "hello", link_pb2.Frame.FromString)
    word = roster_pb2.RosterWord(entries=[others[0], entry, *others[1:]])
    await call.write(link_pb2.Frame(roster=word).SerializeToString())
    return admit.node_id


@pytest.mark.parametrize("oldest", [LATEST_PROTOCOL + 1, 0])
def test_a_peer_with_which_no_version_is_shared_is_told_so(tmp_path: Path, oldest: int) -> None:
    async def story(white: Member) -> None:
        kai, identity = await admitted(white, "kai")
        async with linked(white, kai, identity, hello(oldest)) as call:
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await read_to_the_end(call)
        refusal = refusal_in(ended.value)
        assert isinstance(refusal, VersionMismatch)
        assert f"{PROTOCOL} to {LATEST_PROTOCOL}" in refusal.hint

    run(tmp_path, story, "white")


@each_older
def test_what_was_ever_on_the_wire_means_the_same_now(version: int) -> None:
    """Fields and their numbers are only added."""
    now: dict[str, Descriptor] = {
        message.full_name: message
        for module in NOW
        for message in module.DESCRIPTOR.message_types_by_name.values()
    }
    compared = 0
    for file in OLD[version].file:
        for message in file.message_type:
            fields = now[f"{file.package}.{message.name}"].fields_by_number
            for field in message.field:
                same = fields[field.number]
                is_repeated = field.label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
                assert (same.name, same.type, same.is_repeated) == (
                    field.name, field.type, is_repeated,
                )  # fmt: skip
                compared += 1
    assert compared > 80
