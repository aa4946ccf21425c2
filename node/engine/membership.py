"""Letting nodes in and putting them out.

Only a node that holds the fleet's root key admits or revokes. An invitation is good once, for a
while; it is burnt before its proof is answered, right or wrong. A revocation is final for its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import structlog

from fleet.core.address import NAME, OPERATOR, parse_query
from fleet.core.directory import NodeEntry
from fleet.core.envelope import DEFAULT_EXPIRY_S
from fleet.core.errors.names import UnknownNode
from fleet.core.errors.requests import MalformedName, MalformedRequest, WrongState
from fleet.core.errors.store import NotKept, StoreFailed
from fleet.core.errors.trust import InvitationRefused, KeyLocked, NotAllowed
from fleet.core.invitation import Invitation as Token
from fleet.core.invitation import invitation_name, make_token, parse_token
from fleet.core.moment import iso_time
from fleet.core.resolver import resolve_node
from fleet.core.roster import SignedEntry
from node.engine.contested import claim_called
from node.engine.fleet import Fleet
from node.engine.peers import Peers
from node.faults import fault
from node.ports.authority import Authority
from node.ports.host import Clock
from node.records import Invitation
from node.store import SqliteStore

GRACE_S = 600.0
"""How long after its end an invitation is still answered with the reason it is refused."""
REFUSALS_TOLD = 10
"""Of one invitation that is over: who tries it more often would fill the audit log."""
SIGNING_S = 10.0
"""How long a passphrase that was said for one signature is good."""
LONGEST_S = DEFAULT_EXPIRY_S
_AT_THE_ROOT = "do it on the node that founded the fleet; fleet status shows admin: true"

log = structlog.get_logger()


class Membership:
    """Who may come in, as decided on this node."""

    def __init__(
        self,
        fleet: Fleet,
        peers: Peers,
        authority: Authority,
        store: SqliteStore,
        clock: Clock,
        secret: Callable[[], bytes],
        addresses: Callable[[], tuple[str, ...]],
    ) -> None:
        self._fleet = fleet
        self._peers = peers
        self._authority = authority
        self._store = store
        self._clock = clock
        self._secret = secret
        self._addresses = addresses
        self._refused: Counter[str] = Counter()
        self._unwritten: list[
            dict[str, str]
        ] = []  # revocations in force whose group was taken back
        self._open_door()
        fleet.listen(self._roster_changed)
        self._roster_changed()

    def _roster_changed(self) -> None:
        self._authority.follow(self._fleet.roster)

    @property
    def fleet_id(self) -> str:
        """Names the fleet."""
        return self._authority.fleet_id

    @property
    def has_passphrase(self) -> bool:
        """Whether the root key is here, encrypted."""
        return self._authority.has_passphrase

    @property
    def holds_root(self) -> bool:
        """Whether the root key is here."""
        return self._authority.holds_root

    @property
    def is_admin(self) -> bool:
        """Whether this node may admit and revoke."""
        return self._authority.is_admin

    # --- inviting ---

    async def invite(self, expires_s: float, passphrase: str = "") -> tuple[str, float]:
        """A one-time token for a newcomer, and the wall time until which it is good.

        A root key with a passphrase stays unlocked as long, or until all invitations have ended: the
        newcomer comes when nobody is there to say it.

        Raises:
            NotAllowed: the root key is not here.
            WrongState: nobody knows who is the root.
            KeyLocked: it is locked, and the passphrase is none or wrong.
        """
        self._require_admin("invite")
        self.require_one_root()
        if not 0 < expires_s <= LONGEST_S:
            raise MalformedRequest(
                f"an invitation cannot be good for {expires_s:g} s",
                hint=f"more than 0, at most {LONGEST_S / 86_400:.0f}d; 1h when nothing is said",
            )
        await self.ready_to_sign(passphrase, self._clock.wall_s() + expires_s)
        secret = self._secret()
        token = make_token(Token(self._fleet.me.node_id, secret, self._addresses()))
        expires_at_s = self._clock.wall_s() + expires_s
        name = invitation_name(secret)
        self._store.book.put_invitation(Invitation(name, secret, expires_at_s, ""))
        self._audit("invitation made", invitation=name, expires_at=iso_time(expires_at_s))
        await self._store.commit()
        self._open_door()
        return token, expires_at_s

    def require_one_root(self) -> None:
        """Nobody gets in or gets power while two keys follow one root: it could be void tomorrow.

        Raises:
            WrongState: two do.
        """
        if self._fleet.roster.rivals():
            raise torn()

    def _open_door(self) -> None:
        self._authority.open_to_newcomers(self._store.book.invitations_until() + GRACE_S)

    def secret_of(self, name: str, address: str) -> bytes:
        """The secret of an open invitation; the operator is told who came with one that is not.

        Raises:
            InvitationRefused: it is used, expired, or none of ours.
        """
        invitation = self._store.book.invitation(name)
        if invitation is None:
            # Not told: anybody can make names up, and would fill the audit log with them.
            raise InvitationRefused("this node made no such invitation")
        why = f"was {invitation.ended}" if invitation.ended else ""
        if not why and invitation.expires_at_s <= self._clock.wall_s():
            why = "has expired"
        if not why and self._authority.is_locked:
            why = "cannot be used any more: the inviter's root key was locked meanwhile"
        if not why and self._fleet.roster.rivals():
            why = "cannot be used now: two keys follow the inviter's root"
        if why:
            self._refused[name] += 1
            if self._refused[name] <= REFUSALS_TOLD:
                self._audit("invitation refused", invitation=name, why=why, address=address)
                self._store.commit_soon()
            raise InvitationRefused(f"it {why}")
        return invitation.secret

    async def burn(self, name: str, ended: str, address: str, *, is_proven: bool) -> None:
        """End an invitation for good, before its proof is answered; ``is_proven``: it was right."""
        invitation = self._store.book.invitation(name)
        if invitation is not None:
            self._store.book.put_invitation(Invitation(name, b"", invitation.expires_at_s, ended))
        self._audit("invitation ended", invitation=name, how=ended, address=address)
        await self._store.commit()
        if is_proven:
            log.info("invitation used", invitation=name, address=address)
        else:
            log.warning("invitation burnt", invitation=name, how=ended, address=address)

    async def admit(self, public_key: bytes, name: str) -> tuple[SignedEntry, bytes]:
        """Let a newcomer in who proved an invitation; its admission and certificate."""
        if NAME.fullmatch(name) is None:
            raise InvitationRefused(f"{name!r} is not a well-formed node name")
        entry, certificate = self._authority.admit(public_key, name)
        if revoked := self._fleet.roster.revoked(entry.node_id):
            raise InvitationRefused(f"this key was revoked for good ({revoked.reason})")
        self._fleet.merge((entry,))
        self._audit("node admitted", node=name, id=entry.node_id)
        fault("pair:before_admit_commit")
        await self._fleet.keep()
        self.has_signed()
        self._peers.spread_roster((entry,))
        return entry, certificate

    # --- joining and leaving ---

    async def join(self, token: str) -> str:
        """Enter the fleet of the token's inviter; the inviter's node id.

        Raises:
            WrongState: this node has a fleet with others in it already.
            InvitationRefused: the inviter said no, and why.
        """
        wanted = parse_token(token)
        if self._fleet.roster.member(wanted.node_id) or wanted.node_id == self._fleet.me.node_id:
            known = InvitationRefused("this node is in that fleet already")
            known.hint = "fleet nodes lists its members"
            raise known
        if self._fleet.others():
            raise WrongState(
                f"this node already shares a fleet with {len(self._fleet.others())} others",
                hint="join from a fresh home: fleet up --home DIR, fleet join --home DIR TOKEN",
            )
        joined = await self._authority.join(token, self._fleet.me.name)
        fault("pair:after_confirm_before_commit")
        self._fleet.enter(joined)
        self._fleet.add_addresses(joined.inviter_id, wanted.addresses)
        await self._store.commit()
        self._authority.finish()
        return joined.inviter_id

    async def revoke(self, node: str, reason: str, passphrase: str = "") -> dict[str, str]:
        """Put a node out, everywhere and for ever.

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked, and the passphrase is none or wrong.
            UnknownNode: nobody is called that.
            NotKept: it is out and cut off, and that is not durable yet.
        """
        self._require_admin("revoke")
        if again := [one for one in self._unwritten if node in (one["node"], one["id"])]:
            return await self._put_out(again[-1])
        node_id, label = self._to_put_out(node)
        if node_id == self._fleet.me.node_id:
            raise WrongState(
                "a node cannot revoke itself",
                hint="revoke it from another node that holds the root key",
            )
        await self.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        entries = (
            *self.withdrawals(node_id, reason),
            self._authority.revoke(node_id, reason or "no reason given"),
        )
        self.has_signed()
        self._peers.spread_roster(entries)  # also to the one put out: it is to know
        self._fleet.merge(entries)
        facts = {"node": label, "id": node_id, "reason": reason}
        self._unwritten.append(facts)
        fault("revoke:before_commit")
        return await self._put_out(facts)

    def _to_put_out(self, typed: str) -> tuple[str, str]:
        """The id that a name means, and its label: a node's, or one of several that claim to be it."""
        try:
            found = self.node_called(typed)
        except UnknownNode:
            claim = claim_called(self._fleet.roster, typed)
            if claim is None:
                raise
            return claim.node_id, claim.label
        return found.node_id, self._fleet.label(found.node_id)

    async def _put_out(self, facts: dict[str, str]) -> dict[str, str]:
        try:
            await self.keep()
        except StoreFailed as error:
            raise NotKept(f"{facts['node']} is put out and cut off", error) from error
        return {"node": facts["node"], "id": facts["id"]}

    async def keep(self) -> None:
        """Make durable who belongs, and that somebody was put out, if a failing disk took it back.

        Raises:
            StoreFailed: it is not.
        """
        facts, self._unwritten = self._unwritten, []
        try:
            for one in facts:
                self._audit("node revoked", **one)
            await self._fleet.keep()
        except StoreFailed:
            self._unwritten = [*facts, *self._unwritten]
            raise

    def withdrawals(self, node_id: str, reason: str) -> tuple[SignedEntry, ...]:
        """That a node's admin keys sign no more: whom they let in until now stays, nobody else comes.

        Raises:
            NotAllowed: it is an admin, and the root key is not here.
        """
        roster = self._fleet.roster
        admins = [admin for admin in roster.admins() if admin.node_id == node_id]
        if admins and not self._authority.holds_root:
            raise NotAllowed("an admin", "put out", "another one", hint=_AT_THE_ROOT)
        return tuple(
            self._authority.revoke(
                admin.admin_id, reason, tuple(e.entry_id for e in roster.let_in_by(admin.admin_id))
            )
            for admin in admins
        )

    # --- the passphrase of the root key ---

    async def ready_to_sign(self, passphrase: str, until_wall_s: float) -> None:
        """Let the key sign until then.

        Raises:
            KeyLocked: it is locked, and the passphrase is none or wrong.
        """
        if passphrase:
            await self._authority.unlock(passphrase, until_wall_s)
        elif self._authority.has_passphrase:
            raise KeyLocked("the key that this node signs with")

    def has_signed(self) -> None:
        """Nothing more is to be signed, unless somebody may still come with an invitation."""
        if self._store.book.invitations_until() <= self._clock.wall_s():
            self._authority.forget()

    async def lock(self, passphrase: str) -> None:
        """Put a passphrase on the root key.

        Raises:
            NotAllowed: the root key is not here.
            WrongState: it has one already.
            MalformedRequest: this one is too short.
        """
        self._require_admin("lock")
        await self._authority.lock(passphrase)
        self._audit("key locked")
        await self._store.commit()

    async def unlock(self, passphrase: str) -> None:
        """Take the passphrase off the root key.

        Raises:
            NotAllowed: the root key is not here.
            WrongState: it has none.
            KeyLocked: the passphrase is none or wrong.
        """
        self._require_admin("unlock")
        if self._authority.has_passphrase and not passphrase:
            raise KeyLocked("the key that this node signs with")
        await self._authority.unlock_for_good(passphrase)
        self._audit("key unlocked")
        await self._store.commit()

    def node_called(self, typed: str) -> NodeEntry:
        """The one node that a typed name means.

        Raises:
            UnknownNode, AmbiguousName, MalformedName: it means none, or several.
        """
        try:
            query = parse_query(f"{OPERATOR}@{typed}")
        except MalformedName as error:
            raise MalformedName.rebuilt(
                str(error).replace(f"{OPERATOR}@", "", 1),
                "a node is called name, or name~idprefix: fleet nodes",
                error.layer,
                (),
            ) from None
        return resolve_node(query.node, query.node_prefix, self._fleet.directory)

    def _require_admin(self, verb: str) -> None:
        if not self.is_admin:
            raise NotAllowed(
                "this node",
                verb,
                "nodes: it does not hold the fleet's root key",
                hint=_AT_THE_ROOT,
            )

    def _audit(self, kind: str, **facts: object) -> None:
        self._store.audit(kind, self._clock.wall_s(), **facts)


def torn() -> WrongState:
    """Nobody knows which of several keys is to be the root."""
    return WrongState(
        "two keys say that they follow the root: somebody else has the old key",
        hint="fleet trust shows them; where the right one is: fleet trust rotate-root --finish",
    )
