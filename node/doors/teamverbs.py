"""What nodes ask of each other about teams beside the commands of a task list, each by its verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from fleet.core.frames import TeamAnswer, TeamAsk
from node.engine import assigning, slots
from node.engine.node import Node

Act = Callable[[Node, str, TeamAsk], Awaitable[TeamAnswer]]

VERBS: Mapping[str, Act] = MappingProxyType(
    {
        "invite": lambda node, node_id, ask: node.agreements.asked(node_id, ask),
        "withdraw": lambda node, node_id, ask: node.agreements.withdrawn(node_id, ask),
        "accept": lambda node, node_id, ask: node.invitations.accepted(node_id, ask),
        "decline": lambda node, node_id, ask: node.invitations.declined(node_id, ask),
        "brief": lambda node, node_id, ask: node.briefs.answer(node_id, ask),
        "bye": lambda node, node_id, ask: node.goodbyes.answer(node_id, ask),
        assigning.ASSIGN: lambda node, node_id, ask: node.assigning.answer(node_id, ask),
        assigning.REFUSE: lambda node, node_id, ask: node.assigning.answer(node_id, ask),
        slots.VERB: lambda node, node_id, ask: node.slots.answer(node_id, ask),
        "leave": lambda node, node_id, ask: node.invitations.left(node_id, ask),
        "seat": lambda node, node_id, ask: node.lodging.seat(node_id, ask),
        "unseat": lambda node, node_id, ask: node.lodging.unseat(node_id, ask),
        "state": lambda node, node_id, ask: node.lodging.states(node_id, ask),
    }
)
"""The caller's node is proven; what it says of who asks there is not looked at."""
