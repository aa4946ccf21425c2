"""A message with its addressing, and what is known of it.

Ids are ULIDs: time-ordered, so that the store appends, and 26 characters that a person can paste.
Deadlines cross the wire as remaining seconds; wall time is for display and never compared between
hosts.

The values that every message needs are named tuples: one is made in a third of the time of a frozen
dataclass, and a node makes several per message.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from fleet.core.delivery import Evidence, State
from fleet.core.errors.requests import EmptyText, MalformedRequest, TooLarge, UndecodableText
from fleet.core.moment import iso_time

TEXT_LIMIT_BYTES = 256 * 1024
"""One text. Fits, with addressing, into a peer frame; larger things travel as files."""

DEFAULT_EXPIRY_S = 7 * 86_400.0
LONGEST_EXPIRY_S = 14 * 86_400.0
DEDUPE_KEPT_S = 30 * 86_400.0
"""How long an inbox remembers an id: far longer than any sender retries (its expiry)."""

HOPS_LIMIT = 32
"""Answers to answers without a person in between, after which a conversation is stopped."""

ENVELOPE_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


class Envelope(NamedTuple):
    """One message. ``sender`` and ``to`` are printed addresses, ``*_node`` the ids that count.

    ``recipient`` is the agent's name on ``to_node``. ``thread`` is the id of the conversation's
    first envelope. ``hops`` counts answers since a person last spoke. Times are wall seconds of
    the node that holds the envelope. ``draft_limit_s`` is how long somebody's draft in the agent's
    input may keep it waiting; 0 leaves that to the agent's profile.
    """

    id: str
    sender: str
    from_node: str
    to: str
    to_node: str
    recipient: str
    text: str
    thread: str
    reply_to: str
    hops: int
    raw: bool
    created_at_s: float
    expires_at_s: float
    draft_limit_s: float = 0.0


class Entry(NamedTuple):
    """One line of an envelope's timeline: which node knew what, when (its own wall time).

    ``reason`` is a word that programs may rely on (why held, or the error's code); ``detail`` is a
    sentence for people.
    """

    state: State
    at_s: float
    node: str
    reason: str = ""
    evidence: Evidence | None = None
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        """The entry as programs get it; what is empty is left out."""
        shown: dict[str, object] = {
            "state": self.state.value,
            "at": iso_time(self.at_s),
            "node": self.node,
        }
        if self.reason:
            shown["reason"] = self.reason
        if self.evidence:
            shown["evidence"] = self.evidence.value
        if self.detail:
            shown["detail"] = self.detail
        return shown


class Receipt(NamedTuple):
    """What is known of an envelope, never more than is known. ``cleaned`` counts what cleaning
    made visible in the text."""

    envelope: Envelope
    timeline: tuple[Entry, ...]
    cleaned: int = 0

    @property
    def last(self) -> Entry:
        """The newest entry; every receipt has one."""
        return self.timeline[-1]

    def as_json(self) -> dict[str, object]:
        """The receipt as ``fleet send --json`` prints it."""
        envelope, last = self.envelope, self.last
        return {
            "id": envelope.id,
            "from": envelope.sender,
            "to": envelope.to,
            "state": last.state.value,
            "reason": last.reason,
            "detail": last.detail,
            "evidence": last.evidence.value if last.evidence else None,
            "timeline": [entry.as_json() for entry in self.timeline],
            "cleaned": self.cleaned,
        }


def check_text(text: str) -> None:
    """Refuse what nobody could receive.

    Raises:
        EmptyText: nothing but white space.
        UndecodableText: it holds half a character, which no UTF-8 can say.
        TooLarge: over ``TEXT_LIMIT_BYTES`` in UTF-8.
    """
    if not text or text.isspace():
        raise EmptyText
    try:
        size_bytes = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise UndecodableText("the text", len(text[: error.start].encode())) from None
    if size_bytes > TEXT_LIMIT_BYTES:
        raise TooLarge(size_bytes, TEXT_LIMIT_BYTES)


def check_expiry(expires_s: float) -> None:
    """Refuse a time that is no time, or longer than ids are sure to be remembered.

    Raises:
        MalformedRequest: it is not above 0 and at most ``LONGEST_EXPIRY_S``.
    """
    if not 0 < expires_s <= LONGEST_EXPIRY_S:
        raise MalformedRequest(
            f"a message cannot expire after {expires_s:g} s",
            hint=f"above 0, and at most {LONGEST_EXPIRY_S / 86_400:.0f}d",
        )


def check_draft_limit(limit_s: float) -> None:
    """Refuse a time that is no time, or beyond every deadline.

    Raises:
        MalformedRequest: it is not between 0 (not said) and ``LONGEST_EXPIRY_S``.
    """
    if not 0 <= limit_s <= LONGEST_EXPIRY_S:
        raise MalformedRequest(
            f"a draft cannot be waited for {limit_s:g} s",
            hint=f"from 0 to {LONGEST_EXPIRY_S / 86_400:.0f}d; 0 is as the agent's profile says",
        )


def digest(text: str) -> str:
    """What logs keep of a text: half of its SHA-256, in hexadecimal."""
    return sha256(text.encode()).hexdigest()[:32]
