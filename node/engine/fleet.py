"""Who belongs, who lives where, and what is granted here: the node's knowledge of its fleet.

Everything else asks this object; it keeps the roster, the directory and the grants in step with the
store, and tells ``changed`` listeners when members come or go.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping

import structlog

from fleet.core.address import Address, parse_query
from fleet.core.bounds import AGENTS_LIMIT
from fleet.core.directory import AgentEntry, Directory, NodeEntry, Presence, SeatHeld
from fleet.core.errors.requests import MalformedRequest
from fleet.core.errors.store import StoreFailed
from fleet.core.errors.trust import NotPaired
from fleet.core.frames import DirectoryWord
from fleet.core.resolver import node_label, resolve
from fleet.core.roster import Admit, Retire, Roster, SignedEntry, Succeed
from fleet.core.seating import KnownTeam
from fleet.core.trust import Caller, Grant
from node.faults import fault
from node.ports.authority import Joined
from node.ports.host import Clock
from node.records import Agent, Me, Peer
from node.store import SqliteStore

log = structlog.get_logger()

ADDRESSES_KEPT = 4
"""Per peer: what worked, newest first. More would only make an attack by adverts cheaper."""


class Fleet:
    """The known fleet, as of now."""

    def __init__(self, me: Me, store: SqliteStore, clock: Clock) -> None:
        self.me = me
        self.roster = Roster()
        self.directory = Directory()
        self._store = store
        self._clock = clock
        self._peers: dict[str, Peer] = {peer.node_id: peer for peer in store.book.peers()}
        self._grants = store.book.grants()
        self._listeners: list[Callable[[], None]] = []
        self._followed = store.followed()
        self._partings: list[Callable[[str], None]] = []
        self._followings: list[Callable[[str, str], None]] = []
        self._labels: dict[str, str] = {}
        self._is_kept = True
        self.seats_of: Callable[[str], tuple[SeatHeld, ...]] = lambda _agent: ()
        self.teams: Callable[[], Mapping[str, KnownTeam]] = dict
        store.database.on_loss(self._lost)

    def load(self, entries: Iterable[SignedEntry]) -> None:
        """Take the stored and verified roster, and the peers' last words on their agents."""
        self.roster = Roster(entries)
        self.directory = Directory()
        self._follow_all()
        self._put_self()
        for admit in self.in_sight():
            self._put_node(admit, connected=False)
        for entry in self._store.book.directory():
            if self.directory.node(entry.node_id):
                self.directory.put(entry)

    def listen(self, changed: Callable[[], None]) -> None:
        """Call whenever the members changed."""
        self._listeners.append(changed)

    def parting(self, told: Callable[[str], None]) -> None:
        """Call with an id before its node goes on under another one: nothing may happen under it after."""
        self._partings.append(told)

    def followed(self, told: Callable[[str, str], None]) -> None:
        """Call with the old id and the new when a node goes on under another one, as the store has it."""
        self._followings.append(told)

    # --- names ---

    def resolve(self, text: str) -> Address:
        """The one agent that a typed name means; the only way from a name to an address."""
        query = parse_query(text)
        return resolve(query, self.directory, self.teams() if query.team else {})

    def label(self, node_id: str) -> str:
        """How a node is called here, unambiguously."""
        known = self._labels.get(node_id)
        if known is None:
            known = self._labels[node_id] = node_label(self.directory, node_id)
        return known

    def caller(self, agent: str) -> Caller:
        """A local caller whose identity the kernel attested."""
        return Caller(agent, self.label(self.me.node_id), self.me.node_id, is_local=True)

    def peer_caller(self, sender: str, node_id: str) -> Caller:
        """A peer's agent: the name is the peer's claim, the node is proven by TLS."""
        return Caller(sender.partition("@")[0], self.label(node_id), node_id, is_local=False)

    # --- members ---

    def authorise(self, node_id: str) -> Admit:
        """The member with this key.

        Raises:
            NotPaired: it does not belong, or not any more.
        """
        self.require_current(node_id)
        if revoke := self.roster.revoked(node_id):
            raise NotPaired(
                f"node {node_id[:12]} was revoked from this fleet ({revoke.reason})",
                hint="a revocation is final for its key; join again from a fresh home",
            )
        admit = self.roster.member(node_id)
        if admit is None:
            self._require_uncontested(node_id)
            raise NotPaired(
                f"node {node_id[:12]} is not in this fleet's roster",
                hint="fleet invite on a node of the fleet, fleet join TOKEN on the new one",
            )
        return admit

    def _require_uncontested(self, node_id: str) -> None:
        for old, ids in self.roster.contested():
            if node_id in ids:
                raise NotPaired(
                    f"node {node_id[:12]} and another key claim to follow node {old[:12]}: none of them belongs",
                    hint="an admin puts the wrong one out: fleet trust there shows both",
                )

    def require_current(self, node_id: str) -> None:
        """Insist that a node does not go on under another id than this one.

        Raises:
            NotPaired: it does, and this key is as good as anybody's.
        """
        if node_id in self._followed or self.roster.is_given_up(node_id):
            heir = self._followed.get(node_id) or self.roster.heir(node_id)
            raise NotPaired(
                f"node {node_id[:12]} goes on with another key, as {heir[:12]}: this one is given up",
                hint="if it is your node's: its keys folder is an old copy; restore the newer one",
            )

    def now_id(self, node_id: str) -> str:
        """The id that the node of this id has now; the same one unless it is known to go on under another."""
        return self._followed.get(node_id, node_id)

    def others(self) -> tuple[Admit, ...]:
        """All members but this node, also those that only follow another one until now."""
        own = self.me.node_id
        return tuple(
            a
            for a in self.roster.members()
            if a.node_id not in self._followed and own not in self.roster.lineage(a.node_id)
        )

    def in_sight(self) -> tuple[Admit, ...]:
        """All other members, each once: under its old id until it is met under the new one."""
        others = self.others()
        ids = {admit.node_id for admit in others}
        return tuple(a for a in others if ids.isdisjoint(self.roster.lineage(a.node_id)[1:]))

    def meet(self, node_id: str) -> None:
        """A node has come under this id: from now on it is the one that had those before it.

        Raises:
            StoreFailed: that could not be written down, and nothing has changed.
        """
        before = [old for old in self.roster.lineage(node_id)[1:] if old not in self._followed]
        for old in before:
            self._follow(old, node_id)
        if before:
            self._look()

    def _follow(self, old: str, new: str) -> None:
        for told in self._partings:
            told(old)
        self._store.follow(old, new)
        facts = {"node": self.label(old), "old": old, "id": new}
        if old in self._peers:
            self._store.audit("node followed", self._clock.wall_s(), **facts)
        self._store.database.settle()
        self._followed = self._store.followed()
        self._peers = {peer.node_id: peer for peer in self._store.book.peers()}
        agents = [entry._replace(node_id=new) for entry in self.directory.on(old)]
        self.directory.drop_node(old)
        if (admit := self.roster.member(new)) is not None:
            self._put_node(admit, connected=False)
            self.directory.replace(new, agents)
        self._labels.clear()
        self.reload_grants()
        log.info("node followed", **facts)
        for listener in self._followings:
            listener(old, new)

    def _follow_all(self) -> None:
        """Those whose old key is given up, as the roster says; a disk that fails does it later."""
        for old, new in self.roster.given_up():
            if self._followed.get(old) != new and old != self.me.node_id:
                with contextlib.suppress(StoreFailed):
                    self._follow(old, new)

    def merge(self, entries: Iterable[SignedEntry]) -> tuple[SignedEntry, ...]:
        """Take verified entries; returns the new ones, staged in the store.

        They count at once, also when the disk fails: who is put out is out. ``keep`` writes them down
        then.
        """
        fresh = self.roster.merge(entries)
        if not fresh:
            return ()
        with contextlib.suppress(StoreFailed):
            self._store.book.put_roster((e.entry_id, e.body, e.signature) for e in fresh)
            self._note_roots(fresh)
        fault("roster:after_verify_before_commit")
        self._follow_all()
        self._look()
        return fresh

    def _look(self) -> None:
        """The members, or under which id, are not as before."""
        in_sight = {admit.node_id: admit for admit in self.in_sight()}
        for node_id, admit in in_sight.items():
            if self.directory.node(node_id) is None:
                self._put_node(admit, connected=False)
        for node in list(self.directory.nodes()):
            if node.node_id != self.me.node_id and node.node_id not in in_sight:
                self.directory.drop_node(node.node_id)
        self._labels.clear()
        self._tell()

    def _note_roots(self, fresh: Iterable[SignedEntry]) -> None:
        """Every node writes down when it learnt that another root signs: nothing in the roster has a time."""
        for one in fresh:
            match one.entry:
                case Succeed(root_id=root_id):
                    self._store.database.put_meta(
                        f"root {root_id}", str(self._clock.wall_s()).encode()
                    )
                    self._store.audit("root rotated", self._clock.wall_s(), root=root_id)
                case Retire(root_id=root_id, kept=kept):
                    self._store.audit(
                        "root retired", self._clock.wall_s(), root=root_id, kept=len(kept)
                    )
                case _:
                    pass

    def root_since_s(self, root_id: str) -> float:
        """The wall time at which this node learnt that a root follows another; 0: it does not know."""
        noted = self._store.database.meta(f"root {root_id}")
        return float(noted) if noted else 0.0

    def _tell(self) -> None:
        """Everybody, also when the disk fails for one of them; ``keep`` tells it once more then."""
        for listener in self._listeners:
            with contextlib.suppress(StoreFailed):
                listener()

    def _lost(self) -> None:
        self._is_kept = False

    async def keep(self) -> None:
        """Make the whole roster durable, and what follows from it, if some of that was lost with a
        group of writes.

        Raises:
            StoreFailed: it is not.
        """
        if not self._is_kept:
            fault("roster:before_again")
            self._is_kept = True
            entries = self.roster.entries()
            self._store.book.put_roster((e.entry_id, e.body, e.signature) for e in entries)
            self._follow_all()
            self._tell()
        await self._store.commit()

    def enter(self, joined: Joined) -> None:
        """Belong to another fleet from now on: its verified roster replaces the old one; staged."""
        self._store.book.clear_fleet()
        self.roster = Roster()
        self._followed.clear()
        self._peers.clear()
        self._labels.clear()
        self.merge(joined.entries)
        self.add_addresses(joined.inviter_id, joined.addresses)
        self._store.audit(
            "fleet joined",
            self._clock.wall_s(),
            fleet=joined.fleet_id,
            inviter=joined.inviter_id,
        )

    # --- reaching them ---

    def peer(self, node_id: str) -> Peer:
        """What is remembered of reaching a node."""
        return self._peers.get(node_id) or Peer(node_id, (), 0.0, "", "")

    def connected(
        self, node_id: str, address: str, others: Iterable[str], build: str, epoch: str
    ) -> None:
        """A link stands: remember the address that worked first, then those the peer names."""
        known = (address, *others, *self.peer(node_id).addresses)
        peer = Peer(
            node_id,
            tuple(dict.fromkeys(a for a in known if a))[:ADDRESSES_KEPT],
            self._clock.wall_s(),
            build,
            epoch,
        )
        self._remember(peer)
        self._see(node_id, connected=True)

    def add_addresses(self, node_id: str, addresses: Iterable[str]) -> None:
        """Remember addresses that were told and not yet tried, after those that worked."""
        peer = self.peer(node_id)
        known = tuple(dict.fromkeys((*peer.addresses, *addresses)))[:ADDRESSES_KEPT]
        self._remember(Peer(node_id, known, peer.seen_at_s, peer.build, peer.epoch))

    def disconnected(self, node_id: str) -> None:
        """The link is gone: its agents are away, what is known of them stays."""
        peer = self.peer(node_id)
        self._remember(Peer(node_id, peer.addresses, self._clock.wall_s(), peer.build, peer.epoch))
        self._see(node_id, connected=False)

    def _remember(self, peer: Peer) -> None:
        """A note for the next life; a disk that fails is in nobody's way, least of all a link's."""
        self._peers[peer.node_id] = peer
        with contextlib.suppress(StoreFailed):
            self._store.book.put_peer(peer)
            self._store.commit_soon()

    def _see(self, node_id: str, *, connected: bool) -> None:
        if (admit := self.roster.member(node_id)) is not None:
            self._put_node(admit, connected=connected)

    def _put_node(self, admit: Admit, *, connected: bool) -> None:
        if admit.node_id != self.me.node_id:
            seen = self.peer(admit.node_id).seen_at_s
            self.directory.put_node(NodeEntry(admit.node_id, admit.name, connected, seen))

    def _put_self(self) -> None:
        self.directory.put_node(
            NodeEntry(self.me.node_id, self.me.name, connected=True, seen_at_s=0)
        )

    # --- agents ---

    def local_entry(self, agent: Agent, *, online: bool) -> AgentEntry:
        """What this node says of its own agent."""
        return AgentEntry(
            agent.name,
            self.me.node_id,
            agent.profile,
            Presence.ONLINE if online else Presence.OFFLINE,
            incarnation_number(agent),
            self.seats_of(agent.name),
        )

    def hear(self, node_id: str, word: DirectoryWord) -> None:
        """Take a peer's word on its own agents, and only on those."""
        own = [entry._replace(node_id=node_id) for entry in word.agents]
        if not word.full and self._would_have(node_id, own) > AGENTS_LIMIT:
            raise MalformedRequest(f"{self.label(node_id)} tells of over {AGENTS_LIMIT} agents")
        if word.full:
            self.directory.replace(node_id, own)
        else:
            for entry in own:
                self.directory.put(entry)
            for name in word.gone:
                self.directory.drop(node_id, name)
            self._store.book.drop_directory(node_id, word.gone)
        self._store.book.put_directory(node_id, own, full=word.full)
        self._store.commit_soon()

    def _would_have(self, node_id: str, told: list[AgentEntry]) -> int:
        new = (e for e in told if all(k.node_id != node_id for k in self.directory.called(e.name)))
        return self.directory.count_on(node_id) + sum(1 for _ in new)

    # --- grants ---

    @property
    def grants(self) -> tuple[Grant, ...]:
        """All grants given on this node."""
        return tuple(self._grants)

    def reload_grants(self) -> None:
        """Read them again after a change."""
        self._grants = self._store.book.grants()


def incarnation_number(agent: Agent) -> int:
    """The incarnation as peers are told it: 48 bits of its token; 0 while there is none."""
    return int(agent.ref.token[:12], 16) if agent.ref else 0
