"""What nobody can be blamed for after an older copy of a database was put back (decision 0025).

Its node forgot what happened since. Its peers and its panes know some of that; what none of them knew
when it was asked is excused here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.core.delivery import TERMINAL, State
from fleet.core.envelope import Entry
from node.engine.outbox import FORGOTTEN
from node.records import Incoming, Outgoing
from tests.support.facts import Facts, Paste
from tests.support.host import Host
from tests.support.panes import Typed

A_LOOK_S = 0.05
"""A question this young may have opened between a look and what rested on it; nothing helps that."""

Told = tuple[str, str, str]


def nobody_knew(first: Paste, again: Paste, sent: Outgoing | None) -> bool:
    """Whether it was typed again into another incarnation than the forgotten first one, and its sender's
    node (``sent`` is its row) had not heard of that, or was not there to be asked."""
    facts, envelope = again.at, again.item.envelope
    if facts.then(first.typed.at_s) is facts.then(again.typed.at_s):
        return False
    if first.typed.token == again.typed.token or facts.former is None:
        return False
    if envelope.from_node == facts.host.node_id or not _has_heard(sent, first.item):
        return True
    began_s, ended_s = facts.former.until_s, again.typed.at_s - A_LOOK_S
    return not any(began_s < at_s < ended_s for at_s in _compared(facts.host, envelope.from_node))


def _has_heard(sent: Outgoing | None, before: Incoming) -> bool:
    """Whether its sender's node was told that it was typed, before its recipient's forgot that."""
    told = {(entry.state, entry.at_s) for entry in (sent.timeline if sent else ())}
    typed = {(e.state, e.at_s) for e in before.timeline if e.state in TERMINAL | {State.TYPED}}
    return not told.isdisjoint(typed)


def _compared(host: Host, peer_id: str) -> Iterator[float]:
    """When a peer answered which of what is open here it knows more of."""
    for line in host.world.net.trace:
        at_s, sender, receiver, kind, _ = line.split()
        if (sender, receiver, kind) == (peer_id[:6], host.node_id[:6], "differing"):
            yield float(at_s)


def only_its_pane_knew(facts: Facts, typed: Typed, sent: Outgoing | None) -> bool:
    """Whether an envelope was typed before an older database was put back, into an incarnation that this
    database does not know or that has ended, and its sender's node is the same or had not heard of it."""
    before = facts.then(typed.at_s)
    if before is facts or _is_known(facts, typed):
        return False
    item = before.item_of(typed)
    is_own = item is not None and item.envelope.from_node == facts.host.node_id
    return item is not None and (is_own or not _has_heard(sent, item))


def _is_known(facts: Facts, typed: Typed) -> bool:
    return typed.token[:12] in facts.lives and not typed.program.ended


def shape(timeline: Sequence[Entry]) -> list[Told]:
    """A timeline without its times."""
    return [(entry.state.value, entry.reason, entry.detail) for entry in timeline]


def goes_on(told: list[Told], before: list[Told], known: list[Told]) -> bool:
    """What was told before the recipient's node forgot it stands; it goes on with what became of it since.

    Refused when it is offered again it is in doubt, for it may have been typed before.
    """
    count = 0
    while count < min(len(told), len(before)) and told[count] == before[count]:
        count += 1
    since = [one for one in told[count:] if one[2] != FORGOTTEN]
    if not known and since and since[-1][0] == State.IN_DOUBT:
        since.pop()
    return _in_order(iter(since), known)


def is_put_right(facts: Facts, row: Outgoing, known: list[Told]) -> bool:
    """An end that its sender's node came to, having forgotten that it was taken, is followed by the true one."""
    own = {entry for entry in row.timeline if entry.node == facts.host.name}
    told = [entry for entry in row.timeline if entry not in own]
    return bool(told) and _in_order(iter(shape(told)), known)


def _in_order(some: Iterator[Told], known: list[Told]) -> bool:
    rest = iter(known)
    return all(one in rest for one in some)
