"""A new key for a node: asked for by the node itself, signed by an admin, taken at the node's next start.

Until it is certain that the new id is let in, the node goes on under the old one. The end of the old one
is signed at the same time, and told by the node itself once it runs under the new one: so nothing depends
on the admin afterwards, and nobody is ever out under both. Why it is done so: decision 0027.
"""

from __future__ import annotations

import structlog

from fleet.core.address import OPERATOR
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import NodeUnreachable, VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import KeyLocked, NotAllowed, NotPaired
from fleet.core.following import LINEAGE_LIMIT
from fleet.core.frames import FollowAnswer, FollowAsk
from fleet.core.roster import Admit, Revoke, SignedEntry
from node.engine.fleet import Fleet
from node.engine.membership import SIGNING_S, Membership
from node.engine.peers import Peers
from node.engine.versions import FOLLOWING
from node.faults import fault
from node.ports.authority import Authority, Proof
from node.ports.host import Clock
from node.store import SqliteStore

log = structlog.get_logger()


class Rotation:
    """New keys, for this node and for those that ask it."""

    def __init__(
        self,
        fleet: Fleet,
        peers: Peers,
        authority: Authority,
        membership: Membership,
        store: SqliteStore,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._peers = peers
        self._authority = authority
        self._membership = membership
        self._store = store
        self._clock = clock

    def next_id(self) -> str:
        """The id of this node's new key, while it is not taken; empty when there is none."""
        return self._authority.next_id()

    # --- on the node whose key it is ---

    async def rotate(self, passphrase: str) -> dict[str, object]:
        """Have a new key signed for, and decide for it; the node has to start anew then.

        Cut off anywhere it can be done again, and goes on with the same new key.

        Raises:
            NotAllowed: nobody who is connected may sign.
            NodeUnreachable: nobody is connected.
            KeyLocked: this node signs itself, and the passphrase is none or wrong.
        """
        me = self._fleet.me
        proof = self._authority.prove_next()
        fault("rotate:after_key")
        if self._authority.is_admin:
            signer, entries = me.node_id, await self._sign_own(proof, passphrase)
        else:
            signer, entries = await self._signed_by_others(proof)
        self._authority.take_next(entries)
        fault("rotate:after_staging")
        new = entries[0].node_id
        log.info("key decided", old=me.node_id, id=new)
        return {
            "node": self._fleet.label(me.node_id),
            "old": me.node_id,
            "id": new,
            "signed_by": self._fleet.label(signer),
            "away": [self._fleet.label(a.node_id) for a in self._away()],
            "older": [self._fleet.label(a.node_id) for a in self._older()],
        }

    async def _sign_own(self, proof: Proof, passphrase: str) -> tuple[SignedEntry, ...]:
        await self._membership.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        certificate = self._fleet.authorise(self._fleet.me.node_id).certificate
        entries = self._authority.succession(certificate, self._fleet.me.name, proof)
        self._membership.has_signed()
        return entries

    async def _signed_by_others(self, proof: Proof) -> tuple[str, tuple[SignedEntry, ...]]:
        """Who of the connected members signed, and what: admins are asked first."""
        caller = f"{OPERATOR}@{self._fleet.me.name}"
        question = FollowAsk(caller, proof.public_key, proof.by_old, proof.by_new)
        admins = {admin.node_id for admin in self._fleet.roster.admins()}
        others = [a.node_id for a in self._fleet.in_sight() if self._peers.session(a.node_id)]
        refusal: FleetError | None = None
        for node_id in sorted(others, key=lambda one: (one not in admins, one)):
            try:
                told = await self._peers.ask(node_id, question)
            except (KeyLocked, WrongState, NotPaired) as error:
                refusal = _theirs(self._fleet.label(node_id), error)
            except (NotAllowed, NodeUnreachable, VersionMismatch) as error:
                refusal = refusal or error
            else:
                if isinstance(told, FollowAnswer):
                    return node_id, tuple(map(self._peers.verify, told.entries))
        raise refusal or NodeUnreachable("any admin", "this node has no link to another one")

    def _away(self) -> list[Admit]:
        return [a for a in self._fleet.in_sight() if not self._peers.session(a.node_id)]

    def _older(self) -> list[Admit]:
        def is_older(admit: Admit) -> bool:
            session = self._peers.session(admit.node_id)
            return session is not None and session.protocol < FOLLOWING

        return [admit for admit in self._fleet.in_sight() if is_older(admit)]

    # --- on the node that signs ---

    async def sign(self, node_id: str, asked: FollowAsk) -> FollowAnswer:
        """Let a member's new key follow its own, which its link has proven.

        Asked again for the same key, the answer is the same.

        Raises:
            NotAllowed: this node may not sign.
            KeyLocked: its key is locked.
            WrongState: another key follows it already, or it had too many.
            NotPaired: one of the two keys did not say so, or is not free.
        """
        if not self._authority.is_admin:
            raise NotAllowed("this node", "sign", "for a new key: it holds no key of an admin")
        if self._authority.is_locked:
            raise KeyLocked("the key that this node signs with")
        before = self._fleet.authorise(node_id)
        proof = Proof(asked.public_key, asked.by_old, asked.by_new)
        admission, ending = self._authority.succession(before.certificate, before.name, proof)
        known = self._known(node_id, admission)
        if known is not None:
            return FollowAnswer((known, self._authority.ending(known)))
        self._fleet.merge((admission,))
        facts = {"node": before.name, "old": node_id, "id": admission.node_id}
        self._store.audit("key signed for", self._clock.wall_s(), **facts)
        fault("rotate:before_admit_commit")
        await self._fleet.keep()
        fault("rotate:between_admit_and_revoke")
        self._membership.has_signed()
        self._peers.spread_roster((admission,))
        return FollowAnswer((admission, ending))

    def _known(self, node_id: str, admission: SignedEntry) -> SignedEntry | None:
        """The admission of that very key, if it was let in before.

        Raises:
            WrongState: another key follows the node, or it had too many.
            NotPaired: the new key is not free.
        """
        roster, new = self._fleet.roster, admission.node_id
        rivals = roster.followers(node_id) - {new}
        if rivals:
            raise WrongState(
                f"another key, {min(rivals)[:12]}, is to follow that of {self._fleet.label(node_id)}",
                hint="if you do not know it: somebody else has this node's key; revoke the node",
            )
        if len(roster.lineage(node_id)) >= LINEAGE_LIMIT:
            raise WrongState(
                f"a node has at most {LINEAGE_LIMIT} keys, one after the other",
                hint="join again from a fresh home",
            )
        if new in roster.followers(node_id):
            return roster.admission(new)
        if roster.known(new) is not None or roster.revoked(new) is not None:
            raise NotPaired("the new key is a node's already")
        return None


def _theirs(label: str, error: FleetError) -> FleetError:
    """What another node answered, so that nobody is asked for a passphrase that is not theirs."""
    if isinstance(error, KeyLocked):
        return NotAllowed(
            label, "sign", "for a new key: its own is locked",
            hint=f"on {label}: fleet invite --expires 5m keeps it unlocked so long; then again",
        )  # fmt: skip
    return error


def take_over(authority: Authority, store: SqliteStore, wall_s: float) -> None:
    """An earlier life has decided for a new key: the database is its own from now on, in one commit.

    Raises:
        StoreFailed: it could not be written down.
        StartFailed: what was signed for the key is damaged.
    """
    match authority.followed():
        case (SignedEntry(entry=Admit() as admit), SignedEntry(entry=Revoke() as revoke)) as told:
            store.book.put_roster((one.entry_id, one.body, one.signature) for one in told)
            store.follow(revoke.node_id, admit.node_id)
            store.audit(
                "key changed", wall_s, node=admit.name, old=revoke.node_id, id=admit.node_id
            )
            fault("rotate:before_rekey_commit")
            store.database.settle()
            fault("rotate:after_rekey")
            authority.remembered()
            log.info("key changed", old=revoke.node_id, id=admit.node_id)
        case _:
            pass
