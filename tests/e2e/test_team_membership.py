"""A team on two real nodes, by the command line: applied from its file, joined and left."""

from __future__ import annotations

from pathlib import Path

from tests.support.homes import Home
from tests.support.promises import run, told

FILE = """
name = "web"
lead = "lead"
[roles.lead]
command = ["sleep", "1000"]
node = "white"
[roles.impl]
command = ["sleep", "1000"]
count = 2
node = "nova"
"""


def test_a_file_is_applied_after_a_yes_and_only_once(
    pair: tuple[Home, Home], tmp_path: Path
) -> None:
    white, _ = pair
    file = tmp_path / "team.toml"
    file.write_text(FILE)
    planned = run(white, "team", "plan", str(file))
    assert planned.code == 0
    assert "team web is new" in planned.out
    assert "role impl is new, with impl, impl-2 on nova (nova must accept it)" in planned.out
    unsaid = run(white, "team", "apply", str(file))
    assert unsaid.code == 2
    assert "fleet team apply --yes" in unsaid.err
    assert "web" not in run(white, "team", "ls").out
    done = told(white, "team", "apply", str(file), "--yes")
    assert (done["founds"], done["new"]) == (True, True)
    assert run(white, "team", "show", "web").code == 0
    again = run(white, "team", "apply", str(file))
    assert again.code == 0
    assert "nothing to write" in again.err
    file.write_text(FILE.replace("count = 2", "count = 1"))
    assert "roles.impl.count: 2 becomes 1" in run(white, "team", "apply", str(file), "--yes").out
    assert told(white, "team", "diff", str(file))["new"] is False


def test_a_node_is_invited_accepts_and_leaves(pair: tuple[Home, Home], tmp_path: Path) -> None:
    white, nova = pair
    file = tmp_path / "team.toml"
    text = FILE.replace('"web"', '"shop"').replace("count = 2", 'repository = "/src/shop.git"')
    file.write_text(text)
    told(white, "team", "apply", str(file), "--yes")
    assert told(white, "team", "invite", "shop", "nova", "--role", "lead", code=2)
    first = told(white, "team", "invite", "shop", "nova", "--expires", "10m")
    assert (first["roles"], first["told"]) == (["impl"], True)
    told(white, "team", "withdraw", first["id"][:8])
    assert told(nova, "team", "accept", first["id"], code=7)["code"] == "invitation_refused"
    said = run(white, "team", "invite", "shop", "nova")
    assert f"fleet team accept {said.out.strip()}" in said.err
    (asked,) = told(nova, "team", "invitations")
    assert (asked["id"], asked["by"]) == (said.out.strip(), "operator@white")
    listed = run(nova, "team", "invitations").out
    assert "role impl: up to 1 of sleep 1000, own of /src/shop.git; open to messages" in listed
    assert "grants operator@white message, observe, spawn on shop.* here" in listed
    assert told(nova, "team", "accept", asked["id"], code=2)["hint"].startswith("say it: --repo")
    place = f"shop={tmp_path}"
    assert run(nova, "team", "accept", asked["id"], "--repo", "shop=/no/where").code == 2
    assert told(nova, "team", "accept", asked["id"], "--repo", place)["state"] == "accepted"
    given = [one for one in told(nova, "grants") if one["agent"] == "shop.*"]
    assert [one["verbs"] for one in given] == [
        ["message", "observe", "spawn"], ["message", "observe"],
    ]  # fmt: skip
    assert "nova" in run(white, "team", "show", "shop").out
    left = told(nova, "team", "leave", "shop")
    assert (left["told"], left["members"]) == (True, [])
    assert not [one for one in told(nova, "grants") if one["agent"] == "shop.*"]
    assert told(white, "team", "remove", "shop", "nova", code=9)["code"] == "wrong_state"
    again = told(white, "team", "invite", "shop", "nova")
    declined = told(nova, "team", "decline", again["id"], "--reason", "no room")
    assert declined["state"] == "declined"
    assert told(nova, "team", "leave", "shop", code=9)
    assert told(white, "team", "drop", "shop", "impl", code=9)
    assert told(white, "team", "add", "shop", "nobody", "--role", "impl", code=3)
