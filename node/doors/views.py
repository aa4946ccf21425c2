"""The node's values as programs are shown them. Field names are the command line's contract."""

from __future__ import annotations

import os
from collections.abc import Mapping

from fleet.core.address import OPERATOR, parse_query
from fleet.core.delivery import HoldReason, State
from fleet.core.directory import AgentEntry
from fleet.core.envelope import Receipt
from fleet.core.errors.names import UnknownAgent
from fleet.core.errors.panes import PaneGone
from fleet.core.errors.requests import MalformedRequest
from fleet.core.frames import PeekAsk, ScreenAnswer
from fleet.core.keystrokes import clean
from fleet.core.look import Look
from fleet.core.moment import iso_time
from fleet.core.resolver import node_label, shown_presence
from fleet.core.screen import asking
from fleet.core.seating import KnownTeam, is_proven
from fleet.core.trust import Caller, Grant, Policy, Verb
from node.doors import standing
from node.doors.local import error_json
from node.engine.fleet import incarnation_number
from node.engine.node import Node
from node.engine.route import Route
from node.records import Agent


def letter(receipt: Receipt) -> dict[str, object]:
    """A receipt with its text, for lists."""
    return {
        **receipt.as_json(),
        "text": receipt.envelope.text,
        "at": iso_time(receipt.timeline[0].at_s),
    }


def whole_letter(receipt: Receipt) -> dict[str, object]:
    """Everything known of one envelope."""
    envelope = receipt.envelope
    return {
        **letter(receipt),
        "thread": envelope.thread,
        "reply_to": envelope.reply_to,
        "hops": envelope.hops,
        "raw": envelope.raw,
        "expires_at": iso_time(envelope.expires_at_s),
    }


# --- agents ---


def own_name(node: Node, typed: str) -> str:
    """The name of an agent of this node, typed bare or as an address.

    For commands that act on this host only, such as ``stop``: no other node's agent can be meant, so
    a bare name is this node's agent even where another node has one of that name.

    Raises:
        UnknownAgent: it lives on another node, or nowhere.
    """
    return node.agents.known(_name_here(node, typed)).name


def recipient_name(node: Node, typed: str) -> str:
    """Whose inbox of this node is meant: an agent's, the operator's, a forgotten agent's with mail.

    Raises:
        UnknownAgent: nobody of that name is or was here.
    """
    name = _name_here(node, typed)
    if name != OPERATOR and not node.store.inbox.recent(name, 1, dead=False):
        return node.agents.known(name).name
    return name


def _name_here(node: Node, typed: str) -> str:
    query = parse_query(typed)
    if not query.team and not query.node:
        return query.agent
    address = node.fleet.resolve(typed)
    if address.node_id != node.fleet.me.node_id:
        raise UnknownAgent(f"{address} on this node")
    return address.agent


def agent(node: Node, one: Agent) -> dict[str, object]:
    """One agent of this node after something was done with it."""
    return {
        "address": f"{one.name}@{node.fleet.label(node.fleet.me.node_id)}",
        "name": one.name,
        "profile": one.profile,
        "policy": one.policy.value,
        "pane": one.ref.pane if one.ref else "",
        "socket": one.socket,
        "incarnation": f"{incarnation_number(one):012x}" if one.ref else "",
    }


async def agents(node: Node, caller: Caller) -> list[dict[str, object]]:
    """All agents of the known fleet; those of this node are looked at now.

    What a question on a screen says is for the person of this node; others ask for it (peek).
    """
    held = node.store.inbox.held()
    logs = node.teams.logs()
    rows: list[dict[str, object]] = []
    for entry in node.fleet.directory.agents():
        here = entry.node_id == node.fleet.me.node_id
        home = node.fleet.directory.node(entry.node_id)
        label = node_label(node.fleet.directory, entry.node_id)
        own = node.agents.get(entry.name) if here else None
        look = await node.agents.look(own) if own else None
        state = (
            node.screens.reading(own, look)
            if own and look
            else shown_presence(node.fleet.directory, entry).value
        )
        waiting = held.get(entry.name, 0)
        seen_s = node.clock.wall_s() if home is None or home.connected else home.seen_at_s
        rows.append(
            {
                "address": f"{entry.name}@{label}",
                "name": entry.name,
                "node": label,
                "profile": entry.profile,
                "state": state,
                "incarnation": f"{entry.incarnation:012x}" if entry.incarnation else "",
                "last_seen": iso_time(seen_s),
                **_seats(entry, logs),
                "doing": node.screens.doing(own, look) if own and look else None,
                "question": question(node, own, look)
                if own and look and caller.is_own_operator
                else "",
                "held": waiting if here else None,
                "held_reason": _waits_for(node, entry.name) if here and waiting else "",
                "policy": own.policy.value if own else None,
            }
        )
    return rows


def _seats(entry: AgentEntry, logs: Mapping[str, KnownTeam]) -> dict[str, list[str]]:
    """The seats that an agent fills, by the teams' logs; those that only its node says it fills are apart."""
    seats: dict[bool, list[str]] = {True: [], False: []}
    for held in entry.seats:
        seats[is_proven(held, entry, logs)].append(f"{held.team}/{held.seat}")
    return {"seats": seats[True], "seats_claimed": seats[False]}


def _waits_for(node: Node, name: str) -> str:
    """Why the agent's next envelope waits: the reason it is held for, else its state."""
    item = node.store.inbox.next(name)
    if item is None:  # only what needs an approval is passed over
        return HoldReason.APPROVAL.value
    return item.timeline[-1].reason if item.state is State.HELD else item.state.value


def question(node: Node, one: Agent, look: Look) -> str:
    """The row of an open question, cleaned; empty when none is open."""
    return clean(asking(node.agents.profile(one), look)).text


async def screen(node: Node, caller: Caller, typed: str, lines: int) -> dict[str, object]:
    """An agent's screen, cleaned; of another node's agent if that node grants it."""
    address = node.fleet.resolve(typed)
    if lines < 0:
        raise MalformedRequest(f"{lines} lines cannot be shown")
    if address.node_id == node.fleet.me.node_id:
        seen = await look_at(node, caller, address.agent, lines)
    else:
        answer = await node.peers.ask(address.node_id, PeekAsk(str(caller), address.agent, lines))
        if not isinstance(answer, ScreenAnswer):
            raise MalformedRequest("the far node answered something else")
        seen = answer
    # A peer's rows are its claim: they are cleaned again before anybody's terminal shows them.
    rows = [clean(row).text for row in seen.rows]
    return {"address": str(address), "rows": rows, "state": clean(seen.state).text}


async def look_at(node: Node, caller: Caller, name: str, lines: int) -> ScreenAnswer:
    """The screen of an agent of this node.

    Raises:
        NotAllowed: the caller has no grant to observe it.
        PaneGone: there is nothing to see.
    """
    one = node.agents.known(name)
    node.permits.require(caller, Verb.OBSERVE, one.name)
    look = await node.agents.look(one)
    if not look.exists:
        raise PaneGone(f"{one.name}@{node.fleet.me.name}", "there is no screen to show")
    rows = list(look.rows)
    while rows and not rows[-1].strip():
        rows.pop()
    shown = tuple(clean(row).text.rstrip() for row in (rows[-lines:] if lines else rows))
    asked = question(node, one, look)
    state = f"dialog: {asked}" if asked else node.screens.doing(one, look)
    return ScreenAnswer(shown, state)


async def place(node: Node, typed: str) -> dict[str, object]:
    """Where tmux shows an agent of this node."""
    one = node.agents.known(own_name(node, typed))
    if one.ref is None or not (await node.agents.look(one)).exists:
        raise PaneGone(f"{one.name}@{node.fleet.me.name}", "the agent is not running")
    session = await node.panes.place(one.ref)
    return {"socket": one.ref.socket, "pane": one.ref.pane, "session": session}


def route(walked: Route) -> dict[str, object]:
    """A walked route."""
    return {
        "query": walked.query,
        "address": str(walked.address) if walked.address else None,
        "candidates": [
            {"address": c.address, "node": c.node, "state": c.state, "last_seen": c.last_seen}
            for c in walked.candidates
        ],
        "steps": [
            {
                "layer": s.layer,
                "verdict": s.verdict,
                "detail": s.detail,
                "ms": s.ms,
                "error": s.error,
            }
            for s in walked.steps
        ],
        "remedy": walked.remedy,
        "error": error_json(walked.error) if walked.error else None,
    }


# --- the node and its fleet ---


def status(node: Node) -> dict[str, object]:
    """The node at a glance."""
    fleet = node.fleet
    online = sum(node.agents.is_online(one.name) for one in node.agents.all())
    return {
        "pid": os.getpid(),
        "node": fleet.label(fleet.me.node_id),
        "id": fleet.me.node_id,
        "listen": node.listen,
        "fleet": node.membership.fleet_id,
        "admin": node.membership.is_admin,
        "peers": standing.peers(node, nodes(node)),
        "queues": standing.queues(node),
        "agents": {"known": len(fleet.directory), "here": len(node.agents.all()), "online": online},
        "version": fleet.me.build,
        "home": node.home,
        "missing": node.missing(),
        "mdns": "off" if node.discovery is None else node.discovery.trouble or "on",
        "errors": standing.last_errors(node),
        "metrics": node.metrics,
    }


def nodes(node: Node) -> list[dict[str, object]]:
    """Every node: this one, members, revoked ones, and strangers that mDNS shows."""
    fleet = node.fleet
    names = {fleet.me.node_id: fleet.me.name, **{a.node_id: a.name for a in fleet.in_sight()}}
    rows = [_node_row(node, node_id, name) for node_id, name in sorted(names.items())]
    for revoke in fleet.roster.revocations():
        known = fleet.roster.known(revoke.node_id)
        row = _node_row(node, revoke.node_id, known.name if known else "")
        rows.append({**row, "state": "revoked", "reason": clean(revoke.reason).text})
    members = {row["id"] for row in rows}
    for found in node.discovery.found() if node.discovery else ():
        if found.node_id not in members:
            row = _node_row(node, found.node_id, "")
            rows.append(
                {**row, "state": "found", "addresses": list(found.addresses), "via": "mdns"}
            )
    return rows


def _node_row(node: Node, node_id: str, name: str) -> dict[str, object]:
    fleet = node.fleet
    here = node_id == fleet.me.node_id
    peer = fleet.peer(node_id)
    connected = node.peers.session(node_id) is not None
    trouble = node.peers.keeper.trouble.get(node_id)
    return {
        "node": fleet.label(node_id) if fleet.directory.node(node_id) else name or node_id[:12],
        "id": node_id,
        "state": "self" if here else "connected" if connected else "away",
        "addresses": [node.listen] if here else list(node.peers.keeper.addresses_of(node_id)),
        "last_seen": iso_time(node.clock.wall_s() if here or connected else peer.seen_at_s),
        "version": fleet.me.build if here else peer.build,
        "via": "roster",
        "trouble": str(trouble) if trouble and not connected else "",
    }


def invitation(token: str, expires_at_s: float) -> dict[str, object]:
    """A fresh invitation."""
    return {"token": token, "expires_at": iso_time(expires_at_s)}


def joined(node: Node, inviter_id: str) -> dict[str, object]:
    """The fleet after joining it."""
    fleet = node.fleet
    ids = {fleet.me.node_id, *(admit.node_id for admit in fleet.in_sight())}
    return {
        "fleet": node.membership.fleet_id,
        "node": fleet.label(fleet.me.node_id),
        "inviter": fleet.label(inviter_id),
        "members": [fleet.label(i) for i in sorted(ids)],
    }


def grant(one: Grant) -> dict[str, object]:
    """A grant given here."""
    return {
        "who": one.who,
        "agent": one.agent,
        "verbs": sorted(verb.value for verb in one.verbs),
        "expires_at": iso_time(one.expires_at_s),
        "rate": str(one.rate or ""),
    }


def policy(node: Node, name: str, before: Policy) -> dict[str, object]:
    """Who may message an agent of this node, and how many envelopes wait for a person's word."""
    return {
        "address": f"{name}@{node.fleet.label(node.fleet.me.node_id)}",
        "name": name,
        "policy": node.agents.known(name).policy.value,
        "before": before.value,
        "held": node.store.inbox.unapproved_count(name),
    }


def event(logged: dict[str, object]) -> dict[str, object]:
    """One event of the audit log, its time as text."""
    at = logged.get("at")
    return {**logged, "at": iso_time(at) if isinstance(at, float) else at}
