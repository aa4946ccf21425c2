"""A message sent by name lands in the right agent's input: the real thing, through the command line."""

from __future__ import annotations

import re

import pytest

from tests.support.homes import Home, Scene
from tests.support.recording import Recording
from tests.support.until import until


def test_a_message_across_nodes_is_one_turn_and_its_receipt_says_so(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    sent = white.ask("send", "rin@nova", "the tests are green")
    assert (sent["state"], sent["evidence"], sent["to"]) == ("submitted", "screen", "rin@nova")
    assert sent["from"] == "operator@white"
    assert [entry["state"] for entry in sent["timeline"]] == [
        "queued", "accepted", "typing", "typed", "submitted",
    ]  # fmt: skip
    assert {entry["node"] for entry in sent["timeline"]} == {"white", "nova"}
    turn = next(turn for turn in rin.turns() if turn.id == sent["id"])
    assert (turn.text, turn.sender) == ("the tests are green", "operator@white")
    assert nova.state_of(sent["id"]) == white.state_of(sent["id"]) == "submitted"


@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo\nthree",
        "\n".join(f"line {n} " + "x" * 56 for n in range(500)),
        "ümläute, 漢字, ไทย, 👩‍💻 and a \ttab",
        "a; b;",
        "'quotes' \"double\" `back` $(id) #{pane_id} #(id) %1",
        "-n --json -- looks like options",
        "ends in a semicolon;",
    ],
)
def test_the_text_arrives_byte_for_byte_as_one_turn(
    pair: tuple[Home, Home], rin: Recording, text: str
) -> None:
    sent = pair[0].run("send", "rin@nova", "-f", "-", "--json", stdin=text)
    assert sent.code == 0, sent
    assert [turn.text for turn in rin.turns() if turn.id == sent.json["id"]] == [text]
    assert sent.json["cleaned"] == 0


def test_control_bytes_are_made_visible_and_counted(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    sent = pair[0].run("send", "rin@nova", "-f", "-", "--json", stdin="a\x1b[201~b\x03c\x07")
    assert sent.json["cleaned"] == 3
    (turn,) = [turn for turn in rin.turns() if turn.id == sent.json["id"]]
    assert turn.text == r"a\u{1b}[201~b\u{3}c\u{7}"


def test_a_name_that_two_nodes_have_is_refused_with_both(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    white, _ = pair
    twin = Recording(world.folder / "twin.jsonl")
    twin.start(white, "rin")
    before = len(rin.turns())
    said = white.run("send", "rin", "which?", "--json")
    assert said.code == 4
    error = said.json["error"]
    assert (error["code"], error["layer"]) == ("ambiguous_name", "name")
    assert {c["address"] for c in error["candidates"]} == {"rin@white", "rin@nova"}
    assert white.ask("send", "rin@white", "you")["to"] == "rin@white"
    assert (len(rin.turns()), [turn.text for turn in twin.turns()]) == (before, ["you"])
    assert white.run("forget", "rin").code == 0
    assert white.ask("send", "rin", "only one now")["to"] == "rin@nova"


def test_unknown_names_are_exit_3_with_hints(pair: tuple[Home, Home], rin: Recording) -> None:
    said = pair[0].run("send", "rim@nova", "x", "--json")
    assert (said.code, said.json["error"]["code"]) == (3, "unknown_agent")
    assert "rin@nova" in said.json["error"]["hint"]
    assert pair[0].run("send", "rin@nowhere", "x", "--json").code == 3


def test_a_stopped_nodes_mail_waits_and_arrives_once(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    assert nova.run("down").code == 0
    said = white.run("send", "rin@nova", "when you are back", "--timeout", "0.3", "--json")
    assert (said.code, said.json["state"]) == (5, "queued")
    assert next(e["id"] for e in white.ask("outbox")) == said.json["id"]
    nova.again()
    until(lambda: white.state_of(said.json["id"]) == "submitted", "it arrived")
    assert [turn.text for turn in rin.turns()].count("when you are back") == 1


def test_the_same_key_sends_once(pair: tuple[Home, Home], rin: Recording) -> None:
    first = pair[0].ask("send", "rin@nova", "only once", "--key", "k1")
    again = pair[0].ask("send", "rin@nova", "only once", "--key", "k1")
    assert first["id"] == again["id"]
    assert [turn.text for turn in rin.turns()].count("only once") == 1
    other = pair[0].run("send", "rin@nova", "something else", "--key", "k1", "--json")
    assert (other.code, other.json["error"]["code"]) == (2, "key_reused")


def test_an_answer_goes_back_and_acknowledges(pair: tuple[Home, Home], rin: Recording) -> None:
    white, nova = pair
    sent = white.ask("send", "rin@nova", "how is it?")
    answer = nova.ask("reply", sent["id"], "fine")
    assert (answer["to"], answer["state"]) == ("operator@white", "accepted")
    until(lambda: white.state_of(sent["id"]) == "acknowledged", "the answer acknowledged it")
    (letter,) = [e for e in white.ask("inbox") if e["id"] == answer["id"]]
    assert letter["text"] == "fine"


def test_an_expired_envelope_is_a_dead_letter_that_can_be_revived(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    nova.run("down")
    said = white.run("send", "rin@nova", "too late", "--expires", "0.5", "--json")
    assert (said.code, said.json["state"]) == (9, "expired")
    nova.again()
    assert said.json["id"] in [e["id"] for e in white.ask("outbox", "--dead")]
    revived = white.ask("revive", said.json["id"])
    assert revived["id"] != said.json["id"]
    until(lambda: white.state_of(revived["id"]) == "submitted", "the revived one arrived")
    assert [turn.text for turn in rin.turns()].count("too late") == 1


def test_a_caller_cannot_claim_to_be_somebody_else(pair: tuple[Home, Home], rin: Recording) -> None:
    said = pair[0].run("send", "rin@nova", "x", "--from", "rin", "--json")
    assert (said.code, said.json["error"]["code"]) == (7, "not_allowed")


def test_raw_text_needs_control_which_a_peer_does_not_have(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    said = white.run("send", "rin@nova", "/clear", "--raw", "--json")
    assert (said.code, said.json["state"], said.json["reason"]) == (7, "refused", "not_allowed")
    own = nova.ask("send", "rin", "/clear", "--raw")
    assert own["state"] == "submitted"
    assert rin.raw()[-1] == "/clear"
    rin.path.write_text("\n".join(rin.path.read_text().splitlines()[:-1]) + "\n")


def test_what_an_agent_sends_is_attested_by_the_kernel(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    """The agent's own process runs the command; nobody told it who it is."""
    white, _ = pair
    script = "fleet send rin@nova 'from within'; exec sleep 1000"
    white.ask_with(("start", "neo", "--"), ("bash", "-c", script))
    until(lambda: any(t.text == "from within" for t in rin.turns()), "neo's message arrived")
    (turn,) = [t for t in rin.turns() if t.text == "from within"]
    assert (turn.sender, turn.authority) == ("neo@white", "a peer agent, not your user")
    assert re.fullmatch(r"operator@white", white.ask("whoami")["identity"])
    white.run("stop", "neo")
