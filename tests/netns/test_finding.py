"""Nodes on separate hosts find each other by mDNS, and believe nothing because they found it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.netns.conftest import Lan
from tests.support.homes import Home
from tests.support.recording import Recording
from tests.support.until import until

HERE = Path(__file__).parent
AWAY_S = 60.0  # a pulled cable is noticed within 15 s, and then again and again dialled

WHITE, NOVA, KAI, EVE = "10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.66"


def rows(home: Home, state: str) -> dict[str, Any]:
    """What ``fleet nodes`` shows in this state, by node id."""
    return {row["id"]: row for row in home.ask("nodes") if row["state"] == state}


def lists(home: Home, stranger: str) -> bool:
    return stranger in rows(home, "found")


def lists_nobody(home: Home) -> bool:
    return not rows(home, "found")


def node_id(home: Home) -> str:
    return str(home.ask("status")["id"])


def join(inviter: Home, *joiners: Home) -> None:
    for joiner in joiners:
        joined = joiner.run("join", inviter.run("invite").out.strip())
        assert joined.code == 0, joined


def wait_linked(*homes: Home) -> None:
    for here in homes:
        for there in homes:
            if here is not there:
                what = f"{here.name} is linked with {there.name}"
                until(partial(here.sees, there.name), what, AWAY_S)


def wait_away(one: Home, other: Home) -> None:
    until(lambda: not one.sees(other.name), f"{one.name} notices {other.name} is gone", AWAY_S)
    until(lambda: not other.sees(one.name), f"{other.name} notices {one.name} is gone", AWAY_S)


@contextmanager
def running(lan: Lan, host: str, *words: str) -> Iterator[Path]:
    """A program on a host for as long as the block lasts; the file with its output."""
    output = lan.scene.folder / f"{host}-{len(words)}.out"
    with output.open("wb") as file:
        process = subprocess.Popen([*lan.network.on(host), *words], stdout=file)
    try:
        yield output
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text().splitlines() if line.endswith("}")]


def test_three_hosts_find_each_other_and_a_stranger_is_only_listed(lan: Lan) -> None:
    """Nova and kai were both let in by white, and nobody told either where the other one is."""
    white, nova, kai = lan.node("white", WHITE), lan.node("nova", NOVA), lan.node("kai", KAI)
    eve = lan.node("eve", EVE)
    join(white, nova, kai)
    wait_linked(white, nova, kai)
    strange = node_id(eve)
    for home in (white, nova, kai):
        until(partial(lists, home, strange), f"{home.name} lists eve")
        assert rows(home, "found")[strange]["addresses"] == [f"{EVE}:7717"]
    members = {node_id(home) for home in (white, nova, kai)}
    until(lambda: set(rows(eve, "found")) == members, "eve lists all three")
    assert not rows(eve, "connected")
    assert all(set(rows(home, "connected")) < members for home in (white, nova, kai))
    eve.ask("down")
    for home in (white, nova, kai):
        until(partial(lists_nobody, home), f"eve's goodbye reaches {home.name}")


def test_two_hosts_that_moved_both_are_found_again_by_mdns_alone(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.node("nova", NOVA)
    join(white, nova)
    wait_linked(white, nova)
    lan.network.cut("nova")
    for name, old, new in (("white", WHITE, "10.88.0.1"), ("nova", NOVA, "10.88.0.2")):
        lan.network.drop_address(name, old)
        lan.network.add_address(name, new)
    wait_away(white, nova)
    lan.network.plug_in("ear", "10.88.0.9")
    sought = node_id(nova)
    with running(lan, "ear", sys.executable, str(HERE / "questions.py"), "10.88.0.9") as asked:
        # Announcements made while the cable was out are lost. So white asks, for nova and only nova.
        until(
            lambda: any(
                line.startswith("10.88.0.1 ") and sought in line
                for line in asked.read_text().splitlines()
            ),
            "white asks for nova",
            AWAY_S,
        )
    lan.network.heal("nova")
    wait_linked(white, nova)
    assert "10.88.0.2:7717" in rows(white, "connected")[sought]["addresses"]


def test_a_cut_cable_is_noticed_and_what_waited_arrives_when_it_is_mended(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.node("nova", NOVA)
    join(white, nova)
    wait_linked(white, nova)
    rin = Recording(lan.scene.folder / "rin.jsonl")
    assert rin.start(nova, "rin") == "rin@nova"
    lan.scene.wait_known(white, "rin@nova")
    sent = white.ask("send", "rin@nova", "over two hosts")
    assert (sent["state"], sent["from"]) == ("submitted", "operator@white")
    lan.network.cut("nova")
    wait_away(white, nova)
    said = white.run("send", "rin@nova", "while you were away", "--timeout", "0.2", "--json")
    assert (said.code, said.json["state"]) == (5, "queued")
    lan.network.heal("nova")
    wait_linked(white, nova)
    until(lambda: white.state_of(said.json["id"]) == "submitted", "it arrived")
    assert [turn.text for turn in rin.turns()] == ["over two hosts", "while you were away"]


def test_an_impostor_on_the_network_changes_nothing_that_works(lan: Lan) -> None:
    white, nova, eve = lan.node("white", WHITE), lan.node("nova", NOVA), lan.node("eve", EVE)
    join(white, nova)
    wait_linked(white, nova)
    victim = node_id(nova)
    until(lambda: node_id(eve) in rows(white, "found"), "white listens")
    impostor = [*lan.network.on("eve"), sys.executable, str(HERE / "impostor.py")]
    subprocess.run([*impostor, EVE, victim], check=True)
    until(lambda: len(rows(white, "found")) >= 255, "white heard as much as it lists")
    found = rows(white, "found")
    assert len(found) <= 256
    shown = white.run("nodes").out
    assert not set(shown) & {"\x1b", "\x07"}
    assert all(set(one) <= set("abcdefghijklmnopqrstuvwxyz234567") for one in found)
    assert {a for row in found.values() for a in row["addresses"]} == {f"{EVE}:7717"}
    assert victim in rows(white, "connected")
    nova.kill()
    until(lambda: not white.sees("nova"), "white notices", AWAY_S)
    subprocess.run([*impostor, EVE, victim], check=True)
    nova.ask("up")
    wait_linked(white, nova)
    assert victim not in rows(eve, "connected")


def forge(lan: Lan, victim: str, *what: str) -> None:
    """Say one thing in another node's name, from eve's host."""
    impostor = [*lan.network.on("eve"), sys.executable, str(HERE / "impostor.py"), EVE, victim]
    subprocess.run([*impostor, *what], check=True)


def heard_of(lan: Lan, white: Home, node: str) -> bool:
    """Advertise a node that is nowhere; whether white lists it."""
    forge(lan, node, "takeover", EVE)
    return lists(white, node)


def only_white_can_dial(lan: Lan, white: Home, nova: Home) -> None:
    """Nova has ended, and when it is started again without mDNS it does not know where white is."""
    nova.kill()
    until(lambda: not white.sees("nova"), "white notices", AWAY_S)
    ghost = "y" * 52
    until(lambda: heard_of(lan, white, ghost), "white listens")
    lan.network.drop_address("white", WHITE)
    lan.network.add_address("white", "10.77.0.21")
    until(lambda: ghost not in rows(white, "found"), "white begins anew, at its new address")
    until(lambda: heard_of(lan, white, ghost), "white listens again")


def known_at(white: Home, victim: str) -> list[str]:
    return [str(one) for one in rows(white, "away")[victim]["addresses"]]


def test_a_forged_takeover_leads_nobody_away_from_where_a_member_was(lan: Lan) -> None:
    white, nova, eve = lan.node("white", WHITE), lan.node("nova", NOVA), lan.node("eve", EVE)
    join(white, nova)
    wait_linked(white, nova)
    victim = node_id(nova)
    until(lambda: node_id(eve) in rows(white, "found"), "white listens")
    only_white_can_dial(lan, white, nova)
    forge(lan, victim, "takeover", EVE)
    until(lambda: f"{EVE}:7717" in known_at(white, victim), "white has heard it")
    nova.ask("up", "--no-mdns")
    wait_linked(white, nova)
    assert victim not in rows(eve, "connected")


def test_a_forged_goodbye_ends_no_link_and_hides_nobody(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.node("nova", NOVA)
    lan.network.plug_in("eve", EVE)
    join(white, nova)
    wait_linked(white, nova)
    victim, moved, ghost = node_id(nova), "10.77.0.22", "z" * 52
    until(lambda: heard_of(lan, white, ghost), "white listens")
    (before,) = (peer for peer in white.ask("status")["peers"] if peer["id"] == victim)
    forge(lan, victim, "goodbye")
    forge(lan, ghost, "goodbye")
    until(lambda: ghost not in rows(white, "found"), "white has heard both")
    (after,) = (peer for peer in white.ask("status")["peers"] if peer["id"] == victim)
    assert (after["state"], after["since"]) == ("connected", before["since"]), "it is the same link"

    # Where it is now was only ever advertised, and then it was said to be gone.
    only_white_can_dial(lan, white, nova)
    lan.network.drop_address("nova", NOVA)
    lan.network.add_address("nova", moved)
    forge(lan, victim, "takeover", moved)
    until(lambda: f"{moved}:7717" in known_at(white, victim), "white has heard where it is")
    forge(lan, victim, "goodbye")
    until(lambda: f"{moved}:7717" not in known_at(white, victim), "white has heard that it is gone")
    nova.ask("up", "--no-mdns")
    wait_linked(white, nova)


def test_a_node_without_a_network_runs_and_says_so_and_is_found_when_it_has_one(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.host("nova")
    up = nova.ask("up", "--name", "nova", "--listen", "0.0.0.0:7717")
    until(lambda: "no network" in nova.ask("status")["mdns"], "nova says what is missing")
    missing = nova.ask("status")["missing"]
    assert "network: no address that another host could reach" in missing
    assert any(one.startswith("mdns: no network") for one in missing)
    lan.network.add_address("nova", NOVA)
    until(lambda: up["id"] in rows(white, "found"), "white finds it")
    until(lambda: nova.ask("status")["mdns"] == "on", "nova is content")
    assert not [one for one in nova.ask("status")["missing"] if not one.startswith("tmux:")]


def test_a_taken_mdns_port_stops_nothing_and_is_tried_again(lan: Lan) -> None:
    lan.network.plug_in("nova", NOVA)
    greedy = (
        "import socket, time; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM);"
        "s.bind(('::', 5353)); print('{}', flush=True); time.sleep(1000)"
    )
    home = lan.scene.home("nova")
    with running(lan, "nova", sys.executable, "-c", greedy) as output:
        until(output.read_text, "the port is taken")
        nova = replace(home, prefix=lan.network.on("nova"))
        nova.ask("up", "--name", "nova", "--listen", "0.0.0.0:7717")
        until(lambda: "5353" in nova.ask("status")["mdns"], "nova says what is in the way")
    until(lambda: nova.ask("status")["mdns"] == "on", "the port is free again")


def test_what_is_announced_names_nobody_and_follows_the_fleets_key(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.node("nova", NOVA)
    lan.network.plug_in("ear", "10.77.0.9")
    one = node_id(nova)
    command = (sys.executable, str(HERE / "observer.py"), "10.77.0.9")
    with running(lan, "ear", *command) as output:

        def said() -> list[dict[str, Any]]:
            return [told for told in lines(output) if told.get("text", {}).get("id") == one]

        until(said, "nova is announced")
        before = said()[-1]
        assert set(before["text"]) == {"v", "id", "h"}
        assert (before["name"], before["server"]) == (
            f"{one[:12]}._fleet._tcp.local.",
            f"{one}.local.",
        )
        assert (before["text"]["v"], before["port"]) == ("1", 7717)
        join(white, nova)
        until(lambda: said()[-1]["text"]["h"] != before["text"]["h"], "another mark is announced")


def test_a_node_told_to_keep_quiet_announces_nothing_and_finds_nobody(lan: Lan) -> None:
    white, nova = lan.node("white", WHITE), lan.host("nova", NOVA)
    nova.ask("up", "--name", "nova", "--listen", "0.0.0.0:7717", "--no-mdns")
    eve = lan.node("eve", EVE)
    until(lambda: node_id(eve) in rows(white, "found"), "white finds who does announce")
    assert set(rows(white, "found")) == {node_id(eve)}
    assert not rows(nova, "found")
    assert nova.ask("status")["mdns"] == "off"
    join(white, nova)
    wait_linked(white, nova)
