"""The contract of the command line with real nodes: the node, who belongs, agents, routes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import pytest

from fleet.core.errors.base import LAYERS
from tests.support.homes import FLEET, LOOPBACK, Home, Scene, is_zombie
from tests.support.promises import run, told
from tests.support.recording import Recording
from tests.support.until import until

NUMBERS = count(1)


@pytest.fixture
def lone(world: Scene) -> Iterator[Home]:
    """A home of its own for each test that starts and stops nodes."""
    home = world.home(f"lone{next(NUMBERS)}")
    yield home
    home.run("down")


# --- this host ---


def test_up_twice_is_once_and_says_which_node_serves(lone: Home) -> None:
    first = told(lone, "up", "--no-mdns", "--listen", LOOPBACK)
    again = told(lone, "up", "--no-mdns", "--listen", LOOPBACK)
    assert again["pid"] == first["pid"] == told(lone, "status")["pid"]
    host, _, port = str(first["listen"]).rpartition(":")
    with socket.create_connection((host, int(port))):
        pass
    assert again["home"] == str(lone.root)
    assert run(lone, "up").out.startswith(f"{first['node']} is up already, listening on {host}:")


def test_up_that_asks_for_another_name_or_address_than_the_running_nodes_fails(lone: Home) -> None:
    status = lone.up()
    assert told(lone, "up", "--name", "other", code=9)["code"] == "wrong_state"
    assert told(lone, "up", "--listen", "127.0.0.1:1", code=9)["code"] == "wrong_state"
    assert told(
        lone, "up", "--name", str(status["node"]).upper(), "--listen", str(status["listen"])
    )
    assert lone.pid == status["pid"], "and changes nothing"


def test_metrics_are_served_where_they_are_asked_for_and_nowhere_else(lone: Home) -> None:
    assert lone.up()["metrics"] == ""
    assert told(lone, "up", "--metrics", "127.0.0.1:0", code=9)["code"] == "wrong_state"
    told(lone, "down")
    assert told(lone, "up", "--metrics", "0.0.0.0:0", code=2)["code"] == "bad_config"
    (lone.root / "config.toml").write_text('metrics = "127.0.0.1:0"\nmetrics_names = true\n')
    bound = lone.up()["metrics"]
    assert told(lone, "up", "--metrics", "127.0.0.1:0")["metrics"] == bound, "any port is that one"
    assert told(lone, "send", f"operator@{lone.name}", "hello", "--wait", "accepted")
    with urlopen(f"http://{bound}/metrics") as page:
        shown = page.read().decode()
    assert 'fleet_envelopes_total{side="received",state="accepted"} 1\n' in shown
    assert f"metrics  {bound}\n" in run(lone, "status").out


def test_two_ups_at_the_same_moment_are_one_node(lone: Home) -> None:
    with ThreadPoolExecutor(3) as hands:
        pids = {status["pid"] for status in hands.map(lambda _: lone.up(), range(3))}
    assert len(pids) == 1


def test_a_node_keeps_name_key_and_port_over_down_and_up(lone: Home) -> None:
    first = lone.up()
    assert told(lone, "down") == {"stopped": first["pid"]}
    assert is_zombie(int(first["pid"])), "down comes back when it has ended"
    assert told(lone, "up", "--name", "other", "--no-mdns", code=9)["code"] == "wrong_state"
    again = lone.again()
    kept = ("node", "id", "listen", "fleet", "home")
    assert [again[key] for key in kept] == [first[key] for key in kept]
    assert again["pid"] != first["pid"]


def test_down_where_no_node_runs_is_done_already(lone: Home) -> None:
    assert told(lone, "down") == {"stopped": None}
    said = run(lone, "down")
    assert (said.code, said.out) == (0, "")
    assert said.err == f"no node is running for {lone.root}\n"


def test_a_node_is_out_of_reach_of_the_terminal_that_started_it(lone: Home) -> None:
    pid = int(lone.up()["pid"])
    assert os.getsid(pid) == pid
    assert os.getpgid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/"), "and holds no folder"
    for stream in (0, 1, 2):
        assert not Path(f"/proc/{pid}/fd/{stream}").readlink().is_relative_to("/dev/pts")


def test_in_the_foreground_it_logs_to_standard_error_and_ends_with_ctrl_c(lone: Home) -> None:
    process = lone.begin("up", "--foreground", "--no-mdns", "--listen", LOOPBACK)
    until(lambda: lone.run("status").code == 0, "it serves")
    assert lone.pid == process.pid
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (0, b"")
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert (events[0], events[-1]) == ("fleet founded", "node down")
    assert "node up" in events


def test_the_home_is_the_option_then_the_variable_then_dot_fleet(world: Scene, lone: Home) -> None:
    lone.up()
    unset = {key: value for key, value in lone.environment.items() if key != "FLEET_HOME"}
    assert told(lone, "status")["home"] == str(lone.root)
    elsewhere = replace(lone, environment={**unset, "FLEET_HOME": "/nowhere"})
    assert told(elsewhere, "--home", str(lone.root), "status")["home"] == str(lone.root)
    assert told(elsewhere, "status", code=8)["code"] == "node_not_running"
    assert (
        f"{world.folder}/user/.fleet"
        in told(replace(lone, environment=unset), "status", code=8)["message"]
    )
    near = subprocess.run(
        [FLEET, "status", "--json", "--home", lone.root.name], cwd=lone.root.parent, env=unset,
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(near.stdout)["home"] == str(lone.root), "relative ones count from here"


def test_several_homes_on_one_host_are_several_nodes(pair: tuple[Home, Home], lone: Home) -> None:
    own = lone.up()
    assert len({own["id"], *(told(home, "status")["id"] for home in pair)}) == 3
    assert len({own["listen"], *(told(home, "status")["listen"] for home in pair)}) == 3
    assert {p["node"] for p in told(pair[0], "status")["peers"]} == {"nova"}
    assert own["peers"] == []


def test_status_counts_what_waits_and_who_is_there(pair: tuple[Home, Home], rin: Recording) -> None:
    status = told(pair[1], "status")
    assert (status["node"], status["admin"], status["mdns"]) == ("nova", False, "off")
    assert status["agents"] == {"known": 1, "here": 1, "online": 1}
    assert {"outbox", "inbox"} <= status["queues"].keys()
    assert status["missing"] == []
    (peer,) = status["peers"]
    assert (peer["node"], peer["state"]) == ("white", "connected")
    shown = run(pair[1], "status").out
    assert "1 here, 1 of them online; 1 known in the fleet" in shown
    assert "1 of 1 connected" in shown


def test_doctor_finds_nothing_wrong_with_a_pair_and_names_the_layer_when_the_node_is_down(
    pair: tuple[Home, Home], rin: Recording, lone: Home
) -> None:
    found = told(pair[1], "doctor")
    verdicts = {check["check"]: check["verdict"] for check in found["checks"]}
    assert {verdict for name, verdict in verdicts.items() if name != "disk"} == {"ok"}
    assert found["failed"] is None
    assert list(verdicts) == [
        "tmux", "home", "disk", "config", "node", "ready", "door", "clock", "database", "port", "mdns",
        "peer white", "agent rin",
    ]  # fmt: skip
    lone.root.mkdir(mode=0o700)
    down = told(lone, "doctor", code=8)
    assert down["failed"] == "local-node"
    assert [c["remedy"] for c in down["checks"] if c["verdict"] == "fail"] == ["fleet up"]
    assert pair[1].run("doctor").code == 0


def test_log_tells_what_happened_and_follows_what_happens(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    nova = pair[1]
    events = [
        json.loads(line) for line in nova.run("log", "--no-follow", "--json").out.splitlines()
    ]
    assert all({"n", "at", "kind"} <= event.keys() for event in events)
    assert {"fleet joined", "agent started"} <= {event["kind"] for event in events}
    process = nova.begin("log", "-n", "0", "--json")
    assert process.stdout
    told(nova, "grant", "ada@white", "observe", "rin")
    until(lambda: "grant given" in nova.run("log", "--no-follow", "-n", "1").out, "it is logged")
    told(nova, "ungrant", "ada@white", "rin")
    followed = [json.loads(process.stdout.readline())["kind"] for _ in range(1)]
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert followed[0] in {"grant given", "grant taken"}


# --- who belongs ---


def test_invite_prints_the_token_alone_on_standard_output(pair: tuple[Home, Home]) -> None:
    said = run(pair[0], "invite")
    assert said.err == ""
    (token,) = said.out.splitlines()
    assert token.startswith("fleet1.")
    assert " " not in token
    told_ = told(pair[0], "invite", "--expires", "10m")
    assert told_["token"].startswith("fleet1.")


def test_joining_is_told_on_both_sides_and_revoking_ends_it(
    world: Scene, pair: tuple[Home, Home], lone: Home
) -> None:
    white = pair[0]
    name = str(lone.up()["node"])
    joined = told(lone, "join", white.run("invite").out.strip())
    assert (joined["node"], joined["inviter"]) == (name, "white")
    assert set(joined["members"]) == {"white", "nova", name}
    world.wait_linked(white, lone)
    rows = {row["node"]: row for row in told(white, "nodes")}
    assert rows["white"]["state"] == "self"
    assert rows[name]["state"] == "connected"
    assert rows[name]["addresses"]
    gone = told(white, "revoke", name, "--reason", "laptop lost")
    assert gone == {"node": name, "id": rows[name]["id"]}
    (after,) = [row for row in told(white, "nodes") if row["id"] == gone["id"]]
    assert (after["state"], after["reason"]) == ("revoked", "laptop lost")
    until(lambda: told(lone, "nodes")[0]["state"] != "connected", "the link is cut")
    assert told(white, "send", f"operator@{name}", "x", code=3)["code"] == "unknown_node"


def test_grants_are_given_listed_replaced_and_taken_back(pair: tuple[Home, Home]) -> None:
    nova = pair[1]
    assert told(nova, "grants") == []
    given = told(nova, "grant", "White", "observe,message", "Rin", "--expires", "2h")
    assert (given["who"], given["agent"]) == ("*@white", "rin")
    assert given["verbs"] == ["message", "observe"]
    assert given["expires_at"]
    replaced = told(nova, "grant", "white", "observe", "rin")
    assert told(nova, "grants") == [replaced]
    assert replaced["expires_at"] == ""
    assert told(nova, "ungrant", "white") == {"removed": False}, "that is another one: all agents"
    assert told(nova, "ungrant", "white", "rin") == {"removed": True}


# --- agents ---


def test_ls_is_a_list_and_only_the_own_node_says_what_is_held(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    (here,) = [agent for agent in told(pair[1], "ls") if agent["name"] == "rin"]
    (there,) = [agent for agent in told(pair[0], "ls") if agent["name"] == "rin"]
    assert (here["address"], here["node"], here["state"]) == ("rin@nova", "nova", "ready")
    assert (here["held"], here["policy"]) == (0, "open")
    assert (there["state"], there["held"], there["policy"]) == ("online", None, None)
    assert here["incarnation"] == there["incarnation"]


def test_an_agents_life_started_stopped_started_again_forgotten(
    world: Scene, pair: tuple[Home, Home]
) -> None:
    white = pair[0]
    program = ("python3", "-c", "import os, time; print(os.getcwd(), flush=True); time.sleep(1e6)")
    words = ("start", "Kai", "--policy", "closed", "--cwd", str(world.folder), "--", *program)
    started = told(white, *words)
    assert (started["address"], started["policy"], started["profile"]) == (
        "kai@white", "closed", "generic",
    )  # fmt: skip
    taken = told(white, *words, code=9)
    assert (taken["code"], "fleet forget kai" in taken["hint"]) == ("name_taken", True)
    stopped = told(white, "stop", "kai@white")
    assert (stopped["pane"], stopped["incarnation"]) == ("", "")
    assert told(white, "attach", "kai", code=5)["code"] == "pane_gone"
    again = told(white, "start", "kai")
    assert (again["policy"], again["pane"] != started["pane"]) == ("closed", True)
    until(
        lambda: str(world.folder) in told(white, "peek", "kai")["rows"],
        "command and folder are those of its first life",
    )
    told(white, "forget", "kai")
    assert told(white, "forget", "kai", code=3)["code"] == "unknown_agent"


def test_adopt_takes_a_running_pane_and_forget_leaves_it(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    white = pair[0]
    pane = world.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", "sleep 1e6").strip()
    adopted = told(white, "adopt", "ned", "--pane", pane)
    assert (adopted["pane"], adopted["address"]) == (pane, "ned@white")
    assert told(white, "adopt", "ted", "--pane", pane, code=9)["code"] == "pane_taken"
    told(white, "forget", "ned")
    assert pane in world.tmux("list-panes", "-a", "-F", "#{pane_id}").split()
    world.tmux("kill-pane", "-t", pane)


def test_a_shell_is_adopted_only_by_its_profiles_name(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    white = pair[0]
    pane = world.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", "bash --norc").strip()
    refused = told(white, "adopt", "sho", "--pane", pane, code=9)
    assert (refused["code"], refused["layer"]) == ("pane_is_shell", "pane")
    assert told(white, "adopt", "sho", "--pane", pane, "--profile", "SHELL")["profile"] == "bash"
    told(white, "stop", "sho")
    told(white, "forget", "sho")


def test_peek_shows_the_end_of_a_screen_and_needs_a_grant_from_elsewhere(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    white, nova = pair
    whole = told(nova, "peek", "rin")
    assert (whole["address"], whole["state"]) == ("rin@nova", "ready")
    assert whole["rows"][-1].startswith(">")
    assert told(nova, "peek", "rin", "--lines", "1")["rows"] == whole["rows"][-1:]
    denied = told(white, "peek", "rin", code=7)
    assert (denied["code"], denied["layer"]) == ("not_allowed", "trust")
    told(nova, "grant", "operator@white", "observe", "rin")
    assert told(white, "peek", "rin@nova")["rows"] == whole["rows"]
    told(nova, "ungrant", "operator@white", "rin")


def test_attach_says_where_the_pane_is(pair: tuple[Home, Home], rin: Recording) -> None:
    place = told(pair[1], "attach", "rin")
    line = run(pair[1], "attach", "rin").out
    assert line.startswith(f"tmux -S {place['socket']} select-window -t {place['pane']} ")
    assert told(pair[0], "attach", "rin", code=3)["code"] == "unknown_agent", "it is not here"


def test_a_profile_of_ones_own_is_listed_and_recognised(lone: Home) -> None:
    (lone.root / "profiles").mkdir(parents=True, mode=0o700)
    lone.root.chmod(0o700)
    (lone.root / "profiles/napper.toml").write_text('title = "naps"\nprograms = ["sleep"]\n')
    lone.up()
    names = [profile["name"] for profile in told(lone, "profile")]
    assert names == sorted(names)
    assert "napper" in names
    assert told(lone, "start", "nap", "--", "sleep", "1e6")["profile"] == "napper"


# --- who calls ---


def test_outside_of_a_pane_the_caller_is_the_operator(pair: tuple[Home, Home]) -> None:
    who = told(pair[0], "whoami")
    assert (who["identity"], who["agent"], who["node"]) == ("operator@white", "operator", "white")
    assert run(pair[0], "whoami").out == "operator@white\n"


def test_inside_a_pane_the_caller_is_the_agent_and_may_do_what_agents_may(
    world: Scene, pair: tuple[Home, Home], rin: Recording
) -> None:
    """Its environment names its home; nothing in it says who it is."""
    out = world.folder / "inside"
    script = f"""
        env | grep ^FLEET_ | sort > {out}.env
        env -u FLEET_AGENT -u FLEET_NODE fleet whoami > {out}.who
        for call in invite grants "stop zoe" "forget rin" "log --no-follow" "revoke white"; do
            fleet $call --json >> {out}.refused; echo $? >> {out}.codes
        done
        fleet peek rin --json > {out}.peek
        touch {out}.done
        exec sleep 1e6
    """
    nova = pair[1]
    nova.ask_with(("start", "zoe", "--"), ("bash", "-c", script))
    until(Path(f"{out}.done").exists, "zoe has tried everything")
    read = {part: Path(f"{out}.{part}").read_text() for part in ("env", "who", "codes", "refused")}
    environment = dict(line.split("=", 1) for line in read["env"].splitlines())
    (life,) = [one["incarnation"] for one in nova.ask("ls") if one["address"] == "zoe@nova"]
    assert environment.pop("FLEET_INCARNATION").startswith(life)
    assert environment == {
        "FLEET_AGENT": "zoe", "FLEET_HOME": str(nova.root), "FLEET_NODE": "nova", "FLEET_ROLE": "",
        "FLEET_TEAM": "",
    }  # fmt: skip
    assert read["who"] == "zoe@nova\n"
    assert read["codes"].split() == ["7"] * 6
    for line in read["refused"].splitlines():
        assert json.loads(line)["error"]["code"] == "not_allowed"
        assert json.loads(line)["error"]["hint"]
    peeked = json.loads(Path(f"{out}.peek").read_text())
    assert peeked["error"]["hint"] == "ask its operator: fleet grant 'zoe@nova' observe rin"
    told(nova, "stop", "zoe")
    told(nova, "forget", "zoe")


# --- routes ---


def test_a_route_walks_every_layer_in_order_and_asks_the_far_node_only_when_told(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    before = rin.raw()
    near, far = told(pair[0], "route", "rin"), told(pair[0], "route", "rin", "--probe")
    for route in (near, far):
        assert [step["layer"] for step in route["steps"]] == list(LAYERS)
        assert (route["query"], route["address"], route["error"]) == ("rin", "rin@nova", None)
        assert all(
            step.keys() == {"layer", "verdict", "detail", "ms", "error"} for step in route["steps"]
        )
    assert {step["verdict"] for step in far["steps"]} == {"ok"}
    skipped = [step["layer"] for step in near["steps"] if step["verdict"] == "skipped"]
    assert skipped == ["store", "tmux", "pane", "agent"]
    assert rin.raw() == before


def test_a_route_ends_as_a_send_would_and_says_what_to_do(
    pair: tuple[Home, Home], rin: Recording
) -> None:
    for to, layer, code in (
        ("bad name", "input", 2), ("nobody", "name", 3), ("rin@nowhere", "name", 3),
    ):  # fmt: skip
        route = told(pair[0], "route", to, code=code)
        failed = [step for step in route["steps"] if step["verdict"] == "fail"]
        assert [(step["layer"], step["error"]) for step in failed] == [
            (layer, route["error"]["code"])
        ]
        assert route["remedy"] == route["error"]["hint"]
        assert pair[0].run("send", to, "x").code == code
        shown = pair[0].run("route", to)
        assert (shown.code, "remedy  " in shown.out) == (code, True)


def test_where_no_node_runs_a_route_fails_at_the_local_node(lone: Home) -> None:
    route = told(lone, "route", "rin", code=8)
    verdicts = {step["layer"]: step["verdict"] for step in route["steps"]}
    assert list(verdicts) == list(LAYERS)
    assert verdicts["local-node"] == "fail"
    assert set(verdicts.values()) == {"ok", "fail", "skipped"}
    assert route["remedy"] == "fleet up"
