"""What two nodes say to each other over their link, as values. ``fleet/wire`` carries them.

Everything may arrive twice, and late: envelopes are known by id, reports by their place in a
timeline, directory words replace each other whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fleet.core.delivery import State
from fleet.core.directory import AgentEntry
from fleet.core.envelope import Entry, Envelope
from fleet.core.errors.base import FleetError
from fleet.core.roster import SignedEntry

PROTOCOL = 1
"""The oldest version of the protocol that is spoken: the one before the latest."""
LATEST_PROTOCOL = 3
"""Version 2 compares what is open, once in each life of a node. Version 3 knows of teams, of nodes with
a new key, and of roots that followed the founding one."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of each side. ``protocol`` is the oldest version that it speaks, ``latest`` the
    newest (0: no other). ``boot`` is one life of the node, ``epoch`` one of its database.
    ``addresses`` are host:port, the surest first."""

    protocol: int
    build: str
    name: str
    boot: str
    epoch: str
    addresses: tuple[str, ...]
    roster_digest: str
    latest: int = 0


@dataclass(frozen=True, slots=True)
class RosterWord:
    """Signed entries; the receiver checks and merges them. ``strange`` counts those of a kind that only a
    newer version knows."""

    entries: tuple[SignedEntry, ...]
    strange: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryWord:
    """The sender's own agents: all of them (``full``), or those that changed and went."""

    full: bool
    agents: tuple[AgentEntry, ...]
    gone: tuple[str, ...] = ()


class Offer(StrEnum):
    """What the sender's node knows of an envelope that it offers."""

    FIRST = ""  # it was shown to nobody
    SHOWN = "shown"  # it was on its way before, and no answer came
    TAKEN = "taken"  # the recipient's node had taken it, and has forgotten it


class Posted(NamedTuple):
    """An envelope on its way. ``expires_in_s`` replaces its deadline: clocks are not compared."""

    envelope: Envelope
    expires_in_s: float
    offer: Offer = Offer.FIRST


@dataclass(frozen=True, slots=True)
class Post:
    """A batch of envelopes, in the order of the sender's outbox."""

    posted: tuple[Posted, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """An envelope that will not be taken. ``retry`` says that it may be offered again later."""

    envelope_id: str
    error: FleetError
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to a batch, sent after the commit: what is durable here, what was declined."""

    envelope_ids: tuple[str, ...]
    declined: tuple[Declined, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """News of one envelope: timeline entries of the recipient's node from number ``first`` on."""

    envelope_id: str
    first: int
    entries: tuple[Entry, ...]
    cleaned: int


@dataclass(frozen=True, slots=True)
class Reports:
    """A batch of reports."""

    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class ReportsTaken:
    """The sender's node has stored, per envelope, this many of the recipient's entries."""

    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is open between the two, said once in each pair of lives. ``sent``: what the other one has
    taken from the sender of this and not ended, with how many of its entries are stored. ``got``:
    what the other one sent and is not ended here, with how many entries there are."""

    sent: tuple[tuple[str, int], ...]
    got: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Differing:
    """The answer to ``Standing``. ``forgotten``: what it says was taken here, and is not known.
    ``ended``: what it says is open, and how that ended as far as was told here (or ``typed``)."""

    forgotten: tuple[str, ...] = ()
    ended: tuple[tuple[str, State], ...] = ()


@dataclass(frozen=True, slots=True)
class PeekAsk:
    """Show the agent's screen; needs ``observe``. ``caller`` is the asking address."""

    caller: str
    agent: str
    lines: int


@dataclass(frozen=True, slots=True)
class ProbeAsk:
    """Walk your part of the send path to the agent, typing nothing."""

    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class CancelAsk:
    """Take an envelope back, if it has not been typed yet."""

    caller: str
    envelope_id: str


@dataclass(frozen=True, slots=True)
class AdminAsk:
    """Tell the certificate of your own admin key."""

    caller: str


@dataclass(frozen=True, slots=True)
class FollowAsk:
    """Let a new key follow the asking node's own: the public key (DER), signed for by both."""

    caller: str
    public_key: bytes
    by_old: bytes
    by_new: bytes


@dataclass(frozen=True, slots=True)
class TeamAsk:
    """A command for a team that lives on the asked node. ``arguments`` are JSON; ``key`` makes the
    command count once, however often it arrives."""

    caller: str
    team: str
    verb: str
    arguments: bytes
    key: str


Question = PeekAsk | ProbeAsk | CancelAsk | AdminAsk | FollowAsk | TeamAsk


@dataclass(frozen=True, slots=True)
class Step:
    """One layer of a walked route. ``verdict`` is ok, fail or skipped; ``error`` is its error's
    code and ``remedy`` what to do, when it failed."""

    layer: str
    verdict: str
    detail: str
    ms: float
    error: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ScreenAnswer:
    """A cleaned screen: rows without trailing blanks, and what they were read as."""

    rows: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class StepsAnswer:
    """The walked steps, in order."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class DoneAnswer:
    """It is done."""


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """The certificate (DER) of the answering node's admin key, signed by that key."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class FollowAnswer:
    """The admission of the new id, which everybody may know, and the revocation of the old one, which
    is the asker's to tell once it goes on under the new."""

    entries: tuple[SignedEntry, ...]


@dataclass(frozen=True, slots=True)
class TeamAnswer:
    """What came of a command (JSON), and the number of the log's last entry then."""

    result: bytes
    head: int


AnswerBody = (
    ScreenAnswer | StepsAnswer | DoneAnswer | AdminAnswer | FollowAnswer | TeamAnswer | FleetError
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with a number, answered by ``Answer`` with the same number, in any order. None is a
    question that this version does not know."""

    number: int
    question: Question | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, or the error it ended with."""

    number: int
    body: AnswerBody


class LogEntry(NamedTuple):
    """One entry of a team's log as it is kept and travels. ``tag`` is of it and of all before it, and
    only the team's home can make one."""

    body: bytes
    tag: bytes


@dataclass(frozen=True, slots=True)
class TeamWord:
    """Entries of a team's log from number ``first`` on; ``head`` is the home's last one. ``anew``: what
    was told before is not the home's log any more."""

    team: str
    first: int
    entries: tuple[LogEntry, ...]
    head: int
    anew: bool = False


@dataclass(frozen=True, slots=True)
class TeamHave:
    """How far the sender's copy of a team's log goes, and the tag of its last entry."""

    team: str
    head: int
    tag: bytes


@dataclass(frozen=True, slots=True)
class TeamBeat:
    """The agents in these seats live on the sender's node."""

    team: str
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame that a newer version knows, by its number there. It is passed over."""

    number: int


TeamFrame = TeamWord | TeamHave | TeamBeat
Frame = (
    Hello | RosterWord | DirectoryWord | Post | Taken | Reports | ReportsTaken | Ask | Answer | Standing
    | Differing | TeamFrame | Unknown
)  # fmt: skip
