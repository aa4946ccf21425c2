"""Further admins: nodes that admit and revoke with a key of their own, as long as the root lets them.

The root key stays where it is. An admin's node makes a key, tells its certificate over the link, and the
root signs that this key counts. Taken back, whom it let in stays, by name, and nobody else ever.
"""

from __future__ import annotations

from fleet.core.address import OPERATOR
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed, NotPaired
from fleet.core.frames import AdminAnswer, AdminAsk
from node.engine.fleet import Fleet
from node.engine.membership import SIGNING_S, Membership
from node.engine.peers import Peers
from node.ports.authority import Authority
from node.ports.host import Clock
from node.store import SqliteStore


class Admins:
    """Who else may sign, as decided on the node with the root key."""

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

    def certificate(self) -> bytes:
        """The certificate of this node's own admin key, for whoever wants to appoint it."""
        return self._authority.admin_certificate()

    async def appoint(self, node: str, passphrase: str) -> dict[str, str]:
        """Let a node sign with a key of its own, which it is asked for.

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked, and the passphrase is none or wrong.
            WrongState: it is an admin already, or this very node, or nobody knows who is the root.
            VersionMismatch: it is too old for that.
            NodeUnreachable: there is no link to it now.
        """
        self._require_root("appoint")
        self._membership.require_one_root()
        found = self._membership.node_called(node)
        label = self._fleet.label(found.node_id)
        if found.node_id == self._fleet.me.node_id or self._keys_of(found.node_id):
            raise WrongState(f"{label} is an admin already", hint="fleet trust shows all")
        caller = f"{OPERATOR}@{self._fleet.me.name}"
        told = await self._peers.ask(found.node_id, AdminAsk(caller))
        if not isinstance(told, AdminAnswer):
            raise NotPaired(f"{label} does not tell a key to appoint")
        await self._membership.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        entry = self._authority.appoint(found.node_id, told.certificate)
        self._membership.has_signed()
        self._fleet.merge((entry,))
        self._store.audit("admin appointed", self._clock.wall_s(), node=label, id=found.node_id)
        await self._store.commit()
        self._peers.spread_roster((entry,))
        return {"node": label, "id": found.node_id}

    async def dismiss(self, node: str, reason: str, passphrase: str) -> dict[str, str]:
        """Take the power back; the node stays, and with it whom it let in until now.

        Raises:
            NotAllowed: the root key is not here.
            KeyLocked: it is locked, and the passphrase is none or wrong.
            WrongState: it is no admin by a key of its own.
        """
        self._require_root("dismiss")
        found = self._membership.node_called(node)
        label = self._fleet.label(found.node_id)
        if not self._keys_of(found.node_id):
            raise WrongState(f"{label} has no key of an admin", hint="fleet trust shows who has")
        await self._membership.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        entries = self._membership.withdrawals(found.node_id, reason or "no reason given")
        self._membership.has_signed()
        self._peers.spread_roster(entries)
        self._fleet.merge(entries)
        self._store.audit(
            "admin dismissed", self._clock.wall_s(), node=label, id=found.node_id, reason=reason
        )
        await self._store.commit()
        return {"node": label, "id": found.node_id}

    def _keys_of(self, node_id: str) -> list[str]:
        return [one.admin_id for one in self._fleet.roster.admins() if one.node_id == node_id]

    def _require_root(self, verb: str) -> None:
        if not self._authority.holds_root:
            raise NotAllowed(
                "this node", verb, "admins: the fleet's root key is not here",
                hint="do it on the node that founded the fleet",
            )  # fmt: skip
