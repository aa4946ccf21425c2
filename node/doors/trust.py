"""What is told of who trusts whom: the root, the admins, the members and who let them in, who is out."""

from __future__ import annotations

from fleet.core.keystrokes import clean
from fleet.core.roster import Admit, Revoke
from node.engine.node import Node

ROOT = "root"
_MEMBER = ("message",)
_ADMIN = ("message", "invite", "revoke")


def overview(node: Node) -> dict[str, object]:
    """Everybody's place in the fleet, by key."""
    fleet, membership = node.fleet, node.membership
    here = membership.is_admin
    roster = fleet.roster
    return {
        "fleet": membership.fleet_id,
        "node": fleet.label(fleet.me.node_id),
        "id": fleet.me.node_id,
        "root": {
            "key": membership.fleet_id,
            "here": here,
            "passphrase": membership.has_passphrase,
        },
        "admins": [_self(node)] if here else [],
        "members": [_member(node, admit) for admit in roster.members()],
        "revoked": [_revoked(node, revoke) for revoke in roster.revocations()],
    }


def _self(node: Node) -> dict[str, object]:
    me = node.fleet.me
    key = node.membership.fleet_id
    return {"node": node.fleet.label(me.node_id), "id": me.node_id, "key": key, "root": True}


def _member(node: Node, admit: Admit) -> dict[str, object]:
    here = admit.node_id == node.fleet.me.node_id
    connected = node.peers.session(admit.node_id) is not None
    may = _ADMIN if here and node.membership.is_admin else _MEMBER
    return {
        "node": node.fleet.label(admit.node_id),
        "id": admit.node_id,
        "state": "self" if here else "connected" if connected else "away",
        "admitted_by": ROOT,
        "may": list(may),
    }


def _revoked(node: Node, revoke: Revoke) -> dict[str, object]:
    known = node.fleet.roster.known(revoke.node_id)
    return {
        "node": known.name if known else revoke.node_id[:12],
        "id": revoke.node_id,
        "reason": clean(revoke.reason).text,
        "revoked_by": ROOT,
        "may": [],
    }
