"""How members are in a word each, and who needs somebody, by plain values."""

from __future__ import annotations

import pytest

from fleet.core.farewell import Stage
from fleet.core.member import MemberState
from fleet.core.memory_events import FindingAdded, HandedOver
from fleet.core.task import TaskBlocked, TaskClaimed, TaskDone, TaskNoted, TaskReleased
from fleet.core.team_events import Event, FarewellSaid, Happened, Seated
from fleet.core.team_status import Standing, Word, need, state, words

THERE = MemberState("impl", online=True, doing="ready")


def impl(
    member: MemberState | None, stage: Stage | None = None, blocked: tuple[str, ...] = ()
) -> Standing:
    return Standing("impl", "web.impl@nova", "nova", member, stage, blocked)


CASES = [
    (impl(None), "empty", "nobody is in it"),
    (impl(None, Stage.LEFT), "left", ""),
    (impl(None, Stage.ENDED), "ended", ""),
    (impl(MemberState("impl", connected=False)), "away", "its node nova is away"),
    (impl(MemberState("impl")), "gone", "its program has ended"),
    (impl(MemberState("impl", online=True)), "online", ""),
    (impl(THERE), "ready", ""),
    (impl(MemberState("impl", online=True, doing="busy", still_s=9_000)), "busy", ""),
    (impl(MemberState("impl", online=True, doing="dialog")), "dialog", "a question is open"),
    (impl(THERE, blocked=("T5",)), "ready", "it cannot go on with T5"),
    (impl(THERE, Stage.ASKED), "ready", ""),
    (impl(THERE, Stage.SAID), "ready", ""),
    (impl(THERE, Stage.SILENT), "ready", "it was asked to leave"),
    (
        impl(MemberState("impl", online=True, doing="draft", held=2, held_why="draft", held_s=70)),
        "draft",
        "a message for it is held for 70 s (draft)",
    ),
    (impl(MemberState("impl", online=True, doing="draft", held=2, held_s=5)), "draft", ""),
]


@pytest.mark.parametrize(("one", "word", "why"), CASES)
def test_a_word_for_each_and_why_it_needs_somebody(one: Standing, word: str, why: str) -> None:
    assert state(one) == word
    found = need(one, "web")
    assert (found.why if found else "")[: len(why)] == why
    assert bool(found) == bool(why)
    assert found is None or found.todo.startswith("fleet ")


def test_the_last_word_of_each_is_what_it_wrote_itself() -> None:
    def log(*said: tuple[str, Event]) -> list[Happened]:
        return [Happened(n, float(n), by, "", event) for n, (by, event) in enumerate(said, 1)]

    impl_, lead = "web.impl@nova", "web.lead@white"
    seats = {impl_: "impl", lead: "lead"}
    found = words(
        log(
            (impl_, TaskClaimed(4, "impl")),
            (lead, TaskNoted(4, "be careful")),
            ("operator@white", Seated("impl", "impl", "web.impl", "n")),
            (impl_, TaskBlocked(4, "no key")),
            (impl_, Seated("impl", "impl", "web.impl", "n")),
        ),
        seats,
    )
    assert found == {
        "impl": Word(4.0, "T4 blocked", "no key"),
        "lead": Word(2.0, "T4", "be careful"),
    }


def test_a_goodbye_has_the_words_of_its_note() -> None:
    said: tuple[Event, ...] = (
        HandedOver("impl", "impl", "half done"),
        TaskReleased(4, "impl said goodbye: half done"),
        FarewellSaid("impl", 3),
    )
    log = [Happened(n, 7.0, "a@n", "", event) for n, event in enumerate(said, 1)]
    assert words(log, {"a@n": "impl"}) == {"impl": Word(7.0, "goodbye", "half done")}
    later = Happened(4, 9.0, "a@n", "", FarewellSaid("impl", 3))
    assert words([*log[:2], later], {"a@n": "impl"})["impl"].text == ""


@pytest.mark.parametrize(
    ("event", "about", "text"),
    [
        (TaskClaimed(4, "impl"), "T4 claimed", ""),
        (TaskDone(4, "commit abc"), "T4 done", "commit abc"),
        (FindingAdded("impl", "LANG=C"), "found", "LANG=C"),
        (HandedOver("impl", "impl", "half"), "handed over", "half"),
        (FarewellSaid("impl", 3), "goodbye", ""),
    ],
)
def test_what_an_entry_says(event: Event, about: str, text: str) -> None:
    found = words([Happened(1, 1.0, "a@n", "", event)], {"a@n": "impl"})
    assert found == {"impl": Word(1.0, about, text)}
