"""The set checker: what was acknowledged, what the programs were given, and what was said of it.

It believes the raw log of each program's input and nothing else. A token is the text of one message;
a lane is one sender's messages to one agent, in the order in which they were sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from fleet.core.delivery import TERMINAL, State
from tests.support.recording import FRAMED

TAKEN = frozenset({State.SUBMITTED, State.ACKNOWLEDGED})
UNSURE = frozenset({State.IN_DOUBT, State.UNCONFIRMED})


@dataclass(frozen=True)
class Lane:
    """One sender's messages to one agent: each token that was answered for, in order, with its id."""

    agent: str
    tokens: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """How many messages, and what is wrong with which of them; all but ``messages`` and ``unsure``
    have to be empty."""

    messages: int = 0
    unsure: tuple[str, ...] = ()  # not delivered for certain, and told so
    lost: tuple[str, ...] = ()  # neither in the log, nor said to be anything but under way
    doubled: tuple[str, ...] = ()  # in the log more than once
    false: tuple[str, ...] = ()  # said to be what the log shows it is not
    foreign: tuple[str, ...] = ()  # in the log, and no whole message of ours to this agent
    disordered: tuple[str, ...] = ()  # agents that were given a lane out of order

    @property
    def is_clean(self) -> bool:
        return not any((self.lost, self.doubled, self.false, self.foreign, self.disordered))

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def judge(
    lanes: Sequence[Lane],
    logs: Mapping[str, Sequence[str]],
    said: Mapping[str, Sequence[State]],
) -> Verdict:
    """Compare what was sent with the programs' logs, by agent, and with what each node says of an id."""
    verdict = Verdict()
    for agent, turns in logs.items():
        mine = [lane for lane in lanes if lane.agent == agent]
        verdict += _judged(agent, mine, turns, said)
    return verdict


def _judged(
    agent: str, lanes: Sequence[Lane], turns: Sequence[str], said: Mapping[str, Sequence[State]]
) -> Verdict:
    given = [_token(turn) for turn in turns]
    times = Counter(given)
    ids = {token: id_ for lane in lanes for token, id_ in lane.tokens.items()}
    states = {token: said[id_] for token, id_ in ids.items()}
    absent = [token for token in ids if not times[token]]
    lanes_given = ([token for token in given if token in lane.tokens] for lane in lanes)
    lanes_sent = ([token for token in lane.tokens if times[token]] for lane in lanes)
    firsts = [list(dict.fromkeys(lane)) for lane in lanes_given]
    return Verdict(
        messages=len(ids),
        unsure=tuple(token for token in ids if {*states[token]} & UNSURE),
        lost=tuple(token for token in absent if not {*states[token]} <= TERMINAL - TAKEN),
        doubled=tuple(token for token, count in times.items() if token in ids and count > 1),
        false=tuple(token for token in ids if not _is_true(states[token], bool(times[token]))),
        foreign=tuple(token for token in times if token not in ids),
        disordered=(agent,) if firsts != list(lanes_sent) else (),
    )


def _is_true(states: Sequence[State], was_given: bool) -> bool:
    """Whether every node says the same, and the log agrees with it."""
    return len({*states}) == 1 and (
        states[0] in UNSURE or (states[0] in TAKEN if was_given else states[0] in TERMINAL - TAKEN)
    )


def _token(turn: str) -> str:
    """The text of a turn that is one whole message of ours; else the turn itself."""
    whole = FRAMED.fullmatch(turn)
    return whole["text"] if whole else turn
