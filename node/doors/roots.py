"""What is told of the keys that are, were or want to be the fleet's root."""

from __future__ import annotations

from fleet.core.moment import iso_time
from node.engine.node import Node

SIGNS, OVERLAP, RETIRED, UNDECIDED = "signs", "overlap", "retired", "undecided"


def roots(node: Node) -> list[dict[str, object]]:
    """Each root, oldest first, and then those of which nobody knows whether they are one."""
    line = node.fleet.roster.line
    told = [_root(node, root, RETIRED if line.is_retired(root) else OVERLAP) for root in line.roots]
    told[-1]["state"] = SIGNS
    return told + [_root(node, root, UNDECIDED) for root in line.rivals]


def _root(node: Node, root: str, state: str) -> dict[str, object]:
    roster, key = node.fleet.roster, node.roots.id_of(root)
    under = (roster.admission(admit.node_id) for admit in roster.members())
    return {
        "key": key,
        "state": state,
        "since": iso_time(node.fleet.root_since_s(key)),
        "here": node.roots.holds(root),
        "members": sum(1 for one in under if one and not one.appointed and one.root == root),
    }
