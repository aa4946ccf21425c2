"""One team's log on this node, and the board and the memory folded from it.

At the team's home entries are made here; elsewhere they come from there. Each has a tag, a keyed hash over
it and all before it with a key that only the home has: so a home whose database was put back from an old
copy can take its own entries back from the team's other nodes, and nobody can make any up.

Only what is durable at home is told: what a failed write took back must not live on elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from fleet.core.board import Board
from fleet.core.bounds import ENTRY_BYTES, LAST_COUNT, LOG_BYTES
from fleet.core.errors.base import FleetError
from fleet.core.errors.requests import MalformedRequest, TooLarge
from fleet.core.errors.store import StoreFailed
from fleet.core.errors.teams import LogFull
from fleet.core.expertise import Expertise
from fleet.core.frames import LogEntry, TeamHave, TeamWord
from fleet.core.memory import Memory
from fleet.core.memory_events import MemoryEvent
from fleet.core.offers import Offers, TaskDecided
from fleet.core.plan_orders import PlanOrders
from fleet.core.slots import SlotTaken
from fleet.core.task import TaskAdded, TaskChanged, TaskNoted, TaskReopened
from fleet.core.team_events import Event, Happened
from fleet.teamlog import entry_from_json, entry_to_json
from node.store import SqliteStore
from node.store.teams import Standing, TeamRow

TAG_BYTES = 16
WORD_ENTRIES = 1_000
WORD_BYTES = 512 * 1024
_LOADED_AT_ONCE = 10_000
_COPY_PART = 4
"""A copy keeps a fourth more than its home begins anything new in: for what ends what is there."""
GROWING = (MemoryEvent, TaskAdded, TaskChanged, TaskNoted, TaskReopened, TaskDecided, SlotTaken)
"""What begins something, or says something more; the rest ends what is there, or is about who is there."""


class Chronicle:
    """A log, its board and its memory. ``key`` is the home's; None elsewhere. ``now_id`` is as for a
    board."""

    def __init__(
        self,
        row: TeamRow,
        store: SqliteStore,
        key: bytes | None,
        now_id: Callable[[str], str] = str,
    ) -> None:
        self.row = row
        self._now_id = now_id
        self._store = store
        # Of this team alone: no team's entries can be passed off as another's.
        self._key = hmac.digest(key, row.team_id.encode(), sha256) if key is not None else None
        self._is_stale = False
        self.limit_bytes = LOG_BYTES
        store.database.on_loss(self.read_anew)
        self._read()
        self._durable = self._folded.board.head

    @property
    def team_id(self) -> str:
        """The team's id."""
        return self.row.team_id

    @property
    def is_home(self) -> bool:
        """Whether entries are made here."""
        return self.row.standing is Standing.HOME

    @property
    def board(self) -> Board:
        """The team as it stands here, with what is written and not committed yet."""
        self._refreshed()
        return self._folded.board

    @property
    def memory(self) -> Memory:
        """What the team remembers, as far as the board goes."""
        self._refreshed()
        return self._folded.memory

    @property
    def offers(self) -> Offers:
        """What is offered to whom, as far as the board goes."""
        self._refreshed()
        return self._folded.offers

    @property
    def expertise(self) -> Expertise:
        """Who is good at what, as far as the board goes. Another one after entries were taken back."""
        self._refreshed()
        return self._folded.expertise

    def _refreshed(self) -> None:
        if self._is_stale:
            self._read()
            self._is_stale = False

    def read_anew(self) -> None:
        """The board is not what the log gives: a group of writes was taken back, or a node has another id."""
        self._is_stale = True

    def _read(self) -> None:
        self._folded, self._tag = _Folded(self.row.name, self._now_id), b""
        self._size_bytes = 0
        while entries := self._store.teams.entries(
            self.team_id, self._folded.board.head, _LOADED_AT_ONCE
        ):
            self._folded.fold([entry_from_json(one.body) for one in entries])
            self._tag = entries[-1].tag
            self._size_bytes += _size(entries)

    # --- at home ---

    def append(
        self, by: str, key: str, at_s: float, events: Sequence[Event]
    ) -> tuple[Happened, ...]:
        """Write down what happened; staged, like every write, until the store's next commit.

        Raises:
            LogFull: it is long enough, and this would begin something new.
            TooLarge: one entry is more than others take.
        """
        board = self.board
        happened = tuple(
            Happened(board.head + n, at_s, by, key, event) for n, event in enumerate(events, 1)
        )
        tag, entries = self._tag, list[LogEntry]()
        for one in happened:
            body = entry_to_json(one)
            if len(body) > ENTRY_BYTES:  # no copy would take it, or hear another word
                raise TooLarge(len(body), ENTRY_BYTES)
            tag = self._next_tag(tag, body)
            entries.append(LogEntry(body, tag))
        size_bytes = self._size_bytes + _size(entries)
        if size_bytes > self.limit_bytes and any(isinstance(one, GROWING) for one in events):
            raise LogFull(self.row.name, self.limit_bytes)
        self._size_bytes = size_bytes
        self._store.teams.append(self.team_id, board.head + 1, entries)
        self._folded.fold(happened)
        self._tag = tag
        return happened

    def committed(self, seq: int) -> None:
        """The log is durable up to this entry: so far it may be told."""
        self._durable = max(self._durable, seq)

    @property
    def told_head(self) -> int:
        """The last entry that others may know of; elsewhere than at home, the last there is."""
        return min(self._durable, self.board.head) if self.is_home else self.board.head

    def is_own(self, word: TeamWord) -> bool:
        """Whether this home has written these entries, behind those that it has."""
        tag = self._tag
        for entry in word.entries:
            tag = self._next_tag(tag, entry.body)
            if not hmac.compare_digest(tag, entry.tag):
                return False
        return bool(word.entries) and word.first == self.board.head + 1

    def take_back(self, word: TeamWord) -> int:
        """Entries of our own that only others have still; how many were right and not here.

        Raises:
            MalformedRequest: one was not made by this home.
        """
        if word.first != self.board.head + 1 or not word.entries:
            return 0
        if not self.is_own(word):
            raise MalformedRequest("entries that this node never wrote")
        return self._keep(word.entries)

    def _next_tag(self, before: bytes, body: bytes) -> bytes:
        if self._key is None:
            raise StoreFailed("only a team's home writes its log")
        return hmac.digest(self._key, before + body, sha256)[:TAG_BYTES]

    # --- elsewhere ---

    def take(self, word: TeamWord) -> int:
        """Entries from the home, as far as they follow what is here; how many were new.

        Raises:
            MalformedRequest, VersionMismatch: they cannot be a log, or not one that is understood here.
            LogFull: it is longer than a copy is kept; nothing of them was.
        """
        if self.is_replacing(word):
            return self._begin_again(word.entries)
        skipped = self.board.head + 1 - word.first
        is_another = 0 < skipped <= len(word.entries) and word.entries[skipped - 1].tag != self._tag
        if skipped < 0 or is_another:
            return 0
        limit_bytes = self.limit_bytes + self.limit_bytes // _COPY_PART
        if self._size_bytes + _size(word.entries[skipped:]) > limit_bytes:
            raise LogFull(self.row.name, limit_bytes)
        return self._keep(word.entries[skipped:])

    def is_replacing(self, word: TeamWord) -> bool:
        """Whether the home says that its log is another one than is here."""
        if not word.anew or word.first != 1 or not word.entries:
            return False
        return self.tag_at(len(word.entries)) != word.entries[-1].tag

    def _begin_again(self, entries: Sequence[LogEntry]) -> int:
        """Another log in place of this one, which is kept beside it, the longest of all such."""
        folded = _Folded(self.row.name, self._now_id)
        _fold(folded, entries)
        self._store.teams.set_aside(self.team_id, f"{self.team_id}~aside")
        self._store.teams.append(self.team_id, 1, entries)
        self._folded, self._tag, self._is_stale = folded, entries[-1].tag, False
        self._size_bytes = _size(entries)
        return len(entries)

    def _keep(self, entries: Sequence[LogEntry]) -> int:
        first = self.board.head + 1
        if not entries:
            return 0
        try:
            _fold(self._folded, entries)
        except MalformedRequest:
            self._is_stale = True  # half of them may be in it
            raise
        self._store.teams.append(self.team_id, first, entries)
        self._tag = entries[-1].tag
        self._size_bytes += _size(entries)
        return len(entries)

    def all(self) -> Iterator[Happened]:
        """The whole log, oldest first."""
        after = 0
        while entries := self._store.teams.entries(self.team_id, after, _LOADED_AT_ONCE):
            yield from (entry_from_json(one.body) for one in entries)
            after += len(entries)

    def recent(self, number: int) -> tuple[Happened, ...]:
        """The last so many entries, oldest first."""
        after = max(0, self.board.head - number)
        found = self._store.teams.entries(self.team_id, after, number)
        return tuple(entry_from_json(one.body) for one in found)

    def of_task(self, number: int) -> tuple[Happened, ...]:
        """Everything that happened to a task, oldest first."""
        bodies = self._store.teams.chosen(self.team_id, self.board.history(number))
        return tuple(map(entry_from_json, bodies))

    # --- telling ---

    def have(self) -> TeamHave:
        """How far the log goes here."""
        head = self.told_head
        return TeamHave(self.team_id, head, self.tag_at(head))

    def word(self, after: int, *, anew: bool = False, until: int = LAST_COUNT) -> TeamWord:
        """The entries behind a number, as many as fit into one word, and none behind ``until``."""
        entries: list[LogEntry] = []
        until = min(until, self.told_head)
        size, limit = 0, min(WORD_ENTRIES, max(0, until - after))
        for one in self._store.teams.entries(self.team_id, after, limit):
            size += len(one.body)
            if entries and size > WORD_BYTES:
                break
            entries.append(one)
        return TeamWord(self.team_id, after + 1, tuple(entries), until, anew)

    def tag_at(self, seq: int) -> bytes:
        """The tag of an entry here; empty before the first, and behind the last."""
        return self._store.teams.tag(self.team_id, seq) if seq else b""


class _Folded:
    """What a log says: the team as it stands, and what it remembers."""

    def __init__(self, team: str, now_id: Callable[[str], str]) -> None:
        self.board = Board(now_id)
        self.memory = Memory(team)
        self._plan_orders = PlanOrders()
        self.offers = Offers()
        self.expertise = Expertise(now_id)

    def fold(self, happened: Sequence[Happened]) -> None:
        self.board.fold(happened)
        self.memory.fold(self._plan_orders.noted(happened))
        self.offers.fold(happened)
        self.expertise.fold(happened)


def _fold(folded: _Folded, entries: Sequence[LogEntry]) -> None:
    """Take entries that somebody else says there are.

    Raises:
        MalformedRequest: they do not follow what is on the board.
    """
    try:
        folded.fold([entry_from_json(one.body) for one in entries])
    except (ValueError, KeyError, FleetError) as error:
        raise MalformedRequest(f"entries that do not make a log: {error}") from None


def _size(entries: Iterable[LogEntry]) -> int:
    return sum(len(one.body) for one in entries)
