"""What hypothesis draws values of ours from."""

from __future__ import annotations

import string
from typing import NamedTuple

from hypothesis import strategies as st

from fleet.core.address import Query
from fleet.core.bounds import LAST_COUNT, LAST_INCARNATION
from fleet.core.delivery import Evidence, State
from fleet.core.directory import AgentEntry, Presence, SeatHeld
from fleet.core.envelope import Entry, Envelope
from fleet.core.errors.base import LAYERS, Candidate, FleetError
from fleet.core.errors.tree import every_error
from fleet.core.roster import Admit, Appoint, Retire, Revoke, RosterEntry, SignedEntry, Succeed
from fleet.wire.roster import write_body
from tests.support.fleets import id_of

_FIRST = string.ascii_lowercase + string.digits
_ID_LETTERS = string.ascii_lowercase + "234567"

names = st.builds(
    str.__add__, st.sampled_from(_FIRST), st.text(_FIRST + "._-", max_size=8) | st.just("x" * 62)
)
node_ids = st.text(_ID_LETTERS, min_size=1, max_size=5).map(id_of)
prefixes = st.text(_ID_LETTERS, min_size=1, max_size=6) | st.text(
    _ID_LETTERS, min_size=52, max_size=52
)
queries = st.builds(Query, names, team=st.just("") | names) | st.builds(
    Query, names, names, st.just("") | prefixes, st.just("") | names
)

# Whatever a person or a program might send: mostly characters that mean something to somebody.
_TELLING = (
    "\n\r\t\x00\x03\x04\x07\x08\x0b\x1a\x1b\x7f\x85\x9b\xa0\xad\u200b\u200d\u2028\u202e\u2066"
)
_TELLING += "\ufe00\ufe0f\ufeff\U000e0041\U000e0101\ue000\U0010ffff[]~#;'\"$`{}\\|@%é漢😀"
texts = st.text() | st.text(_TELLING + "201uend fleet") | st.text("\\u{1b}0\x1b\n")
"""Without surrogates: such a text is refused before it is anything."""
any_texts = st.text(st.characters(codec=None, categories=None)) | texts

_wall_s = st.floats(0, 1e11)
_count = st.integers(0, LAST_COUNT)
_word = st.text(max_size=12)

entries = st.builds(
    Entry,
    st.sampled_from([state for state in State if state is not State.QUEUED]),  # is never reported
    _wall_s,
    _word,
    _word,
    st.none() | st.sampled_from(Evidence),
    _word,
)
candidates = st.builds(Candidate, _word, _word, _word, _word)
errors = st.builds(
    lambda cls, *said: cls.rebuilt(*said),
    st.sampled_from(sorted(every_error().values(), key=lambda cls: cls.code)),
    _word,
    _word,
    st.sampled_from(LAYERS),
    st.lists(candidates, max_size=3).map(tuple),
)
counts = _count


def arrived(peer_id: str) -> st.SearchStrategy[Envelope]:
    """Envelopes as the node that reads them from a peer's frame has them."""
    return st.builds(
        lambda recipient, **said: Envelope(
            from_node=peer_id,
            to=recipient,
            to_node="",
            recipient=recipient,
            expires_at_s=0.0,
            **said,
        ),
        names,
        id=_word,
        sender=_word,
        text=texts,
        thread=_word,
        reply_to=_word,
        hops=_count,
        raw=st.booleans(),
        created_at_s=_wall_s,
        draft_limit_s=_wall_s,
    )


def agents_of(node: st.SearchStrategy[str]) -> st.SearchStrategy[AgentEntry]:
    """Agents of such nodes."""
    return st.builds(
        AgentEntry, names, node, _word, st.sampled_from(Presence), st.integers(0, LAST_INCARNATION),
        st.lists(st.builds(SeatHeld, names, _word, names, _count), max_size=2).map(tuple),
    )  # fmt: skip


def signed_on(entry: RosterEntry, power: SignedEntry | None = None) -> SignedEntry:
    body = write_body("fleet", entry, power)
    return SignedEntry(body, b"signature of " + body, entry, power)


_said = st.builds(Admit, node_ids, names, st.binary(max_size=4)) | st.builds(
    Revoke, node_ids, _word
)
signed_entries = _said.map(signed_on)
"""Entries that the root signed."""

admin_ids = st.sampled_from([id_of("x"), id_of("y")])
_appointments = st.builds(Appoint, node_ids, admin_ids, st.just(b"certificate")).map(signed_on)
_by_admins = st.builds(signed_on, _said, _appointments)
_withdrawals = st.builds(
    lambda admin_id, reason, kept: signed_on(
        Revoke(admin_id, reason, tuple(sorted(one.entry_id for one in kept)))
    ),
    admin_ids,
    _word,
    st.lists(_by_admins, max_size=3),
)
all_entries = signed_entries | _appointments | _by_admins | _withdrawals
"""Entries of all kinds, by the root and by admins, some of whom it has dismissed."""


class History(NamedTuple):
    """What was said in a fleet whose root was followed, perhaps twice, and perhaps by two at once.

    ``kept`` has for each root that was retired (named by its succession) what stands of it.
    """

    entries: list[SignedEntry]
    kept: dict[str, frozenset[str]]


FIRST = signed_on(Succeed(id_of("first"), b"certificate of the first"))
SECOND = signed_on(Succeed(id_of("second"), b"certificate of the second"), FIRST)
RIVAL = signed_on(Succeed(id_of("rival"), b"certificate of the rival"))


def said_by(root: SignedEntry | None) -> st.SearchStrategy[SignedEntry]:
    """An entry by this root, or by an admin whom it appointed."""
    appointments = st.builds(Appoint, node_ids, admin_ids, st.just(b"certificate")).map(
        lambda appoint: signed_on(appoint, root)
    )
    return (
        _said.map(lambda entry: signed_on(entry, root))
        | appointments
        | st.builds(signed_on, _said, appointments)
    )


@st.composite
def histories(draw: st.DrawFn, *, retired: bool = False) -> History:
    """``retired``: with a founder that is retired, and never a rival."""
    by_founder, by_first, by_second, by_rival = (
        draw(st.lists(said_by(root), max_size=4)) for root in (None, FIRST, SECOND, RIVAL)
    )
    retirements: list[SignedEntry] = []
    kept: dict[str, frozenset[str]] = {}

    def retire(by: SignedEntry, own: list[SignedEntry]) -> None:
        said = {e.entry_id for one in own for e in (one, *one.rests_on) if e.root == by.root}
        words = draw(
            st.lists(
                st.sets(st.sampled_from(sorted(said))) if said else st.just(set()),
                min_size=1,
                max_size=2,
            )
        )
        stand = {e.entry_id for e in retirements} | {by.entry_id}
        kept[by.root] = frozenset(set.intersection(*words) | stand)
        retirements.extend(
            signed_on(Retire(id_of("root"), tuple(sorted(word | stand))), by) for word in words
        )

    if retired or draw(st.booleans()):
        retire(FIRST, by_founder)
        if draw(st.booleans()):
            retire(SECOND, by_first)
    line = [FIRST, *([SECOND, *by_second] if draw(st.booleans()) else []), *retirements]
    rivals = [] if retired or draw(st.booleans()) else [RIVAL, *by_rival]
    entries = [*by_founder, *by_first, *line, *rivals]
    return History(draw(st.permutations(entries)), kept)


def told(error: FleetError) -> tuple[object, ...]:
    """All that an error says; two errors are never equal by themselves."""
    return type(error), error.message, str(error), error.hint, error.layer, error.candidates
