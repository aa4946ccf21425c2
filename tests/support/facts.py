"""What one host's node wrote down, and what it really typed: what the checkers compare."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.core.roster import Revoke
from fleet.wire.roster import read_body
from node.records import Incoming, Outgoing
from tests.support.panes import Typed

if TYPE_CHECKING:
    from tests.support.host import Host

_EVERYTHING = 1_000_000
_ID = re.compile(r"\| id ([0-9A-HJKMNP-TV-Z]{26}) \|")


@dataclass(frozen=True, slots=True)
class Paste:
    """One paste, and the envelope that it was of."""

    at: Facts
    typed: Typed
    item: Incoming


class Facts:
    """What one host's node wrote down, and what it really typed.

    ``former`` is what was written down until an older copy of its database was put back, if one was:
    what was done before that is judged by what was known then.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.former = host.world.former.get(host.key)
        self.until_s = asyncio.get_running_loop().time()
        with host.store() as store:
            self.inbox: list[Incoming] = store.inbox.recent("", _EVERYTHING, dead=False)[::-1]
            self.outbox: list[Outgoing] = store.outbox.recent(_EVERYTHING, dead=False)[::-1]
            events = store.database.audit_tail(_EVERYTHING)
            roster = [read_body(body)[1] for body, _ in store.book.roster()]
        self.lives = {
            str(event["incarnation"]): str(event["agent"])
            for event in events
            if event["kind"] in {"agent started", "agent adopted"}
        }
        self.history = [
            (str(event["kind"]), str(event["agent"]), str(event.get("incarnation", "")))
            for event in events
            if str(event["kind"]).startswith("agent ")
        ]
        self.put_out = {entry.node_id for entry in roster if isinstance(entry, Revoke)}
        found = [(typed, self.then(typed.at_s).item_of(typed)) for typed in host.typed]
        self.pastes = [Paste(self, typed, item) for typed, item in found if item is not None]

    @property
    def intents(self) -> dict[tuple[str, int], Incoming]:
        """What was about to be typed, by the incarnation and the mark that it was to leave."""
        return {(item.token, item.mark): item for item in self.inbox if item.mark}

    @property
    def arrived(self) -> dict[str, Incoming]:
        """The inbox by id."""
        return {item.envelope.id: item for item in self.inbox}

    @property
    def sent(self) -> dict[str, Outgoing]:
        """The outbox by id."""
        return {row.envelope.id: row for row in self.outbox}

    def then(self, at_s: float) -> Facts:
        """What was known when something happened."""
        return self.former if self.former and at_s <= self.former.until_s else self

    def item_of(self, typed: Typed) -> Incoming | None:
        """The envelope that a paste was of; none of an Enter."""
        intent = self.intents.get((typed.token, typed.sequence))
        return (intent or self.arrived.get(id_in(typed.data))) if typed.data else None


def id_in(data: bytes) -> str:
    """The envelope that a pasted text says it is."""
    found = _ID.search(data.decode())
    return found[1] if found else ""


Case = Sequence[Facts]


def formers(case: Case) -> list[Facts]:
    """What the databases knew that were replaced by older ones."""
    return [facts.former for facts in case if facts.former is not None]
