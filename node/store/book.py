"""Everything the node remembers besides mail: agents, peers, roster, invitations, grants."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fleet.core.directory import AgentEntry, Presence, SeatHeld
from fleet.core.rate import parse_rate
from fleet.core.trust import Grant, Policy, Verb
from node.ports.panes import PaneRef
from node.records import Agent, Invitation, Peer
from node.store.database import Database


class Book:
    """Small tables, written seldom and read at start."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- agents of this node ---

    def agents(self) -> list[Agent]:
        """All agents, by name."""
        return [
            Agent(
                name,
                profile,
                Policy(policy),
                msgspec.json.decode(ref, type=PaneRef) if ref else None,
                msgspec.json.decode(command, type=tuple[str, ...]),
                cwd,
                socket,
                bool(hooks),
                bool(skill),
            )
            for name, profile, policy, ref, command, cwd, socket, hooks, skill in self._database.rows(
                "SELECT name, profile, policy, ref, command, cwd, socket, hooks, skill FROM agents"
                " ORDER BY name"
            )
        ]

    def put_agent(self, agent: Agent) -> None:
        """Remember an agent as it is now."""
        self._database.execute(
            "INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                agent.name,
                agent.profile,
                agent.policy,
                msgspec.json.encode(agent.ref).decode() if agent.ref else None,
                msgspec.json.encode(agent.command).decode(),
                agent.cwd,
                agent.socket,
                agent.hooks,
                agent.skill,
            ),
        )

    def drop_agent(self, name: str) -> None:
        """Forget an agent."""
        self._database.execute("DELETE FROM agents WHERE name = ?", (name,))

    # --- other nodes ---

    def directory(self) -> list[AgentEntry]:
        """The last word of every peer on its agents."""
        return [
            AgentEntry(
                name,
                node_id,
                profile,
                Presence(presence),
                incarnation,
                msgspec.json.decode(seats, type=tuple[SeatHeld, ...]),
            )
            for node_id, name, profile, presence, incarnation, seats in self._database.rows(
                "SELECT node_id, name, profile, presence, incarnation, seats FROM directory"
            )
        ]

    def put_directory(self, node_id: str, entries: Iterable[AgentEntry], *, full: bool) -> None:
        """Remember a peer's word: all of its agents, or some that changed."""
        if full:
            self._database.execute("DELETE FROM directory WHERE node_id = ?", (node_id,))
        self._database.execute_many(
            "INSERT OR REPLACE INTO directory VALUES (?, ?, ?, ?, ?, ?)",
            [
                (node_id, e.name, e.profile, e.presence, e.incarnation, _seats_to_json(e))
                for e in entries
            ],
        )

    def drop_directory(self, node_id: str, names: Iterable[str]) -> None:
        """Forget some of a peer's agents."""
        self._database.execute_many(
            "DELETE FROM directory WHERE node_id = ? AND name = ?", [(node_id, n) for n in names]
        )

    def peers(self) -> list[Peer]:
        """How each known node was last reached."""
        return [
            Peer(node_id, msgspec.json.decode(addresses, type=tuple[str, ...]), seen, build, epoch)
            for node_id, addresses, seen, build, epoch in self._database.rows(
                "SELECT node_id, addresses, seen_at, build, epoch FROM peers"
            )
        ]

    def put_peer(self, peer: Peer) -> None:
        """Remember how a node was reached."""
        self._database.execute(
            "INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?)",
            (
                peer.node_id,
                msgspec.json.encode(peer.addresses).decode(),
                peer.seen_at_s,
                peer.build,
                peer.epoch,
            ),
        )

    # --- trust ---

    def roster(self) -> list[tuple[bytes, bytes]]:
        """The signed entries: body and signature."""
        return [
            (bytes(body), bytes(signature))
            for body, signature in self._database.rows("SELECT body, signature FROM roster")
        ]

    def put_roster(self, entries: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Remember signed entries: id, body, signature."""
        self._database.execute_many("INSERT OR IGNORE INTO roster VALUES (?, ?, ?)", list(entries))

    def clear_fleet(self) -> None:
        """Forget the fleet this node leaves: roster, peers, their agents, invitations."""
        for table in ("roster", "peers", "directory", "followed", "invitations"):
            self._database.execute(f"DELETE FROM {table}")

    def invitation(self, name: str) -> Invitation | None:
        """An invitation, open or ended."""
        row = self._database.row(
            "SELECT name, secret, expires_at, ended FROM invitations WHERE name = ?", (name,)
        )
        return Invitation(row[0], bytes(row[1]), row[2], row[3]) if row else None

    def put_invitation(self, invitation: Invitation) -> None:
        """Remember an invitation as it is now."""
        self._database.execute(
            "INSERT OR REPLACE INTO invitations VALUES (?, ?, ?, ?)",
            (invitation.name, invitation.secret, invitation.expires_at_s, invitation.ended),
        )

    def invitations_until(self) -> float:
        """The wall time until which the door for newcomers is needed; 0 when it is not."""
        row = self._database.row("SELECT max(expires_at) FROM invitations WHERE ended = ''")
        return float(row[0] or 0.0) if row else 0.0

    def grants(self) -> list[Grant]:
        """All grants given on this node."""
        return [
            Grant(
                who,
                agent,
                frozenset(Verb(v) for v in verbs.split(",")),
                expires_at,
                parse_rate(rate) if rate else None,
            )
            for who, agent, verbs, expires_at, rate in self._database.rows(
                "SELECT who, agent, verbs, expires_at, rate FROM grants ORDER BY who, agent"
            )
        ]

    def put_grant(self, grant: Grant) -> None:
        """Give a grant, in place of an earlier one for the same pair."""
        self._database.execute(
            "INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?)",
            (
                grant.who,
                grant.agent,
                ",".join(sorted(grant.verbs)),
                grant.expires_at_s,
                str(grant.rate or ""),
            ),
        )

    def drop_grant(self, who: str, agent: str) -> bool:
        """Take a grant back; whether there was one."""
        done = self._database.execute(
            "DELETE FROM grants WHERE who = ? AND agent = ?", (who, agent)
        )
        return done.rowcount > 0

    def spent(self, who: str, agent: str, node_id: str) -> tuple[float, float] | None:
        """What a node had left of a grant's rate, and the wall time of that; None: all of it."""
        row = self._database.row(
            "SELECT remains, at FROM spent WHERE who = ? AND agent = ? AND node_id = ?",
            (who, agent, node_id),
        )
        return (float(row[0]), float(row[1])) if row else None

    def put_spent(self, who: str, agent: str, node_id: str, remains: float, at_s: float) -> None:
        """Remember what a node has left of a grant's rate."""
        self._database.execute(
            "INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?, ?)",
            (who, agent, node_id, remains, at_s),
        )

    def drop_spent(self, who: str, agent: str) -> None:
        """Forget what was left of a grant's rate."""
        self._database.execute("DELETE FROM spent WHERE who = ? AND agent = ?", (who, agent))


def _seats_to_json(entry: AgentEntry) -> str:
    return msgspec.json.encode(entry.seats).decode()
