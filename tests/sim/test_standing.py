"""What a node says of itself: what waits and for how long, its links, what failed, what it can be asked."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.checkers import check
from tests.support.host import SOCKET, Host
from tests.support.world import World, play_world


async def status(host: Host) -> Any:
    said = await host.call("status")
    assert said.exit == 0
    return said.result


async def ask(host: Host, call: str, args: dict[str, Any]) -> Any:
    return await host.call(call, **args)


def test_what_waits_is_counted_for_each_peer_and_agent_with_the_age_of_the_oldest() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",), policy="approval")
        await asyncio.sleep(0.1)
        for text in ("one", "two"):
            await white.call("send", to="rin@nova", text=text, wait="accepted")
            await asyncio.sleep(10)
        there = (await status(nova))["queues"]
        (waiting,) = there["waiting"]
        assert (waiting["agent"], waiting["count"], waiting["held"]) == ("rin", 2, {"approval": 2})
        assert 20 <= waiting["oldest_s"] < 21
        (held,) = there["held"]
        assert (held["reason"], held["count"]) == ("approval", 2)
        assert 20 <= held["oldest_s"] < 21

        nova.crash()
        await world.until(lambda: not white.up_node.peers.session(nova.node_id), "the link ended")
        for _ in range(3):
            await white.call("send", to="rin@nova", text="three", wait="queued")
        await asyncio.sleep(5)
        (queued,) = (await status(white))["queues"]["queued"]
        assert (queued["node"], queued["id"], queued["count"]) == ("nova", nova.node_id, 3)
        assert 5 <= queued["oldest_s"] < 6
        nova.up()
        await world.linked(white, nova)
        await asyncio.sleep(1)
        assert (await status(white))["queues"]["queued"] == []
        for letter in nova.up_node.store.inbox.open("rin"):
            await nova.call("cancel", id=letter.envelope.id)

    play_world(story, check)


def test_dead_letters_are_counted_with_the_age_of_the_oldest() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        await nova.call("start", name="rin", socket=SOCKET, command=("chat",))
        await asyncio.sleep(0.1)
        nova.crash()
        await white.call("send", to="rin@nova", text="late", wait="queued", expires_s=5.0)
        empty = {"count": 0, "oldest_s": None}
        assert (await status(white))["queues"]["dead"] == {"outbox": empty, "inbox": empty}
        await asyncio.sleep(60)
        dead = (await status(white))["queues"]["dead"]["outbox"]
        assert dead["count"] == 1
        assert 60 <= dead["oldest_s"] < 61

    play_world(story, check)


def test_a_peer_is_shown_with_its_link_and_with_what_went_wrong_last() -> None:
    async def story(world: World) -> None:
        white, nova = await world.fleet("white", "nova")
        (peer,) = (await status(white))["peers"]
        assert (peer["state"], peer["queued"], peer["backlog"]) == ("connected", 0, 0)
        assert peer["address"]
        assert peer["last_error"] is None
        stood = peer["since"]

        nova.crash()
        await asyncio.sleep(30)
        (peer,) = (await status(white))["peers"]
        assert (peer["state"], peer["address"], peer["backlog"]) == ("away", "", 0)
        assert peer["since"] == peer["last_seen"] > stood
        failed = peer["last_error"]
        assert (failed["code"], failed["layer"]) == ("node_unreachable", "network")
        assert failed["at"] > peer["since"]
        assert failed["message"] == peer["trouble"]

        nova.up()
        await world.linked(white, nova)
        (peer,) = (await status(white))["peers"]
        assert peer["state"] == "connected"
        assert not peer["trouble"]
        assert peer["last_error"]["at"] >= failed["at"], "what was wrong is still told"
        assert peer["since"] > peer["last_error"]["at"]

    play_world(story, check)


def test_a_node_is_ready_while_what_it_writes_stays_and_says_why_when_it_is_not() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        said = await white.call("health")
        assert (said.exit, said.result["live"], said.result["ready"]) == (0, True, True)
        assert said.result["why"] == []

        database = white.up_node.store.database
        database.rows("PRAGMA query_only = ON")
        said = await white.call("health")
        database.rows("PRAGMA query_only = OFF")
        assert (said.exit, said.result["ready"]) == (8, False)
        assert [one["layer"] for one in said.result["why"]] == ["store"]
        assert (await white.call("health")).result["ready"]

        white.up_node.stopping.set()
        assert [w["layer"] for w in (await white.call("health")).result["why"]] == ["local-node"]

    play_world(story, lambda _world: None)


def test_every_call_is_told_with_whom_it_is_for_and_what_it_takes() -> None:
    async def story(world: World) -> None:
        (white,) = await world.fleet("white")
        calls = {one["call"]: one for one in (await white.call("calls")).result}
        assert calls["status"] == {"call": "status", "for": "anyone", "args": []}
        assert calls["revoke"]["for"] == "operator"
        assert calls["revoke"]["args"] == [
            {"name": "node", "kind": "text", "required": True},
            {"name": "reason", "kind": "text", "required": False, "default": ""},
            {"name": "passphrase", "kind": "text", "required": False, "default": ""},
        ]
        assert calls["start"]["for"] == "spawner"
        kinds = {arg["name"]: arg["kind"] for arg in calls["start"]["args"]}
        assert (kinds["command"], kinds["hooks"]) == ("list of text", "true or false")
        assert "from" in {arg["name"] for arg in calls["send"]["args"]}, "as it is written"

        # What is told is what is read: each call refuses what it does not know how to take.
        for call, told in calls.items():
            for arg in told["args"]:
                given: dict[str, Any] = {a["name"]: "x" for a in told["args"] if a["required"]}
                given[arg["name"]] = {"not": "it"}
                said = await ask(white, call, given)
                assert said.error, f"{call} took anything as {arg['name']}"
                assert said.error["code"] == "malformed_request", (call, said.error)

    play_world(story, check)
