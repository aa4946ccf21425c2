"""What other nodes ask of this one, over the link between them, and what they are answered."""

from __future__ import annotations

from fleet.core.errors.trust import NotAllowed
from fleet.core.frames import (
    AdminAnswer,
    AdminAsk,
    AnswerBody,
    CancelAsk,
    DoneAnswer,
    FollowAsk,
    PeekAsk,
    ProbeAsk,
    Question,
    StepsAnswer,
    TeamAsk,
)
from fleet.core.memory_commands import MEMORY_COMMANDS
from node.doors import teamverbs, views
from node.engine.node import Node


async def answer(node: Node, node_id: str, question: Question) -> AnswerBody:
    """Answer a peer's question, as far as this node's grants go."""
    caller = node.fleet.peer_caller(question.caller, node_id)
    match question:
        case PeekAsk(agent=agent, lines=lines):
            return await views.look_at(node, caller, agent, lines)
        case ProbeAsk(agent=agent):
            return StepsAnswer(await node.router.inside(caller, agent))
        case CancelAsk(envelope_id=envelope_id):
            item = node.talk.incoming(envelope_id)
            if item.envelope.from_node != node_id:
                raise NotAllowed(str(caller), "cancel", envelope_id)
            await node.inbox.cancel(item, str(caller))
            return DoneAnswer()
        case AdminAsk():
            return AdminAnswer(node.admins.certificate())
        case TeamAsk(verb=verb) if verb in MEMORY_COMMANDS:
            return await node.memories.answer(node_id, question)
        case TeamAsk():
            act = teamverbs.VERBS.get(question.verb)
            if act is not None:
                return await act(node, node_id, question)
            return await node.teams.answer(node_id, question)
        case FollowAsk():
            return await node.rotation.sign(node_id, question)
