"""What has to be true of every world, whatever happened in it; one function each.

They compare what the nodes wrote down with what the model programs really saw. Each yields a sentence
for everything that is not as promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fleet.core.address import OPERATOR
from fleet.core.delivery import TERMINAL, State
from fleet.core.envelope import Envelope
from node.records import Incoming, Outgoing
from tests.support.facts import Case, Facts, Paste, formers, id_in
from tests.support.forgotten import (
    A_LOOK_S,
    goes_on,
    is_put_right,
    nobody_knew,
    only_its_pane_knew,
    shape,
)
from tests.support.model_tmux import INST
from tests.support.panes import Typed
from tests.support.programs import Chat

if TYPE_CHECKING:
    from tests.support.host import Host
    from tests.support.world import World

_NOT_TYPED = {State.ACCEPTED, State.HELD, State.REFUSED, State.EXPIRED, State.CANCELLED}
_TYPED = {State.TYPED, State.SUBMITTED, State.UNCONFIRMED}


def typed_at_most_once(case: Case) -> Iterator[str]:
    """No envelope is pasted twice: not into one incarnation, and not into the next one either.

    Into the next one it may be when its database forgot the first, and its sender's node had not heard
    of it or could not say so.
    """
    first: dict[str, Paste] = {}
    rows = {i: row for facts in case for i, row in facts.sent.items()}
    for facts in case:
        for paste in facts.pastes:
            envelope_id = paste.item.envelope.id
            before = first.get(envelope_id)
            if before and not nobody_knew(before, paste, rows.get(envelope_id)):
                yield f"{envelope_id}: {before.typed}, and again {paste.typed}"
            first[envelope_id] = paste


def only_into_its_own_incarnation(case: Case) -> Iterator[str]:
    """What is typed reaches the very program that its token was given to, of the agent addressed."""
    for facts in case:
        births = facts.host.world.births
        for typed in facts.host.typed:
            then, birth = facts.then(typed.at_s), births[typed.token]
            if birth.program is not typed.program or birth.host is not facts.host:
                yield f"{typed} reached another program than {birth.program}"
            item = then.intents.get((typed.token, typed.sequence))
            if item is None:
                yield f"{typed} is of no envelope that was written down"
            elif then.lives.get(typed.token[:12]) != item.envelope.recipient:
                yield f"{typed} was for {item.envelope.recipient}"
            elif not _is_text_of(typed, item):
                yield f"{typed} is not the text of {item.envelope.id}"


def _is_text_of(typed: Typed, item: Incoming) -> bool:
    if item.envelope.raw or not typed.data:
        return True
    return id_in(typed.data) == item.envelope.id


def no_question_is_answered(case: Case) -> Iterator[str]:
    """Nothing that is typed reaches a question that was there to be seen."""
    for facts in case:
        for typed in facts.host.typed:
            if typed.asked_s is not None and typed.at_s - typed.asked_s > A_LOOK_S:
                yield f"{typed} answered a question"


def in_order_per_pair(case: Case) -> Iterator[str]:
    """What one sender sends to one agent is pasted in the order in which it was sent."""
    sent = {i: (1, row.seq) for facts in case for i, row in facts.sent.items()}
    for before in formers(case):  # the numbers of what was forgotten are given once more
        sent |= {i: (0, row.seq) for i, row in before.sent.items()}
    last: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    seen: set[str] = set()
    for facts in case:
        for paste in facts.pastes:
            envelope = paste.item.envelope
            if envelope.id in seen:  # whether it may be there again is another one's question
                continue
            seen.add(envelope.id)
            pair = (envelope.from_node, envelope.sender, envelope.to_node, envelope.recipient)
            seq = sent.get(envelope.id, (0, 0))
            if seq < last.get(pair, (0, 0)):
                yield f"{envelope.id} from {envelope.sender} to {envelope.to} was overtaken"
            last[pair] = seq


def _is_of(envelope: Envelope, nodes: set[str]) -> bool:
    return not nodes.isdisjoint((envelope.from_node, envelope.to_node))


def states_are_true(case: Case) -> Iterator[str]:
    """A state is what happened: submitted is one turn, what was refused was never typed."""
    rows = {i: row for facts in case for i, row in facts.sent.items()}
    for facts in case:
        pasted = {paste.item.envelope.id: paste.typed for paste in facts.pastes}
        for item in facts.inbox:
            typed = pasted.get(item.envelope.id)
            turns = _turns(typed, item)
            if (
                typed is not None
                and item.state in _NOT_TYPED
                and not only_its_pane_knew(facts, typed, rows.get(item.envelope.id))
            ):
                yield f"{item.envelope.id} is {item.state}, and was pasted"
            if item.state in _TYPED and typed is None:
                yield f"{item.envelope.id} is {item.state}, and was never pasted"
            if turns > 1 or (item.state is State.SUBMITTED and turns != 1):
                yield f"{item.envelope.id} is {item.state}, and was {turns} turns"


def _turns(typed: Typed | None, item: Incoming) -> int:
    """How often the program it was pasted into took it as a turn."""
    if typed is None or not isinstance(typed.program, Chat):
        return 0
    mark = item.envelope.text if item.envelope.raw else f"| id {item.envelope.id} |"
    return sum(mark in turn for turn in typed.program.turns)


def nothing_is_open_without_a_reason(case: Case) -> Iterator[str]:
    """Where nothing moves any more, what has not ended says why; behind it, others wait."""
    for facts in case:
        if facts.host.node is None:
            continue
        behind = {OPERATOR}  # a person's inbox has no input: accepted is its end
        for item in facts.inbox:
            name = item.envelope.recipient
            if item.state not in TERMINAL and name not in behind:
                behind.add(name)
                if not _has_a_reason(facts.host, item):
                    yield f"{item.envelope.id} is {item.state}, and does not say why"
        for row in facts.outbox:
            if row.state is State.QUEUED and not _waits_for_its_node(facts.host, row):
                yield f"{row.envelope.id} is queued, and its node is there and has room"


def _has_a_reason(host: Host, item: Incoming) -> bool:
    """Held says it itself; a text that was typed waits at a question, or to be read."""
    if item.state is State.TYPED:
        program = host.world.births[item.token].program
        return isinstance(program, Chat) and bool(program.question or program.unread)
    return item.state is State.HELD and bool(item.timeline[-1].reason)


def _waits_for_its_node(host: Host, row: Outgoing) -> bool:
    if host.up_node.peers.session(row.envelope.to_node) is None:
        return True
    there = next(h for h in host.world.hosts.values() if h.node_id == row.envelope.to_node)
    waiting = there.up_node.store.inbox.open_count(row.envelope.recipient)
    return waiting >= there.up_node.inbox.limit


def nothing_is_lost(case: Case) -> Iterator[str]:
    """What a caller was told of is there, and as far as the caller was told.

    What a database forgot that was put back is there again if its other node has not seen its end, and
    can still say so.
    """
    out = _put_out(case)
    rows = {i: row for facts in case for i, row in facts.sent.items()}
    arrived = {i for facts in case for i in facts.arrived}
    gone_out = {i for before in formers(case) for i in before.sent}
    gone_in = {i for before in formers(case) for i in before.arrived}
    world = case[0].host.world if case else None
    for envelope_id, told in world.told.items() if world else ():
        row = rows.get(envelope_id)
        if row is None and envelope_id not in gone_out:
            yield f"{envelope_id} was told to be {told}, and is nowhere"
        is_known = row is not None and row.state not in TERMINAL and not _is_of(row.envelope, out)
        is_there = envelope_id in arrived or (envelope_id in gone_in and not is_known)
        if State.ACCEPTED in told and not is_there:
            yield f"{envelope_id} was told to be {told}, and did not arrive"


def callers_are_told_the_truth(case: Case) -> Iterator[str]:
    """The receipt that ended a wait is a timeline as it was at some moment, in its order."""
    world = case[0].host.world if case else None
    known = [*case, *formers(case)]
    for envelope_id, told in world.told.items() if world else ():
        lives = [f.arrived[envelope_id].timeline for f in known if envelope_id in f.arrived]
        lives += [f.sent[envelope_id].timeline for f in known if envelope_id in f.sent]
        true = [[entry.state.value for entry in life] for life in lives]
        true += [["queued", *states] for states in true]
        if not any(states[: len(told)] == told for states in true):
            yield f"{envelope_id} was told as {told}, and was {true}"


def receipts_say_what_is_known(case: Case) -> Iterator[str]:
    """The sender's timeline is the recipient's, as far as it goes, and never goes further.

    Of a node that will not be heard of again it may end in doubt, which claims nothing.
    """
    arrived = {i: item for facts in case for i, item in facts.arrived.items()}
    forgotten = {i: item for before in formers(case) for i, item in before.arrived.items()}
    for facts in case:
        for row in facts.outbox:
            there = arrived.get(row.envelope.id)
            is_here = row.envelope.to_node == facts.host.node_id
            told = shape(row.timeline if is_here else row.timeline[1:])
            known = shape(there.timeline) if there else []
            ended_here = there is None and row.state in TERMINAL and len(told) == 1
            if (
                told[-1:]
                and told[-1][0] == State.IN_DOUBT
                and row.envelope.to_node in facts.put_out
            ):
                told.pop()
            if ended_here or told == known[: len(told)]:
                continue
            before = forgotten.get(row.envelope.id)
            if before is not None and goes_on(told, shape(before.timeline), known):
                continue
            if facts.former is not None and is_put_right(facts, row, known):
                continue
            yield f"{row.envelope.id}: {told} is told, and what happened is {known}"


def everything_ends(case: Case) -> Iterator[str]:
    """When nothing goes wrong any more, every envelope comes to an end.

    What a person is to read is at its end with him; what a node sent that was put out stays with it,
    and what is for a newcomer that did not get in waits for it.
    """
    out = _put_out(case)
    nodes = {facts.host.node_id: facts.host.node for facts in case}
    for facts in case if case and case[0].host.world.is_over else ():
        for item in facts.inbox:
            if item.state not in TERMINAL and item.envelope.recipient != OPERATOR:
                yield f"{item.envelope.id} is {item.state} on {facts.host.key} for ever"
        for row in facts.outbox:
            there, own_id = nodes.get(row.envelope.to_node), facts.host.node_id
            is_in = there is None or there.fleet.roster.member(own_id) is not None
            if row.state is State.QUEUED and is_in and own_id not in out:
                yield f"{row.envelope.id} is queued on {facts.host.key} for ever"


def _put_out(case: Case) -> set[str]:
    """Who was put out, as anybody knows or was told: who did it may have died before he was answered."""
    told = case[0].host.world.revoked if case else set[str]()
    return told.union(*(facts.put_out for facts in case))


def revoke_is_never_undone(case: Case) -> Iterator[str]:
    """Who was put out is out: on every member's disk, after every restart, and nobody listens to it.

    Unless only the one who was put out has not forgotten it.
    """
    world = case[0].host.world if case else None
    yield from world.breaches if world else ()
    out = _put_out([facts for facts in case if facts.host.node_id not in facts.put_out])
    for facts in case if world and world.is_over else ():
        host, node = facts.host, facts.host.node
        if node is None or host.node_id in out or not node.fleet.others() or not _is_in(case, host):
            continue
        for node_id in sorted(out):
            if node_id not in facts.put_out:
                yield f"{host.key} does not know that {node_id[:6]} was put out"
            if node.peers.session(node_id) or node.fleet.roster.member(node_id):
                yield f"{host.key} still has {node_id[:6]}, which was put out"


def _is_in(case: Case, host: Host) -> bool:
    """Whether any other node knows of it: the one that let it in may have forgotten that."""
    others = [facts.host.node for facts in case if facts.host is not host]
    return any(node and node.fleet.roster.member(host.node_id) for node in others)


def one_holder_of_a_name(case: Case) -> Iterator[str]:
    """A name is given to another program only once the one that has it has ended or was let go."""
    for facts in case:
        births = facts.host.world.births
        born = {token[:12]: birth.program for token, birth in births.items()}
        marked = {pane.options.get(INST, "")[:12] for pane in facts.host.tmux.all_panes()}
        holder: dict[str, str] = {}
        for kind, agent, incarnation in facts.history:
            before = holder.pop(agent, "")
            if kind not in {"agent started", "agent adopted"}:
                continue
            holder[agent] = incarnation
            if before and not born[before].ended and before in marked:
                yield f"{agent} on {facts.host.key} is {incarnation}, and {before} still is, too"


EVERY: tuple[Callable[[Case], Iterator[str]], ...] = (
    typed_at_most_once,
    only_into_its_own_incarnation,
    no_question_is_answered,
    in_order_per_pair,
    states_are_true,
    nothing_is_open_without_a_reason,
    nothing_is_lost,
    callers_are_told_the_truth,
    receipts_say_what_is_known,
    everything_ends,
    revoke_is_never_undone,
    one_holder_of_a_name,
)


def complaints(world: World) -> list[str]:
    """Apply them all to a world in which nothing moves any more; a line for what is not as promised."""
    case = [Facts(host) for host in world.hosts.values()]
    told = [f"{checker.__name__}: {line}" for checker in EVERY for line in checker(case)]
    return [*told, *(line for judge in world.judges for line in judge())]


def check(world: World) -> None:
    """Insist on all of them.

    Raises:
        AssertionError: with a line for everything that is not as promised.
    """
    broken = complaints(world)
    assert not broken, "\n".join(broken)
