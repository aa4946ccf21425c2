"""What is told of who trusts whom: the root, the admins, the members and who let them in, who is out."""

from __future__ import annotations

from fleet.core.keystrokes import clean
from fleet.core.roster import Admit, Appoint, Revoke, SignedEntry
from node.doors.roots import roots
from node.engine.contested import Claim, claims
from node.engine.node import Node

ROOT = "root"
_MEMBER = ("message",)
_ADMIN = ("message", "invite", "revoke")


def overview(node: Node) -> dict[str, object]:
    """Everybody's place in the fleet, by key."""
    fleet, membership = node.fleet, node.membership
    roster = fleet.roster
    return {
        "fleet": membership.fleet_id,
        "node": fleet.label(fleet.me.node_id),
        "id": fleet.me.node_id,
        "root": {
            "key": membership.fleet_id,
            "here": membership.holds_root,
            "passphrase": membership.has_passphrase,
        },
        "roots": roots(node),
        "admin": membership.is_admin,
        "next_key": node.rotation.next_id(),
        "admins": [_admin(node, admin) for admin in roster.admins()],
        "members": [_member(node, admit) for admit in _members(node)],
        "contested": _contested(node),
        "revoked": [_revoked(node, revoke) for revoke in roster.revocations()],
    }


def _members(node: Node) -> list[Admit]:
    """This node and the others, each once."""
    own = node.fleet.roster.member(node.fleet.me.node_id)
    return sorted([*node.fleet.in_sight(), *([own] if own else [])], key=lambda one: one.node_id)


def _admin(node: Node, admin: Appoint) -> dict[str, object]:
    let_in = [e.node_id for e in node.fleet.roster.let_in_by(admin.admin_id)]
    return {
        "node": node.fleet.label(admin.node_id),
        "id": admin.node_id,
        "key": admin.admin_id,
        "let_in": [node.fleet.label(i) for i in let_in if node.fleet.roster.member(i)],
    }


def _member(node: Node, admit: Admit) -> dict[str, object]:
    here = admit.node_id == node.fleet.me.node_id
    connected = node.peers.session(admit.node_id) is not None
    admins = {admin.node_id for admin in node.fleet.roster.admins()}
    is_admin = admit.node_id in admins or (here and node.membership.is_admin)
    return {
        "node": node.fleet.label(admit.node_id),
        "id": admit.node_id,
        "state": "self" if here else "connected" if connected else "away",
        "admitted_by": _signer(node, node.fleet.roster.admission(admit.node_id)),
        "may": list(_ADMIN if is_admin else _MEMBER),
        "keys_before": list(node.fleet.roster.lineage(admit.node_id)[1:]),
    }


def _contested(node: Node) -> list[dict[str, object]]:
    """Each id that several keys are to follow, of which nobody knows whose is the node's own."""
    found = claims(node.fleet.roster)
    old_ids = dict.fromkeys((one.old, one.name) for one in found)
    return [
        {
            "node": name,
            "id": old,
            "claims": [_claim(node, one) for one in found if one.old == old],
        }
        for old, name in old_ids
    ]


def _claim(node: Node, claim: Claim) -> dict[str, object]:
    admissions = node.fleet.roster.admissions_of(claim.node_id)
    return {
        "node": claim.label,
        "id": claim.node_id,
        "here": claim.node_id == node.fleet.me.node_id,
        "admitted_by": sorted({_signer(node, one) for one in admissions}),
    }


def _revoked(node: Node, revoke: Revoke) -> dict[str, object]:
    known = node.fleet.roster.known(revoke.node_id)
    return {
        "node": known.name if known else revoke.node_id[:12],
        "id": revoke.node_id,
        "reason": clean(revoke.reason).text,
        "revoked_by": _signer(node, node.fleet.roster.revocation(revoke.node_id)),
        "may": [],
    }


def _signer(node: Node, signed: SignedEntry | None) -> str:
    """The root, or the name of the admin who signed."""
    admin = signed.appointed if signed else None
    if admin is None:
        return ROOT
    known = node.fleet.roster.known(admin.node_id)
    return known.name if known else admin.node_id[:12]
