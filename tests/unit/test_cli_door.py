"""The client of the local door: what goes wrong between a command and its node is told apart."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from fleet.cli.command import Invocation
from fleet.cli.door import Answer, Broken, Door, Failed
from fleet.cli.main import parse
from fleet.cli.send import Waiting
from fleet.cli.terminal import Terminal
from fleet.core.errors.base import LAYERS
from fleet.core.errors.nodes import NodeNotRunning
from fleet.paths import DOOR
from tests.support.door import STATUS, bare_home, done, receipt, scripted

QUEUED = {"progress": receipt(state="queued", evidence=None)}


# --- no node, and no whole answer ---


def test_where_nothing_is_the_node_is_not_running() -> None:
    with bare_home() as home:
        said = home.run("ls", "--json")
    error = said.json["error"]
    assert (said.code, error["code"], error["hint"]) == (8, "node_not_running", "fleet up")
    assert error["layer"] == "local-node"


def test_a_home_that_does_not_exist_or_is_a_file_has_no_node_either() -> None:
    with bare_home() as home:
        file = home.root / "file"
        file.touch()
        for path in (home.root / "nowhere", file):
            assert home.run("ls", "--home", str(path)).code == 8


def test_a_node_that_says_nothing_is_told_as_one_and_not_as_a_bug() -> None:
    with bare_home() as home, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home.root / DOOR))
        silent.listen()
        _, parser, given = parse(["status"])
        call = Invocation(parser, given, str(home.root), Terminal({}, as_json=True))
        with pytest.raises(NodeNotRunning, match="gave no whole answer"):
            call.ask("status", patience_s=0.01)


def test_a_socket_that_was_left_behind_is_known_as_one() -> None:
    with bare_home() as home:
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(home.root / DOOR))
        said = home.run("ls")
    assert said.code == 8
    assert "it ended without saying so, its socket is still there\nhint: fleet up\n" in said.err


def test_a_file_in_the_sockets_place_is_no_node() -> None:
    with bare_home() as home:
        (home.root / DOOR).write_text("")
        assert home.run("ls").code == 8


@pytest.mark.parametrize(
    "answer", [b"", b"{", b'{"resul', b"not json\n"], ids=["nothing", "brace", "half", "garbage"]
)
def test_a_node_that_gives_no_whole_answer_is_not_believed(answer: bytes) -> None:
    with scripted({"ls": [answer]}) as (home, _):
        said = home.run("ls", "--json")
    assert (said.code, said.json["error"]["code"]) == (8, "node_not_running")
    assert "gave no whole answer" in said.json["error"]["message"]


def test_a_send_whose_node_goes_away_before_it_answers_is_in_doubt() -> None:
    """It may have been committed; neither success nor failure is known."""
    with scripted({"send": [b""]}) as (home, _):
        said = home.run("send", "rin", "hello", "--json")
    error = said.json["error"]
    assert (said.code, error["code"], error["layer"]) == (6, "in_doubt", "local-node")
    assert "--key" in error["hint"]


def test_a_send_whose_node_goes_away_later_ends_with_the_last_receipt_seen() -> None:
    with scripted({"send": [QUEUED, b""]}) as (home, _):
        said = home.run("send", "rin", "hello", "--json")
    assert (said.code, said.json["state"]) == (5, "queued")


def test_a_send_gives_a_silent_node_up_at_last_and_says_what_it_knows() -> None:
    never = threading.Event()
    with scripted({"send": [QUEUED, never]}) as (home, _):
        _, parser, given = parse(["send", "rin", "hello"])
        call = Invocation(parser, given, str(home.root), Terminal({}, as_json=False))
        waiting = Waiting(call, time.monotonic())
        door = Door(call.home)
        door.begin("send", {"to": "rin", "text": "hello"})
        with pytest.raises(Broken, match="takes too long") as silence:
            waiting.end(door, time.monotonic() + 0.2)
        assert waiting.last_known(silence.value).result == QUEUED["progress"]
        never.set()
        door.close()


# --- answers ---


def test_the_nodes_own_error_is_passed_on_word_for_word_with_its_exit_code() -> None:
    told = {
        "code": "ambiguous_name", "message": "which?", "hint": "that one", "layer": "name",
        "candidates": [{"address": "rin@nova", "node": "nova", "state": "online", "last_seen": ""}],
    }  # fmt: skip
    with scripted({"send": [{"error": told, "exit": 4}]}) as (home, _):
        assert home.run("send", "rin", "x", "--json").json == {"error": told}
        said = home.run("send", "rin", "x")
    assert (said.code, said.out) == (4, "")
    assert said.err == "error: which?\n  rin@nova  on nova, online\nhint: that one\n"


def test_a_route_that_the_node_will_not_walk_ends_at_the_layer_of_its_error() -> None:
    error = {"code": "no_space", "message": "full", "hint": "room", "layer": "store"}
    answer = {"error": {**error, "candidates": []}, "exit": 8}
    with scripted({"route": [answer]}) as (home, _):
        said = home.run("route", "rin", "--json")
    route = said.json
    assert (said.code, route["error"]["code"], route["remedy"]) == (8, "no_space", "room")
    assert [step["layer"] for step in route["steps"]] == list(LAYERS)
    assert [s["layer"] for s in route["steps"] if s["verdict"] == "fail"] == ["store"]


@pytest.mark.parametrize("code", [0, 5, 6, 7, 9])
def test_the_exit_code_of_an_answer_is_the_commands(code: int) -> None:
    with scripted({"send": [done(receipt(state="held"), code)]}) as (home, _):
        assert home.run("send", "rin", "x").code == code


def test_only_what_was_said_is_asked() -> None:
    """Defaults are the node's; a key that is sent empty would be a key."""
    with scripted({"send": [done(receipt())]}) as (home, door):
        home.run("send", "rin", "x")
        home.run(
            "send", "rin", "x", "--raw", "--key", "k", "--expires", "2h", "--reply-to", "01",
            "--wait", "typed", "--timeout", "1.5", "--from", "neo",
        )  # fmt: skip
    plain, full = (asked["args"] for asked in door.asked)
    assert plain == {"to": "rin", "text": "x"}
    assert full == {
        "to": "rin", "text": "x", "raw": True, "key": "k", "expires_s": 7_200.0,
        "reply_to": "01", "wait": "typed", "timeout_s": 1.5, "from": "neo",
    }  # fmt: skip


def test_a_text_of_any_kind_survives_the_line_of_json() -> None:
    text = 'quote " slash \\ line\n\u2028 \x00 漢字 \U0001f469'
    with scripted({"send": [done(receipt())]}) as (home, door):
        home.run("send", "rin", "-f", "-", stdin=text)
    assert door.asked[0]["args"]["text"] == text


def test_lines_before_the_last_are_heard_in_order_and_the_connection_serves_again() -> None:
    items: list[dict[str, object]] = [{"item": {"n": n}} for n in range(3)]
    with scripted({"log": [*items, done({})], "status": [done(STATUS)]}) as (home, _):
        door = Door(str(home.root))
        heard: list[dict[str, object]] = []
        answer: Answer = door.ask("log", {}, hear=heard.append)
        assert (heard, answer.result, answer.exit_code) == (items, {}, 0)
        assert door.ask("status", {}).result == STATUS
        door.close()


def test_an_answer_of_many_megabytes_is_heard_whole() -> None:
    big = [receipt(text="x" * 250_000)] * 20
    with scripted({"inbox": [done(big)]}) as (home, _):
        assert home.ask("inbox") == big


def test_an_error_is_raised_and_a_silence_is_a_timeout() -> None:
    never = threading.Event()
    error = {"code": "x", "message": "no", "hint": "", "layer": "name", "candidates": []}
    with scripted({"a": [{"error": error, "exit": 3}], "b": [never], "c": [b""]}) as (home, _):
        door = Door(str(home.root))
        with pytest.raises(Failed) as failed:
            door.ask("a", {})
        assert (failed.value.error, failed.value.exit_code) == (error, 3)
        with pytest.raises(TimeoutError):
            door.ask("b", {}, patience_s=0.01)
        never.set()
        door.close()
        door = Door(str(home.root))
        with pytest.raises(Broken, match="hung up"):
            door.ask("c", {})
        door.close()


def test_a_path_too_long_for_a_socket_address_is_reached_by_its_folder(tmp_path: Path) -> None:
    with scripted({"whoami": [done({"identity": "operator@white"})]}) as (home, _):
        deep = home.root.parent / ("d" * 120)
        home.root.rename(deep)
        said = home.run("whoami", "--home", str(deep))
        deep.rename(home.root)
        with pytest.raises(NodeNotRunning):
            Door(str(tmp_path / ("e" * 120)))
    assert (said.code, said.out) == (0, "operator@white\n")


# --- streams ---


def test_a_log_that_is_followed_ends_well_when_the_node_stops() -> None:
    event = {"item": {"n": 1, "at": "2026-11-23T10:00:00.000Z", "kind": "agent started"}}
    with scripted({"log": [event, b""]}) as (home, _):
        said = home.run("log", "--json")
        assert (said.code, said.json, said.err) == (0, event["item"], "")
        assert "the node has stopped" in home.run("log").err
        assert home.run("log", "--no-follow").code == 8, "there the end was to come"


def test_ctrl_c_ends_a_log_with_130_and_no_traceback() -> None:
    event = {"item": {"n": 1, "at": "2026-11-23T10:00:00.000Z", "kind": "agent started"}}
    never = threading.Event()
    with scripted({"log": [event, never]}) as (home, _):
        process = home.begin("log", "--json")
        assert process.stdout
        assert json.loads(process.stdout.readline()) == event["item"], "it came as it happened"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        never.set()
    assert (process.returncode, err) == (130, b"")
