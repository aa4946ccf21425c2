"""Another root key for the fleet: it signs beside the old one, and then in its place.

``rotate`` makes the key and says with the old one that it follows; both count. ``finish`` says with the new
one that the old signs no more, by name of all that it signed and that stands, and deletes it. Each may be
cut off anywhere and called again.
"""

from __future__ import annotations

from fleet.core.errors.nodes import VersionMismatch
from fleet.core.errors.requests import WrongState
from fleet.core.errors.trust import NotAllowed
from fleet.core.roster import SignedEntry, Succeed
from fleet.core.succession import FOUNDER, LONGEST_LINE
from node.engine.fleet import Fleet
from node.engine.membership import SIGNING_S, Membership, torn
from node.engine.peers import Peers
from node.engine.versions import ROOTS
from node.faults import fault
from node.ports.authority import Authority
from node.ports.host import Clock


class Roots:
    """Which root signs, as decided on the node with the root key."""

    def __init__(
        self,
        fleet: Fleet,
        peers: Peers,
        authority: Authority,
        membership: Membership,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._peers = peers
        self._authority = authority
        self._membership = membership
        self._clock = clock

    @property
    def waiting(self) -> tuple[SignedEntry, ...]:
        """The successions that are under way: one while two keys overlap, several while nobody knows
        which of them counts."""
        roster = self._fleet.roster
        if rivals := roster.rivals():
            return rivals
        last = roster.successions()[-1:]
        return tuple(one for one in last if not roster.line.is_retired(one.root))

    def holds(self, root: str) -> bool:
        """Whether the key of a root is here; it is named by its succession."""
        return self._authority.has_root(self._succession(root))

    def _succession(self, root: str) -> SignedEntry | None:
        return None if root == FOUNDER else self._fleet.roster.entry(root)

    def id_of(self, root: str) -> str:
        """The hash of a root's key."""
        succession = self._succession(root)
        return _id(succession) if succession else self._authority.fleet_id

    async def rotate(self, passphrase: str) -> dict[str, str]:
        """Let a new key sign in place of the one here. When it does already, nothing happens.

        Raises:
            NotAllowed: no root key is here.
            KeyLocked: it is locked, and the passphrase is none or wrong.
            WrongState: somebody else has done the same, or too many have before.
            VersionMismatch: a member that is connected would not understand it.
        """
        self._require(self._authority.holds_root)
        waiting = self.waiting
        if len(waiting) > 1:
            raise torn()
        if waiting:
            if not self._authority.has_root(waiting[0]):
                raise WrongState(
                    f"root {_id(waiting[0])[:12]} follows already, and its key is not here",
                    hint="do it where that key is, or restore the keys folder from a backup",
                )
            return self._told("overlap", waiting[0].root, waiting[0])
        self._require_room()
        await self._membership.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        entry = await self._authority.succeed(passphrase)
        fault("root:before_succession")
        await self._tell(entry)
        return self._told("overlap", entry.root, entry)

    def _require_room(self) -> None:
        if len(self._fleet.roster.line.roots) > LONGEST_LINE:
            raise WrongState(
                f"this fleet's root was followed {LONGEST_LINE} times, and no entry may rest on more",
                hint="found another fleet: fleet up in a fresh home",
            )
        for admit in self._fleet.others():
            session = self._peers.session(admit.node_id)
            if session is not None and session.protocol < ROOTS:
                raise VersionMismatch(
                    f"{self._fleet.label(admit.node_id)} does not know of roots that follow another",
                    hint="install the same version of fleet on all hosts first",
                )

    async def finish(self, passphrase: str) -> dict[str, str]:
        """Retire the root before the new one, and delete its key. Done already, nothing happens.

        Raises:
            NotAllowed: the new root's key is not here.
            KeyLocked: it is locked, and the passphrase is none or wrong.
            WrongState: there is nothing to finish.
        """
        waiting = self.waiting
        if not waiting:
            return self._finished()
        own = [one for one in waiting if self._authority.has_root(one)]
        self._require(bool(own))
        if len(own) > 1:
            raise torn()
        heir = own[0]
        await self._membership.ready_to_sign(passphrase, self._clock.wall_s() + SIGNING_S)
        rivals = {one.entry_id for one in waiting} - {heir.entry_id}
        kept = [i for i in self._fleet.roster.signed_by(heir.root) if i not in rivals]
        entry = self._authority.retire(heir, self.id_of(heir.root), tuple(kept))
        fault("root:before_retirement")
        await self._tell(entry)
        fault("root:before_delete")
        return self._finished()

    def _finished(self) -> dict[str, str]:
        """Delete what is retired and still here."""
        roster = self._fleet.roster
        last = roster.successions()[-1:]
        if not last or not self._authority.has_root(last[0]):
            raise WrongState(
                "no other root key is waiting to be the only one",
                hint="fleet trust rotate-root makes one",
            )
        for root in roster.line.roots:
            if roster.line.is_retired(root) and self.holds(root):
                self._authority.drop_root(self._succession(root))
        return self._told("finished", last[0].root, last[0])

    async def _tell(self, entry: SignedEntry) -> None:
        self._membership.has_signed()
        self._fleet.merge((entry,))
        await self._fleet.keep()
        self._peers.spread_roster((entry,))

    def _told(self, state: str, old: str, heir: SignedEntry) -> dict[str, str]:
        return {"state": state, "root": _id(heir), "before": self.id_of(old)}

    @staticmethod
    def _require(is_here: bool) -> None:  # noqa: FBT001 - named by the method
        if not is_here:
            raise NotAllowed(
                "this node", "replace", "the root key: it is not here",
                hint="do it where the root key is",
            )  # fmt: skip


def _id(succession: SignedEntry) -> str:
    return succession.entry.root_id if isinstance(succession.entry, Succeed) else ""
