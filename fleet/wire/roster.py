"""The roster: what gets signed, to bytes and back."""

from __future__ import annotations

from typing import assert_never

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from fleet.core import frames
from fleet.core.errors.requests import MalformedRequest
from fleet.core.roster import (
    Admit,
    Appoint,
    Follow,
    Retire,
    Revoke,
    RosterEntry,
    SignedEntry,
    Succeed,
)
from fleet.v1 import roster_pb2


def roster_from_wire(wire: roster_pb2.RosterWord) -> frames.RosterWord:
    """The entries that are told, and how many more are of a kind that is not known here."""
    known = [one for one in wire.entries if not _is_newer(one.body)]
    return frames.RosterWord(
        tuple(entry_from_wire(one.body, one.signature) for one in known),
        len(wire.entries) - len(known),
    )


def _is_newer(body: bytes) -> bool:
    """Whether an entry is of a kind that is not known here; one that cannot be read is not."""
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        return False
    return wire.WhichOneof("entry") is None and len(UnknownFieldSet(wire)) > 0


def entries_to_wire(entries: tuple[SignedEntry, ...]) -> list[roster_pb2.SignedEntry]:
    """Signed entries, with the very bytes that were signed."""
    return [roster_pb2.SignedEntry(body=e.body, signature=e.signature) for e in entries]


def signed_to_bytes(entry: SignedEntry) -> bytes:
    """One signed entry by itself."""
    return entries_to_wire((entry,))[0].SerializeToString()


def signed_from_bytes(data: bytes) -> SignedEntry:
    """The same back; whether it is signed at all is not looked at here.

    Raises:
        MalformedRequest: it says nothing.
    """
    try:
        wire = roster_pb2.SignedEntry.FromString(data)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    return entry_from_wire(wire.body, wire.signature)


def entry_from_wire(body: bytes, signature: bytes) -> SignedEntry:
    """What a signed entry says; whether it is signed at all is not looked at here.

    Raises:
        MalformedRequest: it says nothing.
    """
    return SignedEntry(body, signature, read_body(body)[1])


def write_body(fleet_id: str, entry: RosterEntry, power: SignedEntry | None = None) -> bytes:
    """The bytes of an entry that get signed; the same entry always gives the same bytes."""
    body = roster_pb2.EntryBody(fleet_id=fleet_id)
    match entry:
        case Admit(node_id, name, certificate, follows):
            body.admit.MergeFrom(
                roster_pb2.Admit(node_id=node_id, name=name, certificate=certificate)
            )
            if follows is not None:
                body.admit.follows.MergeFrom(
                    roster_pb2.Follow(
                        node_id=follows.node_id,
                        public_key=follows.public_key,
                        signature=follows.signature,
                    )
                )
        case Revoke(node_id, reason, kept, follower):
            body.revoke.MergeFrom(
                roster_pb2.Revoke(node_id=node_id, reason=reason, kept=kept, follower=follower)
            )
        case Appoint(node_id, admin_id, certificate):
            body.appoint.MergeFrom(
                roster_pb2.Appoint(node_id=node_id, admin_id=admin_id, certificate=certificate)
            )
        case Succeed(root_id, certificate):
            body.succeed.MergeFrom(roster_pb2.Succeed(root_id=root_id, certificate=certificate))
        case Retire(root_id, kept):
            stand = [bytes.fromhex(entry_id) for entry_id in kept]
            body.retire.MergeFrom(roster_pb2.Retire(root_id=root_id, kept=stand))
        case _:
            assert_never(entry)
    if power is not None:
        body.power.MergeFrom(entries_to_wire((power,))[0])
    return body.SerializeToString(deterministic=True)


def power_in(body: bytes) -> tuple[bytes, bytes] | None:
    """Body and signature of the word that an entry rests on; None in one of the founding root.

    Raises:
        MalformedRequest: it is not an entry.
    """
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    return (wire.power.body, wire.power.signature) if wire.HasField("power") else None


def read_body(body: bytes) -> tuple[str, RosterEntry]:
    """The fleet an entry is about, and what it says.

    Raises:
        MalformedRequest: it is not an entry.
    """
    try:
        wire = roster_pb2.EntryBody.FromString(body)
    except DecodeError:
        raise MalformedRequest("a roster entry that cannot be read") from None
    match wire.WhichOneof("entry"):
        case "admit":
            admit = wire.admit
            before = admit.follows
            follows = (
                Follow(before.node_id, before.public_key, before.signature)
                if admit.HasField("follows")
                else None
            )
            return wire.fleet_id, Admit(admit.node_id, admit.name, admit.certificate, follows)
        case "revoke":
            revoke = wire.revoke
            kept = tuple(revoke.kept)
            return wire.fleet_id, Revoke(revoke.node_id, revoke.reason, kept, revoke.follower)
        case "appoint":
            appoint = wire.appoint
            return wire.fleet_id, Appoint(appoint.node_id, appoint.admin_id, appoint.certificate)
        case "succeed":
            return wire.fleet_id, Succeed(wire.succeed.root_id, wire.succeed.certificate)
        case "retire":
            kept = tuple(entry_id.hex() for entry_id in wire.retire.kept)
            return wire.fleet_id, Retire(wire.retire.root_id, kept)
        case _:
            raise MalformedRequest("a roster entry that says nothing")
