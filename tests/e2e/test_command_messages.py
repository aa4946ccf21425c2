"""The contract of the command line with real nodes: messages, from sending to what became of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fleet.core.delivery import State
from fleet.outcomes import WAITABLE, reached
from tests.support.homes import FLEET, Home, Scene
from tests.support.promises import run, told
from tests.support.recording import Recording
from tests.support.until import until


@pytest.fixture(scope="module")
def gate(world: Scene, pair: tuple[Home, Home]) -> Recording:
    """An agent to whom each message needs an approval."""
    recording = Recording(world.folder / "gate.jsonl")
    recording.start(pair[1], "gate")
    pair[1].run("stop", "gate")
    told(pair[1], "start", "gate", "--policy", "approval")
    world.wait_known(pair[0], "gate@nova")
    return recording


def held(pair: tuple[Home, Home], text: str) -> str:
    """The id of an envelope that waits for approval on nova."""
    receipt = told(pair[0], "send", "gate", text, "--timeout", "0.2", code=5)
    until(lambda: pair[1].state_of(receipt["id"]) == "held", "it is held")
    return str(receipt["id"])


# --- send ---


def test_a_receipt_has_a_timeline_of_what_each_node_knew(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    receipt = told(pair[0], "send", "rin", "hello")
    assert (receipt["from"], receipt["to"]) == ("operator@white", "rin@nova")
    assert (receipt["state"], receipt["reason"], receipt["detail"]) == ("submitted", "", "")
    assert receipt["evidence"] == "screen"
    for entry in receipt["timeline"]:
        assert {"state", "at", "node"} <= entry.keys() <= {
            "state", "at", "node", "reason", "evidence", "detail",
        }  # fmt: skip
    assert receipt["timeline"][-1]["evidence"] == "screen"


def test_for_people_a_receipt_is_one_line_on_standard_output(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    said = run(pair[0], "send", "rin", "hello")
    assert said.err == ""
    state, to, envelope_id, *rest = said.out.split()
    assert (state, to, len(envelope_id)) == ("submitted", "rin@nova", 26)
    assert rest[0] == "(screen,"


def test_hey_is_send(pair: tuple[Home, Home], rin: Recording) -> None:
    done = subprocess.run(
        [FLEET.with_name("hey"), "rin", "hey you"], env=pair[0].environment,
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("submitted  rin@nova  ")
    assert rin.turns()[-1].text == "hey you"
    assert told(pair[0], "hey", "rin", "and again")["state"] == "submitted"


@pytest.mark.parametrize("wanted", WAITABLE[:-1])
def test_a_wait_ends_at_the_state_that_was_asked_for_or_beyond(
    pair: tuple[Home, Home], rin: Recording, wanted: str
) -> None:
    receipt = told(pair[0], "send", "rin", f"wait {wanted}", "--wait", wanted)
    assert reached(State(receipt["state"]), State(wanted))
    until(lambda: pair[0].state_of(receipt["id"]) == "submitted", "it goes on without the waiter")


def test_a_wait_for_an_acknowledgement_ends_with_it(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    process = white.begin("send", "rin", "please ack", "--wait", "acknowledged", "--json")
    until(lambda: any(t.text == "please ack" for t in rin.turns()), "rin has it")
    (turn,) = [turn for turn in rin.turns() if turn.text == "please ack"]
    assert process.poll() is None
    acked = told(nova, "ack", turn.id)
    assert (acked["state"], acked["detail"]) == ("acknowledged", "by operator@nova")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert b'"state": "acknowledged"' in out


def test_a_wait_that_runs_out_is_5_and_says_where_the_message_is(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    receipt = told(
        pair[0], "send", "rin", "x", "--wait", "acknowledged", "--timeout", "0.3", code=5
    )
    assert receipt["state"] == "submitted"
    said = run(pair[0], "send", "rin", "x", "--wait", "acknowledged", "--timeout", "0.3")
    assert said.code == 5
    assert said.err.startswith(
        "error: rin@nova: it was taken, and not acknowledged yet\nhint: fleet show"
    )


def test_to_a_person_accepted_is_all_that_can_be_asked(pair: tuple[Home, Home]) -> None:
    white, nova = pair
    receipt = told(white, "send", "operator@nova", "hello person")
    assert (receipt["state"], receipt["evidence"]) == ("accepted", None)
    (letter,) = [one for one in told(nova, "inbox", "operator") if one["id"] == receipt["id"]]
    assert (letter["text"], letter["from"]) == ("hello person", "operator@white")
    until(lambda: white.state_of(receipt["id"]) == "accepted", "white heard of it")
    assert told(nova, "ack", receipt["id"])["state"] == "acknowledged"


def test_a_key_of_another_sender_is_another_key(pair: tuple[Home, Home], rin: Recording) -> None:
    first = told(pair[0], "send", "rin", "by key", "--key", "night build")
    other = told(pair[1], "send", "rin", "by key", "--key", "night build")
    assert first["id"] != other["id"]
    assert told(pair[0], "send", "rin", "by key", "--key", "night build") == first


def test_a_from_that_is_true_is_taken_and_changes_nothing(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    receipt = told(pair[0], "send", "rin", "it is me", "--from", "Operator@white")
    assert receipt["from"] == "operator@white"


def test_an_answer_with_reply_to_joins_the_thread(pair: tuple[Home, Home], rin: Recording) -> None:
    white = pair[0]
    first = told(white, "send", "rin", "first")
    second = told(white, "send", "rin", "second", "--reply-to", first["id"][:-1])
    whole = told(white, "show", second["id"])
    assert (whole["thread"], whole["reply_to"], whole["hops"]) == (first["id"], first["id"], 0)


def test_a_text_with_control_bytes_arrives_cleaned_and_the_receipt_counts(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    receipt = told(pair[0], "send", "rin", "-f", "-", stdin=b"a\x00b\x07c\x1b[A")
    assert receipt["cleaned"] == 3
    assert rin.turns()[-1].text == r"a\u{0}b\u{7}c\u{1b}[A"


# --- reply, lists, show ---


def test_a_reply_finds_its_way_by_the_beginning_of_an_id(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    asked = told(white, "send", "rin", "question?")
    answer = told(nova, "reply", asked["id"].lower()[:25], "-f", "-", stdin="answer\nin lines")
    assert (answer["to"], answer["state"]) == ("operator@white", "accepted")
    whole = told(white, "show", answer["id"])
    assert (whole["text"], whole["reply_to"]) == ("answer\nin lines", asked["id"])
    assert told(white, "reply", asked["id"], "x", code=3)["code"] == "unknown_envelope", (
        "only what arrived here can be answered"
    )


def test_inbox_and_outbox_are_lists_newest_first_and_limited(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    sent = [told(white, "send", "rin", f"number {n}")["id"] for n in range(3)]
    assert [one["id"] for one in told(white, "outbox", "-n", "3")] == sent[::-1]
    assert [one["text"] for one in told(nova, "inbox", "RIN@nova", "-n", "2")] == [
        "number 2",
        "number 1",
    ]
    shown = run(nova, "inbox", "rin", "-n", "1").out
    heading, row = shown.splitlines()
    assert heading.split() == ["ID", "AT", "FROM", "TO", "STATE", "TEXT"]
    assert sent[2] in row
    assert told(nova, "inbox", "nobody", code=3)["code"] == "unknown_agent"
    assert told(nova, "inbox", "operator@white", code=3)["code"] == "unknown_agent"


def test_show_tells_everything_of_one_envelope(pair: tuple[Home, Home], rin: Recording) -> None:
    receipt = told(pair[0], "send", "rin", "two\nlines", "--expires", "1h")
    whole = told(pair[0], "show", receipt["id"])
    assert whole["timeline"] == receipt["timeline"]
    assert (whole["text"], whole["raw"], whole["thread"]) == ("two\nlines", False, receipt["id"])
    shown = run(pair[0], "show", receipt["id"]).out
    for part in ("submitted  rin@nova", "from     operator@white", "  two\n  lines\n", "+0.000 s"):
        assert part in shown


def test_the_mail_of_a_forgotten_agent_can_still_be_read(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    nova = pair[1]
    recording = Recording(world.folder / "old.jsonl")
    recording.start(nova, "old")
    told(nova, "send", "old", "remember me")
    told(nova, "forget", "old")
    assert [one["text"] for one in told(nova, "inbox", "old")] == ["remember me"]
    assert told(nova, "send", "old", "x", code=3)["code"] == "unknown_agent"


# --- approval, cancel, dead letters ---


def test_what_waits_for_approval_says_so_and_is_typed_once_released(
    pair: tuple[Home, Home], gate: Recording
) -> None:
    white, nova = pair
    envelope_id = held(pair, "may I?")
    assert told(nova, "show", envelope_id)["reason"] == "approval"
    assert told(white, "release", envelope_id, code=3)["code"] == "unknown_envelope"
    told(nova, "release", envelope_id)
    until(lambda: white.state_of(envelope_id) == "submitted", "it was typed")
    assert [turn.text for turn in gate.turns()].count("may I?") == 1
    assert told(nova, "release", envelope_id, code=9)["code"] == "wrong_state"


def test_an_envelope_is_taken_back_by_its_sender_until_it_is_typed(
    pair: tuple[Home, Home], gate: Recording
) -> None:
    white, nova = pair
    envelope_id = held(pair, "never mind")
    assert told(white, "cancel", envelope_id)["id"] == envelope_id
    until(lambda: white.state_of(envelope_id) == "cancelled", "white knows")
    assert nova.state_of(envelope_id) == "cancelled"
    assert told(white, "cancel", envelope_id, code=9)["code"] == "wrong_state"
    assert told(nova, "ack", envelope_id, code=9)["code"] == "wrong_state"
    assert told(white, "revive", envelope_id, code=9)["code"] == "wrong_state", "no dead letter"
    assert "never mind" not in [turn.text for turn in gate.turns()]


def test_a_dead_letter_is_listed_and_reviving_it_twice_sends_it_once(
    pair: tuple[Home, Home], gate: Recording
) -> None:
    white, nova = pair
    receipt = told(white, "send", "gate", "too late", "--expires", "0.3", code=9)
    assert receipt["state"] == "expired"
    for home, command in ((white, "outbox"), (nova, "inbox")):
        dead = told(home, command, "--dead")
        assert receipt["id"] in [one["id"] for one in dead]
        assert {one["state"] for one in dead} <= {"expired", "refused", "unconfirmed", "in_doubt"}
    revived = told(white, "revive", receipt["id"])
    assert told(white, "revive", receipt["id"])["id"] == revived["id"] != receipt["id"]
    assert white.state_of(receipt["id"]) == "expired", "the old one keeps its end"
    until(lambda: nova.state_of(revived["id"]) == "held", "the new one arrived")
    told(nova, "cancel", revived["id"])


def test_a_closed_agent_refuses_with_what_to_ask_for(world: Scene, pair: tuple[Home, Home]) -> None:
    white, nova = pair
    Recording(world.folder / "shy.jsonl").start(nova, "shy")
    nova.run("stop", "shy")
    told(nova, "start", "shy", "--policy", "closed")
    world.wait_known(white, "shy@nova")
    receipt = told(white, "send", "shy", "hello?", code=7)
    assert (receipt["state"], receipt["reason"]) == ("refused", "not_allowed")
    said = run(white, "send", "shy", "hello?")
    assert "hint: ask for a grant: on nova, fleet grant operator@white VERB shy" in said.err
    told(nova, "grant", "operator@white", "message", "shy")
    assert told(white, "send", "shy", "now?")["state"] == "submitted"
    assert told(nova, "send", "shy", "my own")["state"] == "submitted", "its own operator may"
    told(nova, "ungrant", "operator@white", "shy")


def test_while_a_node_is_down_its_commands_say_so_and_mail_to_it_waits(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    told(nova, "down")
    assert told(nova, "send", "rin", "x", code=8)["code"] == "node_not_running"
    said = run(white, "send", "rin", "asleep?", "--timeout", "0.3")
    assert said.code == 5
    assert said.out.startswith("queued     rin@nova  ")
    assert "nova has not taken it yet; it waits in the outbox here" in said.err
    assert (
        "hint: it goes by itself when nova can be reached; why not: fleet route rin@nova"
        in said.err
    )
    envelope_id = said.out.split()[2]
    (away,) = [agent for agent in told(white, "ls") if agent["name"] == "rin"]
    assert away["state"] == "away"
    assert told(white, "peek", "rin", code=8)["code"] == "node_unreachable"
    assert told(white, "route", "rin", code=8)["error"]["layer"] == "network"
    assert told(white, "cancel", envelope_id)["state"] == "cancelled", "it never left"
    nova.again()
    world.wait_linked(white, nova)
    world.wait_known(white, "rin@nova")
    assert told(white, "send", "rin", "awake!")["state"] == "submitted"
    assert "asleep?" not in [turn.text for turn in rin.turns()]


def test_no_command_leaves_anything_behind_in_the_folder_it_runs_in(
    pair: tuple[Home, Home], rin: Recording, tmp_path: Path
) -> None:
    subprocess.run(
        [FLEET, "send", "rin", "x"], cwd=tmp_path, env=pair[0].environment, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
