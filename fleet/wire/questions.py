"""Questions that a node asks another one, and their answers."""

from __future__ import annotations

from typing import assert_never

from fleet.core import frames
from fleet.core.bounds import (
    SENTENCE_LIMIT,
    STEPS_LIMIT,
    few,
    word,
)
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import VersionMismatch
from fleet.v1 import link_pb2, teams_pb2
from fleet.wire import teams
from fleet.wire.errors import error_from_wire, error_to_wire
from fleet.wire.roster import entries_to_wire, entry_from_wire


def ask_to_wire(ask: frames.Ask) -> link_pb2.Ask:
    """A question with its number."""
    match ask.question:
        case frames.PeekAsk(caller, agent, lines):
            peek = link_pb2.PeekAsk(caller=caller, agent=agent, lines=lines)
            return link_pb2.Ask(number=ask.number, peek=peek)
        case frames.ProbeAsk(caller, agent):
            probe = link_pb2.ProbeAsk(caller=caller, agent=agent)
            return link_pb2.Ask(number=ask.number, probe=probe)
        case frames.CancelAsk(caller, envelope_id):
            cancel = link_pb2.CancelAsk(caller=caller, envelope_id=envelope_id)
            return link_pb2.Ask(number=ask.number, cancel=cancel)
        case frames.AdminAsk(caller):
            return link_pb2.Ask(number=ask.number, admin=link_pb2.AdminAsk(caller=caller))
        case frames.FollowAsk(caller, public_key, by_old, by_new):
            follow = link_pb2.FollowAsk(
                caller=caller, public_key=public_key, by_old=by_old, by_new=by_new
            )
            return link_pb2.Ask(number=ask.number, follow=follow)
        case frames.TeamAsk():
            return link_pb2.Ask(number=ask.number, team=teams.ask_to_wire(ask.question))
        case None:
            raise ValueError("what is not known is not asked")
        case _:
            assert_never(ask.question)


def ask_from_wire(wire: link_pb2.Ask) -> frames.Ask:
    """The same, read; of a newer version's question the number only."""
    question: frames.Question | None = None
    match wire.WhichOneof("question"):
        case "peek":
            peek = wire.peek
            question = frames.PeekAsk(word(peek.caller), word(peek.agent), peek.lines)
        case "probe":
            question = frames.ProbeAsk(word(wire.probe.caller), word(wire.probe.agent))
        case "cancel":
            cancel = wire.cancel
            question = frames.CancelAsk(word(cancel.caller), word(cancel.envelope_id))
        case "admin":
            question = frames.AdminAsk(word(wire.admin.caller))
        case "follow":
            asked = wire.follow
            question = frames.FollowAsk(
                word(asked.caller), asked.public_key, asked.by_old, asked.by_new
            )
        case "team":
            question = teams.ask_from_wire(wire.team)
        case _:
            pass  # a newer version's
    return frames.Ask(wire.number, question)


def answer_to_wire(answer: frames.Answer) -> link_pb2.Answer:
    """An answer with its question's number."""
    match answer.body:
        case frames.ScreenAnswer(rows, state):
            screen = link_pb2.ScreenAnswer(rows=rows, state=state)
            return link_pb2.Answer(number=answer.number, screen=screen)
        case frames.StepsAnswer(steps):
            walked = link_pb2.StepsAnswer(steps=[_step_to_wire(step) for step in steps])
            return link_pb2.Answer(number=answer.number, steps=walked)
        case frames.DoneAnswer():
            return link_pb2.Answer(number=answer.number, done=link_pb2.DoneAnswer())
        case frames.AdminAnswer(certificate):
            admin = link_pb2.AdminAnswer(certificate=certificate)
            return link_pb2.Answer(number=answer.number, admin=admin)
        case frames.FollowAnswer(entries):
            follow = link_pb2.FollowAnswer(entries=entries_to_wire(entries))
            return link_pb2.Answer(number=answer.number, follow=follow)
        case frames.TeamAnswer(result, head):
            told = teams_pb2.TeamAnswer(result=result, head=head)
            return link_pb2.Answer(number=answer.number, team=told)
        case FleetError() as error:
            return link_pb2.Answer(number=answer.number, error=error_to_wire(error))
        case _:
            assert_never(answer.body)


def answer_from_wire(wire: link_pb2.Answer) -> frames.Answer:
    """The same, read; an answer that is not known here is an error of versions."""
    body: frames.AnswerBody
    match wire.WhichOneof("body"):
        case "screen":
            body = frames.ScreenAnswer(tuple(wire.screen.rows), wire.screen.state)
        case "steps":
            steps = few(wire.steps.steps, STEPS_LIMIT, "steps")
            body = frames.StepsAnswer(tuple(map(_step_from_wire, steps)))
        case "done":
            body = frames.DoneAnswer()
        case "admin":
            body = frames.AdminAnswer(wire.admin.certificate)
        case "follow":
            told = few(wire.follow.entries, 2, "entries")
            body = frames.FollowAnswer(tuple(entry_from_wire(e.body, e.signature) for e in told))
        case "team":
            body = frames.TeamAnswer(wire.team.result, wire.team.head)
        case "error":
            body = error_from_wire(wire.error)
        case _:
            body = VersionMismatch("the answer is of a version that is not known here")
    return frames.Answer(wire.number, body)


def _step_to_wire(step: frames.Step) -> link_pb2.Step:
    return link_pb2.Step(
        layer=step.layer,
        verdict=step.verdict,
        detail=step.detail,
        ms=step.ms,
        error=step.error,
        remedy=step.remedy,
    )


def _step_from_wire(wire: link_pb2.Step) -> frames.Step:
    said = (word(wire.layer), word(wire.verdict), wire.detail[:SENTENCE_LIMIT])
    return frames.Step(*said, wire.ms, word(wire.error), wire.remedy[:SENTENCE_LIMIT])
