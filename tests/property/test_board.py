"""The list of tasks against a model that a child could follow: anybody asks for anything, in any order."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fleet.core.board import Board
from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import UnknownCall, VersionMismatch
from fleet.core.errors.requests import MalformedRequest
from fleet.core.memory_commands import MEMORY_COMMANDS, MemoryCommand
from fleet.core.memory_events import MemoryEvent
from fleet.core.offers import OfferEvent
from fleet.core.task import (
    HELD,
    OVER,
    TRANSITIONS,
    TaskAdded,
    TaskClaimed,
    TaskEvent,
    TaskState,
    Wanted,
)
from fleet.core.team_commands import (
    COMMANDS,
    NEXT,
    Actor,
    AddTask,
    AssignTask,
    BlockTask,
    ChangeTask,
    ClaimTask,
    Done,
    FinishTask,
    NoteTask,
    ReleaseTask,
    RemoveTask,
    ReopenTask,
    StartTask,
    TaskCommand,
    decide,
    lapse,
)
from fleet.core.team_events import (
    Event,
    Founded,
    Happened,
    NodeJoined,
    NodeLeft,
    Planned,
    Seated,
    TeamEvent,
    Unseated,
)
from fleet.teamlog import (
    KINDS,
    command_from_json,
    command_to_json,
    done_from_json,
    done_to_json,
    entry_from_json,
    entry_to_json,
    kind_of,
    memory_command_from_json,
    verb_of,
)

HOME, NOVA, AWAY = "w" * 52, "n" * 52, "a" * 52
SEATS = ("lead", "rin", "kai")
ACTORS = (
    Actor("operator@white", HOME, is_person=True, is_home=True),
    Actor("operator@nova", NOVA, is_person=True),
    Actor("lead@white", HOME, "lead", is_home=True),
    Actor("rin@nova", NOVA, "rin"),
    Actor("kai@white", HOME, "kai", is_home=True),
    Actor("neo@white", HOME, is_home=True),
    Actor("operator@away", AWAY, is_person=True),
)
numbers = st.integers(1, 8)
tokens = st.sampled_from((0, 0, 0)) | st.integers(0, 60)
words = st.sampled_from(("", "because", "commit abc"))
wanteds = st.builds(
    Wanted,
    st.sampled_from(("one", "two", "")),
    after=st.lists(numbers, max_size=2).map(tuple),
    parent=st.just(0) | numbers,
    found_while=st.just(0) | numbers,
)
commands = (
    st.builds(AddTask, st.builds(Wanted, st.just("plain")))
    | st.builds(ClaimTask)
    | st.builds(AddTask, wanteds)
    | st.builds(ChangeTask, numbers, wanteds)
    | st.builds(ClaimTask, numbers)
    | st.builds(AssignTask, numbers, st.sampled_from((*SEATS, "nobody")))
    | st.builds(StartTask, numbers, tokens)
    | st.builds(NoteTask, numbers, words)
    | st.builds(BlockTask, numbers, words, tokens)
    | st.builds(FinishTask, numbers, words, tokens)
    | st.builds(ReleaseTask, numbers, words, tokens)
    | st.builds(ReopenTask, numbers, words)
    | st.builds(RemoveTask, numbers, words)
)


class TheList(RuleBasedStateMachine):
    """Who holds what, in a dictionary, next to the board."""

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self.log: list[Happened] = []
        self.holders: dict[int, str] = {}
        self.states: dict[int, TaskState] = {}
        self.last_token = 0
        self.write(
            Founded("site", HOME), Planned("{}", "lead", (("impl", 2),), 600.0), NodeJoined("i", NOVA, ()),
            Seated("lead", "lead", "lead", HOME), Seated("rin", "impl", "rin", NOVA),
            Seated("kai", "impl", "kai", HOME),
        )  # fmt: skip

    def write(self, *events: Event, key: str = "") -> None:
        happened = [
            Happened(self.board.head + n, 1.0, "neo@white", key, event)
            for n, event in enumerate(events, 1)
        ]
        self.log += happened
        self.board.fold(happened)

    @rule(actor=st.sampled_from(ACTORS), command=commands)
    def somebody_asks(self, actor: Actor, command: TaskCommand) -> None:
        before = dict(self.board.tasks)
        try:
            events = decide(self.board, actor, command)
        except FleetError:
            return
        finally:
            assert self.board.tasks == before, "deciding changes nothing"
        assert actor.node != AWAY, "who is not of the team"
        assert actor.seat or actor.is_person
        if command == ClaimTask(NEXT):
            assert events[0].task == min(n for n in before if self.is_free(n))
        for event in events:
            self.follow(event, actor, command)
        self.write(*events, key=f"{self.board.head}")

    @rule(number=numbers, holder=st.sampled_from((*SEATS, "operator@nova")))
    def a_claim_runs_out(self, number: int, holder: str) -> None:
        for event in lapse(self.board, number, holder):
            assert self.holders.pop(number) == holder
            self.states[number] = TaskState.OPEN
            self.write(event)

    def is_free(self, number: int) -> bool:
        after = self.board.tasks[number].wanted.after
        return self.states[number] is TaskState.OPEN and all(self.states[n] in OVER for n in after)

    def follow(self, event: TaskEvent, actor: Actor, command: TaskCommand) -> None:
        """What the event means to a child with a list."""
        number = event.task
        if isinstance(event, TaskAdded):
            assert number == len(self.states) + 1, "numbers grow by one"
            self.states[number] = TaskState.OPEN
            return
        state = TRANSITIONS[self.states[number], type(event)]
        manages = actor.seat == "lead" or (actor.is_person and actor.is_home)
        if (token := getattr(command, "token", 0)) and not manages:
            assert token == self.board.tasks[number].token, "an old claim's word"
        if isinstance(event, TaskClaimed):
            assert number not in self.holders, "never two holders"
            assert self.is_free(number)
            self.holders[number] = event.holder
        elif state in HELD and state is not self.states[number]:
            assert self.holders[number] == actor.holder, "only its holder works on it"
        elif state not in HELD and number in self.holders:
            assert self.holders.pop(number) == actor.holder or manages
        self.states[number] = state

    @invariant()
    def it_is_as_the_child_says(self) -> None:
        tasks = self.board.tasks
        assert {n: t.state for n, t in tasks.items()} == self.states, "no task is lost"
        assert {t.number: t.holder for t in self.board.held()} == self.holders
        for seat in (*SEATS, *(actor.address for actor in ACTORS)):
            held = [n for n, holder in sorted(self.holders.items()) if holder == seat]
            assert [t.number for t in self.board.held_by(seat)] == held
            assert len(held) <= 2 or seat not in {"rin", "kai"}, (
                "no more than its role holds at once"
            )
        free = [n for n in tasks if self.is_free(n)]
        found = self.board.next_claimable()
        assert (found.number if found else None) == min(free, default=None)

    @invariant()
    def tokens_only_grow(self) -> None:
        claims = [one.seq for one in self.log if isinstance(one.event, TaskClaimed)]
        tokens = [task.token for task in self.board.tasks.values() if task.token]
        assert set(tokens) <= set(claims)
        assert len(set(tokens)) == len(tokens)
        for task in self.board.held():
            last = [
                h.seq
                for h in self.log
                if isinstance(h.event, TaskClaimed) and h.event.task == task.number
            ]
            assert task.token == last[-1]

    @invariant()
    def the_log_gives_the_same_board(self) -> None:
        again = Board()
        again.fold(entry_from_json(entry_to_json(one)) for one in self.log)
        assert (again.tasks, again.seats, again.head) == (
            self.board.tasks,
            self.board.seats,
            self.board.head,
        )
        assert again.next_claimable() == self.board.next_claimable()


TheList.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTheList = TheList.TestCase


# --- as JSON ---

_texts = st.text(max_size=8)
_events: st.SearchStrategy[Any] = st.one_of(
    *(
        st.from_type(one)
        for one in (*get_args(TeamEvent), *get_args(TaskEvent), *get_args(MemoryEvent))
    )
)
happeneds = st.builds(
    Happened, st.integers(1, 1 << 40), st.floats(0, 1e11), _texts, _texts, _events
)
_commands: st.SearchStrategy[Any] = st.one_of(*map(st.from_type, COMMANDS.values()))


@pytest.fixture(autouse=True, scope="module")
def _strategies() -> None:
    st.register_type_strategy(str, _texts)
    st.register_type_strategy(int, st.integers(-(1 << 62), 1 << 62))
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@given(happeneds)
def test_an_entry_is_read_as_it_was_written(happened: Happened) -> None:
    assert entry_from_json(entry_to_json(happened)) == happened


@given(_commands)
def test_a_command_is_read_as_it_was_said(command: TaskCommand) -> None:
    assert command_from_json(verb_of(command), command_to_json(command)) == command


@given(st.one_of(*map(st.from_type, MEMORY_COMMANDS.values())))
def test_a_command_to_the_memory_is_read_as_it_was_said(command: MemoryCommand) -> None:
    read = memory_command_from_json(verb_of(command), command_to_json(command))
    assert read == command


def test_every_kind_has_a_name_of_its_own() -> None:
    events = (TeamEvent, TaskEvent, MemoryEvent, OfferEvent)
    kinds = tuple(kind for some in events for kind in get_args(some))
    assert {kind_of(one) for one in kinds} == set(KINDS)
    assert len(KINDS) == len(kinds)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(
    ("seq", "at", "by", "key", "kind", "event", "task", "wanted", "title", "after")
)
_like = st.dictionaries(_fields, _json | st.sampled_from(tuple(KINDS)), max_size=10)
_IN_AN_ENTRY = b'{"seq":1,"at":1,"by":"","key":"","kind":"task_added","event":'
hostile = (
    st.binary(max_size=200)
    | (_json | _like).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=100).map(lambda inner: _IN_AN_ENTRY + inner + b"}")
)
BOMBS = {
    "lists in lists": b"[" * 200_000,
    "objects in objects": b'{"a":' * 100_000,
    "closed": b"[" * 100_000 + b"]" * 100_000,
    "in an entry": _IN_AN_ENTRY + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "in a field": b'{"task":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "beside the fields": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "half a character": _IN_AN_ENTRY + b'{"task":1,"wanted":{"title":"\\ud800"}}}',
    "no UTF-8": _IN_AN_ENTRY + b'{"task":1,"wanted":{"title":"\xff"}}}',
    "no number": b'{"seq":1,"at":1e999,"by":"","key":"","kind":"task_started","event":{"task":1}}',
    "digits without end": b'{"task":' + b"9" * 100_000 + b"}",
    "digits without end in an entry": _IN_AN_ENTRY + b'{"task":' + b"9" * 100_000 + b"}}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_malformed_and_nothing_else(name: str) -> None:
    for read in (entry_from_json, done_from_json, lambda body: command_from_json("start", body)):
        with pytest.raises(MalformedRequest) as refused:
            read(BOMBS[name])
        assert len(str(refused.value)) < 1_000


@given(hostile)
def test_hostile_json_is_no_entry_and_says_so(body: bytes) -> None:
    with contextlib.suppress(MalformedRequest, VersionMismatch):
        assert isinstance(entry_from_json(body), Happened)


@given(st.sampled_from((*COMMANDS, "", "rm -rf")), hostile)
def test_hostile_json_is_no_command_and_says_so(verb: str, arguments: bytes) -> None:
    try:
        assert isinstance(command_from_json(verb, arguments), get_args(TaskCommand))
    except MalformedRequest:
        return
    except UnknownCall:
        assert verb not in COMMANDS


@given(hostile)
def test_hostile_json_is_no_answer_and_says_so(result: bytes) -> None:
    with contextlib.suppress(MalformedRequest):
        assert isinstance(done_from_json(result), Done)


@given(st.lists(happeneds, max_size=4))
def test_what_is_no_log_is_refused_whatever_it_is(entries: list[Happened]) -> None:
    board = Board()
    numbered = [
        Happened(n, one.at_s, one.by, one.key, one.event) for n, one in enumerate(entries, 1)
    ]
    try:
        board.fold(numbered)
    except (ValueError, KeyError, FleetError):
        return
    assert done_from_json(done_to_json(Done(tuple(board.tasks.values())))) is not None
    for task in board.tasks.values():
        board.waits_for(task)


@given(st.integers(1, 60))
def test_who_left_or_was_unseated_has_no_say(seq: int) -> None:
    for ends in (NodeLeft(NOVA, "x"), Unseated("rin", "x")):
        machine = TheList()
        machine.write(TaskAdded(1, Wanted("one")), ends)
        gone = Actor("rin@nova", NOVA, "rin" if machine.board.seat_of("rin", NOVA) else "")
        with pytest.raises(FleetError) as refused:
            decide(machine.board, gone, ClaimTask(NEXT if seq % 2 else 1))
        assert refused.value.code == "not_allowed"
