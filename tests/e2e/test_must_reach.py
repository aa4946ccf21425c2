"""Two hundred messages, eight at a time: each reaches its agent once and whole, whoever is killed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from fleet.core.delivery import TERMINAL, State
from tests.support.homes import Home, Scene, scene
from tests.support.recording import Recording
from tests.support.until import until

LANES, EACH = 8, 25


@pytest.fixture(scope="module")
def world() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


@pytest.fixture(scope="module")
def pair(world: Scene) -> tuple[Home, Home]:
    return world.pair()


def text_of(lane: int, count: int) -> str:
    return f"lane {lane} message {count}"


def has_taken(recording: Recording, turns: int) -> bool:
    return len(recording.raw()) >= turns


def states_of(home: Home) -> dict[State, set[str]]:
    """What a home has sent, by the state it is in."""
    found: dict[State, set[str]] = defaultdict(set)
    for envelope in home.ask("outbox", "--limit", "10000"):
        found[State(envelope["state"])].add(str(envelope["id"]))
    return found


def assert_each_lane_in_order(recording: Recording) -> None:
    """Each lane's messages are there as they were sent, but for those that are not there at all."""
    for lane in range(LANES):
        mine = [t.text for t in recording.turns() if t.text.startswith(f"lane {lane} ")]
        assert mine == [text for count in range(EACH) if (text := text_of(lane, count)) in mine]


def test_200_messages_from_two_nodes_are_200_whole_turns_in_order(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    """And beside them another agent gets its own, and only its own."""
    kai, ada = Recording(world.folder / "kai.jsonl"), Recording(world.folder / "ada.jsonl")
    kai.start(pair[1], "kai")
    ada.start(pair[1], "ada")
    world.wait_known(pair[0], "kai@nova", "ada@nova")

    def send(lane: int) -> list[str]:
        home = pair[lane % 2]
        ids = []
        for count in range(EACH):
            sent = home.ask("send", "kai@nova", text_of(lane, count), "--timeout", "60")
            assert sent["state"] == "submitted"
            ids.append(str(sent["id"]))
            if count % 5 == 0:
                home.ask("send", "ada@nova", f"for ada {lane} {count}", "--timeout", "60")
        return ids

    with ThreadPoolExecutor(LANES) as lanes:
        sent = [envelope_id for ids in lanes.map(send, range(LANES)) for envelope_id in ids]
    assert sorted(turn.id for turn in kai.turns()) == sorted(sent)
    assert len(kai.raw()) == LANES * EACH, "no surplus Enter"
    assert_each_lane_in_order(kai)
    assert len(ada.turns()) == LANES * EACH // 5
    assert all(turn.text.startswith("for ada") for turn in ada.turns())


@pytest.mark.parametrize("victim", ["the sender's node", "the recipient's node"])
def test_a_node_killed_at_random_moments_loses_nothing_and_doubles_nothing(
    world: Scene, pair: tuple[Home, Home], victim: str
) -> None:
    """A command that is cut off does not know whether its text was taken; with a key it is tried again."""
    white, nova = pair
    killed = white if victim == "the sender's node" else nova
    chance = random.Random(victim)
    name = f"agent-of-{killed.name}"
    recording = Recording(world.folder / f"{name}.jsonl")
    recording.start(nova, name)
    world.wait_known(white, f"{name}@nova")

    def send(lane: int) -> list[str]:
        return [send_one(lane, count) for count in range(EACH)]

    def send_one(lane: int, count: int) -> str:
        words = ("send", f"{name}@nova", text_of(lane, count), "--key", f"{name} {lane} {count}")
        answers: list[str] = []

        def is_taken() -> bool:
            said = white.run(*words, "--wait", "accepted", "--timeout", "60", "--json")
            if said.code == 0:
                answers.append(str(said.json["id"]))
            return bool(answers)

        until(is_taken, f"{words} is accepted")
        return answers[0]

    with ThreadPoolExecutor(LANES) as lanes:
        sending = [lanes.submit(send, lane) for lane in range(LANES)]
        for turns in sorted(chance.sample(range(LANES * EACH * 4 // 5), 4)):
            until(partial(has_taken, recording, turns), f"{turns} turns were taken")
            killed.kill()
            killed.again()
        sent = [envelope_id for lane in sending for envelope_id in lane.result()]
    until(lambda: states_of(white).keys() <= TERMINAL, "each has come to its end")
    in_doubt = states_of(white)[State.IN_DOUBT] & set(sent)
    turns_of = Counter(turn.id for turn in recording.turns())
    assert len(set(sent)) == LANES * EACH
    assert set(turns_of) <= set(sent), "nothing that was not sent"
    assert set(sent) - set(turns_of) <= in_doubt, "nothing is missing in silence"
    assert [i for i, count in turns_of.items() if count > 1] == []
    assert len(in_doubt) <= 4, "no more than one for each kill"
    assert_each_lane_in_order(recording)
